import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

/// Another process migrates a store that this one has open.
@Suite struct `A store that is migrated while it is open` {
    /// As a newer release would: a later schema, and who may write it.
    private func migrate(_ bench: Bench, minWriter: Int64) {
        bench.faults.arm(
            .begin,
            .run { connection in
                let present = try connection.first("SELECT schema_version FROM head WHERE id = 1") {
                    try $0.integer(0)
                }
                let later = (present ?? 0) + 1
                try connection.execute(
                    """
                    INSERT INTO schema_migrations (number, name, checksum, applied_by, host, applied_time, duration) \
                    VALUES (\(later), 'later', \([UInt8(0)]), 'metastore 9.9', 'h', \(Value.timestamp(0)), 0)
                    """)
                try connection.execute(
                    "UPDATE head SET schema_version = \(later), min_writer = \(minWriter) WHERE id = 1")
            })
    }

    @Test(arguments: TestEngine.allCases)
    func `in a way it doesn't know is not written any more, and says what to do`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await bench.store.keyValue.put("a/b", "1")
            let before = try await bench.store.info().revision
            migrate(bench, minWriter: 1_000)
            for value in ["2", "3"] {
                guard case .schema(let reason)? = await refusal({ try await bench.store.keyValue.put("a/b", value) })
                else {
                    Issue.record("it wrote what it doesn't know")
                    return
                }
                for part in ["metastore 9.9", "intact", "do not delete"] { #expect(reason.contains(part)) }
            }
            guard case .schema? = await refusal({ try await bench.store.lead(as: "m") { _ in } }) else {
                Issue.record("it leads what it doesn't know")
                return
            }
            #expect(try await bench.store.info().revision == before)
            #expect(try await bench.store.keyValue.get("a/b")?.value == Array("1".utf8), "it can still be read")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `in a way that only adds something is written on`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let known = try await bench.store.info().schema
            migrate(bench, minWriter: 1)
            for value in ["1", "2"] { try await bench.store.keyValue.put("a/b", value) }
            #expect(try await bench.store.info().schema == known + 1)
            migrate(bench, minWriter: 1_000)
            guard case .schema? = await refusal({ try await bench.store.keyValue.put("a/b", "3") }) else {
                Issue.record("it was asked once only")
                return
            }
        }
    }
}
