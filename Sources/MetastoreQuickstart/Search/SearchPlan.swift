/// A kind of search and how far it goes.
package enum SearchMethod: Hashable, Sendable {
    /// One trial, to its full length.
    case single(length: Int)
    /// So many trials with drawn hyperparameters, each to its full length.
    case random(trials: Int, length: Int)
    /// Every point of the grid, each to its full length.
    case grid(points: Int, length: Int)
    /// So many trials on rungs of growing length; of each rung the best one in `divisor` goes on to the next.
    case asyncHalving(trials: Int, lengths: [Int], divisor: Int)

    /// The lengths of `rungs` rungs, the last being `length`, each a `divisor`-th of the next (rounded down).
    package static func rungLengths(rungs: Int, divisor: Int, length: Int) -> [Int] {
        var lengths = [length]
        while lengths.count < rungs { lengths.append((lengths.last ?? 0) / divisor) }
        return lengths.reversed()
    }

    /// How many trials the search creates.
    package var trials: Int {
        switch self {
        case .single: 1
        case .random(let trials, _), .asyncHalving(let trials, _, _): trials
        case .grid(let points, _): points
        }
    }

    /// The lengths a trial may be trained to, in batches, growing. All but halving know only one.
    package var lengths: [Int] {
        switch self {
        case .single(let length), .random(_, let length), .grid(_, let length): [length]
        case .asyncHalving(_, let lengths, _): lengths
        }
    }

    /// Of how many trials of a rung one goes on.
    var divisor: Int {
        if case .asyncHalving(_, _, let divisor) = self { divisor } else { 1 }
    }
}

/// Everything about a search that never changes: a function of the configuration alone.
package struct SearchPlan: Hashable, Sendable {
    package let method: SearchMethod
    package let hyperparameters: [String: Hyperparameter]
    package let seed: UInt64
    package let smallerIsBetter: Bool
    /// How many trials train at a time, at least 1.
    package let maxConcurrentTrials: Int

    package init(_ configuration: ExperimentConfiguration) {
        self.init(
            method: configuration.searcher.method, hyperparameters: configuration.hyperparameters,
            seed: configuration.seed, smallerIsBetter: configuration.searcher.smallerIsBetter,
            maxConcurrentTrials: configuration.searcher.maxConcurrentTrials)
    }

    package init(
        method: SearchMethod, hyperparameters: [String: Hyperparameter], seed: UInt64,
        smallerIsBetter: Bool = true,
        maxConcurrentTrials: Int = 16
    ) {
        self.method = method
        self.hyperparameters = hyperparameters
        self.seed = seed
        self.smallerIsBetter = smallerIsBetter
        self.maxConcurrentTrials = max(1, maxConcurrentTrials)
    }

    /// The request id of the `ordinal`-th trial, from 0.
    package func requestID(_ ordinal: Int) -> RequestID { RequestID(seed: seed, ordinal: ordinal) }

    /// The hyperparameters of the `ordinal`-th trial: that point of the grid (names in order, the last one
    /// fastest), or what its request id draws.
    package func hyperparameters(of ordinal: Int) -> Hyperparameters {
        var values: Hyperparameters = [:]
        if case .grid = method {
            var rest = ordinal
            for (name, hyperparameter) in hyperparameters.sorted(by: { $0.key > $1.key }) {
                let count = hyperparameter.gridCount ?? 1
                values[name] = hyperparameter.gridValue(rest % count)
                rest /= count
            }
            return values
        }
        let request = requestID(ordinal)
        for (name, hyperparameter) in hyperparameters {
            values[name] = hyperparameter.sample(
                Randomness(seed: seed, "hyperparameter", .request(request), .text(name)))
        }
        return values
    }

    /// The seed of a trial's own training.
    package func trainingSeed(of request: RequestID) -> UInt64 {
        var stream = Randomness(seed: seed, "training", .request(request))
        return stream.next() >> 1  // a signed column holds it
    }

    /// Whether one metric beats another; a tie is no win.
    package func beats(_ metric: Double, _ other: Double) -> Bool {
        smallerIsBetter ? metric < other : metric > other
    }
}
