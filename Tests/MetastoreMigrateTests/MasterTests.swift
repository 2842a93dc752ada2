internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MigrateSupport
internal import Testing

#if PostgreSQL
    internal import MetastorePostgreSQL
#endif

/// What a running master and the commands are to each other.
@Suite(.serialized, .timed) struct `A running master` {
    @Test func `keeps everybody from a file, and is named`() async throws {
        let rig = try await Rig(.file)
        let master = try await Metastore.open(try rig.source)
        for command in [["up", rig.url, "--yes"], ["rollback", rig.url, "--yes", "--backup", rig.url]] {
            let ending = try Tool.run(command + ["--lock-timeout", "0"])
            // This release's `up` has nothing to do, and needs nobody's leave for that.
            guard command[0] != "up" else {
                #expect(ending.code == 0, "\(ending.errors)")
                continue
            }
            #expect(ending.code == 75 && ending.errors.contains("process \(getpid())"), "\(ending.errors)")
        }
        var options = rig.options
        options.lockTimeout = .zero
        let chosen = options
        let refused = await failure { _ = try await rig.upgrade().up(chosen) { _ in } }
        #expect(refused?.status == .tryLater && refused?.description.contains("process \(getpid())") == true)
        #expect(refused?.description.contains(" on \(Rig.host) since 20") == true)
        try await master.keyValue.put("still/here", "1")
        await master.close()
    }

    #if PostgreSQL
        @Test func `of an older release on a server is told at its next write, and goes on reading`() async throws {
            let rig = try await Rig(.server)
            let master = try await Metastore.open(try rig.source)
            try await master.keyValue.put("during/it", "1")
            try await rig.up()
            let error = await #expect(throws: StoreError.self) { try await master.keyValue.put("after/it", "1") }
            guard case .schema? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect("\(error, default: "")".contains("metastore test"), "\(String(describing: error))")
            #expect(try await master.keyValue.get("during/it") != nil)
            #expect(try await master.keyValue.get("after/it") == nil)
            await master.close()
        }

        /// Who waited for the head row of the store that was put aside went on in the restored one: half a commit of a
        /// later time, and a head of another history.
        @Test func `on a server that waits while a rollback gives the names commits in one store or in none`()
            async throws
        {
            let rig = try await Rig(.server)
            let master = try await Metastore.open(try rig.source)
            try await master.keyValue.put("during/it", "1")
            let backup = rig.directory + "/backup.db"
            try await rig.upgrade().place.copy(to: backup, held: nil) { _, _, _, _ in }
            try await master.keyValue.put("later/it", "1")
            let copy = rig.url + "&schema=copied"
            let copying = try Tool.run(["copy", "--from", backup, "--to", copy])
            #expect(copying.code == 0, "\(copying.errors)")
            let engine = try PostgreSQLEngine(
                rig.url, schema: "copied", tls: .verified, password: nil, options: EngineOptions())
            defer { engine.close() }
            let waiting = LateWrite(master)
            _ = try engine.replace(schema: "metastore", keepingAs: "metastore_failed") { _, _ in
                waiting.start()
                let look = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                while try rig.ask(look) == "0" { usleep(1_000) }
            }
            let error = await waiting.error
            // It may have been committed in the restored store, as any other writer's; nothing of the later time was.
            #expect(try rig.upgrade().verify().findings.isEmpty, "\(String(describing: error))")
            #expect(try rig.upgrade(at: rig.url + "&schema=metastore_failed").verify().findings.isEmpty)
            await master.close()
            let store = try await Metastore.open(try rig.source)
            #expect(try await store.keyValue.get("later/it") == nil)
            #expect(try await store.verify().isClean)
            await store.close()
        }
    #endif
}

#if PostgreSQL
    /// A write that is begun from a closure that can't wait.
    private final class LateWrite: @unchecked Sendable {  // `task` is set once, before anybody reads it
        private let store: Metastore
        private var task: Task<(any Error)?, Never>?

        init(_ store: Metastore) { self.store = store }

        func start() {
            task = Task { [store] in
                do {
                    try await store.keyValue.put("waited/it", "1")
                    return nil
                } catch {
                    return error
                }
            }
        }

        var error: (any Error)? { get async { await task?.value } }
    }
#endif
