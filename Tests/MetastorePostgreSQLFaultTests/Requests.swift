#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreModel
    internal import Synchronization
    internal import Testing

    /// Writers that repeat each request, with its operation id, until it is answered.
    final class Requests: Sendable {
        private struct State {
            var isStopped = false
            var answers: [Request: Answer] = [:]
            var outcomes: [String: Int] = [:]
        }

        private let state = Mutex(State())

        /// Runs until stopped, and until every request is answered.
        func start(on stores: [Metastore], writers: Int) -> Task<Void, Never> {
            Task {
                await withTaskGroup(of: Void.self) { group in
                    for writer in 0..<writers {
                        group.addTask { await self.write(stores[writer % stores.count], writer) }
                    }
                }
            }
        }

        func stop() { state.withLock { $0.isStopped = true } }

        private func count(_ outcome: String) { state.withLock { $0.outcomes[outcome, default: 0] += 1 } }

        private func write(_ store: Metastore, _ writer: Int) async {
            while !state.withLock({ $0.isStopped }) {
                let request = Request(operation: OperationID().uuid, writer: writer, trials: 1)
                do {
                    let answer = try await settle(request, store)
                    state.withLock { $0.answers[request] = answer }
                } catch {
                    Issue.record("\(request): \(error)")
                    return
                }
            }
        }

        private func settle(_ request: Request, _ store: Metastore) async throws -> Answer {
            let deadline = ContinuousClock.now + .seconds(60)
            var unknown = false
            while true {
                do {
                    // What is there after an unknown outcome is what repeating it answers.
                    let found = unknown ? try await store.keyValue.get(EntryKey("marks/\(request.name)"))?.text : nil
                    let answer = try await store.perform(request)
                    if unknown { count(found == nil ? "unknown, not applied" : "unknown, applied") }
                    if let found { #expect(answer.description == found) }
                    count("acknowledged")
                    return answer
                } catch let error as StoreError where ContinuousClock.now < deadline {
                    switch error.label {
                    case "outcomeUnknown": unknown = true
                    case "unavailable", "notApplied": count(error.label)
                    default: throw error
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }

        var answers: [Request: Answer] { state.withLock { $0.answers } }

        /// "acknowledged 812, unavailable 6, …"
        var inWords: String { state.withLock { $0.outcomes.inWords } }

        /// Every request is there exactly once, as it was answered.
        func verify(_ store: Metastore) async throws {
            let answers = answers
            #expect(!answers.isEmpty)
            var counts: [Int: Int] = [:]
            for (request, answer) in answers {
                counts[request.writer, default: 0] += 1
                let mark = try await store.keyValue.get(EntryKey("marks/\(request.name)"))
                #expect(mark?.text == answer.description, "\(request) was acknowledged")
            }
            for (writer, count) in counts {
                #expect(try await store.number(EntryKey("counters/\(writer)")) == count)
            }
            let report = try await store.verify()
            #expect(report.isClean, "\(report)")
        }

        /// The feed told of every request, at the revision that was answered.
        func compare(with seen: [String: Revision]) {
            let wrong = answers.filter { seen["kv/marks/\($0.key.name)"]?.rawValue != $0.value.revision }
            #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
        }
    }
#endif
