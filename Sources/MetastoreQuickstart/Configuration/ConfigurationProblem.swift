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
