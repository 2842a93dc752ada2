internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreTerminal
internal import Synchronization

/// What the program says while it works, line by line.
final class Told: Sendable {
    private let tellsAll: Bool
    /// The number of a line, or its beginning.
    private let stop: String?
    private let state = Mutex((lines: 0, hasStopped: false))
    private let minutes = Atomic(0)

    init(_ watch: String) {
        tellsAll = watch != "log"
        stop = watch.hasPrefix("stop:") ? String(watch.dropFirst("stop:".count)) : nil
    }

    /// A live one is told of progress more often.
    var style: TerminalStyle {
        tellsAll ? TerminalStyle(isLive: true, hasColor: false, hasUnicode: false, width: nil) : .plain
    }

    /// A minute later whenever it is looked at, so that whatever is shown from time to time is shown each time.
    func now() -> Duration {
        tellsAll ? .seconds(60 * minutes.add(1, ordering: .relaxed).newValue) : CommandScreen.monotonic
    }

    func write(_ text: String) {
        for line in text.replacing("\u{1B}[K", with: "").split(whereSeparator: { $0 == "\r" || $0 == "\n" }) {
            StandardStream.output.write(line + "\n")
            let stops = state.withLock { state in
                state.lines += 1
                guard let stop, !state.hasStopped else { return false }
                state.hasStopped = Int(stop).map { $0 == state.lines } ?? line.hasPrefix(stop)
                return state.hasStopped
            }
            if stops { raise(SIGSTOP) }
        }
    }
}
