/// Rows of cells under titles, in columns that are as wide as they have to be.
package struct TextTable: Hashable, Sendable {
    /// A column's title, and what its cells are.
    package struct Column: Hashable, Sendable {
        package let title: String
        /// Numbers stand to the right.
        package let isNumber: Bool
        /// Cells of these columns are cut, with an ellipsis, where the table is wider than the terminal.
        package let mayShrink: Bool

        package init(_ title: String, isNumber: Bool = false, mayShrink: Bool = false) {
            self.title = title
            self.isNumber = isNumber
            self.mayShrink = mayShrink
        }
    }

    package let columns: [Column]
    package private(set) var rows: [[String]] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row of one cell a column.
    package mutating func add(_ cells: String...) { rows.append(cells) }

    /// Adds a row of one cell a column.
    package mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The table's lines, titles first; nothing at the end of a line. A pipe gets every cell whole.
    package func lines(_ style: TerminalStyle) -> [String] {
        let widths = self.widths(style.width)
        let titles = line(columns.map(\.title), widths)
        return [style.line([.init(titles, .bold)])] + rows.map { style.line([.init(line($0, widths))]) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = columns.indices.map { index in
            columns[index].isNumber
                ? TerminalText.padded(left: TerminalText.clean(cells[index], width: widths[index]), to: widths[index])
                : TerminalText.padded(cells[index], to: widths[index])
        }
        let line = padded.joined(separator: "  ")
        return String(line[..<(line.lastIndex { $0 != " " }.map(line.index(after:)) ?? line.startIndex)])
    }

    /// As wide as the widest cell; then the widest that may shrink gives way, down to eight columns, until it fits.
    private func widths(_ limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            ([columns[index].title] + rows.map { $0[index] }).map(TerminalText.width).max() ?? 0
        }
        guard let limit else { return widths }
        let least = 8
        while widths.reduce(0, +) + 2 * (widths.count - 1) > limit {
            let candidates = columns.indices.filter { columns[$0].mayShrink && widths[$0] > least }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }
}
