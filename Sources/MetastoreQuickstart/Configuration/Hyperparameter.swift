internal import Glibc

/// Where one hyperparameter's values come from.
package enum Hyperparameter: Hashable, Sendable {
    /// Always the same.
    case constant(HyperparameterValue)
    /// Evenly between two numbers, both included.
    case double(minimum: Double, maximum: Double, count: Int?)
    /// `base` to a power that lies evenly between two exponents.
    case log(base: Double, minimum: Double, maximum: Double, count: Int?)
    /// A whole number between two, both included.
    case integer(minimum: Int, maximum: Int, count: Int?)
    /// One of a list.
    case categorical([HyperparameterValue])

    /// One value, drawn from `stream`. The same stream gives the same value.
    package func sample(_ stream: Randomness) -> HyperparameterValue {
        var stream = stream
        switch self {
        case .constant(let value): return value
        case .double(let minimum, let maximum, _):
            return .number(Self.between(minimum, maximum, stream.unit()))
        case .log(let base, let minimum, let maximum, _):
            return .number(pow(base, Self.between(minimum, maximum, stream.unit())))
        case .integer(let minimum, let maximum, _):
            return .integer(minimum + stream.below(maximum - minimum + 1))
        case .categorical(let values): return values[stream.below(values.count)]
        }
    }

    /// How many points a grid has along this hyperparameter, or nil if that was left open.
    package var gridCount: Int? {
        switch self {
        case .constant: 1
        case .double(_, _, let count), .log(_, _, _, let count): count
        case .integer(let minimum, let maximum, let count): min(count ?? .max, maximum - minimum + 1)
        case .categorical(let values): values.count
        }
    }

    /// The `index`-th of the ``gridCount`` points, evenly spaced, the ends included; a lone point is the
    /// lower end.
    package func gridValue(_ index: Int) -> HyperparameterValue {
        let count = gridCount ?? 1
        let share = count == 1 ? 0 : Double(index) / Double(count - 1)
        switch self {
        case .constant(let value): return value
        case .double(let minimum, let maximum, _):
            return .number(Self.between(minimum, maximum, share))
        case .log(let base, let minimum, let maximum, _):
            return .number(pow(base, Self.between(minimum, maximum, share)))
        case .integer(let minimum, let maximum, _):
            return .integer(minimum + Int((share * Double(maximum - minimum)).rounded()))
        case .categorical(let values): return values[index]
        }
    }

    /// Every value this hyperparameter can name exactly: its ends, or its list.
    var corners: [HyperparameterValue] {
        switch self {
        case .constant(let value): [value]
        case .categorical(let values): values
        case .integer(let minimum, let maximum, _): [.integer(minimum), .integer(maximum)]
        case .double(let minimum, let maximum, _): [.number(minimum), .number(maximum)]
        case .log(let base, let minimum, let maximum, _):
            [.number(pow(base, minimum)), .number(pow(base, maximum))]
        }
    }

    /// The point `share` of the way, exactly the ends at 0 and 1.
    private static func between(_ minimum: Double, _ maximum: Double, _ share: Double) -> Double {
        share == 1 ? maximum : minimum + share * (maximum - minimum)
    }
}
