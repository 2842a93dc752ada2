internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
package import MetastoreTerminal

/// What `copy` did.
package struct CopyReport: CommandReport {
    package let from: String
    package let to: String
    /// Of the copy: the source's when it was read.
    package let position: String
    package let revision: Int64
    package let rows: Int64
    package let bytes: Int64
    package let seconds: Double
    /// What was found at the target: `nothing`, `unfinishedCopy`, `olderUnfinishedCopy`, `finishedCopy`.
    package let found: String

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("from", from)
        fields.add("to", to)
        switch found {
        case "unfinishedCopy": fields.add("resumed", "went on with the unfinished copy that was there")
        case "olderUnfinishedCopy": fields.add("resumed", "no: the source had moved on; begun anew", .yellow)
        case "finishedCopy": fields.add("resumed", "the copy was finished before")
        default: break
        }
        fields.add(
            "copied",
            "\(Shown.count(Int(rows), "row")), \(Shown.bytes(Int(bytes))), "
                + Shown.duration(.seconds(seconds)))
        fields.add("equal", "revision \(revision), all digests recomputed on both sides", .green)
        return fields.lines(style)
    }
}

/// Copies one store to another place.
package struct CopyCommand: Sendable {
    private let from: StoreURL
    private let to: StoreURL
    private let screen: CommandScreen

    package init(from: StoreURL, to: StoreURL, screen: CommandScreen) {
        self.from = from
        self.to = to
        self.screen = screen
    }

    /// - Parameters:
    ///   - password: the source's.
    ///   - targetPassword: the target's.
    package func run(password: Password, targetPassword: Password) async throws(CommandFailure) -> CopyReport {
        let began = ContinuousClock.now
        do {
            let copy = StoreCopy(from: try from.source(password), to: try to.source(targetPassword))
            let report = try await copy.run(watched { [screen] in screen.show($0, $1, $2, $3) })
            screen.clear()
            return CopyReport(
                from: from.description, to: to.description, position: report.position.description,
                revision: report.position.revision.rawValue, rows: report.rows, bytes: report.bytes,
                seconds: (ContinuousClock.now - began).shownSeconds, found: Self.name(report.beginning))
        } catch {
            screen.clear()
            let failure = CommandFailure(error, at: "\(from) to \(to)")
            guard failure.status == .inputOutput || failure.status == .tryLater else { throw failure }
            throw CommandFailure(
                failure.status,
                failure.description + " What was copied stays; run the same command again, and it goes on.")
        }
    }

    private static func name(_ beginning: CopyBeginning) -> String {
        switch beginning {
        case .fromNothing: "nothing"
        case .resumed: "unfinishedCopy"
        case .anew: "olderUnfinishedCopy"
        case .finishedBefore: "finishedCopy"
        }
    }
}
