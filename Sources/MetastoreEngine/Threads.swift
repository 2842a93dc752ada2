internal import Glibc

/// Threads for work that blocks: never those of the cooperative pool.
package enum BlockingThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread of its own; false when the operating system refuses one.
    package static func tryStart(_ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body))
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
