/// One thing that is wrong, or remarkable, in a configuration: where, what, and what to do.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    package let line: Int
    /// The column, from 1, counted in Unicode scalars.
    package let column: Int
    /// Which setting, dotted from the top (`searcher.max_length`); empty for the document as a whole.
    package let path: String
    /// What is wrong and what to do about it.
    package let reason: String

    /// `line 12, column 5: searcher.name: …`
    package var description: String {
        "line \(line), column \(column): " + (path.isEmpty ? "" : "\(path): ") + reason
    }
}

/// A configuration that was refused, with everything that was found wrong in it, in the order of its lines.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found: never empty.
    package let problems: [ConfigurationProblem]

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// What a reading has found so far. Problems refuse the configuration; notes only tell.
///
/// Invariant 1: at most ``countMax`` of each are kept; a file that is wrong everywhere needs no longer list
/// than that.
final class ConfigurationFindings {
    static let countMax = 50

    private(set) var problems: [ConfigurationProblem] = []
    private(set) var notes: [ConfigurationProblem] = []

    func refuse(_ problem: ConfigurationProblem) {
        if problems.count < Self.countMax { problems.append(problem) }
    }

    func note(_ problem: ConfigurationProblem) {
        if notes.count < Self.countMax { notes.append(problem) }
    }

    /// Throws if anything was refused.
    func check() throws(ConfigurationError) {
        guard !problems.isEmpty else { return }
        throw ConfigurationError(problems: problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }
}

/// What somebody probably meant.
enum Suggestion {
    /// ` Did you mean "x"?` if one of the candidates is near enough to be a slip of the fingers, else
    /// nothing.
    static func text(for word: String, among candidates: some Sequence<String>) -> String {
        let near = candidates.map { candidate in
            let isStart =
                min(word.count, candidate.count) >= 3
                && (candidate.hasPrefix(word) || word.hasPrefix(candidate))
            return (isStart ? 1 : distance(word, candidate), candidate)
        }.min { $0 < $1 }
        guard let near, near.0 <= max(1, min(word.count, near.1.count) / 3) else { return "" }
        return " Did you mean \"\(near.1)\"?"
    }

    /// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one of
    /// the other.
    static func distance(_ left: String, _ right: String) -> Int {
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
