internal import ArgumentParser
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
package import MetastoreReplication
internal import MetastoreTerminal

/// A state of an archive as a command line names it: a revision, a time, or a label.
///
/// A number is a revision; RFC 3339 text a time, in UTC where it names no offset; `newest` the last one that is
/// archived; whatever else is a label. What could be read in two ways is told apart by `revision:`, `time:` and
/// `label:`.
package struct RestorePoint: Sendable, Hashable, ExpressibleByArgument, CustomStringConvertible {
    package let description: String
    package let point: Restore.Point

    package static let newest = RestorePoint("newest", .newest)

    private init(_ text: String, _ point: Restore.Point) {
        description = text
        self.point = point
    }

    /// Nil for what can't be any of them: `revision:` without a number, a time that doesn't exist.
    package init?(argument text: String) {
        let mark = text.firstIndex(of: ":").map { String(text[..<$0]) }
        let rest = String(text.drop { $0 != ":" }.dropFirst())
        guard !text.isEmpty, mark == nil || !rest.isEmpty else { return nil }
        switch (mark, Moment(mark == "revision" || mark == "time" ? rest : text)) {
        case ("label", _): self.init(text, .label(rest))
        case ("revision", .revision(let revision)): self.init(text, .revision(revision))
        case ("time", .time(let time)): self.init(text, .time(time))
        case ("revision", _), ("time", _): return nil
        case (_, .revision(let revision)): self.init(text, .revision(revision))
        case (_, .time(let time)): self.init(text, .time(time))
        case (_, nil) where text == "newest": self = .newest
        case (_, nil):
            // A label begins with a letter or a digit and has no colon; a time that is none is no label either.
            guard mark == nil, !text.hasPrefix("-") else { return nil }
            self.init(text, .label(text))
        }
    }
}

extension CommandFailure {
    /// What is said of a label that isn't there: the names that are nearest.
    init(noLabel name: String, in line: ArchiveLine, at place: String) async {
        let names = ((try? await Labels(line).all()) ?? []).map(\.name)
        let known =
            names.isEmpty
            ? "There is no label." : Suggestion.sentence(for: name, among: Array(names.prefix(Self.namesMost)))
        self.init(.missing, "\(place): no label is called \(name.debugDescription). \(known)")
    }

    /// More aren't listed in a message.
    private static var namesMost: Int { 1_000 }
}

extension ArchiveLine {
    /// Whatever `body` fails with because a label isn't there is told with the nearest names.
    func naming<Result>(
        _ point: Restore.Point, at place: String, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let error as ArchiveError {
            guard case .label(let name) = point, case .missing = error, try await Labels(self).label(name) == nil else {
                throw error
            }
            throw await CommandFailure(noLabel: name, in: self, at: place)
        }
    }
}
