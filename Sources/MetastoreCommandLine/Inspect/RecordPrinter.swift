// Invariants
// 1. Records go out as they come: memory is that of one page of a table, or of one record.
// 2. Every format holds the same records; only `table` leaves columns out.
// 3. What is doubtful is marked in every format that has a place for it.

internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

/// Prints records of one kind in one of the formats.
struct RecordPrinter {
    private let kind: RecordKind
    private let look: PagedTable.Look
    private let write: (String) -> Void
    private let names: [String]
    private var list: ListPrinter
    private var table: PagedTable
    private var count = 0

    /// - Parameter head: members of the one JSON object that `json` is, before its `records`.
    init(
        _ kind: RecordKind, _ format: InspectFormat, _ style: TerminalStyle, _ look: PagedTable.Look,
        head: [(String, String)], write: @escaping (String) -> Void
    ) {
        (self.kind, self.look, self.write) = (kind, look, write)
        let isWhole = format == .wide || format == .csv
        let names = isWhole ? Self.revisionsLast(Presentation.names(kind)) : Presentation.overview(kind)
        self.names = names
        list = ListPrinter(
            format, named: "records", head: head, titles: look.hasHeaders ? ["key"] + names : [], write: write)
        table = PagedTable(names.map(tableTitle), style, look, write: write)
    }

    private static func revisionsLast(_ names: [String]) -> [String] {
        let revisions = ["created_revision", "revision"]
        return names.filter { !revisions.contains($0) } + names.filter { revisions.contains($0) }
    }

    mutating func add(_ record: RecordView) throws {
        count += 1
        if list.format.isTable { return table.add(names.map { record[$0] }, mark: record.isProven ? "" : "(doubtful)") }
        let cells = list.format == .csv ? [[record.key.path] + names.map { record[$0].plain }] : []
        try list.add(ListItem(json: record.json(), name: record.key.path, cells: cells, lines: []))
    }

    mutating func end() {
        if list.format.isTable, count == 0, look.hasHeaders { write("no \(kind.name)\n") }
        table.end()
        list.end()
    }
}
