package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// What the commands of `label` answer.
package struct LabelAnswer: CommandReport {
    package let archive: String
    package let cluster: String
    /// The label that was set, or all there are.
    package let labels: [ArchiveStatusReport.Label]
    /// The label that was taken away.
    package let removed: String?

    package func lines(_ style: TerminalStyle) -> [String] {
        if let removed {
            return ["removed label \(removed): what it kept may go with the next retention"]
        }
        guard !labels.isEmpty else { return ["no labels"] }
        var fields = FieldLines()
        for label in labels {
            fields.add(
                label.name,
                "revision \(label.revision), set \(label.time.toTheSecond)"
                    + (label.text.isEmpty ? "" : ", \(label.text)")
                    + (label.isLost ? "; nothing can be restored to it any more" : ""), label.isLost ? .yellow : .plain)
        }
        return fields.lines(style)
    }
}

/// Names revisions of an archive, so that they can be restored by name and are kept.
package struct LabelCommand: Sendable {
    private let archive: ArchiveURL
    private let cluster: UUID?
    private let screen: CommandScreen

    package init(_ archive: ArchiveURL, cluster: UUID?, screen: CommandScreen) {
        self.archive = archive
        self.cluster = cluster
        self.screen = screen
    }

    /// - Parameter revision: the last one that is archived unless given.
    package func set(_ name: String, at revision: Int64?, text: String) async throws(CommandFailure) -> LabelAnswer {
        try await answering { line in
            guard line.names.label(name) != nil, text.utf8.count <= Limits.labelTextBytes else {
                throw CommandFailure(
                    .usage,
                    "\(name.debugDescription) can't be a label: its name has a–z, 0–9, hyphens and inner dots, at most "
                        + "\(Limits.labelNameBytes), its text at most \(Limits.labelTextBytes) bytes.")
            }
            let label = try await Labels(line).add(name, at: revision.map { Revision(rawValue: $0) }, text: text)
            let shown = ArchiveStatusReport.Label(
                name: label.name, revision: label.revision.rawValue, time: label.time.description, text: label.text,
                isLost: false)
            return ([shown], nil)
        }
    }

    package func list() async throws(CommandFailure) -> LabelAnswer {
        try await answering { line in
            guard let history = try await ArchiveHistory(line) else { throw line.isEmpty }
            return (try await line.labelSights(history), nil)
        }
    }

    package func remove(_ name: String) async throws(CommandFailure) -> LabelAnswer {
        try await answering { line in
            try await line.naming(.label(name), at: archive.description) { try await Labels(line).remove(name) }
            return ([], name)
        }
    }

    private func answering(
        _ body: (ArchiveLine) async throws -> (labels: [ArchiveStatusReport.Label], removed: String?)
    ) async throws(CommandFailure) -> LabelAnswer {
        try await failing(screen, at: archive.description) {
            let line = try archive.line(of: cluster, screen.reading("read"))
            let (labels, removed) = try await body(line)
            return LabelAnswer(
                archive: archive.description, cluster: line.cluster.text, labels: labels, removed: removed)
        }
    }
}
