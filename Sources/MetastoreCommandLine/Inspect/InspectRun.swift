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

// Invariants
// 1. One thread does it all, but for the one that keeps the bounds of statements: neither tasks nor dispatch queues.
//    libdispatch looks into /proc after a while and stops the process where nothing is mounted there, and an
//    asynchronous `main` needs libgcc_s. A rescue instance's chroot may have neither.
// 2. A signal ends it at once, with the terminal whole: nothing is half done, because nothing is changed.

/// A command of the inspector from its call to its exit status.
package enum InspectRun {
    /// Opens the store, runs the command on it and ends with its status.
    ///
    /// - Parameter isOneState: all that the command reads is of one state; else it sees to that itself.
    package static func run(
        _ options: InspectOptions, inOneState isOneState: Bool = true, _ body: (InspectSession) throws -> ExitStatus
    ) throws(ExitCode) {
        try run(at: options.store) { screen in
            let output = BufferedOutput()
            let pager = options.format.isTable ? Pager() : nil
            defer { pager?.end() }
            do {
                let session = try InspectSession(options, screen: screen, output: output)
                let status = try isOneState ? session.run(body) : body(session)
                session.flush()
                return status
            } catch {
                output.flush()
                throw error
            }
        }
    }

    /// Makes a new store of what can be read of a damaged one.
    package static func salvage(_ options: InspectOptions, to target: String) throws(ExitCode) {
        try run(at: options.store) { screen in
            try InspectSalvage(options, to: target).run(screen: screen, output: BufferedOutput())
        }
    }

    private static func run(at place: String, _ body: (CommandScreen) throws -> ExitStatus) throws(ExitCode) {
        // Whoever closed the output is found out about when writing to it.
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, endInterrupted) }
        let screen = CommandScreen()
        ScreenLog.begin(on: screen)
        let status: ExitStatus
        do {
            status = try body(screen)
            screen.clear()
        } catch {
            screen.clear()
            let failure = CommandFailure(error, at: place)
            StandardStream.error.write("error: \(failure.description)\n")
            status = failure.status
        }
        guard status == .success else { throw ExitCode(status.rawValue) }
    }
}

/// Calls nothing but what a signal's handler may: a shell expects 130 for Ctrl-C.
private func endInterrupted(_ number: Int32) {
    let clearing: StaticString = "\r\u{1B}[K"
    if isatty(2) == 1 { _ = write(2, clearing.utf8Start, clearing.utf8CodeUnitCount) }
    _exit(128 + number)
}
