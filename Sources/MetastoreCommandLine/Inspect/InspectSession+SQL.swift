internal import Glibc
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `sql`: one statement, or one after the other from the input, each ended by a semicolon, each of a state of its
    /// own.
    package func sql(_ statement: String?) throws {
        if let statement { return try run { try $0.query(statement) } }
        let isTalking = isatty(0) == 1
        var text = ""
        if isTalking {
            screen.say("One statement after the other, each ended by ;  Nothing can be changed. Ctrl-D ends.")
        }
        while true {
            if isTalking { StandardStream.error.write(text.isEmpty ? "sql> " : "...> ") }
            guard let line = readLine() else { break }
            text += text.isEmpty ? line : "\n" + line
            guard text.trimmed.hasSuffix(";") else { continue }
            do {
                try run { try $0.query(text) }
            } catch  where isTalking {
                screen.say("error: \(CommandFailure(error, at: options.store).description)")
            }
            flush()
            text = ""
        }
        if !text.trimmed.isEmpty { try run { try $0.query(text) } }
    }

    private func query(_ text: String) throws {
        var text = text.trimmed
        while text.hasSuffix(";") { text = String(text.dropLast()).trimmed }
        guard !text.isEmpty else { return }
        guard !text.unicodeScalars.contains("\u{1}") else {
            throw CommandFailure(.usage, "the statement has a control character in it.")
        }
        var rows = SQLRows(options, style, head: try head(verified: "no"), write: { self.write($0) })
        do {
            try inspection.connection.forEachRow(SQL(trusted: text)) { row in
                try rows.add(row)
                return true
            }
        } catch let error as EngineError where error.code == .misuse || error.code == .readOnly {
            throw CommandFailure(.usage, "\(error.message). Statements can only read here.")
        }
        rows.end()
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// The rows of any statement, under the names it gives them.
private struct SQLRows {
    private let options: InspectOptions
    private let style: TerminalStyle
    private let write: (String) -> Void
    private let head: [(String, String)]
    private var names: [String] = []
    private var list: ListPrinter?
    private var table: PagedTable?

    init(
        _ options: InspectOptions, _ style: TerminalStyle, head: [(String, String)], write: @escaping (String) -> Void
    ) {
        (self.options, self.style, self.head, self.write) = (options, style, head, write)
    }

    mutating func add(_ row: borrowing Row) throws {
        let source = row.lent
        let values = source.columns().map(FieldValue.init)
        if list == nil { begin(Self.distinct(values.indices.map(source.name))) }
        if options.format.isTable {
            table?.add(values)
        } else {
            try list?.add(
                ListItem(
                    json: JSONText.object(Array(zip(names, values.map(\.json)))), name: values.first?.plain ?? "",
                    cells: [values.map(\.plain)], lines: []))
        }
    }

    mutating func end() {
        if list == nil { begin([]) }
        table?.end()
        list?.end()
    }

    private mutating func begin(_ names: [String]) {
        self.names = names
        list = ListPrinter(
            options.format, named: "rows", head: head, titles: options.look.hasHeaders ? names : [], write: write)
        table = PagedTable(names, style, options.look, write: write)
    }

    /// An object has each name once: `id`, `id_2`.
    private static func distinct(_ names: [String]) -> [String] {
        var taken: Set<String> = []
        return names.map { name in
            var distinct = name
            var count = 1
            while !taken.insert(distinct).inserted {
                count += 1
                distinct = "\(name)_\(count)"
            }
            return distinct
        }
    }
}

extension FieldValue {
    /// A column of a row that the cursor stands on.
    fileprivate init(_ column: RawColumn) {
        switch column.kind {
        case .null: self = .none
        case .integer: self = .integer(column.integer)
        case .real: self = .real(column.real)
        case .text: self = column.string.map { .text($0) } ?? .bytes(Array(column.content))
        case .bytes:
            self = .text("x'" + column.content.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'")
        }
    }
}
