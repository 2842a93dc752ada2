internal import MetastoreTerminal

extension SearcherConfiguration {
    private static let names = ["single", "random", "grid", "async_halving"]
    private static let every = ["name", "metric", "smaller_is_better", "max_length", "max_concurrent_trials"]

    /// Reads the searcher; refuses with the line and gives nil.
    init?(reading section: ConfigurationSection, hyperparameters: [String: Hyperparameter]) {
        let metric = section.required("metric", "validation_loss").flatMap { Self.metric($0) }
        let smallerIsBetter = section.optional("smaller_is_better").map { $0.flag() } ?? true
        let length = section.required("max_length", "{batches: 1000}").flatMap { Self.batches($0) }
        let concurrent = section.integer(
            "max_concurrent_trials", in: 1...ConfigurationLimits.concurrentTrialsMax, default: 16)
        guard let kind = section.required("name", "random"), let name = kind.text() else { return nil }
        let method: SearchMethod?
        switch name {
        case "single": method = length.map { .single(length: $0) }
        case "random":
            let trials = section.required("max_trials", "16")?.integer(in: 1...ConfigurationLimits.trialsMax)
            method = trials.flatMap { trials in length.map { .random(trials: trials, length: $0) } }
        case "grid":
            let points = Self.gridPoints(kind, hyperparameters)
            method = points.flatMap { points in length.map { .grid(points: points, length: $0) } }
        case "async_halving": method = Self.halving(section, length)
        default:
            kind.refuse(
                "\"\(TerminalText.clean(name, width: 40))\" is no searcher; there are "
                    + Self.names.joined(separator: ", ") + "." + Suggestion.text(for: name, among: Self.names)
            )
            return nil
        }
        section.finish(also: Self.every)
        guard let metric, let smallerIsBetter, let method else { return nil }
        if metric == "validation_accuracy", smallerIsBetter {
            section.optional("metric")?.note(
                "more accuracy is better, but smaller_is_better is true: this search looks for the worst")
        }
        self.init(
            method: method, metric: metric, smallerIsBetter: smallerIsBetter, maxConcurrentTrials: concurrent)
    }

    private static func metric(_ place: ConfigurationNode) -> String? {
        guard let name = place.text() else { return nil }
        let known = ValidationMetrics.names
        guard known.contains(name) else {
            place.refuse(
                "the example's model reports no \"\(TerminalText.clean(name, width: 40))\"; it reports "
                    + known.joined(separator: ", ") + "." + Suggestion.text(for: name, among: known))
            return nil
        }
        return name
    }

    /// `{batches: 1000}` or `1000`.
    private static func batches(_ place: ConfigurationNode) -> Int? {
        let range = 1...ConfigurationLimits.batchesMax
        guard place.isMapping else { return place.integer(in: range) }
        guard let section = ConfigurationSection(place) else { return nil }
        let batches = section.required("batches", "1000")?.integer(in: range)
        section.finish()
        return batches
    }

    private static func gridPoints(_ kind: ConfigurationNode, _ hyperparameters: [String: Hyperparameter])
        -> Int?
    {
        let open = hyperparameters.filter { $0.value.gridCount == nil }.keys.sorted()
        guard open.isEmpty else {
            kind.refuse(
                "a grid needs to know how many points there are along each line: give "
                    + open.map { "hyperparameters.\($0).count" }.joined(separator: " and "))
            return nil
        }
        var points = 1
        for hyperparameter in hyperparameters.values {
            let (product, overflow) = points.multipliedReportingOverflow(by: hyperparameter.gridCount ?? 1)
            guard !overflow, product <= ConfigurationLimits.gridPointsMax else {
                let counts = hyperparameters.keys.sorted().map { String(hyperparameters[$0]?.gridCount ?? 1) }
                kind.refuse(
                    "the grid has \(counts.joined(separator: " × ")) points; at most "
                        + "\(Shown.grouped(ConfigurationLimits.gridPointsMax)). Lower a count, or use random")
                return nil
            }
            points = product
        }
        return points
    }

    private static func halving(_ section: ConfigurationSection, _ length: Int?) -> SearchMethod? {
        let trialsPlace = section.required("max_trials", "16")
        let trials = trialsPlace?.integer(in: 1...ConfigurationLimits.trialsMax)
        let rungsPlace = section.required("num_rungs", "3")
        let rungs = rungsPlace?.integer(in: 1...ConfigurationLimits.rungsMax)
        let divisor = section.integer("divisor", in: 2...100, default: 4)
        guard let trials, let rungs, let length else { return nil }
        let lengths = SearchMethod.rungLengths(rungs: rungs, divisor: divisor, length: length)
        guard let first = lengths.first, first >= 1, Set(lengths).count == rungs else {
            rungsPlace?.refuse(
                "with \(rungs) rungs and divisor \(divisor) the first rung of max_length \(length) would be "
                    + "less than one batch; lower num_rungs or divisor, or raise max_length")
            return nil
        }
        let needed = (1..<rungs).reduce(1) { product, _ in min(product * divisor, .max / divisor) }
        guard trials >= needed else {
            trialsPlace?.refuse(
                "\(trials) is too few: with num_rungs \(rungs) and divisor \(divisor) only one trial in "
                    + "\(Shown.grouped(needed)) trains to its full length; raise max_trials, or lower "
                    + "num_rungs or divisor"
            )
            return nil
        }
        return .asyncHalving(trials: trials, lengths: lengths, divisor: divisor)
    }
}
