// Invariants
// 1. Records go out as they come: memory is that of one page of a table, or of one record.
// 2. Every format holds the same records; only `table` leaves columns out.
// 3. What is doubtful is marked in every format that has a place for it.

package import MetastoreInspection
package import MetastoreModel
package import MetastoreTerminal

/// Prints records of one kind in one of the formats.
package struct RecordPrinter {
    /// How tables look.
    package struct Look: Sendable {
        package var hasHeaders = true
        package var isTruncated = true
        package var inBytes = false

        package init() {}
    }

    /// How many rows a table's columns are measured by.
    private static let page = 1_000

    private let kind: RecordKind
    private let style: TerminalStyle
    private let look: Look
    private let write: (String) -> Void
    private let names: [String]
    private var list: ListPrinter
    private var kept: [[String]] = []
    /// Columns in which something else than a number was seen; and those in which one was.
    private var texts: Set<Int> = []
    private var numbers: Set<Int> = []
    private var hasTitles = false
    private var count = 0

    /// - Parameter head: members of the one JSON object that `json` is, before its `records`.
    package init(
        _ kind: RecordKind, _ format: InspectFormat, _ style: TerminalStyle, _ look: Look, head: [(String, String)],
        write: @escaping (String) -> Void
    ) {
        (self.kind, self.style, self.look, self.write) = (kind, style, look, write)
        let isWhole = format == .wide || format == .csv
        let names = isWhole ? Self.revisionsLast(Presentation.names(kind)) : Presentation.overview(kind)
        self.names = names
        list = ListPrinter(
            format, named: "records", head: head, titles: look.hasHeaders ? ["key"] + names : [], write: write)
    }

    private static func revisionsLast(_ names: [String]) -> [String] {
        let revisions = ["created_revision", "revision"]
        return names.filter { !revisions.contains($0) } + names.filter { revisions.contains($0) }
    }

    package mutating func add(_ record: RecordView) {
        count += 1
        if list.format == .table || list.format == .wide { return addRow(record) }
        let cells = list.format == .csv ? [[record.key.path] + names.map { record[$0].plain }] : []
        list.add(ListItem(json: record.json(), name: record.key.path, cells: cells, lines: []))
    }

    package mutating func end() {
        if list.format == .table || list.format == .wide { flush() }
        list.end()
    }

    // MARK: Tables

    private mutating func addRow(_ record: RecordView) {
        var cells = names.map { name in
            look.isTruncated ? record[name].brief(inBytes: look.inBytes) : record[name].shown(inBytes: look.inBytes)
        }
        for (index, name) in names.enumerated() where record[name] != .none {
            if record[name].isNumber { numbers.insert(index) } else { texts.insert(index) }
        }
        if !record.isProven { cells[0] += " (doubtful)" }
        kept.append(cells)
        if kept.count == Self.page { flush() }
    }

    /// The columns are as wide as this page needs.
    private mutating func flush() {
        defer { kept = [] }
        guard !kept.isEmpty else {
            if count == 0, look.hasHeaders { write("no \(kind.name)\n") }
            return
        }
        var table = TextTable(
            names.enumerated().map { index, name in
                let isNumber = numbers.contains(index) && !texts.contains(index)
                return TextTable.Column(tableTitle(name), isNumber: isNumber, mayShrink: !isNumber)
            })
        for cells in kept { table.add(cells) }
        var style = style
        if !look.isTruncated { style.width = nil }
        let lines = table.lines(style)
        defer { hasTitles = true }
        for line in lines.dropFirst(!hasTitles && look.hasHeaders ? 0 : 1) { write(line + "\n") }
    }
}
