internal import MetastoreModel

/// The content of a row of `trial_summaries`: docs/FORMAT.md has it byte by byte.
extension MetricSummaries {
    private static let formatVersion: UInt8 = 1

    var bytes: [UInt8] {
        var content = CanonicalWriter(capacity: 16 + count * 64)
        content.byte(Self.formatVersion)
        content.number(UInt64(omitted))
        content.number(UInt64(count))
        forEach { name, summary in
            content.text(name)
            content.add(summary)
        }
        return content.bytes
    }

    /// - Parameter trial: named when the content is damaged.
    init(_ content: UnsafeRawBufferPointer, of trial: ID<Trial>) throws(StoreError) {
        do {
            try self.init(content)
        } catch {
            guard case .damaged(_, let reason) = error else { throw error }
            throw .damaged(place: "the metric summaries of trial \(trial)", reason: reason)
        }
    }

    private init(_ content: UnsafeRawBufferPointer) throws(StoreError) {
        var reader = CanonicalReader(content)
        guard try reader.byte() == Self.formatVersion else { throw reader.damage("its format is unknown") }
        let omitted = try reader.count()
        let count = try reader.count()
        guard count <= Limits.summarisedMetrics else { throw reader.damage("it has too many names") }
        var entries: [(key: String, value: MetricSummary)] = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            let name = try reader.text()
            if let last = entries.last, !last.key.precedesByBytes(name) { throw reader.damage("names don't ascend") }
            entries.append((name, try reader.summary()))
        }
        guard reader.isAtEnd else { throw reader.damage("bytes are left over") }
        self.init(inOrder: entries, omitted: omitted)
    }
}

extension CanonicalWriter {
    fileprivate mutating func add(_ summary: MetricSummary) {
        let (count, nan) = (summary.count, summary.nanCount)
        let (infinity, negativeInfinity) = (summary.infinityCount, summary.negativeInfinityCount)
        var flags: UInt8 = 0
        if count > 0 { flags |= Flag.finite }
        if nan > 0 { flags |= Flag.nan }
        if infinity > 0 { flags |= Flag.infinity }
        if negativeInfinity > 0 { flags |= Flag.negativeInfinity }
        byte(flags)
        if nan > 0 { number(UInt64(nan)) }
        if infinity > 0 { number(UInt64(infinity)) }
        if negativeInfinity > 0 { number(UInt64(negativeInfinity)) }
        fixed(summary.last.bitPattern)
        guard let minimum = summary.minimum, let maximum = summary.maximum else { return }
        number(UInt64(count))
        fixed(summary.sum.bitPattern)
        fixed(minimum.value.bitPattern)
        number(UInt64(minimum.step))
        fixed(maximum.value.bitPattern)
        number(UInt64(maximum.step))
    }
}

extension CanonicalReader {
    /// A count, or a step.
    fileprivate mutating func count() throws(StoreError) -> Int64 {
        guard let count = Int64(exactly: try number()) else { throw damage("a count is too large") }
        return count
    }

    /// A count that is there because it isn't 0.
    private mutating func count(_ flag: UInt8, in flags: UInt8) throws(StoreError) -> Int64 {
        guard flags & flag != 0 else { return 0 }
        let count = try count()
        guard count > 0 else { throw damage("a count is 0") }
        return count
    }

    private mutating func real() throws(StoreError) -> Double {
        let number = Double(bitPattern: try fixed())
        guard number != 0 || number.sign == .plus else { throw damage("a zero has a sign") }
        guard !number.isNaN || number.bitPattern == Double.nan.bitPattern else { throw damage("a NaN has a payload") }
        return number
    }

    private mutating func extreme() throws(StoreError) -> MetricSummary.Extreme {
        let value = try real()
        guard value.isFinite else { throw damage("an extreme is not finite") }
        return MetricSummary.Extreme(value: value, step: try count())
    }

    fileprivate mutating func summary() throws(StoreError) -> MetricSummary {
        let flags = try byte()
        guard flags != 0, flags <= Flag.all else { throw damage("flags are unknown") }
        var summary = MetricSummary(
            count: 0, sum: 0, minimum: nil, maximum: nil, last: 0, nanCount: try count(Flag.nan, in: flags),
            infinityCount: try count(Flag.infinity, in: flags),
            negativeInfinityCount: try count(Flag.negativeInfinity, in: flags))
        summary.last = try real()
        guard flags & Flag.finite != 0 else { return summary }
        summary.count = try count(Flag.finite, in: flags)
        summary.sum = try real()
        let (minimum, maximum) = (try extreme(), try extreme())
        guard minimum.value <= maximum.value else { throw damage("the extremes are swapped") }
        (summary.minimum, summary.maximum) = (minimum, maximum)
        return summary
    }
}

/// What stands in the byte of flags.
private enum Flag {
    static let finite: UInt8 = 1
    static let nan: UInt8 = 2
    static let infinity: UInt8 = 4
    static let negativeInfinity: UInt8 = 8
    static let all: UInt8 = 15
}
