internal import Glibc

/// Threads for work that blocks: never those of the cooperative pool.
///
/// No signal is handled on one of them, as with any thread that a library makes for itself: signals are for the threads
/// of whoever links it, which may have blocked them until something is done.
package enum BlockingThread {
    private static let blocked: sigset_t = {
        var signals = sigset_t()
        sigfillset(&signals)
        // A thread's own faults.
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&signals, fault) }
        return signals
    }()

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread of its own; false when the operating system refuses one.
    package static func tryStart(_ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body))
        var (blocked, before) = (blocked, sigset_t())
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let result = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        guard result == 0 else {
            work.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// How long a thread looks around before it sleeps. Who awaits an answer and calls again at once needs less, and
    /// being woken costs as much.
    package static let patience = Duration.microseconds(50)

    /// Gives way to other threads until `isThere`, for at most ``patience``; what it said last.
    package static func lookAround(until isThere: () -> Bool) -> Bool {
        let end = ContinuousClock.now + patience
        while !isThere() {
            guard ContinuousClock.now < end else { return false }
            sched_yield()
        }
        return true
    }
}
