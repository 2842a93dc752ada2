#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        /// `pg_dump --schema=metastore`, as docs/OPERATIONS.md has it.
        @Suite(.serialized, .timed) struct `A dump of the schema` {
            @Test func `taken while masters write is the store as it was, and refuses who was further`() async throws {
                let server = try await blocking { try PostgreSQLServer(.answersOnly) }
                let (original, copy) = (try server.makeDatabase(), try server.makeDatabase())
                let store = try await Metastore.open(.postgresql(server.connection(to: original)))
                let load = Requests()
                let running = load.start(on: [store], writers: 4)
                #expect(await eventually { load.answers.count > 20 })
                let before = try await store.info().revision
                try await blocking { try server.dump("metastore", of: original, into: copy) }
                #expect(await eventually { load.answers.count > 40 })
                load.stop()
                await running.value
                try await store.keyValue.put("a/last", "x")
                let (end, last) = (try await store.info().revision, store.position)
                await store.close()

                let restored = try await Metastore.open(.postgresql(server.connection(to: copy)))
                let report = try await restored.verify()
                #expect(report.isClean, "\(report)")
                let found = try await restored.info().revision
                #expect(found >= before && found < end, "\(before) … \(found) … \(end)")
                let error = await refusal { for try await _ in restored.changes(after: last) { break } }
                #expect(error == .futureRevision(asked: end, head: found))
                let next = try await restored.keyValue.put("a/next", "x").revision
                #expect(next.rawValue == found.rawValue + 1)
                await restored.close()
                withExtendedLifetime(server) {}
            }
        }
    }
#endif
