internal import ArgumentParser

/// A length of time as a command line has it: `30d`, `12h`, `90m`, `45s`.
package struct Age: Sendable, Hashable, ExpressibleByArgument {
    package let duration: Duration

    /// Nil for what is none, or longer than a thousand years.
    package init?(argument text: String) {
        guard let unit = text.last, let count = Int64(text.dropLast()), count >= 0 else { return nil }
        let seconds: Int64
        switch unit {
        case "s": seconds = 1
        case "m": seconds = 60
        case "h": seconds = 3_600
        case "d": seconds = 86_400
        default: return nil
        }
        guard count <= 365_000 * 86_400 / seconds else { return nil }
        duration = .seconds(count * seconds)
    }
}

/// A size as a command line has it: bytes, or `500MiB`, `10GiB`.
package struct Size: Sendable, Hashable, ExpressibleByArgument {
    package let bytes: Int

    /// Nil for what is none, or more than an `Int` has.
    package init?(argument text: String) {
        let units = ["KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "B": 1]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let count = Int(digits), let factor = unit.isEmpty ? 1 : units[String(unit)] else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: factor)
        guard !isTooLarge else { return nil }
        self.bytes = bytes
    }
}

/// Somebody who still needs history: `NAME=REVISION`.
package struct Need: Sendable, Hashable, ExpressibleByArgument {
    package let name: String
    /// It has everything up to this revision.
    package let revision: Int64

    package init?(argument text: String) {
        guard let mark = text.lastIndex(of: "="), mark > text.startIndex,
            let revision = Int64(text[text.index(after: mark)...]), revision >= 0
        else { return nil }
        name = String(text[..<mark])
        self.revision = revision
    }
}
