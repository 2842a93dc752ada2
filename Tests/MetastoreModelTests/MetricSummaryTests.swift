import MetastoreModel
import Testing

@Suite struct `A trial's metric summaries` {
    private func folded(_ all: [(step: Int64, metrics: [(String, Double)])]) throws -> MetricSummaries {
        var summaries = MetricSummaries()
        for (step, metrics) in all { summaries.fold(try Metrics(NamedValues(metrics)), step: step) }
        return summaries
    }

    @Test func `have count, sum, mean, last and both extremes with their steps`() throws {
        let summaries = try folded([
            (1, [("loss", 2.5), ("accuracy", 0.25)]), (2, [("loss", 0.5)]), (4, [("loss", 3), ("accuracy", 0.5)]),
        ])
        let loss = try #require(summaries["loss"])
        #expect(loss.count == 3 && loss.sum == 6 && loss.mean == 2 && loss.last == 3)
        #expect(loss.minimum == MetricSummary.Extreme(value: 0.5, step: 2))
        #expect(loss.maximum == MetricSummary.Extreme(value: 3, step: 4))
        #expect(summaries["accuracy"]?.mean == 0.375)
        #expect(summaries["other"] == nil)
        #expect(summaries.values.keys == ["accuracy", "loss"])
        #expect(summaries.omitted == 0)
    }

    @Test func `name the first step of an extreme that came again`() throws {
        let summary = try #require(try folded([(3, [("a", 1)]), (5, [("a", 1)]), (9, [("a", 1)])])["a"])
        #expect(summary.minimum?.step == 3 && summary.maximum?.step == 3)
    }

    @Test func `count what isn't finite apart, and show it as the last value only`() throws {
        let summary = try #require(
            try folded([
                (1, [("a", .nan)]), (2, [("a", 4)]), (3, [("a", .infinity)]), (4, [("a", -.infinity)]),
                (5, [("a", .nan)]), (6, [("a", -.infinity)]),
            ])["a"])
        #expect(summary.count == 1 && summary.sum == 4 && summary.mean == 4)
        #expect(summary.minimum == summary.maximum && summary.minimum?.step == 2)
        #expect(summary.nanCount == 2 && summary.infinityCount == 1 && summary.negativeInfinityCount == 2)
        #expect(summary.last == -.infinity)
        let only = try #require(try folded([(1, [("a", .nan)])])["a"])
        #expect(only.count == 0 && only.mean == nil && only.minimum == nil && only.maximum == nil && only.last.isNaN)
        #expect(only == (try folded([(1, [("a", -Double.nan)])])["a"]), "one NaN is like another")
    }

    @Test func `stay equal to themselves where a sum is beyond a double`() throws {
        let large = Double.greatestFiniteMagnitude
        let beyond = try #require(try folded([(1, [("a", large)]), (2, [("a", large)])])["a"])
        #expect(beyond.sum == .infinity && beyond.maximum?.value == large && beyond == beyond)
    }

    @Test func `take both spellings of a letter for two names`() throws {
        let summaries = try folded([(1, [("\u{e9}", 1), ("e\u{301}", 2)]), (2, [("\u{e9}", 3)])])
        #expect(summaries["\u{e9}"]?.count == 2 && summaries["e\u{301}"]?.count == 1)
    }

    @Test func `hold the first thousand names, and only count the values of others`() throws {
        func name(_ number: Int) -> String { "m\(10_000 + number)" }
        var summaries = MetricSummaries()
        let most = Limits.summarisedMetrics
        summaries.fold(try Metrics(NamedValues((0..<most - 1).map { (name($0 * 2), 1.0) })), step: 1)
        // The first of the new ones by bytes has the last place.
        summaries.fold(try Metrics(NamedValues([("z", 1.0), (name(1), 1.0), (name(0), 1.0), (name(3), 1.0)])), step: 2)
        #expect(summaries.values.count == most && summaries[name(1)] != nil)
        #expect(summaries[name(3)] == nil && summaries["z"] == nil && summaries.omitted == 2)
        #expect(summaries[name(0)]?.count == 2)
        let long = String(repeating: "n", count: Limits.nameBytes)
        let names = try folded([(1, [(long, 1), (long + "n", 1)])])
        #expect(names.values.keys == [long] && names.omitted == 1)
    }
}
