#if PostgreSQL
    import Metastore
    import MetastorePostgreSQL
    import Testing

    /// The README's line for PostgreSQL, word for word; its servers are nobody's.
    @Suite struct `The README's servers` {
        @Test func `don't answer, and that is what is said`() async throws {
            do {
                try await run { "a token" }
                Issue.record("there is no such server")
            } catch StoreError.unavailable(let place, let reason) {
                #expect(place.contains("db1.example"))
                #expect(!place.contains("a token") && !reason.contains("a token"))
            }
        }

        private func run(_ token: @escaping @Sendable () async throws -> String) async throws {
            let store = try await Metastore.open(
                .postgresql("postgresql://metastore@db1.example,db2.example/training", password: token))
            await store.close()
        }
    }
#endif
