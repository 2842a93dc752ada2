internal import MetastoreInspection
internal import MetastoreTerminal

/// A table of any length: its columns are as wide as a page of it needs, and memory is that of a page.
package struct PagedTable {
    /// How tables look.
    package struct Look: Sendable {
        package var hasHeaders = true
        package var isTruncated = true
        package var inBytes = false

        package init() {}
    }

    private static let page = 1_000

    private let titles: [String]
    private let style: TerminalStyle
    private let look: Look
    private let write: (String) -> Void
    private var kept: [[String]] = []
    /// Columns in which something else than a number was seen; and those in which one was.
    private var texts: Set<Int> = []
    private var numbers: Set<Int> = []
    private var hasTitles = false

    init(_ titles: [String], _ style: TerminalStyle, _ look: Look, write: @escaping (String) -> Void) {
        (self.titles, self.look, self.write) = (titles, look, write)
        var style = style
        if !look.isTruncated { style.width = nil }
        self.style = style
    }

    /// - Parameter mark: stands behind the first cell.
    mutating func add(_ values: [FieldValue], mark: String = "") {
        var cells = values.map { look.isTruncated ? $0.brief(inBytes: look.inBytes) : $0.shown(inBytes: look.inBytes) }
        for (index, value) in values.enumerated() where value != .none {
            if value.isNumber { numbers.insert(index) } else { texts.insert(index) }
        }
        if !mark.isEmpty, !cells.isEmpty { cells[0] += " \(mark)" }
        kept.append(cells)
        if kept.count == Self.page { flush() }
    }

    /// Writes what is left of the last page.
    mutating func end() { flush() }

    private mutating func flush() {
        guard !kept.isEmpty else { return }
        var table = TextTable(
            titles.enumerated().map { index, title in
                let isNumber = numbers.contains(index) && !texts.contains(index)
                return TextTable.Column(title, isNumber: isNumber, mayShrink: !isNumber)
            })
        for cells in kept { table.add(cells) }
        let showsTitles = look.hasHeaders && !hasTitles
        for line in table.lines(style).dropFirst(showsTitles ? 0 : 1) { write(line + "\n") }
        (kept, hasTitles) = ([], true)
    }
}
