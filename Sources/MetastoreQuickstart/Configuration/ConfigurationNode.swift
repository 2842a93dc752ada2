import Yams
internal import MetastoreTerminal

/// A place in a configuration: the YAML node, its path, and where findings go.
///
/// Invariants
/// 1. Only plain scalars are typed, by the core schema of YAML 1.2 (`true`, not `yes`); quoted ones are
///    texts.
/// 2. Every finding carries the line and column of the node it is about.
struct ConfigurationNode {
    let node: Node
    let path: String
    let findings: ConfigurationFindings

    /// What a scalar means.
    enum Scalar {
        case null
        case flag(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
    }

    func refuse(_ reason: String) { findings.refuse(problem(reason)) }
    func note(_ reason: String) { findings.note(problem(reason)) }

    private func problem(_ reason: String) -> ConfigurationProblem {
        .init(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, path: path, reason: reason)
    }

    var isScalar: Bool { node.scalar != nil }
    var isMapping: Bool { node.mapping != nil }

    /// The meaning of a scalar; nil for a list or a mapping.
    var scalar: Scalar? {
        guard let scalar = node.scalar else { return nil }
        guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
        return Self.resolve(scalar.string)
    }

    static func resolve(_ text: String) -> Scalar {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .flag(true)
        case "false", "False", "FALSE": return .flag(false)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        default: break
        }
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        if [".inf", ".Inf", ".INF"].contains(digits) {
            return .number(text.hasPrefix("-") ? -.infinity : .infinity)
        }
        guard let first = digits.utf8.first, first == UInt8(ascii: ".") || (48...57).contains(first) else {
            return .text(text)
        }
        if let value = Int(text) { return .integer(value) }
        if text.hasPrefix("0x"), let value = Int(text.dropFirst(2), radix: 16) { return .integer(value) }
        if text.hasPrefix("0o"), let value = Int(text.dropFirst(2), radix: 8) { return .integer(value) }
        guard digits.allSatisfy({ "0123456789.eE+-".contains($0) }), digits.contains(where: \.isNumber),
            let value = Double(text.hasSuffix(".") ? text + "0" : text)
        else { return .text(text) }
        return .number(value)
    }

    /// What stands here, for a message: `a list`, `the text "yes"`. Long texts are cut.
    var shown: String {
        switch (node, scalar) {
        case (_, .null): "nothing"
        case (_, .flag(let value)): "\(value)"
        case (_, .integer(let value)): "\(value)"
        case (_, .number(let value)): Shown.number(value)
        case (_, .text(let text)): "the text \"\(TerminalText.clean(text, width: 40))\""
        case (.sequence, _): "a list"
        default: "a mapping"
        }
    }

    // MARK: reading one value; each refuses and gives nil if it is not what was asked for

    func text(bytesMax: Int = ConfigurationLimits.nameBytesMax) -> String? {
        guard let string = node.scalar?.string, let scalar else { return wrong("a text") }
        if case .null = scalar { return wrong("a text") }
        guard !string.isEmpty else { return wrong("a text that isn't empty") }
        guard string.utf8.count <= bytesMax else {
            refuse("is \(string.utf8.count) bytes long; at most \(bytesMax) are kept")
            return nil
        }
        guard !string.utf8.contains(0) else { return wrong("a text without NUL") }
        return string
    }

    func flag() -> Bool? {
        guard case .flag(let value) = scalar else {
            let hint = ["yes", "on", "no", "off"].contains(node.scalar?.string.lowercased() ?? "")
            return wrong("true or false" + (hint ? ", in these words" : ""))
        }
        return value
    }

    func integer(in range: ClosedRange<Int>) -> Int? {
        guard let value = wholeNumber else { return wrong("a whole number") }
        guard range.contains(value) else {
            refuse("is \(value); it must be \(Self.bounds(range.lowerBound, range.upperBound))")
            return nil
        }
        return value
    }

    func number(in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
        -> Double?
    {
        let value: Double
        switch scalar {
        case .integer(let whole): value = Double(whole)
        case .number(let number): value = number
        default: return wrong("a number")
        }
        guard value.isFinite else { return wrong("a finite number") }
        guard range.contains(value) else {
            refuse(
                "is \(Shown.number(value)); it must be between \(Shown.number(range.lowerBound)) and "
                    + Shown.number(range.upperBound))
            return nil
        }
        return value
    }

    func value() -> HyperparameterValue? {
        switch scalar {
        case .flag(let value): return .flag(value)
        case .integer(let value): return .integer(value)
        case .number(let value) where value.isFinite: return .number(value)
        case .text: return text(bytesMax: ConfigurationLimits.descriptionBytesMax).map { .text($0) }
        default: return wrong("a number, a text, true or false")
        }
    }

    func list(countMax: Int) -> [ConfigurationNode]? {
        guard case .sequence(let sequence) = node else { return wrong("a list, as in [1, 2]") }
        guard sequence.count <= countMax else {
            refuse("has \(sequence.count) entries; at most \(countMax) are read")
            return nil
        }
        return sequence.enumerated().map { .init(node: $1, path: "\(path)[\($0)]", findings: findings) }
    }

    func wrong<Value>(_ expected: String) -> Value? {
        refuse("wants \(expected), found \(shown)")
        return nil
    }

    private var wholeNumber: Int? {
        switch scalar {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)  // 1e5 is as whole as 100000
        default: nil
        }
    }

    private static func bounds(_ low: Int, _ high: Int) -> String {
        high == .max ? "at least \(low)" : "between \(low) and \(Shown.grouped(high))"
    }
}
