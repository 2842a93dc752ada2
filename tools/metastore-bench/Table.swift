/// Lines of comparisons for people: texts to the left, numbers to the right.
enum Table {
    private static let titles = ["row", "work", "ours", "unit", "beside", "theirs", "ratio", "low–high", "must", ""]
    private static let rightAligned: Set = [2, 5, 6, 7]

    static func text(_ comparisons: [Comparison]) -> String {
        let rows =
            [titles]
            + comparisons.map { line in
                [
                    line.row, line.what, number(line.ours.median), line.figure.unit, line.beside ?? "",
                    line.theirs.map { number($0.median) } ?? "",
                    line.ratio.map { fixed($0.median) } ?? "",
                    line.ratio.map { "\(fixed($0.low))–\(fixed($0.high))" } ?? "",
                    line.must.map { $0.text(line.figure) } ?? "",
                    line.isReached.map { $0 ? "reached" : "missed" } ?? "",
                ]
            }
        let widths = titles.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return rightAligned.contains(column) ? padding + row[column] : row[column] + padding
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// Three or more digits: 0.85, 12.3, 456, 12,345.
    static func number(_ value: Double) -> String {
        guard value.magnitude >= 100 else { return value.magnitude >= 10 ? fixed(value, digits: 1) : fixed(value) }
        var digits = String(Int(value.rounded()))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    private static func fixed(_ value: Double, digits: Int = 2) -> String {
        let factor = digits == 2 ? 100.0 : 10.0
        let scaled = Int((value.magnitude * factor).rounded())
        let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int(factor))
        let fraction = String(rest)
        return "\(value < 0 && scaled > 0 ? "-" : "")\(whole)."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
