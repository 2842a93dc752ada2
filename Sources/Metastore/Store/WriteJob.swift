// Invariants
// 1. A job is answered exactly once.
// 2. A job that was cancelled before it started has no effect; once started it is carried through.

internal import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel
internal import Synchronization

/// A closure's value, and where the store stood when it had committed.
public struct Committed<Value: Sendable>: Sendable {
    /// What the closure returned.
    public let value: Value
    /// The position right after this write: read or follow from here and nothing is missed, nothing doubled.
    public let position: Position
    /// False when the closure changed nothing, so that no revision was made.
    public let didChange: Bool
}

extension Committed: Equatable where Value: Equatable {}

/// Where a write was called, for the log; put into words only when somebody reads it.
struct CallSite: Sendable, CustomStringConvertible {
    let file: String
    var line: Int?

    var description: String { line.map { "\(file):\($0)" } ?? file }
}

/// How a batch ended for those in it.
enum BatchOutcome: Sendable {
    case committed
    case failed(StoreError)
}

/// Whose write it is.
enum WriteOrigin: Sendable {
    /// A client's: held back while replication is behind.
    case client
    /// A consumer's, with its position; or one of the store's own.
    case store
    /// Taking the lead: the one that may run although another leads.
    case candidate
    /// What a replica's source committed: all that may be written to a replica.
    case replay
}

/// A queued write, whatever it returns.
protocol WriteJob: AnyObject, Sendable {
    var actor: String { get }
    var callSite: CallSite { get }
    /// Since when it waits.
    var submitted: ContinuousClock.Instant { get }
    var origin: WriteOrigin { get }
    /// False when it was cancelled meanwhile: leave it out.
    func start() -> Bool
    /// Runs the closure; may happen more than once.
    func run(_ session: WriteSession) throws
    /// Keeps where the store stood after the closure.
    func didRun(at position: Position, changed: Bool)
    /// The closure's own error: its answer, whatever becomes of the batch.
    func fail(_ error: any Error)
    func finish(_ outcome: BatchOutcome)
}

/// A closure's value on its way from the writer's thread to the task that waits.
///
/// `@unchecked Sendable`: written by the writer's thread before it answers, read by the task after the answer.
private final class ResultBox<Value: Sendable>: @unchecked Sendable {
    var value: Value?
}

extension Metastore {
    /// Queues a closure for the writer and waits for its answer.
    func submit<Value: Sendable>(
        actor: String, callSite: CallSite, from origin: WriteOrigin = .store,
        _ body: @escaping @Sendable (WriteSession) throws -> Value
    ) async throws -> Committed<Value> {
        // A write of a replica's own would end its being one: the source's next record wouldn't fit any more.
        guard let writer else { throw StoreError.readOnly }
        guard origin == .replay || options.replicaOf == nil else { throw StoreError.follower(place: engine.place) }
        let result = ResultBox<Value>()
        let job = ClosureJob(actor: actor, callSite: callSite, origin: origin) { session in
            result.value = try body(session)
        }
        let (position, didChange) = try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                job.wait(continuation)
                writer.bound?.watch(job)
                writer.submit(job)
            }
        } onCancel: {
            job.cancel()
        }
        guard let value = result.value else {
            throw StoreError.misuse(reason: "a write was answered without running")
        }
        return Committed(value: value, position: position, didChange: didChange)
    }
}

/// A write that a task waits for. Its value stays outside: code that is generic over it would run on every commit.
final class ClosureJob: WriteJob, BoundedCall {
    /// Where the store stood after the closure, and whether it changed anything. Unsafe only in that nobody checks
    /// that it is resumed once: ``Stage`` sees to that.
    typealias Continuation = UnsafeContinuation<(Position, Bool), any Error>

    fileprivate enum Stage {
        case new
        case cancelled
        case waiting(Continuation)
        case running(Continuation)
        case answered
    }

    fileprivate struct State {
        var stage = Stage.new
        var position: Position?
        var didChange = false
        var failure: (any Error)?
    }

    let actor: String
    let callSite: CallSite
    let submitted = ContinuousClock.now
    let origin: WriteOrigin
    private let body: @Sendable (WriteSession) throws -> Void
    private let state = Mutex(State())

    init(
        actor: String, callSite: CallSite, origin: WriteOrigin,
        body: @escaping @Sendable (WriteSession) throws -> Void
    ) {
        self.actor = actor
        self.callSite = callSite
        self.origin = origin
        self.body = body
    }

    func wait(_ continuation: Continuation) {
        let isCancelled = state.withLock { state in
            if case .cancelled = state.stage {
                state.stage = .answered
                return true
            }
            state.stage = .waiting(continuation)
            return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
    }

    func cancel() {
        let waiting: Continuation? = state.withLock { state in
            switch state.stage {
            case .new:
                state.stage = .cancelled
                return nil
            case .waiting(let continuation):
                state.stage = .answered
                return continuation
            case .cancelled, .running, .answered: return nil
            }
        }
        waiting?.resume(throwing: CancellationError())
    }

    func giveUp(after bound: Duration, place: String) {
        let reason = "no answer within \(bound)"
        let answer: (Continuation, StoreError)? = state.withLock { state in
            switch state.stage {
            case .waiting(let continuation):
                state.stage = .answered
                return (continuation, .unavailable(place: place, reason: reason))
            case .running(let continuation):
                state.stage = .answered
                return (continuation, .outcomeUnknown(reason: reason))
            case .new, .cancelled, .answered: return nil
            }
        }
        answer?.0.resume(throwing: answer!.1)
    }

    func start() -> Bool {
        state.withLock { state in
            switch state.stage {
            case .waiting(let continuation):
                state.stage = .running(continuation)
                return true
            case .running: return true
            case .new, .cancelled, .answered: return false
            }
        }
    }

    func run(_ session: WriteSession) throws {
        state.withLock { $0.failure = nil }
        try body(session)
    }

    func didRun(at position: Position, changed: Bool) {
        state.withLock { state in
            state.position = position
            state.didChange = changed
        }
    }

    func fail(_ error: any Error) { state.withLock { $0.failure = error } }

    func finish(_ outcome: BatchOutcome) {
        let waiting: (Continuation, Result<(Position, Bool), any Error>)? = state.withLock { state in
            switch state.stage {
            case .waiting(let continuation), .running(let continuation):
                state.stage = .answered
                return (continuation, state.result(outcome))
            case .new, .cancelled, .answered: return nil
            }
        }
        waiting?.0.resume(with: waiting!.1)
    }
}

extension ClosureJob.State {
    fileprivate func result(_ outcome: BatchOutcome) -> Result<(Position, Bool), any Error> {
        if let failure { return .failure(failure) }
        switch outcome {
        case .failed(let error): return .failure(error)
        case .committed:
            guard let position else {
                return .failure(StoreError.misuse(reason: "a write was answered without running"))
            }
            return .success((position, didChange))
        }
    }
}

/// A write of the store itself: nobody awaits it.
final class HousekeepingJob: WriteJob {
    let actor = "metastore"
    let callSite = CallSite(file: "housekeeping")
    let submitted = ContinuousClock.now
    let origin = WriteOrigin.store
    private let body: @Sendable (WriteSession) throws -> Void
    private let done: @Sendable (Result<Void, any Error>) -> Void
    private let failure = Mutex<(any Error)?>(nil)

    init(
        _ body: @escaping @Sendable (WriteSession) throws -> Void,
        done: @escaping @Sendable (Result<Void, any Error>) -> Void = { _ in }
    ) {
        self.body = body
        self.done = done
    }

    func start() -> Bool { true }
    func run(_ session: WriteSession) throws {
        failure.withLock { $0 = nil }
        try body(session)
    }
    func didRun(at position: Position, changed: Bool) {}
    func fail(_ error: any Error) { failure.withLock { $0 = error } }
    func finish(_ outcome: BatchOutcome) {
        if let error = failure.withLock({ $0 }) { return done(.failure(error)) }
        switch outcome {
        case .committed: done(.success(()))
        case .failed(let error): done(.failure(error))
        }
    }
}
