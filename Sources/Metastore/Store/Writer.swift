// Invariants
// 1. One thread writes, through one connection. A batch is one SQL transaction with one flush: the right to write is
//    confirmed, the head row is locked and read, then schema, epoch and fence are checked, then closures run.
// 2. Each closure has a savepoint of its own; its error undoes it alone. If an error ended the SQL transaction itself,
//    the others run once more without the guilty one.
// 3. Nobody is answered before the batch has committed (or certainly hasn't).
// 4. After a commit whose outcome is unknown nothing is answered until it is known (DESIGN D6).

internal import Logging
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// The thread that writes, and its queue.
final class Writer: Sendable {
    let engine: any Engine
    let options: StoreOptions
    let readers: ReaderPool?
    let tail: Tail
    let replication: ReplicationProgress
    let leases: LeaseClock
    let logger: Logger
    let queue: BlockingQueue<any WriteJob>
    /// Where a server may keep the writer's thread waiting.
    let bound: CallBound?
    /// Reads of an engine that has only the writer's connection.
    let reads: Mutex<[any ReadJob]> = Mutex([])
    /// The epoch this handle led in last; nil when it never led.
    let ledEpoch = Mutex<Epoch?>(nil)
    /// Why nothing can be written any more.
    let failure = Mutex<StoreError?>(nil)
    private let ended = Mutex(false)

    init(
        engine: any Engine, options: StoreOptions, readers: ReaderPool?, tail: Tail,
        replication: ReplicationProgress, leases: LeaseClock, logger: Logger
    ) {
        self.engine = engine
        self.options = options
        self.readers = readers
        self.tail = tail
        self.replication = replication
        self.leases = leases
        self.logger = logger
        queue = BlockingQueue(capacity: options.writeQueueCapacity)
        bound = engine.isExclusive ? nil : CallBound(options.engine.callTimeout, place: engine.place)
    }

    /// Starts the thread. The connection is handed over to it.
    func start(_ connection: any Connection, head: Head, _ permission: WritePermission) {
        let handover = Handover(connection: connection)
        // Before the thread runs: what falls due from now on is its business.
        let now = options.time.monotonic()
        BlockingThread.start(named: "metastore-write") {
            let loop = WriterLoop(self, handover.connection, head: head, permission, now: now)
            loop.serve()
            self.ended.withLock { $0 = true }
            // What came after the loop looked last; whoever comes from now on sees that it has ended.
            self.failReads()
        }
    }

    func submit(_ job: any WriteJob) {
        if let failure = failure.withLock({ $0 }) {
            job.fail(failure)
            return job.finish(.failed(failure))
        }
        do {
            try queue.put(job)
        } catch {
            job.finish(.failed(error == .full ? .queueFull(limit: options.writeQueueCapacity) : .closed))
        }
    }

    /// A read on the writer's own connection, between two batches.
    func submit(_ read: any ReadJob) {
        if failure.withLock({ $0 }) != nil { return read.fail(.closed) }
        reads.withLock { $0.append(read) }
        queue.wake()
        if hasEnded { failReads() }
    }

    func failReads() {
        let waiting = reads.withLock { reads in
            defer { reads.removeAll() }
            return reads
        }
        for read in waiting { read.fail(.closed) }
    }

    var hasEnded: Bool { ended.withLock { $0 } }
}

/// Carries the connection to the one thread that uses it from then on.
///
/// `@unchecked Sendable`: made before the thread starts and read only by it.
private struct Handover: @unchecked Sendable {
    let connection: any Connection
}
