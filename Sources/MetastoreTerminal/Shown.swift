internal import Glibc

/// Numbers as people read them: in every locale and on every terminal the same.
package enum Shown {
    /// Five significant digits, no trailing zeros; very small and very large ones with an exponent.
    package static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        guard value != 0 else { return "0" }
        let exponent = Int(floor(log10(abs(value))))
        guard (-4..<9).contains(exponent) else { return scientific(value, exponent) }
        return fixed(value, digits: max(0, 4 - exponent))
    }

    /// A size in IEC units: `512 B`, `1.4 KiB`.
    package static func bytes(_ count: Int) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < 4 {
            value /= 1024
            unit += 1
        }
        return fixed(value, digits: 1, trimmed: false) + [" B", " KiB", " MiB", " GiB", " TiB"][unit]
    }

    /// A whole number with its noun, the noun in the plural unless it is one.
    package static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
    }

    /// A whole number with a comma every three digits.
    package static func grouped(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        let groups = digits.indices.map { index in
            (index > 0 && (digits.count - index) % 3 == 0 ? "," : "") + String(digits[index])
        }
        return (count < 0 ? "-" : "") + groups.joined()
    }

    /// A length of time in its two largest units: `420 µs`, `35 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
    package static func duration(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        guard seconds < 60 else {
            let units: [(Int64, String, Int64, String)] = [
                (86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"),
            ]
            let (whole, name, part, partName) = units.first { seconds >= $0.0 }!
            let rest = seconds % whole / part
            return "\(seconds / whole) \(name)" + (rest > 0 ? " \(rest) \(partName)" : "")
        }
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        if microseconds < 1_000 { return "\(microseconds) µs" }
        if seconds == 0 { return "\(microseconds / 1_000) ms" }
        return fixed(Double(microseconds) / 1e6, digits: 1, trimmed: false) + " s"
    }

    private static func scientific(_ value: Double, _ exponent: Int) -> String {
        // In two steps, since 10 to the power of the smallest exponents is no number any more.
        let raised =
            exponent < -300
            ? (value * 1e200) / pow(10, Double(exponent + 200)) : value / pow(10, Double(exponent))
        var mantissa = fixed(raised, digits: 4)
        var exponent = exponent
        if mantissa.hasSuffix("10") && mantissa.count <= 3 {  // 9.99999 rounded up
            mantissa.removeLast()
            exponent += 1
        }
        return "\(mantissa)e\(exponent)"
    }

    private static func fixed(_ value: Double, digits: Int, trimmed: Bool = true) -> String {
        let scale = pow(10, Double(digits))
        let scaled = Int((abs(value) * scale).rounded())
        var text = String(scaled)
        if digits > 0 {
            text = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
            text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
            while trimmed, text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return (value < 0 && scaled != 0 ? "-" : "") + text
    }
}
