#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `Every call is answered within its bound` {
            static let bound = Duration.seconds(1)
            /// What a busy machine may add to it.
            static let slack = Duration.milliseconds(700)

            @Test func `by a server that froze`() async throws {
                let server = try PostgreSQLServer(.answersOnly)
                let store = try await Metastore.open(
                    .place(server.url(try server.makeDatabase())), .bound(Self.bound))
                try await attempt(store, "frozen", cut: { server.freeze() }, heal: { server.thaw() })
            }

            /// Packets are dropped without a word, both ways.
            @Test(.enabled(if: isRoot)) func `across a network that parted`() async throws {
                var options = ServerOptions.answersOnly
                options.listensOnLoopback = true
                let server = try PostgreSQLServer(options)
                let store = try await Metastore.open(
                    .place(server.url(try server.makeDatabase(), over: .loopback)), .bound(Self.bound))
                let filter = PacketFilter(port: server.port)
                try await attempt(store, "parted", cut: { try filter.cut() }, heal: { filter.heal() })
            }

            private func attempt(
                _ store: Metastore, _ name: String, cut: @escaping @Sendable () throws -> Void,
                heal: @escaping @Sendable () -> Void
            ) async throws {
                let follower = try await Follower(store)
                var outcomes: [String: Int] = [:]
                var longest = Duration.zero
                var healing = Duration.zero
                try await store.keyValue.put("a/last", "0")
                for round in 1...10 {
                    try await blocking(cut)
                    // The first finds connections that look well; another finds none, every other time.
                    for _ in 0...round % 2 {
                        for call in await calls(store, round) {
                            outcomes[call.outcome, default: 0] += 1
                            longest = max(longest, call.time)
                            #expect(call.time < Self.bound + Self.slack, "\(call.outcome) after \(call.time)")
                        }
                    }
                    try await blocking(heal)
                    let began = ContinuousClock.now
                    let last = try await written(store, round)
                    #expect(
                        await eventually { follower.last >= last }, "\(String(describing: follower.failure))")
                    healing = max(healing, ContinuousClock.now - began)
                }
                #expect(try await follower.catchUp(store), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps)")
                #expect(
                    outcomes.keys.allSatisfy {
                        ["outcomeUnknown", "unavailable"].contains($0.split(separator: " ")[1])
                    })
                let report = try await store.verify()
                #expect(report.isClean, "\(report)")
                print(
                    """
                    10 times \(name): \(outcomes.inWords); the longest call took \(longest.inMilliseconds) ms of \
                    \(Self.bound.inMilliseconds), the feed healed within \(healing.inMilliseconds) ms, interrupted \
                    \(follower.interruptions) times
                    """)
                await store.close()
            }

            private struct Call: Sendable {
                let outcome: String
                let time: Duration
            }

            /// Writes and reads of several kinds at once.
            private func calls(_ store: Metastore, _ round: Int) async -> [Call] {
                let all: [(String, @Sendable () async throws -> Void)] = [
                    ("write", { try await store.keyValue.put("a/b", "\(round)") }),
                    ("write", { try await store.keyValue.put("a/c", "\(round)") }),
                    ("read", { _ = try await store.keyValue.get("a/b") }),
                    ("read", { _ = try await store.read { try $0.keyValue.get("a/b") } }),
                    ("read", { _ = try await store.info() }),
                ]
                return await withTaskGroup(of: Call.self) { group in
                    for (name, body) in all {
                        group.addTask {
                            let began = ContinuousClock.now
                            var outcome = "answered"
                            do {
                                try await body()
                            } catch {
                                outcome = (error as? StoreError)?.label ?? "\(error)"
                            }
                            return Call(outcome: "\(name) \(outcome)", time: ContinuousClock.now - began)
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }

            /// Writes until the server answers again.
            private func written(_ store: Metastore, _ round: Int) async throws -> Revision {
                let deadline = ContinuousClock.now + .seconds(20)
                while true {
                    do {
                        return try await store.keyValue.put("a/last", "\(round)").revision
                    } catch let error as StoreError where ContinuousClock.now < deadline {
                        guard ["outcomeUnknown", "unavailable"].contains(error.label) else { throw error }
                    }
                }
            }
        }
    }

    /// Drops every packet to and from a port of the loopback.
    private final class PacketFilter: Sendable {
        private let rules: [[String]]

        init(port: UInt16) {
            rules = ["--dport", "--sport"].map { side in
                ["INPUT", "-i", "lo", "-p", "tcp", side, "\(port)", "-j", "DROP"]
            }
        }

        deinit { heal() }

        func cut() throws { for rule in rules { try change("-I", rule) } }

        /// Also where nothing was cut.
        func heal() { for rule in rules { try? change("-D", rule) } }

        private func change(_ verb: String, _ rule: [String]) throws {
            _ = try run(["/usr/sbin/iptables", "-w", verb] + rule, environment: [:], within: .seconds(10))
        }
    }
#endif
