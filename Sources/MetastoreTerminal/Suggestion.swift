/// What somebody probably meant.
package enum Suggestion {
    /// ` Did you mean "x"?` if one of the candidates is near enough to be a slip of the fingers, else
    /// nothing.
    package static func text(for word: String, among candidates: some Sequence<String>) -> String {
        let near = candidates.map { candidate in
            let isStart =
                min(word.count, candidate.count) >= 3
                && (candidate.hasPrefix(word) || word.hasPrefix(candidate))
            return (isStart ? 1 : distance(word, candidate), candidate)
        }.min { $0 < $1 }
        guard let near, near.0 <= max(1, min(word.count, near.1.count) / 3) else { return "" }
        return " Did you mean \"\(near.1)\"?"
    }

    /// A sentence: what was probably meant, or all there is.
    package static func sentence(for word: String, among known: [String]) -> String {
        let near = text(for: word, among: known)
        guard near.isEmpty else { return String(near.dropFirst()) }
        guard !known.isEmpty else { return "There is none." }
        return "There " + (known.count == 1 ? "is " : "are ") + known.joined(separator: ", ") + "."
    }

    /// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one of
    /// the other.
    package static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.lowercased().prefix(64))
        let b = Array(right.lowercased().prefix(64))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
