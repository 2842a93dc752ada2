internal import FaultLoad
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import Migrations
internal import Testing

extension Rig {
    /// Three trials, of which the second reported more often than one step of a backfill reads.
    static let rows: Int64 = 1_260

    /// What trials reported.
    func report() async throws {
        try await withStore { store in
            try await store.write { tx in
                for (trial, steps) in [(1, 30), (2, 1_200), (3, 30)] as [(Int64, Int64)] {
                    for step in 1...steps {
                        try tx.workloads.report(
                            WorkloadReport(
                                trial: ID(rawValue: trial), generation: 0, step: step, kind: .runStep,
                                totalBatches: step * 100,
                                metrics: ["loss": step % 50 == 7 ? .nan : 1 / Double(step + trial), "step": 1]))
                    }
                }
            }
        }
    }

    /// Makes it a store of schema 1, with reports.
    func makeOld() async throws {
        try await report()
        try source.goBackToFirstSchema()
    }

    /// Leaves it as the upgrade does: nothing is filled in yet.
    ///
    /// - Parameter limit: so many rows a second.
    func forget(rowsPerSecond limit: Int64 = 100_000) throws { try source.forgetSummaries(rowsPerSecond: limit) }

    /// The commands as the tool has them: with this release's steps and no others.
    var released: Upgrade { get throws { try released() } }

    func released(at place: String? = nil) throws -> Upgrade { try upgrade(catalogue, at: place) }

    func progress() throws -> BackfillEntry { try released.backfillStatus().backfills[0] }
}

/// Waits until it is so; fails the test when it isn't after a long time.
func eventually(
    _ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("it didn't come to be", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
