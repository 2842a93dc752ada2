internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension FieldValue {
    /// As people read it in a table.
    func shown(inBytes: Bool = false) -> String {
        switch self {
        case .none: "-"
        case .flag(let flag): flag ? "yes" : "no"
        case .integer(let number): String(number)
        case .real(let number): Shown.number(number)
        case .text(let text): text
        case .time(let time): time.shown
        case .size(let count): inBytes ? String(count) : Shown.bytes(Int(count))
        case .span(let microseconds): Shown.duration(.microseconds(microseconds))
        case .json(let text): text
        case .list(let list): list.joined(separator: ", ")
        case .bytes(let bytes): Self.shown(bytes)
        }
    }

    /// As one of several in a line: what is longer than 120 characters is cut.
    func brief(inBytes: Bool = false) -> String {
        if case .bytes(let bytes) = self, bytes.count > 480 { return "(\(Shown.bytes(bytes.count)))" }
        let text = shown(inBytes: inBytes)
        guard text.utf8.count > 120, text.count > 120 else { return text }
        return text.prefix(119) + "…"
    }

    /// Text where it is one, else how many bytes there are.
    private static func shown(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 || $0 == "\n" || $0 == "\t" })
        else { return "(\(Shown.bytes(bytes.count)))" }
        return text
    }
}

/// A column's name as a table's title.
func tableTitle(_ name: String) -> String {
    var name = name
    for ending in ["_base64", "_us", "_time"] where name.hasSuffix(ending) && name.count > ending.count {
        name.removeLast(ending.count)
    }
    if name.hasPrefix("is_") { name.removeFirst(3) }
    return name.uppercased().replacing("_", with: " ")
}
