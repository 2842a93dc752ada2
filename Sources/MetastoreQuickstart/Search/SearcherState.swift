/// A search in progress: single, random, grid and asynchronous halving (ASHA: Li et al., "A System for
/// Massively Parallel Hyperparameter Tuning", MLSys 2020) in one machine. The first three are a halving with
/// one rung.
///
/// The state is a value. It goes into the experiment's snapshot, in the transaction of the results it speaks
/// of.
///
/// Invariants
/// 1. What it asks for is a function of the plan and of the events in the order they came; nothing else.
/// 2. An event that was already told changes nothing and asks for nothing. A validation is known by (request
///    id, batches): only the one a trial was last sent to counts.
/// 3. At most `maxConcurrentTrials` trials are on their way to a validation.
/// 4. Of a rung with n entries at most the first n / divisor go on, best first, ties by request id; a metric
///    that isn't finite is an entry like any other, ranks last, and never goes on.
/// 5. `shutdown` is asked for once, after the last trial was closed.
/// 6. Its size is that of the live trials, and for halving one entry for each trial of a rung.
package struct SearcherState: Codable, Hashable, Sendable {
    private var started = false
    private var finished = false
    /// Trials asked for so far.
    package private(set) var created = 0
    /// Trials that ended, however they did.
    package private(set) var closed = 0
    private var live: [RequestID: LiveTrial] = [:]
    private var rungs: [[RungEntry]] = []

    private struct LiveTrial: Codable, Hashable, Sendable {
        var rung = 0
        var phase = Phase.asked
    }

    private enum Phase: Codable, Hashable, Sendable {
        /// Asked for; not yet there.
        case asked
        /// On its way to a validation.
        case training
        /// Validated, and not (yet) good enough to go on.
        case waiting
        /// Asked to end.
        case closing
    }

    private struct RungEntry: Codable, Hashable, Sendable {
        let request: RequestID
        /// Nil when it wasn't finite, or never came.
        let metric: Double?
    }

    package init() {}

    /// Whether the search is over.
    package var isFinished: Bool { finished }

    /// Whether this can be a state of that plan's search.
    func fits(_ plan: SearchPlan) -> Bool {
        let count = plan.method.lengths.count
        return created <= plan.method.trials && live.values.allSatisfy { (0..<count).contains($0.rung) }
            && (rungs.isEmpty ? count == 1 || !started : rungs.count == count)
    }

    /// How far the search is, 0…1: the share of its trials that ended, or for halving that got past the first
    /// rung or ended.
    package func progress(under plan: SearchPlan) -> Double {
        guard !finished else { return 1 }
        let measured = rungs.first.map { max($0.count, closed) } ?? closed
        return min(1, Double(measured) / Double(plan.method.trials))
    }

    /// Takes one event and says what is wanted now.
    package mutating func apply(_ event: SearcherEvent, under plan: SearchPlan) -> [SearcherOperation] {
        guard !finished else { return [] }
        switch event {
        case .started:
            guard !started else { return [] }
            started = true
            if plan.method.lengths.count > 1 { rungs = plan.method.lengths.map { _ in [] } }
            return fill(plan)
        case .trialCreated(let request):
            guard let trial = live[request], trial.phase == .asked else { return [] }
            live[request]?.phase = .training
            return [.train(request, toBatches: plan.method.lengths[trial.rung])]
        case .validationCompleted(let request, let metric, let batches):
            return validated(request, metric, batches, plan)
        case .trialClosed(let request):
            return ended(request, plan)
        case .trialExitedEarly(let request, _):
            if let trial = live[request], trial.phase == .asked || trial.phase == .training {
                enter(request, nil, rung: trial.rung, plan)
            }
            return ended(request, plan)
        }
    }

    private mutating func validated(
        _ request: RequestID, _ metric: Double, _ batches: Int, _ plan: SearchPlan
    ) -> [SearcherOperation] {
        let lengths = plan.method.lengths
        guard let trial = live[request], trial.phase == .training, lengths[trial.rung] == batches else {
            return []
        }
        enter(request, metric.isFinite ? metric : nil, rung: trial.rung, plan)
        let goesOn = metric.isFinite && trial.rung + 1 < lengths.count
        live[request]?.phase = goesOn ? .waiting : .closing
        return (goesOn ? [] : [.close(request)]) + fill(plan)
    }

    private mutating func ended(_ request: RequestID, _ plan: SearchPlan) -> [SearcherOperation] {
        guard live.removeValue(forKey: request) != nil else { return [] }
        closed += 1
        return fill(plan)
    }

    /// Puts a result in its place on a rung (invariant 4).
    private mutating func enter(_ request: RequestID, _ metric: Double?, rung: Int, _ plan: SearchPlan) {
        guard rungs.indices.contains(rung) else { return }
        let entry = RungEntry(request: request, metric: metric)
        let place = rungs[rung].firstIndex { Self.ranks(entry, before: $0, plan) } ?? rungs[rung].endIndex
        rungs[rung].insert(entry, at: place)
    }

    private static func ranks(_ left: RungEntry, before right: RungEntry, _ plan: SearchPlan) -> Bool {
        switch (left.metric, right.metric) {
        case (let a?, let b?) where a != b: plan.beats(a, b)
        case (_?, nil): true
        case (nil, _?): false
        default: left.request < right.request
        }
    }

    /// Puts free places to use: first with trials that may go on, from the highest rung down, then with new
    /// ones. When nothing is on its way and nothing can be, ends what waits, and at last the search
    /// (invariants 3 and 5).
    private mutating func fill(_ plan: SearchPlan) -> [SearcherOperation] {
        var operations: [SearcherOperation] = []
        var running = live.values.count { $0.phase == .asked || $0.phase == .training }
        while running < plan.maxConcurrentTrials {
            if let request = promotable(plan), let rung = live[request]?.rung {
                live[request] = LiveTrial(rung: rung + 1, phase: .training)
                operations.append(.train(request, toBatches: plan.method.lengths[rung + 1]))
            } else if created < plan.method.trials {
                let request = plan.requestID(created)
                live[request] = LiveTrial()
                operations.append(.create(request, ordinal: created, plan.hyperparameters(of: created)))
                created += 1
            } else {
                break
            }
            running += 1
        }
        guard running == 0 else { return operations }
        for request in live.filter({ $0.value.phase == .waiting }).keys.sorted() {
            live[request]?.phase = .closing
            operations.append(.close(request))
        }
        if live.isEmpty {
            finished = true
            operations.append(.shutdown)
        }
        return operations
    }

    /// The best trial that has earned the next rung and isn't there yet.
    private func promotable(_ plan: SearchPlan) -> RequestID? {
        for (rung, entries) in rungs.enumerated().dropLast().reversed() {
            let best = entries.prefix(entries.count / plan.method.divisor)
            let found = best.first { entry in
                // One whose metric isn't finite never waits: it was asked to end.
                live[entry.request].map { $0.rung == rung && $0.phase == .waiting } ?? false
            }
            if let found { return found.request }
        }
        return nil
    }
}

extension SearcherState: SnapshotState {
    package static let kind = "searcher"
    package static let version = 1
}
