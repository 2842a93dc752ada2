package import ArgumentParser
internal import Dispatch
internal import Glibc
internal import MetastoreTerminal

/// A command from its call to its exit status: data goes to the output, everything else to the error stream.
package struct CommandRun: Sendable {
    private let format: OutputFormat
    /// Where progress is shown.
    package let screen: UpgradeScreen

    package init(_ format: OutputFormat) {
        self.format = format
        screen = UpgradeScreen()
    }

    /// Runs it, and prints what it answers.
    ///
    /// - Throws: the exit code, where it isn't 0.
    package func run<Report: CommandReport>(
        _ body: @Sendable (UpgradeScreen) async throws -> Report
    ) async throws(ExitCode) {
        // Whoever closed the output is found out about when writing to it.
        signal(SIGPIPE, SIG_IGN)
        let signals = SignalWatch { [screen] in
            screen.clear()
            StandardStream.error.write(
                "interrupted. What was committed stays, and nothing is half done: run the same command again.\n")
        }
        defer { signals.end() }
        do {
            let report = try await body(screen)
            screen.clear()
            StandardStream.output.write(try report.text(format, StandardStream.output.style))
            guard report.exitStatus == .success else { throw ExitCode(report.exitStatus.rawValue) }
        } catch let code as ExitCode {
            throw code
        } catch {
            screen.clear()
            let failure = CommandFailure(error, at: "metastore")
            StandardStream.error.write("error: \(failure.description)\n")
            throw ExitCode(failure.status.rawValue)
        }
    }
}

/// Says a last word when somebody ends the process, and ends it as a shell expects: 130 for Ctrl-C.
///
/// Nothing is undone: whatever this process does may be cut off at any moment.
private final class SignalWatch: Sendable {
    // Unsafe in name only: dispatch sources may be cancelled from any thread.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init(_ lastWord: @escaping @Sendable () -> Void) {
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                lastWord()
                _exit(128 + number)
            }
            source.resume()
            return source
        }
    }

    func end() { for source in sources { source.cancel() } }
}
