public import FoundationEssentials

/// A moment in microseconds since 1970-01-01T00:00:00Z, in UTC.
///
/// It is exact: what is stored is what is read, on every engine. Arithmetic that would leave the range stops
/// at its end.
public struct Timestamp: Sendable, Hashable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64

    /// The moment so many microseconds after (or, if negative, before) 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The nearest microsecond to a date; a date outside the range becomes the nearest end of it.
    public init(_ date: Date) {
        let exact = (date.timeIntervalSince1970 * 1_000_000).rounded()
        if let whole = Int64(exactly: exact) {
            microseconds = whole
        } else {
            microseconds = exact < 0 ? .min : .max
        }
    }

    /// The moment as a date, to the precision a `Double` of seconds has (a fraction of a microsecond today).
    public var date: Date {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }

    /// The moment later by a duration, to whole microseconds.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = time.microseconds.addingReportingOverflow(duration.wholeMicroseconds)
        guard overflow else { return Timestamp(microseconds: sum) }
        return Timestamp(microseconds: duration < .zero ? .min : .max)
    }

    /// The time from `earlier` to `later`; negative when they stand the other way round.
    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        let (difference, overflow) = later.microseconds.subtractingReportingOverflow(earlier.microseconds)
        return .microseconds(overflow ? (later < earlier ? .min : .max) : difference)
    }
}

extension Timestamp: Comparable {
    /// Earlier is less.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension Timestamp: Codable {
    /// Reads the RFC 3339 text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Timestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "A time is RFC 3339 text such as 2024-01-31T12:00:00.000000Z.")
        }
        self = time
    }

    /// Writes RFC 3339 text with six decimals.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Duration {
    /// Whole microseconds, rounded towards zero; the nearest end of the range beyond it.
    package var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowOfSum) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        guard overflow || overflowOfSum else { return sum }
        return seconds < 0 ? .min : .max
    }

    /// As a store keeps it: without the rest of a microsecond.
    package var asStored: Duration { .microseconds(wholeMicroseconds) }
}
