internal import Glibc
internal import MetastoreModel
internal import MetastoreTerminal

/// From values to places between 0 and 1, with some of them labelled.
struct ChartAxis {
    struct Tick {
        let place: Double
        let label: String
    }

    let ticks: [Tick]
    /// Equal steps are equal factors: values differ so much that the small ones could not be told apart.
    let isLogarithmic: Bool
    private let low: Double
    private let high: Double
    /// So that no difference is infinite.
    private static let scale = 0.25

    /// From where on an axis is logarithmic.
    static let logarithmicFrom = 100.0

    /// - Parameter values: finite ones; at least one.
    init(_ values: [Double], mayBeLogarithmic: Bool = true) {
        let (least, most) = (values.min() ?? 0, values.max() ?? 0)
        isLogarithmic = mayBeLogarithmic && least > 0 && most / least >= Self.logarithmicFrom
        var (low, high) = isLogarithmic ? (log10(least), log10(most)) : (least, most)
        if low == high {
            let room = max(abs(low) * 0.1, 1e-9)
            (low, high) = (low - room, high + room)
        }
        (self.low, self.high) = (low, high)
        ticks = isLogarithmic ? Self.powers(low, high) : Self.round(low, high)
    }

    /// Moments, each with as much of its date as tells it from its neighbours.
    init(from start: Timestamp, to end: Timestamp) {
        (low, high) = (Double(start.microseconds), max(Double(end.microseconds), Double(start.microseconds) + 5e3))
        isLogarithmic = false
        ticks = Self.moments(low, high)
    }

    func place(_ value: Double) -> Double {
        let value = isLogarithmic ? log10(value) : value
        return Self.place(value, low, high)
    }

    func place(_ time: Timestamp) -> Double { place(Double(time.microseconds)) }

    private static func place(_ value: Double, _ low: Double, _ high: Double) -> Double {
        let place = (value * scale - low * scale) / (high * scale - low * scale)
        return place.isFinite ? min(1, max(0, place)) : 0
    }

    /// Multiples of one, two or five times a power of ten; the ends where there is none.
    private static func round(_ low: Double, _ high: Double) -> [Tick] {
        let rough = (high * scale - low * scale) / scale / 6
        let power = rough.isNormal ? pow(10, floor(log10(rough))) : 0
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? 0
        let values: [Double]
        if (low / step).magnitude < 1e15, (high / step).magnitude < 1e15 {
            values = stride(from: ceil(low / step), through: floor(high / step), by: 1).map { $0 * step }
        } else {
            values = [low, high]
        }
        return values.map { Tick(place: place($0, low, high), label: Shown.number($0)) }
    }

    private static func powers(_ low: Double, _ high: Double) -> [Tick] {
        let (first, last) = (ceil(low), floor(high))
        let step = max(1, ceil((last - first) / 5))
        return stride(from: first, through: last, by: step).map {
            Tick(place: place($0, low, high), label: Shown.number(pow(10, $0)))
        }
    }

    private static func moments(_ low: Double, _ high: Double) -> [Tick] {
        let millisecond = 1e3
        let second = 1_000 * millisecond
        let minute = 60 * second
        let hour = 60 * minute
        let day = 24 * hour
        let steps =
            [1, 2, 5, 10, 20, 50, 100, 200, 500].map { $0 * millisecond } + [1, 2, 5, 10, 30].map { $0 * second }
            + [1, 2, 5, 10, 30].map { $0 * minute }
            + [1, 2, 3, 6, 12].map { $0 * hour } + [1, 2, 7, 14, 28, 91, 182, 364].map { $0 * day }
        var step = steps.first { (high - low) / $0 <= 5 } ?? steps[steps.count - 1]
        while (high - low) / step > 5 { step *= 2 }
        return stride(from: ceil(low / step), through: floor(high / step), by: 1).compactMap { number in
            guard let microseconds = Int64(exactly: number * step) else { return nil }
            let text = Timestamp(microseconds: microseconds).description
            let (date, rest) = (text.prefix { $0 != "T" }, text.drop { $0 != "T" }.dropFirst())
            let label =
                step >= day
                ? String(date) : "\(date.suffix(5)) \(rest.prefix(step >= minute ? 5 : step >= second ? 8 : 12))"
            return Tick(place: place(number * step, low, high), label: label)
        }
    }
}
