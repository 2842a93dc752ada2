internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    @Suite(.serialized, .timed) struct `A writing process killed at any moment` {
        /// One database through all cycles, so that each opens what the one before left. Every other cycle only looks
        /// through a read-only handle, so that the next process opens a store that nobody closed.
        @Test func `loses nothing it acknowledged and leaves nothing half there`() async throws {
            let cycles = Scale.of(1_000)
            // How often every row is looked at again: the database grows.
            let rows = max(10, cycles / 20)
            var random = Scale.random(1)
            let place = try Place()
            var ledger = Ledger()
            let began = ContinuousClock.now
            for cycle in 0..<cycles {
                let process = try CrashProcess("write", place.path, "\(random.next() % 1_000_000)")
                // Three of four while it writes, one of four from its very start.
                if cycle % 4 != 3 { _ = try process.line() }
                usleep(UInt32.random(in: 0...25_000, using: &random))
                process.kill()
                let heard = Heard(try process.rest())
                #expect(heard.errors.isEmpty, "cycle \(cycle): \(heard.errors)")
                ledger.note(heard)
                guard try place.names().contains("metastore.db") else {
                    #expect(heard.requests.isEmpty)
                    continue
                }
                let isWriting = cycle % 2 == 1 || cycle == cycles - 1
                let store = try await Metastore.open(.smallLog(place.path), isWriting ? StoreOptions() : readOnly)
                do {
                    try await ledger.look(at: store)
                    if isWriting { try await ledger.settle(store) }
                    try await ledger.verify(store, completely: cycle % rows == rows - 1 || cycle == cycles - 1)
                } catch {
                    Issue.record("cycle \(cycle): \(error)")
                }
                await store.close()
            }
            let time = ContinuousClock.now - began
            print(
                "\(cycles) kills: \(ledger.acknowledged) acknowledged, \(ledger.unanswered) unanswered of which ",
                "\(ledger.appliedUnanswered) were applied; \((time / cycles).inMilliseconds) ms a cycle", separator: "")
            #expect(ledger.acknowledged > 0)
        }

        @Test func `while creating leaves a store or nothing`() async throws {
            let cycles = Scale.of(200)
            var random = Scale.random(2)
            var (nothing, whole) = (0, 0)
            let began = ContinuousClock.now
            let first = try Place()
            _ = try CrashProcess("write", first.path, "1").line()
            let duration = UInt32((ContinuousClock.now - began).inMilliseconds) * 1_000
            for _ in 0..<cycles {
                let place = try Place()
                let process = try CrashProcess("write", place.path, "1")
                usleep(UInt32.random(in: 0...duration * 5 / 4, using: &random))
                process.kill()
                let heard = Heard(try process.rest())
                if try place.names().contains("metastore.db") { whole += 1 } else { nothing += 1 }
                let store = try await Metastore.open(.smallLog(place.path))
                var ledger = Ledger()
                ledger.note(heard)
                try await ledger.look(at: store)
                try await ledger.settle(store)
                try await ledger.verify(store, completely: true)
                #expect(try !place.names().contains { $0.contains(".creating") && !$0.contains(".head") })
                await store.close()
            }
            print("\(cycles) creations: \(whole) were there, \(nothing) were not")
        }
    }
}

/// What a process said before it ended.
struct Heard {
    var requests: [Request] = []
    var answers: [Request: Answer] = [:]
    var errors: [String] = []

    init(_ lines: [String]) {
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "try": if let request = Request(words[1]) { requests.append(request) }
            case "ack":
                if let request = Request(words[1]), let answer = Answer(words[2]) { answers[request] = answer }
            case "error": errors.append(line)
            default: break
            }
        }
    }
}

/// What must be in the store, by what the killed processes said.
struct Ledger {
    private var requests: [Request] = []
    private var answers: [Request: Answer] = [:]
    /// Those sent since the last look, and those whose outcome nobody knows yet.
    private var recent: [Request] = []
    private var open: [Request] = []
    private var verified = Revision.absent
    private(set) var acknowledged = 0
    private(set) var unanswered = 0
    private(set) var appliedUnanswered = 0

    mutating func note(_ heard: Heard) {
        recent = heard.requests
        requests += heard.requests
        answers.merge(heard.answers) { $1 }
        acknowledged += heard.answers.count
        let unknown = heard.requests.filter { heard.answers[$0] == nil }
        unanswered += unknown.count
        open += unknown
    }

    /// Without writing: every request is there as a whole or not at all, and the acknowledged ones are there.
    mutating func look(at store: Metastore) async throws {
        for request in recent {
            let found = try await Self.find(request, store)
            if let answer = answers[request] {
                #expect(found == answer, "acknowledged, but not as it was answered: \(request)")
            } else if found != nil {
                appliedUnanswered += 1
            }
        }
    }

    /// The answer that the rows of a request spell; nil when none of them is there.
    private static func find(_ request: Request, _ store: Metastore) async throws -> Answer? {
        try await store.read { snapshot in
            let experiment = try snapshot.experiments.find(externalID: request.name)
            let mark = try snapshot.keyValue.get(EntryKey("marks/\(request.name)"))
            guard let experiment, let mark, let answer = Answer(mark.text) else {
                #expect(experiment == nil && mark == nil, "half of \(request) is there")
                return nil
            }
            let trials = try snapshot.trials.list(of: experiment.id).records
            #expect(trials.count == request.trials)
            let revisions = Set(trials.map(\.revision.rawValue) + [mark.revision.rawValue, answer.revision])
            #expect(revisions == [answer.revision], "\(request) is spread over \(revisions)")
            #expect(experiment.id.rawValue == answer.experiment)
            return answer
        }
    }

    /// Repeats what was asked, and lets the consumer catch up: everything asked is then there exactly once.
    mutating func settle(_ store: Metastore) async throws {
        for request in open {
            let before = try await Self.find(request, store)
            let answer = try await store.perform(request)
            #expect(before == nil || before == answer)
            answers[request] = answer
        }
        open = []
        for request in recent.suffix(8) {
            #expect(try await store.perform(request) == answers[request])
        }
        let expected = requests.count
        let consumer = Task { try await store.consume() }
        let deadline = ContinuousClock.now + .seconds(20)
        while try await store.number("effects/all") < expected, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
        consumer.cancel()
        #expect(try await store.number("effects/all") == expected)
        for request in recent {
            guard let answer = answers[request] else { continue }
            #expect(try await store.number(EntryKey("effects/\(answer.experiment)")) == 1)
        }
        for writer in 0..<4 {
            let made = requests.count { $0.writer == writer }
            #expect(try await store.number(EntryKey("counters/\(writer)")) == made)
        }
    }

    /// The log, and when asked to every row, against their checksums.
    mutating func verify(_ store: Metastore, completely: Bool) async throws {
        let found = try await completely ? store.verify() : store.verifyLog(after: verified)
        #expect(found.isClean, "\(found)")
        #expect(found.revision >= verified)
        verified = found.revision
    }
}
