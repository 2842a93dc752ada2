#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `A feed of some kinds while two handles write` {
            /// Broke: what the other had committed right before a commit of its own a handle took for known, and passed
            /// over.
            @Test func `misses nothing of the other's, whose commits come between its own`() async throws {
                let server = try PostgreSQLServer(.answersOnly)
                let place = EngineSource.place(server.url(try server.makeDatabase()))
                let (ours, other) = (try await Metastore.open(place), try await Metastore.open(place))
                let count = 200
                let start = ours.position
                let watcher = Task {
                    var seen: [String] = []
                    for try await change in ours.changes(after: start, of: .pools) {
                        guard case .pool(let pool) = change, let name = pool.after?.name else { continue }
                        seen.append(name)
                        if seen.count == count { break }
                    }
                    return seen
                }
                for number in 0..<count {
                    async let theirs = other.write { tx in
                        _ = try tx.pools.put(NewPool(name: "pool-\(number)"))
                    }
                    for step in 0..<4 { try await ours.keyValue.put(EntryKey("ours/\(step)"), "\(number)") }
                    try await theirs
                }
                let limit = Task {
                    try await Task.sleep(for: .seconds(20))
                    watcher.cancel()
                }
                let seen = await watcher.result
                limit.cancel()
                #expect(try seen.get() == (0..<count).map { "pool-\($0)" })
                for store in [ours, other] { await store.close() }
            }
        }
    }
#endif
