// Invariants
// 1. A reader thread has at most one connection, opened when first needed, and never writes.
// 2. While the pool is suspended no connection of it is open, and none of those that were admitted beside it.
// 3. A read whose connection was lost runs once more on another, until it has waited for the engine's call time-out: it
//    has no effect that could happen twice.
// 4. A read that is cancelled or expired ends with an error of its own, and its connection goes on serving others.
// 5. A read is answered by a server that has all this handle has told of the history (`OpenReader`). Where one lacks it
//    others are tried, for half the call time-out; then the read fails, unless it makes sure of its history by itself.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// A queued read, whatever it returns.
protocol ReadJob: BoundedCall {
    var control: ReadControl { get }
    func start(interrupt: @escaping @Sendable () -> Void) -> Bool
    /// Runs the closure and answers; or leaves it unanswered and says so, where the connection was lost or leads to a
    /// server that was left behind, and it hasn't waited for `bound` yet.
    func run(_ reader: OpenReader, repeatingFor bound: Duration) -> Ran
    func fail(_ error: StoreError)
}

extension ReadJob {
    /// On the only connection there is.
    func run(_ connection: any Connection, repeatingFor bound: Duration) -> Ran {
        run(OpenReader(connection, nil, opened: nil), repeatingFor: bound)
    }
}

/// What became of a read.
enum Ran {
    case answered, lostConnection, leftBehind
}

/// What has to be sure before a read is answered, where several servers may answer.
enum Assurance: Sendable {
    /// That the server has all this handle has told of the history.
    case everythingKnown
    /// Nothing, in the end: the closure looks whether the history is the one its own position is in.
    case ownPosition
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
    private let assurance: Assurance
    let submitted = ContinuousClock.now
    private let body: @Sendable (Session) throws -> Value

    init(isSnapshot: Bool, _ assurance: Assurance, body: @escaping @Sendable (Session) throws -> Value) {
        self.isSnapshot = isSnapshot
        self.assurance = assurance
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

    func run(_ reader: OpenReader, repeatingFor bound: Duration) -> Ran {
        let connection = reader.connection
        let inTransaction = isSnapshot || reader.mustLook
        let result: Result<Value, any Error>
        do {
            let known = inTransaction ? try reader.begin() : nil
            let session = Session(connection, control: control)
            if let known, let refusal = try reader.refusal(session, lacking: known) {
                if ContinuousClock.now - submitted < bound / 2 {
                    connection.rollback()
                    waitAgain()
                    return .leftBehind
                }
                if assurance == .everythingKnown { throw refusal }
            }
            result = .success(try body(session))
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
        if inTransaction { connection.rollback() }
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
        var isClosed = false
        /// Why nothing can be read any more.
        var failure: StoreError?
        /// Reads that run, with when they began.
        var running: [Int: (since: ContinuousClock.Instant, control: ReadControl, interrupt: @Sendable () -> Void)] =
            [:]
        /// Reads on connections of their own, which are ended like the pool's.
        var outside: [UInt64: (since: ContinuousClock.Instant, read: OutsideRead)] = [:]
        var nextOutside: UInt64 = 0
        var openConnections = 0

        /// Tells every read, those on connections of their own, too.
        func tell(_ order: ReadControl.Order) {
            for read in running.values {
                read.control.give(order)
                read.interrupt()
            }
            for (_, read) in outside.values { read.end(order) }
        }
    }

    private let engine: any Engine
    private let queue: BlockingQueue<any ReadJob>
    private let state = Mutex(State())
    private let threads: Int
    /// How long a read waits for its turn, and is tried again when its connection was lost.
    private let repeating: Duration
    private let bound: CallBound?
    /// Nil where nobody else could answer.
    private let history: KnownHistory?

    init(_ engine: any Engine, threads: Int, capacity: Int, repeating: Duration, history: KnownHistory?) {
        self.engine = engine
        self.history = history
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
            for (since, read) in state.outside.values where read.yields && now - since > age { read.end(.expired) }
        }
    }

    /// Counts a read on a connection of its own, until ``dismiss(_:)``. Waits while the pool is suspended.
    ///
    /// - Throws: ``StoreError``: why nothing can be read any more.
    func admit(_ read: OutsideRead) throws(StoreError) -> UInt64 {
        while true {
            let (number, failure) = state.withLock { state -> (UInt64?, StoreError?) in
                if let failure = state.isClosed ? .closed : state.failure { return (nil, failure) }
                guard !state.isSuspended else { return (nil, nil) }
                state.nextOutside += 1
                state.outside[state.nextOutside] = (.now, read)
                return (state.nextOutside, nil)
            }
            if let failure { throw failure }
            if let number { return number }
            BlockingThread.pause()
        }
    }

    /// Those who read on connections of their own were told to end: they are waited for, but not for ever.
    private func awaitOutside() {
        let end = ContinuousClock.now + Limits.outsideReadEnd
        while state.withLock({ !$0.outside.isEmpty }), ContinuousClock.now < end { BlockingThread.pause() }
    }

    /// The connection of such a read is closed.
    func dismiss(_ number: UInt64) { state.withLock { $0.outside[number] = nil } }

    /// Ends every read and closes every connection, and keeps new reads waiting until ``resume()``.
    func suspend() {
        state.withLock { state in
            state.isSuspended = true
            state.tell(.expired)
        }
        queue.wake()
        while state.withLock({ $0.openConnections }) > 0 { BlockingThread.pause() }
        awaitOutside()
    }

    func resume() {
        state.withLock { $0.isSuspended = false }
        queue.wake()
    }

    /// Fails the waiting reads, and all that come: no connection is opened again.
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
            state.isClosed = true
            state.tell(.closed)
        }
        queue.close()
        while state.withLock({ $0.openConnections }) > 0 { BlockingThread.pause() }
        awaitOutside()
    }

    private func serve(_ number: Int) {
        var reader: OpenReader?
        var place = QueueReader()
        func closeConnection() {
            guard let open = reader else { return }
            open.connection.close()
            reader = nil
            state.withLock { $0.openConnections -= 1 }
        }
        while true {
            if state.withLock({ $0.isSuspended }) {
                closeConnection()
                BlockingThread.pause()
                continue
            }
            guard let jobs = queue.take(most: 1, timeout: .seconds(1), &place) else { break }
            if reader?.isCurrent == false { closeConnection() }
            guard let job = jobs.first else { continue }
            if let failure = state.withLock({ $0.failure }) {
                job.fail(failure)
                continue
            }
            do {
                if reader == nil {
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
                        let known = history?.state
                        reader = OpenReader(try engine.openReader(), history, opened: known)
                    } catch {
                        state.withLock { $0.openConnections -= 1 }
                        throw error
                    }
                }
                let ran = run(job, on: reader!, number)
                if ran == .leftBehind || !reader!.connection.isUsable { closeConnection() }
                if ran == .leftBehind { BlockingThread.pause(milliseconds: 20) }
                if ran != .answered { queue.putBack([job]) }
            } catch {
                job.fail(StoreError(error))
            }
        }
        closeConnection()
    }

    private func run(_ job: any ReadJob, on reader: OpenReader, _ number: Int) -> Ran {
        let interrupt = reader.connection.interrupter()
        guard job.start(interrupt: interrupt) else { return .answered }
        state.withLock { $0.running[number] = (.now, job.control, interrupt) }
        defer { state.withLock { $0.running[number] = nil } }
        return job.run(reader, repeatingFor: repeating)
    }
}
