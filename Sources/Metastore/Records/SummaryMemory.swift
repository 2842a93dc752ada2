// Invariants
// 1. What is here is what the rows say as the running batch sees them: a row that was written, and a batch that was not
//    committed, is forgotten or known.
// 2. It holds at most Limits.rememberedSummaries trials, of few names each.

internal import MetastoreModel

/// The summaries that were written last: a trial that reports again needn't read its row again.
///
/// Used by the writer's thread alone.
final class SummaryMemory {
    private var kept: [ID<Trial>: TrialSummaries] = [:]
    /// Written by the running batch.
    private var changed: [ID<Trial>: TrialSummaries] = [:]

    /// - Parameter isOurs: nobody else has written since the last batch.
    func beginBatch(isOurs: Bool) {
        if !isOurs || !changed.isEmpty { forgetAll() }
    }

    /// Gives it away: whoever changes it has it for himself, and puts back what he has written.
    func take(_ trial: ID<Trial>) -> TrialSummaries? {
        let last = kept.removeValue(forKey: trial)
        return changed.removeValue(forKey: trial) ?? last
    }

    func keep(_ summaries: TrialSummaries, of trial: ID<Trial>) {
        kept[trial] = nil
        changed[trial] = summaries.summaries.count <= Limits.rememberedNames ? summaries : nil
    }

    func undo() {
        if !changed.isEmpty { forgetAll() }
    }

    func commit() {
        guard !changed.isEmpty else { return }
        if kept.count + changed.count > Limits.rememberedSummaries { kept.removeAll(keepingCapacity: true) }
        for (trial, summaries) in changed { kept[trial] = summaries }
        changed.removeAll(keepingCapacity: true)
    }

    private func forgetAll() {
        kept.removeAll(keepingCapacity: true)
        changed.removeAll(keepingCapacity: true)
    }
}
