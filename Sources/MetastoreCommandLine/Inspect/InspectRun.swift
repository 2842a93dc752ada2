package import ArgumentParser
internal import Glibc
package import MetastoreSQLite
internal import MetastoreTerminal

/// Which commits of a write-ahead log are shown, as it is typed.
package struct WriteAheadLogChoice: Sendable {
    package let choice: FrozenFile.LogChoice

    package static let last = WriteAheadLogChoice(choice: .last)

    private init(choice: FrozenFile.LogChoice) { self.choice = choice }

    package init?(argument: String) {
        switch argument {
        case "last": choice = .last
        case "ignore": choice = .none
        default:
            guard let count = Int(argument), count >= 0 else { return nil }
            choice = .first(count)
        }
    }

    package var defaultValueDescription: String { "last" }
}

/// A command of the inspector from its call to its exit status.
package enum InspectRun {
    /// Opens the store, runs the command on it and ends with its status.
    package static func run(
        _ options: InspectOptions, _ body: @escaping @Sendable (InspectSession) throws -> ExitStatus
    ) async throws(ExitCode) {
        try await CommandRun(.table).run { screen in
            let output = BufferedOutput()
            let pager = options.format == .table || options.format == .wide ? Pager() : nil
            defer { pager?.end() }
            do {
                let session = try InspectSession(options, screen: screen, output: output)
                let status = try body(session)
                session.flush()
                return Ended(exitStatus: status)
            } catch {
                output.flush()
                throw CommandFailure(error, at: options.store)
            }
        }
    }
}

extension InspectRun {
    /// Makes a new store of what can be read of a damaged one.
    package static func salvage(_ options: InspectOptions, to target: String) async throws(ExitCode) {
        try await CommandRun(.table).run { screen in
            do {
                let salvage = InspectSalvage(options, to: target)
                return Ended(exitStatus: try salvage.run(screen: screen, output: BufferedOutput()))
            } catch {
                throw CommandFailure(error, at: options.store)
            }
        }
    }
}

/// Everything was said already.
private struct Ended: CommandReport {
    let exitStatus: ExitStatus

    func lines(_ style: TerminalStyle) -> [String] { [] }
    func encode(to encoder: any Encoder) throws {}
}
