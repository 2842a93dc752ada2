// Invariants (an engine with a server)
// 1. A write is answered within the bound, whatever the writer's thread is waiting for: as not applied when it has not
//    begun, as unknown when it has.
// 2. A read that has not begun is answered within the bound, too, whatever the readers' threads are waiting for. One
//    that runs may take its time: the engine ends it when the server stops answering.
// 3. One that was answered here is never begun afterwards.

internal import DequeModule
internal import MetastoreModel
internal import Synchronization

/// A call that may have to be answered before its turn comes.
protocol BoundedCall: AnyObject, Sendable {
    /// Since when it waits.
    var submitted: ContinuousClock.Instant { get }
    /// It has waited for too long: answers it, if it isn't answered yet.
    func giveUp(after bound: Duration, place: String)
}

/// Answers the calls that have waited for too long.
final class CallBound: Sendable {
    private struct Waiting {
        let since: ContinuousClock.Instant
        weak var job: (any BoundedCall)?
    }

    private struct State {
        /// In the order they came, which is that of their deadlines.
        var waiting: Deque<Waiting> = []
        var isRunning = false
    }

    private let state = Mutex(State())
    private let bound: Duration
    private let place: String

    init(_ bound: Duration, place: String) {
        self.bound = bound
        self.place = place
    }

    /// From now on the job is answered within the bound.
    func watch(_ job: any BoundedCall) {
        let starts = state.withLock { state in
            state.waiting.append(Waiting(since: job.submitted, job: job))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        Task.detached { [self] in
            while let pause = answerLate() { try? await Task.sleep(for: pause) }
        }
    }

    /// Answers what is late; returns how long nothing can be, or nil when nothing waits.
    private func answerLate() -> Duration? {
        let now = ContinuousClock.now
        let (late, pause) = state.withLock { state -> ([any BoundedCall], Duration?) in
            var late: [any BoundedCall] = []
            while let first = state.waiting.first, first.job == nil || now - first.since >= bound {
                if let job = first.job { late.append(job) }
                state.waiting.removeFirst()
            }
            guard let first = state.waiting.first else {
                state.isRunning = false
                return (late, nil)
            }
            return (late, max(.milliseconds(20), bound - (now - first.since)))
        }
        for job in late { job.giveUp(after: bound, place: place) }
        return pause
    }
}
