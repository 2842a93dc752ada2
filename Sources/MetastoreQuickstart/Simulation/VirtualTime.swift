/// A moment of the simulation, in whole microseconds since its beginning. It has nothing to do with any
/// clock.
package struct VirtualTime: Hashable, Sendable, Comparable {
    package var microseconds: Int

    package init(microseconds: Int) { self.microseconds = microseconds }

    /// The beginning.
    package static let zero = VirtualTime(microseconds: 0)

    package static func < (left: VirtualTime, right: VirtualTime) -> Bool {
        left.microseconds < right.microseconds
    }

    /// So many seconds later, rounded to a microsecond, and at least one.
    package func advanced(bySeconds seconds: Double) -> VirtualTime {
        VirtualTime(microseconds: microseconds + max(1, Int((min(seconds, 1e12) * 1e6).rounded())))
    }
}

extension VirtualTime: CustomStringConvertible {
    /// Hours, minutes and seconds: `0:02:07.5`.
    package var description: String {
        let tenths = microseconds / 100_000
        let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(hours):\(two(minutes)):\(two(seconds)).\(tenths % 10)"
    }
}

extension VirtualTime: Codable {
    package init(from decoder: any Decoder) throws {
        microseconds = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }
}
