package import ArgumentParser
internal import Dispatch
internal import Glibc
internal import MetastoreTerminal
internal import Synchronization

/// A command from its call to its exit status: data goes to the output, everything else to the error stream.
package struct CommandRun: Sendable {
    private let format: OutputFormat
    /// Where progress is shown.
    package let screen: CommandScreen

    package init(_ format: OutputFormat) {
        self.format = format
        screen = CommandScreen()
    }

    /// Prints what there is to say before the end.
    package func tell(_ report: some CommandReport) {
        screen.clear()
        guard let text = try? report.text(format, StandardStream.output.style) else { return }
        StandardStream.output.write(text)
    }

    /// Runs it, and prints what it answers.
    ///
    /// - Parameter isGentle: the first signal cancels the task of `body`, which then answers how far it is; the second
    ///   ends the process at once, as the first does otherwise.
    /// - Throws: the exit code, where it isn't 0.
    package func run<Report: CommandReport>(
        endingGently isGentle: Bool = false, _ body: @escaping @Sendable (CommandScreen) async throws -> Report
    ) async throws(ExitCode) {
        // Whoever closed the output is found out about when writing to it.
        signal(SIGPIPE, SIG_IGN)
        ScreenLog.begin(on: screen)
        let ended = Mutex<Int32?>(nil)
        let work = Mutex<Task<Report, any Error>?>(nil)
        // Before the work begins: what it makes and removes again would stay if a signal ended the process as usual.
        let signals = SignalWatch { [screen] number in
            screen.clear()
            let isFirst = ended.withLock { ended in
                defer { ended = number }
                return ended == nil
            }
            if isGentle, isFirst {
                work.withLock { if let running = $0 { running.cancel() } }
                return
            }
            StandardStream.error.write(
                "interrupted. What was committed stays, and nothing is half done: run the same command again.\n")
            _exit(128 + number)
        }
        defer { signals.end() }
        let running = Task { [screen] in try await body(screen) }
        work.withLock { $0 = running }
        if ended.withLock({ $0 != nil }) { running.cancel() }
        do {
            let report = try await running.value
            screen.clear()
            StandardStream.output.write(try report.text(format, StandardStream.output.style))
            guard report.exitStatus == .success else {
                throw ExitCode(ended.withLock { $0 }.map { 128 + $0 } ?? report.exitStatus.rawValue)
            }
        } catch let code as ExitCode {
            throw code
        } catch {
            screen.clear()
            let failure = CommandFailure(error, at: "metastore")
            StandardStream.error.write("error: \(failure.description)\n")
            throw ExitCode(ended.withLock { $0 }.map { 128 + $0 } ?? failure.status.rawValue)
        }
    }
}

/// Tells when somebody wants to end the process, which a shell expects to end with 130 for Ctrl-C.
///
/// Nothing needs to be undone: whatever this process does may be cut off at any moment.
private final class SignalWatch: Sendable {
    // Unsafe in name only: dispatch sources may be cancelled from any thread.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init(_ tell: @escaping @Sendable (Int32) -> Void) {
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { tell(number) }
            source.resume()
            return source
        }
    }

    func end() { for source in sources { source.cancel() } }
}
