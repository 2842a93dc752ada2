internal import Metastore
internal import MetastoreModel

/// Moves the experiment on: takes what agents report and what becomes of them from the feed, tells the
/// simulation, and writes what it decides.
///
/// Invariant 1: results, new trials, next workloads, restarts, the snapshot and the consumer's own position
/// are one transaction. So the snapshot tells at every moment of exactly the rows beside it.
struct ExperimentConsumer: Sendable {
    static let name = "experiment"

    let context: ExperimentContext
    let observer: @Sendable (MasterNews) -> Void

    /// One event that was taken, and what followed.
    private struct Step: Sendable {
        let decisions: [Decision]
        let metrics: NamedValues<Double>
        let after: Simulation
    }

    /// Runs until it is cancelled.
    func run(from simulation: Simulation) async throws {
        var simulation = simulation
        for try await batch in context.store.changes(as: Self.name, of: .keyValue, .agents) {
            let before = simulation
            let steps = try await batch.commit { batch, tx in
                var steps: [Step] = []
                for change in batch.changes {
                    if let step = try take(change, at: steps.last?.after ?? before, tx) { steps.append(step) }
                }
                return steps
            }
            for step in steps {
                simulation = step.after
                observer(.moved(step.decisions, metrics: step.metrics, step.after))
            }
        }
    }

    /// Takes the event a change tells of; nil if it tells of none that is due: an old report, or an agent
    /// that registers for the first time.
    private func take(
        _ change: Change, at before: Simulation, _ tx: borrowing Transaction
    ) throws -> Step? {
        guard let next = before.next else { return nil }
        let report = try report(in: change)
        switch next {
        case .workloadCompleted(let key, _):
            guard let report, report.event == before.state.eventCount, report.key == key else { return nil }
        case .agentLost(let agent, _, _):
            guard case .agent(let found) = change, found.after?.id == AgentName.of(agent),
                found.after?.state == .gone, found.before?.state != .gone
            else { return nil }
        case .agentReturned(let agent, _):
            guard case .agent(let found) = change, found.after?.id == AgentName.of(agent),
                found.after?.state == .active, found.before?.state == .gone
            else { return nil }
        }
        var after = before
        let metrics = report?.metrics?.values ?? [:]
        var metric: Double?
        if report?.key.kind == .validate { metric = metrics[context.configuration.searcher.metric] ?? .nan }
        let decisions = try after.apply(next, metric: metric)
        let writer = DecisionWriter(context: context, report: report)
        for decision in decisions { try writer.write(decision, tx) }
        try writer.write(after.state, tx)
        return Step(decisions: decisions, metrics: metrics, after: after)
    }

    private func report(in change: Change) throws -> AgentReport? {
        guard case .keyValue(let found) = change, let entry = found.after,
            entry.namespace == AgentReport.namespace, entry.key == "\(context.experiment)"
        else { return nil }
        return try AgentReport(entry.value)
    }
}
