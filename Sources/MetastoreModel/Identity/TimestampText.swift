/// RFC 3339 text of a moment, both ways.
///
/// 1. ``Timestamp/description`` is always UTC with six decimals, so that equal moments have equal text.
/// 2. Reading what was written gives the same moment, over the whole range (years beyond 9999 have a sign
///    and more digits).
extension Timestamp: LosslessStringConvertible {
    /// RFC 3339 text in UTC with microseconds, such as `2024-01-31T12:00:00.000000Z`.
    public var description: String {
        let (seconds, microsecond) = microseconds.dividedFloored(by: 1_000_000)
        let (days, secondOfDay) = seconds.dividedFloored(by: 86_400)
        let (year, month, day) = civilDate(days: days)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        if year < 0 {
            text.append(UInt8(ascii: "-"))
        } else if year > 9999 {
            text.append(UInt8(ascii: "+"))
        }
        text.append(decimal: year.magnitude, width: 4)
        for (mark, number) in [
            ("-" as Unicode.Scalar, month), ("-", day), ("T", secondOfDay / 3600),
            (":", secondOfDay / 60 % 60), (":", secondOfDay % 60),
        ] {
            text.append(UInt8(ascii: mark))
            text.append(decimal: number.magnitude, width: 2)
        }
        text.append(UInt8(ascii: "."))
        text.append(decimal: microsecond.magnitude, width: 6)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads RFC 3339 text with any offset and up to nine decimals, of which the first six count.
    ///
    /// `nil` for anything else: a day that doesn't exist, a missing offset, a leap second.
    public init?(_ text: String) {
        var reader = DigitReader(text.utf8)
        let sign: Int64 = reader.skip("-") ? -1 : 1
        let isExpanded = sign < 0 || reader.skip("+")
        guard let yearDigits = reader.number(isExpanded ? 4...6 : 4...4), reader.skip("-"),
            let month = reader.number(2...2), (1...12).contains(month), reader.skip("-"),
            let day = reader.number(2...2), (1...31).contains(day), reader.skip("T") || reader.skip("t"),
            let hour = reader.number(2...2), hour < 24, reader.skip(":"),
            let minute = reader.number(2...2), minute < 60, reader.skip(":"),
            let second = reader.number(2...2), second < 60
        else { return nil }
        var microsecond: Int64 = 0
        if reader.skip(".") {
            guard let fraction = reader.fraction(digits: 6) else { return nil }
            microsecond = fraction
        }
        guard let offset = reader.offsetFromUTC(), reader.isAtEnd else { return nil }

        let days = daysSince1970(year: sign * yearDigits, month: month, day: day)
        guard civilDate(days: days) == (sign * yearDigits, month, day) else { return nil }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        // Whole seconds below the range may still be brought into it by their decimals.
        let scaled = (seconds + 1).multipliedReportingOverflow(by: 1_000_000)
        let sum = scaled.partialValue.addingReportingOverflow(microsecond - 1_000_000)
        guard !scaled.overflow, !sum.overflow else {
            let plain = seconds.multipliedReportingOverflow(by: 1_000_000)
            let total = plain.partialValue.addingReportingOverflow(microsecond)
            guard !plain.overflow, !total.overflow else { return nil }
            self.init(microseconds: total.partialValue)
            return
        }
        self.init(microseconds: sum.partialValue)
    }
}

/// Reads fixed-width decimals from ASCII text.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) {
        rest = text[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: mark) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(_ widths: ClosedRange<Int>) -> Int64? {
        var value: Int64 = 0
        var width = 0
        while width < widths.upperBound, let byte = rest.first, (0x30...0x39).contains(byte) {
            value = value * 10 + Int64(byte - 0x30)
            width += 1
            rest.removeFirst()
        }
        return widths.contains(width) ? value : nil
    }

    mutating func fraction(digits: Int) -> Int64? {
        let before = rest.count
        guard let all = number(1...9) else { return nil }
        var value = all
        let width = before - rest.count
        for _ in 0..<max(0, digits - width) { value *= 10 }
        for _ in 0..<max(0, width - digits) { value /= 10 }
        return value
    }

    /// Seconds east of Greenwich.
    mutating func offsetFromUTC() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hour = number(2...2), hour < 24, skip(":"), let minute = number(2...2), minute < 60 else {
            return nil
        }
        return sign * (hour * 3600 + minute * 60)
    }
}

/// Year, month and day in the Gregorian calendar, counted back before its introduction, from days since
/// 1970-01-01.
private func civilDate(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (days + 719_468).dividedFloored(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
}

private func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = (month <= 2 ? year - 1 : year).dividedFloored(by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

extension Int64 {
    fileprivate func dividedFloored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension [UInt8] {
    fileprivate mutating func append(decimal number: UInt64, width: Int) {
        let digits = String(number).utf8
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: Swift.max(0, width - digits.count)))
        append(contentsOf: digits)
    }
}
