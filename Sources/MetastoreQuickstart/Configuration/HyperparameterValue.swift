internal import MetastoreTerminal

/// One value of a hyperparameter, as a trial is created with it.
package enum HyperparameterValue: Hashable, Sendable {
    /// A whole number.
    case integer(Int)
    /// A finite number.
    case number(Double)
    /// A text.
    case text(String)
    /// True or false.
    case flag(Bool)

    /// The value as a number, if it is one.
    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .text, .flag: nil
        }
    }
}

extension HyperparameterValue: CustomStringConvertible {
    /// The value as a person writes it, numbers to five significant digits.
    package var description: String {
        switch self {
        case .integer(let value): String(value)
        case .number(let value): Shown.number(value)
        case .text(let value): value
        case .flag(let value): String(value)
        }
    }
}

/// The values a trial is created with, by name.
package typealias Hyperparameters = [String: HyperparameterValue]
