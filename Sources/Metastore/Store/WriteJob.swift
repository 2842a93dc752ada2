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

/// How a batch ended for those in it.
enum BatchOutcome: Sendable {
    case committed
    case failed(StoreError)
}

/// A queued write, whatever it returns.
protocol WriteJob: AnyObject, Sendable {
    var actor: String { get }
    /// Where it was called, for the log.
    var callSite: String { get }
    /// True for the one job that may run although another leads: taking the lead.
    var takesLead: Bool { get }
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

final class ClosureJob<Value: Sendable>: WriteJob {
    typealias Body = @Sendable (WriteSession) throws -> Value

    private enum Stage {
        case new
        case cancelled
        case waiting(CheckedContinuation<Committed<Value>, any Error>)
        case running(CheckedContinuation<Committed<Value>, any Error>)
        case answered
    }

    let actor: String
    let callSite: String
    let takesLead: Bool
    private let body: Body
    private let stage = Mutex(Stage.new)
    private let result = Mutex<(value: Value, position: Position?, changed: Bool)?>(nil)
    private let failure = Mutex<(any Error)?>(nil)

    init(actor: String, callSite: String, takesLead: Bool = false, body: @escaping Body) {
        self.actor = actor
        self.callSite = callSite
        self.takesLead = takesLead
        self.body = body
    }

    func wait(_ continuation: CheckedContinuation<Committed<Value>, any Error>) {
        let isCancelled = stage.withLock { stage in
            if case .cancelled = stage {
                stage = .answered
                return true
            }
            stage = .waiting(continuation)
            return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
    }

    func cancel() {
        let waiting: CheckedContinuation<Committed<Value>, any Error>? = stage.withLock { stage in
            switch stage {
            case .new:
                stage = .cancelled
                return nil
            case .waiting(let continuation):
                stage = .answered
                return continuation
            case .cancelled, .running, .answered: return nil
            }
        }
        waiting?.resume(throwing: CancellationError())
    }

    func start() -> Bool {
        stage.withLock { stage in
            switch stage {
            case .waiting(let continuation):
                stage = .running(continuation)
                return true
            case .running: return true
            case .new, .cancelled, .answered: return false
            }
        }
    }

    func run(_ session: WriteSession) throws {
        failure.withLock { $0 = nil }
        let value = try body(session)
        result.withLock { $0 = (value, nil, false) }
    }

    func didRun(at position: Position, changed: Bool) {
        result.withLock { result in
            result?.position = position
            result?.changed = changed
        }
    }

    func fail(_ error: any Error) { failure.withLock { $0 = error } }

    func finish(_ outcome: BatchOutcome) {
        let continuation: CheckedContinuation<Committed<Value>, any Error>? = stage.withLock { stage in
            switch stage {
            case .waiting(let continuation), .running(let continuation):
                stage = .answered
                return continuation
            case .new, .cancelled, .answered: return nil
            }
        }
        guard let continuation else { return }
        if let error = failure.withLock({ $0 }) { return continuation.resume(throwing: error) }
        switch outcome {
        case .failed(let error): continuation.resume(throwing: error)
        case .committed:
            guard let done = result.withLock({ $0 }), let position = done.position else {
                return continuation.resume(throwing: StoreError.misuse(reason: "a write was answered without running"))
            }
            continuation.resume(
                returning: Committed(value: done.value, position: position, didChange: done.changed))
        }
    }
}

/// A write of the store itself: nobody awaits it.
final class HousekeepingJob: WriteJob {
    let actor = "metastore"
    let callSite = "housekeeping"
    let takesLead = false
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
