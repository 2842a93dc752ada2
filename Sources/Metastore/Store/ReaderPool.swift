// Invariants
// 1. A reader thread has at most one connection, opened when first needed, and never writes.
// 2. While the pool is suspended no connection of it is open.
// 3. A read whose connection was lost runs once more on another, until it has waited for the engine's call time-out: it
//    has no effect that could happen twice.
// 4. A read that is cancelled or expired ends with an error of its own, and its connection goes on serving others.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// A queued read, whatever it returns.
protocol ReadJob: BoundedCall {
    var control: ReadControl { get }
    func start(interrupt: @escaping @Sendable () -> Void) -> Bool
    /// Runs the closure and answers; or leaves it unanswered and says so, where the connection was lost and it hasn't
    /// waited for `bound` yet.
    func run(_ connection: any Connection, repeatingFor bound: Duration) -> Ran
    func fail(_ error: StoreError)
}

/// What became of a read.
enum Ran {
    case answered, lostConnection
}

/// A read in one snapshot (or of one statement, which needs no transaction).
final class ClosureRead<Value: Sendable>: ReadJob {
    /// Unsafe only in that nobody checks that it is resumed once: ``Stage`` sees to that.
    typealias Continuation = UnsafeContinuation<Value, any Error>

    private enum Stage {
        case new, cancelled, answered
        case waiting(Continuation)
        case running(Continuation, interrupt: @Sendable () -> Void)
    }

    private let stage = Mutex(Stage.new)
    let control = ReadControl()
    private let isSnapshot: Bool
    let submitted = ContinuousClock.now
    private let body: @Sendable (Session) throws -> Value

    init(isSnapshot: Bool, body: @escaping @Sendable (Session) throws -> Value) {
        self.isSnapshot = isSnapshot
        self.body = body
    }

    func wait(_ continuation: Continuation) {
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
        control.give(.cancelled)
        let waiting: Continuation? = stage.withLock { stage in
            switch stage {
            case .new: stage = .cancelled
            case .waiting(let continuation):
                stage = .answered
                return continuation
            case .running(_, let interrupt): interrupt()
            case .cancelled, .answered: break
            }
            return nil
        }
        waiting?.resume(throwing: CancellationError())
    }

    func start(interrupt: @escaping @Sendable () -> Void) -> Bool {
        stage.withLock { stage in
            switch stage {
            case .waiting(let continuation), .running(let continuation, _):
                stage = .running(continuation, interrupt: interrupt)
                return true
            case .new, .cancelled, .answered: return false
            }
        }
    }

    func run(_ connection: any Connection, repeatingFor bound: Duration) -> Ran {
        let result: Result<Value, any Error>
        do {
            if isSnapshot { try connection.begin(.read) }
            result = .success(try body(Session(connection, control: control)))
        } catch {
            if ContinuousClock.now - submitted < bound, !connection.isUsable, control.current == .goOn,
                WriterLoop.isPassing(error)
            {
                waitAgain()
                return .lostConnection
            }
            let failure: any Error =
                switch control.current {
                case .cancelled: CancellationError()
                case .expired: StoreError.snapshotExpired
                case .closed: StoreError.closed
                case .goOn: (error as? EngineError).map { StoreError(engine: $0, place: "the store") } ?? error
                }
            result = .failure(failure)
        }
        if isSnapshot { connection.rollback() }
        answer(result)
        return .answered
    }

    func fail(_ error: StoreError) { answer(.failure(error)) }

    private func waitAgain() {
        stage.withLock { stage in
            if case .running(let continuation, _) = stage { stage = .waiting(continuation) }
        }
    }

    func giveUp(after bound: Duration, place: String) {
        let waiting: Continuation? = stage.withLock { stage in
            guard case .waiting(let continuation) = stage else { return nil }
            stage = .answered
            return continuation
        }
        waiting?.resume(throwing: StoreError.unavailable(place: place, reason: "no answer within \(bound)"))
    }

    private func answer(_ result: Result<Value, any Error>) {
        let continuation: Continuation? = stage.withLock { stage in
            switch stage {
            case .waiting(let continuation), .running(let continuation, _):
                stage = .answered
                return continuation
            case .new, .cancelled, .answered: return nil
            }
        }
        continuation?.resume(with: result)
    }
}

/// The threads that read.
final class ReaderPool: Sendable {
    private struct State {
        var isSuspended = false
        /// Why nothing can be read any more.
        var failure: StoreError?
        /// Reads that run, with when they began.
        var running: [Int: (since: ContinuousClock.Instant, control: ReadControl, interrupt: @Sendable () -> Void)] =
            [:]
        var openConnections = 0
    }

    private let engine: any Engine
    private let queue: BlockingQueue<any ReadJob>
    private let state = Mutex(State())
    private let threads: Int
    /// How long a read waits for its turn, and is tried again when its connection was lost.
    private let repeating: Duration
    private let bound: CallBound?

    init(_ engine: any Engine, threads: Int, capacity: Int, repeating: Duration) {
        self.engine = engine
        self.repeating = repeating
        bound = repeating > .zero ? CallBound(repeating, place: engine.place) : nil
        self.threads = threads
        queue = BlockingQueue(capacity: capacity)
        for number in 0..<threads {
            BlockingThread.start(named: "metastore-read") { self.serve(number) }
        }
    }

    func submit(_ job: any ReadJob) {
        bound?.watch(job)
        do {
            try queue.put(job)
        } catch {
            job.fail(error == .full ? .queueFull(limit: Limits.readQueue) : .closed)
        }
    }

    /// Ends the reads that began more than `age` ago with ``StoreError/snapshotExpired``.
    func expire(olderThan age: Duration) {
        let now = ContinuousClock.now
        state.withLock { state in
            for read in state.running.values where now - read.since > age {
                read.control.give(.expired)
                read.interrupt()
            }
        }
    }

    /// Ends every read and closes every connection, and keeps new reads waiting until ``resume()``.
    func suspend() {
        state.withLock { state in
            state.isSuspended = true
            for read in state.running.values {
                read.control.give(.expired)
                read.interrupt()
            }
        }
        queue.wake()
        while state.withLock({ $0.openConnections }) > 0 { BlockingThread.pause() }
    }

    func resume() {
        state.withLock { $0.isSuspended = false }
        queue.wake()
    }

    /// Fails the waiting reads, and all that come. Only while suspended: no connection is opened again.
    func end(with failure: StoreError) {
        state.withLock { state in
            state.failure = failure
            state.isSuspended = false
        }
        queue.wake()
    }

    /// Ends the reads that run with ``StoreError/closed``, lets the waiting ones run, then closes the connections.
    ///
    /// A suspension is left to whoever began it: a commit is being settled, with every connection closed.
    func close() {
        state.withLock { state in
            for read in state.running.values {
                read.control.give(.closed)
                read.interrupt()
            }
        }
        queue.close()
        while state.withLock({ $0.openConnections }) > 0 { BlockingThread.pause() }
    }

    private func serve(_ number: Int) {
        var connection: (any Connection)?
        var reader = QueueReader()
        func closeConnection() {
            guard let open = connection else { return }
            open.close()
            connection = nil
            state.withLock { $0.openConnections -= 1 }
        }
        while true {
            if state.withLock({ $0.isSuspended }) {
                closeConnection()
                BlockingThread.pause()
                continue
            }
            guard let jobs = queue.take(most: 1, timeout: .seconds(1), &reader) else { break }
            guard let job = jobs.first else { continue }
            if let failure = state.withLock({ $0.failure }) {
                job.fail(failure)
                continue
            }
            do {
                if connection == nil {
                    // Counted before it is opened, so that suspend() never overlooks one that is just opening.
                    let mayOpen = state.withLock { state in
                        if state.isSuspended || state.failure != nil { return false }
                        state.openConnections += 1
                        return true
                    }
                    guard mayOpen else {
                        queue.putBack([job])
                        continue
                    }
                    do {
                        connection = try engine.openReader()
                    } catch {
                        state.withLock { $0.openConnections -= 1 }
                        throw error
                    }
                }
                let ran = run(job, on: connection!, number)
                if !connection!.isUsable { closeConnection() }
                if case .lostConnection = ran { queue.putBack([job]) }
            } catch {
                job.fail(StoreError(error))
            }
        }
        closeConnection()
    }

    private func run(_ job: any ReadJob, on connection: any Connection, _ number: Int) -> Ran {
        let interrupt = connection.interrupter()
        guard job.start(interrupt: interrupt) else { return .answered }
        state.withLock { $0.running[number] = (.now, job.control, interrupt) }
        defer { state.withLock { $0.running[number] = nil } }
        return job.run(connection, repeatingFor: repeating)
    }
}
