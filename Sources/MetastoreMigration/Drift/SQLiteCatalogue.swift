internal import MetastoreEngine

/// SQLite keeps the statement that made each object. A table's is taken apart, so that a column can be named.
package enum SQLiteCatalogue {
    static func objects(_ connection: any Connection) throws -> [Catalogue.Object] {
        // What SQLite makes for itself: indexes of constraints have no statement, tables of ANALYZE have its prefix.
        let found = try connection.all(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'"
        ) { (kind: try $0.text(0), name: try $0.text(1), statement: try $0.text(2)) }
        return found.flatMap { kind, name, statement -> [Catalogue.Object] in
            kind == "table"
                ? table(name, statement) : [Catalogue.Object(kind: kind, name: name, definition: statement)]
        }
    }

    /// The table with its own constraints and options, and each column.
    package static func table(_ name: String, _ statement: String) -> [Catalogue.Object] {
        let text = Array(StatementText.normalised(statement).utf8)
        guard statement.uppercased().hasPrefix("CREATE TABLE"), let body = parts(text) else {
            return [Catalogue.Object(kind: "table", name: name, definition: statement)]
        }
        var own: [String] = []
        var columns: [Catalogue.Object] = []
        for part in body.parts {
            let end = endOfWord(part)
            let word = String(decoding: part[..<end], as: UTF8.self)
            if ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"].contains(word.uppercased()) {
                own.append(StatementText.normalised(String(decoding: part, as: UTF8.self)))
            } else {
                columns.append(
                    Catalogue.Object(
                        kind: "column", name: "\(name).\(unquoted(word))",
                        definition: String(decoding: part[end...], as: UTF8.self)))
            }
        }
        if !body.options.isEmpty { own.append(body.options) }
        return [Catalogue.Object(kind: "table", name: name, definition: own.joined(separator: ", "))] + columns
    }

    /// What stands between the outermost parentheses, parted by its commas, and what follows them.
    private static func parts(_ text: [UInt8]) -> (parts: [ArraySlice<UInt8>], options: String)? {
        var parts: [ArraySlice<UInt8>] = []
        var (depth, start, index) = (0, 0, 0)
        func part() -> ArraySlice<UInt8> { text[start..<index].drop { $0 == UInt8(ascii: " ") } }
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "("):
                depth += 1
                if depth == 1 { start = index + 1 }
            case UInt8(ascii: ")"):
                depth -= 1
                if depth == 0 {
                    parts.append(part())
                    return (parts, StatementText.normalised(String(decoding: text[(index + 1)...], as: UTF8.self)))
                }
            case UInt8(ascii: ",") where depth == 1:
                parts.append(part())
                start = index + 1
            case let byte where StatementText.isQuote(byte):
                index = StatementText.endOfQuoted(text, from: index)
                continue
            default: break
            }
            index += 1
        }
        return nil
    }

    private static func endOfWord(_ part: ArraySlice<UInt8>) -> Int {
        guard let first = part.first else { return part.endIndex }
        if StatementText.isQuote(first) { return StatementText.endOfQuoted(Array(part), from: 0) + part.startIndex }
        return part.firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "(") } ?? part.endIndex
    }

    private static func unquoted(_ word: String) -> String {
        guard let first = word.utf8.first, StatementText.isQuote(first), word.utf8.count > 1 else { return word }
        return String(word.dropFirst().dropLast())
    }
}
