internal import FoundationEssentials
internal import ArgumentParser
package import MetastoreTerminal

/// How a command shows its answer.
package enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    /// One JSON object, of the shape that the command's help documents.
    case json
}

/// What a command found or did: the same as text for people and as JSON for programs.
package protocol CommandReport: Encodable, Sendable {
    /// The lines for people.
    func lines(_ style: TerminalStyle) -> [String]
    /// With what the command ends.
    var exitStatus: ExitStatus { get }
    /// As JSON it is one line, for whoever reads several of them as they come.
    static var isOneLine: Bool { get }
}

extension CommandReport {
    package var exitStatus: ExitStatus { .success }
    package static var isOneLine: Bool { false }

    /// The report as it goes to standard output, with its line's end.
    package func text(_ format: OutputFormat, _ style: TerminalStyle) throws -> String {
        switch format {
        case .table: lines(style).map { $0 + "\n" }.joined()
        case .json: try Self.json(self)
        }
    }

    /// Names in order, so that the same answer has the same text.
    private static func json(_ report: Self) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !isOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
}
