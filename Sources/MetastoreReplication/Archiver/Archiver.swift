// Invariants
// 1. It works beside the writer, never before it: a commit is durable in the store before anything of it is read here.
// 2. An alarm stays: once another history, another master or a gap was found, nothing is archived until somebody has
//    decided, and a new run looks again.
// 3. The log keeps what isn't archived, as it does for every consumer; at its hard bound the consumer is expired first,
//    visibly, and then the alarm is raised.

internal import FoundationEssentials
internal import Logging
public import Metastore
internal import MetastoreModel
internal import Synchronization

/// Archives what a store commits, in the process that writes.
///
/// ```swift
/// let archiver = try Archiver(store, try DirectoryTarget(path: "/mnt/archive/training"))
/// try await withThrowingTaskGroup { group in
///     group.addTask { try await archiver.run() }
///     …
///     try await store.write(until: .archived) { tx in try tx.experiments.create(new) }
/// }
/// ```
/// What is committed is archived within about a second, and at once when a write waits for it. The archive also answers
/// the feed for what the store's own log has no longer. It is a consumer of the log: retention waits for it. Memory is
/// bounded by three segments, and the largest transaction.
public final class Archiver: Sendable {
    let store: Metastore
    let line: ArchiveLine
    let options: ArchiverOptions
    /// False beside another process' store: nothing is written there, and its log goes when its own bounds say so.
    let keepsLog: Bool
    let signal = ArchiverSignal()
    private let logger = Logger(label: "metastore.archive")
    private let metrics = ArchiverMetrics()
    private let state = Mutex(State())

    private struct State {
        var status = ArchiverStatus()
        var isRunning = false
        /// Where the consumer stands, …
        var kept: Revision?
        /// … and where it may go.
        var releasable: ArchivePlace?
    }

    /// Archives a store, from when it is run.
    ///
    /// From now on writes may ask for `.archived`; they wait until the archiver runs.
    ///
    /// - Throws: `StoreError.misuse` for a store that nobody writes to here, or that has an archiver.
    public convenience init(
        _ store: Metastore, _ target: any ArchiveTarget, _ options: ArchiverOptions = ArchiverOptions()
    ) throws(StoreError) {
        guard store.isWritable else {
            throw .misuse(reason: "this store takes no writes of its own, so that there is nothing to archive.")
        }
        try self.init(store, target, options, keepingLog: true)
    }

    /// Archives a store that another process writes to, from a handle that only reads.
    ///
    /// Nothing tells that store what is archived: it keeps its log for as long as its own bounds say, and a lag beyond
    /// them is a gap. A write there that waits for `.archived` needs an archiver in its own process.
    ///
    /// - Throws: `StoreError.misuse` for a store that has an archiver here.
    package convenience init(
        beside store: Metastore, _ target: any ArchiveTarget, _ options: ArchiverOptions = ArchiverOptions()
    ) throws(StoreError) {
        try self.init(store, target, options, keepingLog: false)
    }

    private init(
        _ store: Metastore, _ target: any ArchiveTarget, _ options: ArchiverOptions, keepingLog: Bool
    ) throws(StoreError) {
        self.store = store
        self.options = options
        keepsLog = keepingLog
        line = ArchiveLine(target, of: store.position.cluster)
        let signal = signal
        guard store.replication.beginArchiving({ signal.wake() }) else {
            throw .misuse(reason: "this store is closed, or has an archiver; one is enough.")
        }
        store.replication.source = ArchiveSource(line)
    }

    deinit {
        store.replication.endArchiving("the archiver is gone")
        store.replication.source = nil
        store.replication.admission = .open
    }

    /// How it stands.
    public var status: ArchiverStatus { state.withLock { $0.status } }

    /// Archives until the task is cancelled or the store is closed.
    ///
    /// It tries again whatever may pass, and stays with an alarm, which ``status``, a line of the log and a metric
    /// show.
    ///
    /// - Throws: `StoreError.misuse` when it runs already.
    public func run() async throws(StoreError) {
        let isFirst = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isFirst else { throw .misuse(reason: "this archiver runs already.") }
        store.replication.resumeArchiving()
        await withTaskGroup { group in
            group.addTask { await self.archive() }
            group.addTask { await self.watch() }
            await group.next()
            group.cancelAll()
        }
        store.replication.refuseArchiving("the archiver was stopped")
        store.replication.admission = .open
        state.withLock { state in
            state.isRunning = false
            if !state.status.isAlarmed { state.status.state = .stopped }
            state.status.pressure = .none
        }
    }

    // MARK: Archiving

    private func archive() async {
        var pause = options.shortestPause
        while !Task.isCancelled {
            do {
                show(.opening)
                var run = try await ArchiverRun(self)
                pause = options.shortestPause
                show(.following)
                try await run.follow()
            } catch is CancellationError {
                return
            } catch StoreError.closed {
                return
            } catch StoreError.compacted(let oldest) {
                return await stay(.gap(after: status.archived ?? .absent, through: oldest.revision))
            } catch let error as ArchiveError where error.isForGood(whileOpening: status.state == .opening) {
                return await stay(error)
            } catch {
                note(error)
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, options.longestPause)
            }
        }
    }

    /// The alarm is raised, and stays.
    private func stay(_ error: ArchiveError) async {
        // Whoever sees the alarm finds that writes are refused.
        store.replication.refuseArchiving("\(error)")
        state.withLock { state in
            state.status.state = .alarm(error)
            if options.policy.alarm == .refuseWrites { store.replication.admission = .refused(reason: "\(error)") }
        }
        metrics.alarm(true)
        logger.info("nothing is archived any more", metadata: ["alarm": "\(error)"])
        while !Task.isCancelled, (try? await Task.sleep(for: .seconds(3_600))) != nil {}
    }

    /// Calls the archive until it answers.
    ///
    /// - Throws: what is for good, `behind`, and `CancellationError`.
    func retrying<Answer>(
        _ writer: inout ArchiveWriter, _ call: (inout ArchiveWriter) async throws(ArchiveError) -> Answer
    ) async throws -> Answer {
        var pause = options.shortestPause
        while true {
            do throws(ArchiveError) {
                let answer = try await call(&writer)
                if status.state != .opening { show(.following) }
                return answer
            } catch {
                guard error.mayPass else { throw error }
                note(error)
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, options.longestPause)
        }
    }

    private func note(_ error: any Error) {
        let isNew = state.withLock { state in
            defer { state.status.retries += 1 }
            if case .retrying = state.status.state { return false }
            return true
        }
        metrics.retried()
        show(.retrying(reason: "\(error)"))
        if isNew { logger.info("the archive is tried again", metadata: ["error": "\(error)"]) }
    }

    private func show(_ new: ArchiverStatus.State) { state.withLock { $0.status.state = new } }

    // MARK: What a run tells

    func began(after revision: Revision) {
        logger.info("there was no archive; one begins", metadata: ["after": "\(revision)"])
    }

    func opened(after revision: Revision, objects: Int) {
        state.withLock { state in
            state.status.archived = revision
            state.status.began = state.status.began ?? revision
            state.kept = nil
        }
        metrics.alarm(false)
        store.replication.archived(through: revision)
        logger.info("archiving", metadata: ["after": "\(revision)", "objects read": "\(objects)"])
    }

    func archived(_ segment: Segment, through revision: Revision) {
        state.withLock { state in
            state.status.archived = revision
            state.status.segments += 1
            state.status.bytes += segment.records.reduce(0) { $0 + $1.body.count + $1.header.count }
        }
        metrics.archived()
        store.replication.archived(through: revision)
    }

    // MARK: The consumer

    /// The consumer may go up to before the last object, where the store knows that place.
    func mayRelease(to place: ArchivePlace?) { state.withLock { $0.releasable = place } }

    /// Lets the log go that far, if that is further than before.
    private func release() async throws {
        let (kept, releasable) = state.withLock { ($0.kept, $0.status.state == .following ? $0.releasable : nil) }
        guard keepsLog, let place = releasable, kept.map({ $0 < place.revision }) ?? true else { return }
        let position = Position(
            cluster: line.cluster, epoch: place.epoch, revision: place.revision,
            chainPrefix: Position.prefix(of: place.chain))
        do {
            var from = kept
            if from == nil { from = try await store.keptLog(as: options.consumer)?.revision }
            guard let from else { throw StoreError.consumerExpired(name: options.consumer) }
            if from < place.revision { try await store.releaseLog(as: options.consumer, from: from, to: position) }
            state.withLock { $0.kept = max(from, place.revision) }
        } catch StoreError.consumerMoved {
            // Another process archives the same store; it knows as well.
            state.withLock { $0.kept = nil }
        } catch StoreError.consumerExpired {
            logger.info("the log was at its bound, and gave up waiting for the archive; it waits again")
            _ = try await store.keepLog(as: options.consumer, after: position)
            state.withLock { $0.kept = nil }
        }
    }

    // MARK: The lag

    /// Now and then, whether anything is archived or not.
    private func watch() async {
        var meter = ArchiveLagMeter()
        while !Task.isCancelled {
            if let archived = status.archived, let lag = try? await meter.measure(store, archived: archived) {
                show(lag)
            }
            do {
                try await release()
            } catch {
                logger.debug("the log can't be let go of; it is tried again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: options.lagInterval)
        }
    }

    private func show(_ lag: ArchiveLag) {
        metrics.lag(lag)
        let (before, now) = state.withLock { state in
            let before = state.status.pressure
            state.status.lag = lag
            state.status.pressure = options.policy.pressure(lag, now: before)
            // An alarm that refuses writes isn't taken back by what the lag allows.
            if !state.status.isAlarmed || options.policy.alarm != .refuseWrites {
                store.replication.admission = admission(state.status.pressure, lag)
            }
            return (before, state.status.pressure)
        }
        guard now != before else { return }
        logger.info(
            now == .none ? "the archive has caught up" : "the archive is behind",
            metadata: [
                "revisions": "\(lag.revisions)", "bytes": "\(lag.bytes)", "age": "\(lag.age)", "writes": "\(now)",
            ])
    }
}

extension Archiver {
    private func admission(_ pressure: ArchiverStatus.Pressure, _ lag: ArchiveLag) -> Admission {
        switch pressure {
        case .none, .warned: .open
        case .throttled: .throttled(options.policy.pause)
        case .refused:
            .refused(
                reason: "the archive lacks \(lag.revisions) revisions, \(lag.bytes) bytes of the log, the oldest of "
                    + "them \(lag.age) old")
        }
    }
}

extension ArchiverStatus {
    var isAlarmed: Bool { if case .alarm = state { true } else { false } }
}

extension ArchiveError {
    /// Asking again may help.
    fileprivate var mayPass: Bool {
        switch self {
        case .unavailable, .full, .refused: true
        default: false
        }
    }

    /// Somebody has to decide. What the archive has more is looked at again before that is said.
    fileprivate func isForGood(whileOpening: Bool) -> Bool {
        switch self {
        case .forked, .fenced, .gap: true
        case .behind: whileOpening
        case .unavailable, .full, .refused, .tooLarge, .damaged, .newer, .expired, .missing, .exists: false
        }
    }
}
