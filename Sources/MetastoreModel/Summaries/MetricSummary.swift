/// What a trial's workloads measured under one name.
///
/// A NaN or an infinity is counted apart and has no part in ``count``, ``sum``, ``mean``, ``minimum`` and ``maximum``;
/// only ``last`` may be one: it is the value of the latest workload, whatever that was, so that a trial that diverged
/// shows it.
public struct MetricSummary: Sendable {
    /// A value, and where it came from.
    public struct Extreme: Sendable, Hashable {
        /// The value; finite.
        public let value: Double
        /// The step of the first workload that had it.
        public let step: Int64

        package init(value: Double, step: Int64) {
            self.value = value
            self.step = step
        }
    }

    /// How many finite values there are.
    public package(set) var count: Int64
    /// The finite values, added one to the other by step, then by kind of workload; infinite, or NaN, where a double
    /// can't hold that.
    public package(set) var sum: Double
    /// The smallest finite value; nil when there is none.
    public package(set) var minimum: Extreme?
    /// The greatest finite value; nil when there is none.
    public package(set) var maximum: Extreme?
    /// The value of the latest workload by step, then by kind.
    public package(set) var last: Double
    /// How many values were NaN.
    public package(set) var nanCount: Int64
    /// How many values were +∞.
    public package(set) var infinityCount: Int64
    /// How many values were −∞.
    public package(set) var negativeInfinityCount: Int64

    /// ``sum`` by ``count``; nil when there is no finite value.
    public var mean: Double? { count == 0 ? nil : sum / Double(count) }

    package init(
        count: Int64, sum: Double, minimum: Extreme?, maximum: Extreme?, last: Double, nanCount: Int64,
        infinityCount: Int64, negativeInfinityCount: Int64
    ) {
        self.count = count
        self.sum = sum
        self.minimum = minimum
        self.maximum = maximum
        self.last = last
        self.nanCount = nanCount
        self.infinityCount = infinityCount
        self.negativeInfinityCount = negativeInfinityCount
    }

    /// Of a single value.
    init(_ value: Double, step: Int64) {
        self.init(
            count: 0, sum: 0, minimum: nil, maximum: nil, last: value, nanCount: 0, infinityCount: 0,
            negativeInfinityCount: 0)
        fold(value, step: step)
    }

    /// Takes in the value of a later workload than all before.
    mutating func fold(_ value: Double, step: Int64) {
        guard value.isFinite else {
            if value.isNaN {
                // One NaN is like another: what its bits say is nothing that was measured.
                last = .nan
                nanCount += 1
            } else {
                last = value
                if value > 0 { infinityCount += 1 } else { negativeInfinityCount += 1 }
            }
            return
        }
        last = value
        count += 1
        sum += value
        if sum.isNaN { sum = .nan }
        if minimum.map({ value < $0.value }) ?? true { minimum = Extreme(value: value, step: step) }
        if maximum.map({ value > $0.value }) ?? true { maximum = Extreme(value: value, step: step) }
    }
}

extension MetricSummary: Hashable {
    /// Whether both are the same bit for bit, so that a NaN equals a NaN.
    public static func == (left: MetricSummary, right: MetricSummary) -> Bool {
        left.count == right.count && left.sum.bitPattern == right.sum.bitPattern && left.minimum == right.minimum
            && left.maximum == right.maximum && left.last.bitPattern == right.last.bitPattern
            && left.nanCount == right.nanCount && left.infinityCount == right.infinityCount
            && left.negativeInfinityCount == right.negativeInfinityCount
    }

    /// Feeds what tells most of them apart.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(sum.bitPattern)
        hasher.combine(last.bitPattern)
    }
}
