internal import Glibc
package import MetastoreTerminal
internal import Synchronization

/// Standard error, where a command tells what it is doing: a bar on a terminal, elsewhere a line every ten seconds.
///
/// The terminal is whole at every moment, since the process may be killed at any.
package final class CommandScreen: Sendable {
    private let style: TerminalStyle
    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Duration
    private let work = Mutex<Work?>(nil)

    private struct Work {
        let title: String
        var progress: Progress
    }

    package init(
        _ style: TerminalStyle = StandardStream.error.style,
        now: @escaping @Sendable () -> Duration = { CommandScreen.monotonic },
        write: @escaping @Sendable (String) -> Void = { StandardStream.error.write($0) }
    ) {
        self.style = style
        self.now = now
        self.write = write
    }

    /// A line for itself.
    package func say(_ text: String) {
        work.withLock { work in
            let before = work?.progress.clear() ?? ""
            write(before + text + "\n")
        }
    }

    /// How far something is.
    package func show(_ title: String, _ done: Int, _ total: Int?, _ unit: String) {
        work.withLock { work in
            let now = now()
            if work?.title != title {
                if let before = work?.progress.clear(), !before.isEmpty { write(before) }
                work = Work(title: title, progress: Progress(style, at: now, done: done))
            }
            if let text = work?.progress.text(title, done: done, of: total, unit: unit, at: now) { write(text) }
        }
    }

    /// What was shown of the work is taken away.
    package func clear() {
        work.withLock { work in
            if let before = work?.progress.clear(), !before.isEmpty { write(before) }
            work = nil
        }
    }

    package static var monotonic: Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
