internal import MetastoreEngine
internal import MetastoreModel

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
    private let clock: @Sendable () -> Duration

    init(session: WriteSession, ledEpoch: Epoch?, clock: @escaping @Sendable () -> Duration) {
        self.session = session
        self.clock = clock
        if let ledEpoch, ledEpoch != session.head.epoch {
            fence = .fenced(
                reason:
                    "another master leads since epoch \(session.head.epoch.number); this one led in \(ledEpoch.number)")
        }
    }

    enum Outcome {
        case done
        case transactionEnded(any Error)
    }

    /// Runs one closure. Its error, if it has one, is kept in the job.
    ///
    /// - Parameter isCareful: waits for everything the closure did, so that an error is certainly its own.
    mutating func run(_ job: any WriteJob, isAlone: Bool, isCareful: Bool) -> Outcome {
        if let fence, !job.takesLead {
            job.fail(fence)
            return .done
        }
        let connection = session.connection
        let head = session.head
        let promises = session.afterCommit.count
        let began = clock()
        defer {
            let duration = clock() - began
            if duration > Limits.slowClosure { slow.append((job.callSite, duration)) }
        }
        do {
            if !isAlone { try connection.savepoint() }
            session.begin(actor: job.actor)
            try job.run(session)
            guard connection.isInTransaction else {
                throw session.poison
                    ?? StoreError.misuse(reason: "the SQL transaction ended during \(job.callSite)")
            }
            let record = try session.seal()
            if !isAlone {
                try connection.releaseSavepoint()
                if isCareful { try connection.flush() }
            }
            keep(job, record, epochBefore: head.epoch)
            return .done
        } catch {
            session.head = head
            session.forget(after: promises)
            guard connection.isInTransaction else { return .transactionEnded(error) }
            if !isAlone {
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
