import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Bytes that repeat are stored once` {
    /// The stored rows: holders, content bytes as stored, bytes as given.
    private func shelf(_ bench: Bench) async throws -> [[Int64]] {
        let rows = Rows()
        bench.faults.arm(
            .begin,
            .run { connection in
                rows.set(
                    try connection.all("SELECT holders, length(content), size FROM documents ORDER BY size") { row in
                        [try row.integer(0), try row.integer(1), try row.integer(2)]
                    })
            })
        _ = try await bench.store.write { tx in tx.revision }
        return rows.value
    }

    @Test(arguments: TestEngine.allCases)
    func `counted by their holders and gone with the last`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let (config, definition): (JSONObject, [UInt8]) = (["a": 1], Array("{\"a\":1}".utf8))
            let ids = try await store.write { tx in
                try (0..<3).map { number in
                    let made = try tx.experiments.create(
                        NewExperiment(
                            name: "\(number)", config: config, modelDefinition: number == 0 ? definition : nil,
                            startsActive: true))
                    try tx.experiments.transition(made.id, to: .error)
                    return made.id
                }
            }
            #expect(try await shelf(bench) == [[4, 7, 7]], "a config and a definition of the same bytes are one")
            let documents = try await store.commits().flatMap(\.changes).filter { $0.kind == .document }
            #expect(documents.count == 1)
            let hash = try await store.experiments.get(ids[0]).config
            #expect(try await store.documents.content(of: hash) == definition)
            for (id, holders) in zip(ids, [[[2, 7, 7]], [[1, 7, 7]], []] as [[[Int64]]]) {
                try await store.experiments.delete(id)
                #expect(try await shelf(bench) == holders)
            }
            #expect(
                await refusal { try await store.documents.content(of: hash) } == .notFound(path: "documents/\(hash)"))
            let last = try #require(try await store.commits().last)
            guard case .document(let gone)? = last.changes.last else {
                Issue.record("its deletion is in the log")
                return
            }
            #expect(gone.operation == .deleted && gone.before?.content == definition)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `compressed when that pays, as they are when it doesn't`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            var random = Seeded("noise")
            let noise = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = [UInt8](repeating: 65, count: 30_000)
            let ids = try await bench.store.write { tx in
                try [noise, text].map { bytes in
                    try tx.experiments.create(NewExperiment(name: "a", config: [:], modelDefinition: bytes)).id
                }
            }
            let rows = try await shelf(bench)
            #expect(rows[0] == [2, 2, 2] && rows[1] == [1, 20_000, 20_000])
            #expect(rows[2][1] < 1_000 && rows[2][2] == 30_000)
            if engine.isLasting { try await bench.reopen() }
            for (id, bytes) in zip(ids, [noise, text]) {
                #expect(try await bench.store.read { try $0.experiments.modelDefinition(id) } == bytes)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `also metrics too large for a row, which read back as if they stood in it`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let big = Metrics(canonical: "{\"\(String(repeating: "n", count: Limits.inlineMetricsBytes))\":1}")
            let first = try await bench.store.write { tx in
                let trial = try tx.aTrial()
                let reports = (1...2 as ClosedRange<Int64>).map { step in
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: step, kind: .runStep, totalBatches: step, metrics: big)
                }
                let stored = try reports.map { try tx.workloads.report($0) }
                #expect(stored.allSatisfy { $0.metrics == nil && $0.metricsDocument == stored[0].metricsDocument })
                #expect(try tx.workloads.metrics(stored[1].id) == big)
                #expect(try tx.workloads.report(reports[0]) == stored[0], "a repetition is one")
                var other = reports[0]
                other.metrics = ["loss": 1]
                let error = refused { try tx.workloads.report(other) }
                #expect(error == .reportConflict(path: stored[0].recordKey.path, field: "metrics"))
                return stored[0]
            }
            #expect(first.metricsDocument != nil)
            #expect(try await shelf(bench).last?.first == 2)
        }
    }
}
