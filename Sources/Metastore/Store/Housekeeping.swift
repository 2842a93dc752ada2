// Invariants
// 1. What is done here is bounded: a step removes at most Limits.retentionStep records, a lease's keys in one write.
//    While more is to be removed, or filled in, steps follow each other and take a bounded share of the writer's time.
// 2. The log is never cut before a live consumer has read it; at the hard bound the consumer is expired first, visibly.

internal import FoundationEssentials
internal import Logging
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// When the writer's thread last looked after what.
struct Housekeeping {
    var lastRun: Duration
    var lastNote: Duration
    /// When the log's bounds are looked at next: soon, while it is behind them.
    var nextRetention: Duration
    /// What the last step of retention left of the log.
    var logBytesLeft = Int64.max
    var backfill: BackfillWatch
    /// A commit happened since the note was kept.
    var noteIsStale = true
    /// Who keeps the write-ahead log from shrinking, while it is over its hard bound.
    var logHolder: String?

    init(now: Duration) {
        lastRun = now
        lastNote = now
        nextRetention = now
        backfill = BackfillWatch(now: now)
    }
}

extension WriterLoop {
    /// Between two batches.
    func keepHouse() {
        let now = options.time.monotonic()
        relievePressure()
        if isInCharge, now >= housekeeping.nextRetention { retain(now) }
        fillIn(now)
        guard now - housekeeping.lastRun >= options.housekeepingInterval else { return }
        housekeeping.lastRun = now
        if housekeeping.noteIsStale, now - housekeeping.lastNote >= .seconds(1) { keepNote(now) }
        if isInCharge { expireLeases() }
        writer.replication.expire(now)
        writer.tail.tick()
    }

    /// Whether the log's bounds and the leases are this process' business. A replica does what its source did, when the
    /// source did it; whoever only fills in knows neither the bounds nor the holders of leases.
    private var isInCharge: Bool { options.replicaOf == nil && options.fillingIn == nil }

    private func relievePressure() {
        do {
            switch try engine.maintain(connection) {
            case .none: housekeeping.logHolder = nil
            case .expireReads:
                housekeeping.logHolder = nil
                writer.readers?.expire(olderThan: options.snapshotAge)
            case .refuseWrites(let holder):
                housekeeping.logHolder = holder
                writer.readers?.expire(olderThan: options.snapshotAge)
            }
        } catch  where error.code == .holdLost {
            // The next write is told.
            return
        } catch {
            logger.info("a checkpoint failed; it is tried again", metadata: ["error": "\(error)"])
        }
    }

    func keepNote(_ now: Duration) {
        do {
            // Whoever has the store now may have adopted a shorter history.
            try engine.confirmHold()
            try engine.keepNote(HeadNote(head).bytes)
            housekeeping.noteIsStale = false
        } catch {
            logger.info("the head's note can't be kept; it is tried again", metadata: ["error": "\(error)"])
        }
        housekeeping.lastNote = now
    }

    private func expireLeases() {
        guard writer.ledEpoch.withLock({ $0 == nil || $0 == head.epoch }) else { return }
        if !engine.isExclusive {
            // Others grant and renew as well.
            guard let stored = try? connection.runningLeases() else { return }
            writer.leases.follow(stored)
        }
        let jobs = writer.leases.expired().map { lease, renewals in
            HousekeepingJob { session in
                try Repository<Lease, Writing>(session).expire(lease, renewals: renewals)
            } done: { [logger] result in
                if case .failure(let error) = result {
                    logger.info("a lease could not be expired; it is tried again", metadata: ["error": "\(error)"])
                }
            }
        }
        if !jobs.isEmpty { run(jobs) }
    }

    /// How long the writer may wait for the next write.
    var patience: Duration {
        let now = options.time.monotonic()
        var patience = options.housekeepingInterval
        if isInCharge { patience = min(patience, housekeeping.nextRetention - now) }
        if let due = housekeeping.backfill.due { patience = min(patience, due - now) }
        return max(.zero, patience)
    }

    private func retain(_ now: Duration) {
        let cutoff = options.time.now() + (.zero - options.logRetention)
        let isBehind = Atomic(false)
        let options = options
        run([
            HousekeepingJob { session in
                let operations = try session.forgetOperations(
                    before: session.time + (.zero - options.operationRetention))
                let records = try session.cutLog(before: cutoff, bytes: options.logRetentionBytes)
                isBehind.store(max(operations, records) == Limits.retentionStep, ordering: .releasing)
            }
        ])
        let after = options.time.monotonic()
        guard isBehind.load(ordering: .acquiring) else {
            housekeeping.nextRetention = now + options.housekeepingInterval
            return
        }
        let isFar = head.logBytes / Int64(Limits.consumerLagFactor) > Int64(options.logRetentionBytes)
        let isGrowing = head.logBytes > housekeeping.logBytesLeft
        housekeeping.logBytesLeft = head.logBytes
        housekeeping.nextRetention =
            isFar && isGrowing ? after : after + (after - now) * (Limits.retentionShare - 1)
    }

    /// After the last batch: everything into the main file, marked as whole.
    func closeCleanly() {
        // Where others write too, nobody can say that all is written.
        guard engine.isExclusive else { return connection.close() }
        do {
            try engine.confirmHold()
            try connection.begin(.write)
            var head = try Head.load(connection, locking: true)
            head.isClean = true
            head.batches += 1
            try head.save(connection)
            try connection.commit()
            self.head = head
            try engine.settle(connection)
            keepNote(options.time.monotonic())
        } catch {
            connection.rollback()
            logger.info("the store could not be marked as cleanly closed", metadata: ["error": "\(error)"])
        }
        connection.close()
    }
}

extension WriteSession {
    /// Forgets results that are old by both clocks: the commit's, and the one that made the id. An id from a clock that
    /// was ahead would otherwise be forgotten while it still counts as new, and be applied twice.
    ///
    /// - Returns: how many; a step at most.
    func forgetOperations(before time: Timestamp) throws(StoreError) -> Int {
        let isOld: SQL = """
            FROM operations WHERE time < \(Value.timestamp(time.microseconds)) AND id < \(UUID.version7(time) { 0 })
            """
        guard try first("SELECT 1 \(isOld) LIMIT 1", { try $0.integer(0) }) != nil else { return 0 }
        return try execute(
            """
            DELETE FROM operations WHERE id IN (SELECT id \(isOld) ORDER BY time, id LIMIT \(Limits.retentionStep))
            """)
    }

    /// Removes the oldest records of the log, as far as age or size ask for it and consumers allow.
    ///
    /// - Returns: how many; a step at most.
    func cutLog(before cutoff: Timestamp, bytes: Int) throws(StoreError) -> Int {
        let from = head.compactedRevision.rawValue
        let isOverBytes = head.logBytes > Int64(bytes)
        let step = try all(
            """
            SELECT revision, time, length(body), chain FROM log WHERE revision > \(from) ORDER BY revision \
            LIMIT \(isOverBytes ? Limits.retentionStep : 1)
            """
        ) { row in (try row.integer(0), try row.timestamp(1), try row.integer(2), try row.bytes(3)) }
        guard let oldest = step.first, isOverBytes || oldest.1 < cutoff.microseconds else { return 0 }
        let candidates =
            isOverBytes
            ? step
            : try all(
                """
                SELECT revision, time, length(body), chain FROM log WHERE revision > \(from) ORDER BY revision \
                LIMIT \(Limits.retentionStep)
                """
            ) { row in (try row.integer(0), try row.timestamp(1), try row.integer(2), try row.bytes(3)) }
        var needed = try slowestConsumer()
        if let slowest = needed, slowest <= from, head.logBytes / Int64(Limits.consumerLagFactor) > Int64(bytes) {
            try expireConsumers(at: slowest)
            needed = try slowestConsumer()
        }
        var left = head.logBytes
        var cut: (revision: Int64, chain: [UInt8])?
        for (revision, time, size, chain) in candidates {
            guard revision < head.revision.rawValue, needed.map({ revision <= $0 }) ?? true,
                left > Int64(bytes) || time < cutoff.microseconds
            else { break }
            left -= size + Int64(Limits.logRowOverhead)
            cut = (revision, chain)
        }
        guard let cut else { return 0 }
        try execute("DELETE FROM log WHERE revision <= \(cut.revision)")
        head.compactedRevision = Revision(rawValue: cut.revision)
        head.compactedChain = cut.chain
        head.logBytes = max(0, left)
        return Int(cut.revision - from)
    }

    private func slowestConsumer() throws(StoreError) -> Int64? {
        try first("SELECT min(position_revision) FROM consumers WHERE is_expired = 0") { row in
            row.isNull(0) ? nil : try row.integer(0)
        } ?? nil
    }

    private func expireConsumers(at revision: Int64) throws(StoreError) {
        let slow: [Consumer] = try records("WHERE is_expired = 0 AND position_revision <= \(revision) ORDER BY name")
        for consumer in slow {
            var expired = consumer
            expired.isExpired = true
            try update(expired, from: consumer)
        }
    }
}
