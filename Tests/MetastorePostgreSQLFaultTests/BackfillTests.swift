#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Glibc
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `A backfill that several processes could do` {
            @Test func `is done once, whoever of them is killed`() async throws {
                let server = try PostgreSQLServer()
                let url = server.url(try server.makeDatabase())
                let old = try await OldTrials(at: .place(url), rowsPerSecond: 400)
                var random = Scale.random(41)
                var processes: [CrashProcess] = []
                func begin() throws {
                    let process = try CrashProcess("serve")
                    #expect(try process.ask("open \(url)").hasPrefix("ok"))
                    processes.append(process)
                }
                for _ in 0..<2 { try begin() }
                var readOnly = StoreOptions()
                readOnly.engine.isReadOnly = true
                let store = try await Metastore.open(.place(url), readOnly)
                var rows: Int64 = 0
                for kill in 0..<2 {
                    usleep(UInt32.random(in: 0...1_500_000, using: &random))
                    processes.removeFirst().kill()
                    try begin()
                    #expect(try await old.differences(in: store) == [], "after kill \(kill)")
                    let progress = try await store.backfills()[0]
                    #expect(progress.rowsDone >= rows, "what is done stays done")
                    rows = progress.rowsDone
                }
                let isDone = try await eventually(within: .seconds(120)) {
                    try await store.backfills().allSatisfy { $0.state == .done }
                }
                #expect(isDone)
                #expect(try await store.backfills().map(\.rowsDone) == [old.rows], "no row twice")
                #expect(try await old.differences(in: store) == [])
                let found = try await store.verify()
                #expect(found.isClean, "\(found)")
                await store.close()
            }
        }
    }
#endif
