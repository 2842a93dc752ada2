// Invariant: a closure that fails leaves nothing behind, and the others of its batch whole.

internal import MetastoreEngine
internal import MetastoreModel

/// How a batch keeps one closure's failure from the others.
enum Isolation: Comparable {
    /// By undoing all of them: they run again, apart. Most closures that fail have written nothing yet; they need no
    /// undoing.
    case together
    /// By a savepoint each.
    case apart
    /// By a savepoint each, and each waits for everything it did, so that an error is certainly its own.
    case oneByOne
}

/// One SQL transaction's worth of closures, while it runs.
struct Batch {
    let session: WriteSession
    private(set) var records: [LogRecord] = []
    private(set) var bytes = 0
    /// Anything at all was written, if only a position or an operation's result.
    private(set) var wrote = false
    /// The epoch that a closure of this batch opened.
    private(set) var takenEpoch: Epoch?
    private(set) var slow: [(callSite: CallSite, duration: Duration)] = []
    private var fence: StoreError?
    private let isolation: Isolation
    private let isAlone: Bool
    private let clock: @Sendable () -> Duration

    /// - Parameter isolation: nil for one closure alone, which has nobody to be kept from.
    init(
        session: WriteSession, ledEpoch: Epoch?, isolation: Isolation?, clock: @escaping @Sendable () -> Duration
    ) {
        self.session = session
        self.isolation = isolation ?? .together
        isAlone = isolation == nil
        self.clock = clock
        if let ledEpoch, ledEpoch != session.head.epoch {
            fence = .fenced(
                reason:
                    "another master leads since epoch \(session.head.epoch.number); this one led in \(ledEpoch.number)")
        }
    }

    enum Outcome {
        case done
        /// It failed after it wrote something, and has no savepoint: all closures are to run again, apart.
        case undone
        case transactionEnded(any Error)
    }

    /// Runs one closure. Its error, if it has one, is kept in the job.
    mutating func run(_ job: any WriteJob) -> Outcome {
        if let fence, job.origin != .candidate {
            job.fail(fence)
            return .done
        }
        let connection = session.connection
        let mark = session.mark
        let epochBefore = session.head.epoch
        let began = clock()
        defer {
            let duration = clock() - began
            if duration > Limits.slowClosure { slow.append((job.callSite, duration)) }
        }
        do {
            if hasSavepoint { try connection.savepoint() }
            session.begin(actor: job.actor)
            try job.run(session)
            guard connection.isInTransaction else {
                throw session.poison
                    ?? StoreError.misuse(reason: "the SQL transaction ended during \(job.callSite)")
            }
            let record = try session.seal()
            if hasSavepoint { try connection.releaseSavepoint() }
            if isolation == .oneByOne { try connection.flush() }
            keep(job, record, epochBefore: epochBefore)
            return .done
        } catch {
            let hasWritten = session.writes > 0
            session.undo(to: mark)
            if !isAlone, !hasSavepoint {
                guard connection.isInTransaction, !hasWritten else { return .undone }
            }
            guard connection.isInTransaction else { return .transactionEnded(error) }
            if hasSavepoint {
                do {
                    try connection.rollbackToSavepoint()
                } catch {
                    return .transactionEnded(error)
                }
            }
            job.fail(error)
            return .done
        }
    }

    private var hasSavepoint: Bool { isolation > .together }

    private mutating func keep(_ job: any WriteJob, _ record: LogRecord?, epochBefore: Epoch) {
        if let record {
            records.append(record)
            bytes += record.body.count
        }
        if session.writes > 0 { wrote = true }
        if session.head.epoch != epochBefore {
            takenEpoch = session.head.epoch
            fence = nil
        }
        job.didRun(at: session.head.position, changed: record != nil)
    }
}
