internal import Logging
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// What the writer's thread does, and what only it may touch.
final class WriterLoop {
    let writer: Writer
    var connection: any Connection
    let texts = StatementTexts()
    let summaryMemory = SummaryMemory()
    /// As the last batch left it.
    var head: Head
    var housekeeping: Housekeeping
    private var permission: WritePermission
    private var isBroken = false
    private var isolation = Isolation.together
    /// So many batches run apart at once, because one had to be undone lately.
    private var batchesApart = 0
    private let metrics = StoreMetrics()
    /// That the store is open stands in the main file, not only in the engine's log.
    private var isMarkedOpen = false

    var engine: any Engine { writer.engine }
    var options: StoreOptions { writer.options }
    var logger: Logger { writer.logger }

    init(
        _ writer: Writer, _ connection: any Connection, head: Head, _ permission: WritePermission, now: Duration
    ) {
        self.writer = writer
        self.connection = connection
        self.head = head
        self.permission = permission
        housekeeping = Housekeeping(now: now)
    }

    /// Until the queue is closed and empty, or the device failed beyond recovery.
    func serve() {
        var reader = QueueReader()
        // Whoever opened it may be reading already.
        try? markOpen()
        while !isBroken {
            let jobs = writer.queue.take(
                most: Limits.batchClosures, timeout: patience, &reader)
            guard let jobs else { break }
            if !jobs.isEmpty { admit(jobs) }
            serveReads()
            if !isBroken { keepHouse() }
        }
        if isBroken {
            writer.queue.close()
            let outcome = BatchOutcome.failed(.notApplied(reason: "the store closed before this write began"))
            while let jobs = writer.queue.take(most: 1_000, timeout: .zero, &reader), !jobs.isEmpty {
                answer(jobs, outcome)
            }
        } else {
            closeCleanly()
        }
        writer.failReads()
    }

    /// Before the first write is answered (DESIGN D9): the file alone, copied without its log, must not look whole.
    private func markOpen() throws(EngineError) {
        guard engine.isExclusive, !isMarkedOpen else { return }
        try engine.confirmHold()
        try engine.settle(connection)
        isMarkedOpen = true
    }

    private func serveReads() {
        guard engine.hasOneConnection else { return }
        let waiting = writer.reads.withLock { reads in
            defer { reads.removeAll() }
            return reads
        }
        for read in waiting where read.start(interrupt: connection.interrupter()) {
            _ = read.run(connection, repeatingFor: .zero)
        }
    }

    /// Runs the jobs, those of clients as far as replication lets them.
    private func admit(_ jobs: [any WriteJob]) {
        let admission = writer.replication.admission
        guard admission != .open else { return run(jobs) }
        let own = jobs.filter { $0.origin != .client }
        if !own.isEmpty { run(own) }
        let clients = jobs.filter { $0.origin == .client }
        switch admission {
        case _ where clients.isEmpty: return
        case .refused(let reason): return answer(clients, .failed(.notAdmitted(reason: reason)))
        case .throttled(let pause): BlockingThread.pause(min(pause, Limits.admissionPause))
        case .open: break
        }
        run(clients)
    }

    /// Runs the jobs in as few batches as their bounds allow; what doesn't fit goes back to the front of the queue.
    func run(_ jobs: [any WriteJob]) {
        var candidates = jobs.filter { $0.start() }
        isolation = batchesApart > 0 ? .apart : .together
        if candidates.count > 1 { batchesApart = max(0, batchesApart - 1) }
        while !candidates.isEmpty, !isBroken {
            let result = attempt(candidates)
            switch result {
            case .answered(let count):
                writer.queue.putBack(candidates[count...])
                return
            case .again(let without):
                candidates.remove(at: without)
            case .notBegun:
                // Those that waited for too long were answered meanwhile.
                candidates = candidates.filter { $0.start() }
            }
        }
    }

    enum Attempt {
        /// The first `count` jobs are answered; the batch ended there.
        case answered(Int)
        /// This job's error ended the SQL transaction. It is answered; the others run once more.
        case again(without: Int)
        /// Nothing of it is there, and nobody is to blame yet: all run once more.
        case notBegun
    }

    private func attempt(_ jobs: [any WriteJob]) -> Attempt {
        let session: WriteSession
        do {
            if let holder = housekeeping.logHolder { throw StoreError.writeAheadLogFull(holder: holder) }
            try reconnect()
            try markOpen()
            do {
                try connection.begin(.write)
            } catch {
                // Whoever took the lock file away may be writing: that is what to say then.
                try engine.confirmHold()
                throw error
            }
            // With the write lock: this process may have been stopped before, from here on nobody else can write.
            try engine.confirmHold()
            let head = try Head.lock(connection, known: self.head)
            try permission.confirm(head, since: self.head, connection, at: engine.place)
            session = WriteSession(
                connection, head: head, now: options.time.now(), randomness: options.time.random, texts: texts)
            session.leases = writer.leases
            session.isBackfilled = housekeeping.backfill.isDone
            summaryMemory.beginBatch(isOurs: head.batches == self.head.batches && head.chain == self.head.chain)
            session.summaryMemory = summaryMemory
            session.isHoldingLog =
                connection.dialect.rowsPerInsert > 1 && jobs.count > 1 && isolation < .oneByOne
        } catch {
            connection.rollback()
            if mayRetry(jobs, after: error) { return .notBegun }
            answer(jobs, .failed(StoreError(error)))
            return .answered(jobs.count)
        }
        let clock = options.time.monotonic
        var batch = Batch(
            session: session, ledEpoch: writer.ledEpoch.withLock { $0 }, isolation: jobs.count > 1 ? isolation : nil,
            clock: clock)
        let began = clock()
        var count = 0
        for job in jobs {
            if isolation > .together, count == engine.dialect.savepointsPerTransaction { break }
            if count > 0, batch.bytes > Limits.batchBytes || clock() - began > Limits.batchDuration { break }
            switch batch.run(job) {
            case .done: count += 1
            case .undone:
                connection.rollback()
                isolation = .apart
                batchesApart = Limits.batchesWithSavepoints
                return .notBegun
            case .transactionEnded(let error):
                if blameLater() { return .notBegun }
                connection.rollback()
                // Not the closure's fault: nothing of the batch is there, and all of it may run again.
                if mayRetry(jobs, after: error) { return .notBegun }
                job.fail(error)
                job.finish(.failed(StoreError(error)))
                return .again(without: count)
            }
        }
        report(batch)
        return finish(batch, Array(jobs[..<count])) ? .answered(count) : .notBegun
    }

    /// False when nothing of it is there and all of it is to run once more.
    private func finish(_ batch: Batch, _ jobs: [any WriteJob]) -> Bool {
        let session = batch.session
        guard batch.wrote else {
            connection.rollback()
            answer(jobs, .committed)
            return true
        }
        do {
            try session.writeHeldRows()
            session.head.batches += 1
            try session.head.save(connection)
            let began = ContinuousClock.now
            try connection.commit()
            metrics.commitTook(ContinuousClock.now - began)
            metrics.committed(closures: jobs.count, revisions: batch.records.count)
            let woken = publish(batch)
            // Resuming takes time of everybody who comes later: the fewer go first.
            if woken.count <= jobs.count {
                woken.resume()
                answer(jobs, .committed)
            } else {
                answer(jobs, .committed)
                woken.resume()
            }
        } catch  where error.leavesCommitUnknown || !connection.isUsable {
            guard engine.isExclusive else { return settleOnServer(batch, jobs, error) }
            settle(batch, jobs, error)
        } catch {
            if blameLater() { return false }
            connection.rollback()
            if mayRetry(jobs, after: error) { return false }
            answer(jobs, .failed(StoreError(engine: error, place: engine.place)))
        }
        return true
    }

    /// True when the transaction was ended by an earlier closure than the one that was told: all of them run once more,
    /// each waiting for what it did, and the guilty one is found.
    private func blameLater() -> Bool {
        guard connection.hasFailedEarlier, isolation < .oneByOne else { return false }
        connection.rollback()
        isolation = .oneByOne
        return true
    }

    /// Gives back whom to resume.
    func publish(_ batch: Batch) -> Tail.Woken {
        head = batch.session.head
        if let epoch = batch.takenEpoch { writer.ledEpoch.withLock { $0 = epoch } }
        housekeeping.noteIsStale = true
        summaryMemory.commit()
        for promise in batch.session.afterCommit { promise() }
        let woken = writer.tail.publish(batch.records, head: head.position)
        engine.announceCommit()
        return woken
    }

    /// The commit failed in a way that may have left it on the device. Find out, for good (DESIGN D6).
    private func settle(_ batch: Batch, _ jobs: [any WriteJob], _ error: EngineError) {
        metrics.unknownOutcome()
        logger.info("the outcome of a commit is unknown; settling it", metadata: ["error": "\(error)"])
        writer.readers?.suspend()
        connection.close()
        do {
            try engine.settleUnknownCommit()
            connection = try engine.openWriter()
            let expected = batch.session.head
            let marker = try commitMarker()
            let found = try isThere(expected, batch.records, marker)
            if found { publish(batch).resume() }
            head = marker.head
            writer.tail.publish([marker.record], head: head.position).resume()
            writer.readers?.resume()
            answer(jobs, found ? .committed : .failed(.notApplied(reason: error.words)))
            logger.info("settled", metadata: ["committed": "\(found)"])
        } catch {
            isBroken = true
            let failure = StoreError.outcomeUnknown(reason: "\(error)")
            writer.failure.withLock { $0 = failure }
            logger.info("the store stays closed", metadata: ["error": "\(error)"])
            // What a connection would read now a crash may take back: nothing is read either.
            connection.close()
            writer.readers?.end(with: failure)
            writer.tail.close(failure)
            answer(jobs, .failed(failure))
        }
    }

    private struct Marker {
        let record: LogRecord
        /// The batches that were committed before it, and the head after it.
        let batchesBefore: Int64
        let head: Head
    }

    /// Commits one revision of our own, without changes: what is found after it can't change any more.
    private func commitMarker() throws -> Marker {
        try connection.begin(.write)
        let present = try Head.load(connection, locking: true)
        let session = WriteSession(
            connection, head: present, now: options.time.now(), randomness: options.time.random, texts: texts)
        session.begin(actor: "metastore")
        let record = try session.append([])
        session.head.batches += 1
        try session.head.save(connection)
        try connection.commit()
        return Marker(record: record, batchesBefore: present.batches, head: session.head)
    }

    /// Is the link of the batch's last record in the log?
    private func isThere(_ expected: Head, _ records: [LogRecord], _ marker: Marker) throws -> Bool {
        guard !records.isEmpty else { return marker.batchesBefore == expected.batches }
        let chain = try connection.first("SELECT chain FROM log WHERE revision = \(expected.revision.rawValue)") {
            try $0.bytes(0)
        }
        return chain == expected.chain
    }

    func answer(_ jobs: [any WriteJob], _ outcome: BatchOutcome) {
        for job in jobs { job.finish(outcome) }
    }

    private func report(_ batch: Batch) {
        for slow in batch.slow {
            logger.info(
                "a write closure took long; it keeps every other write waiting",
                metadata: ["callSite": "\(slow.callSite)", "duration": "\(slow.duration)"])
        }
    }
}

/// The UPDATE texts met so far, by table and columns.
final class StatementTexts {
    private var updates: [ObjectIdentifier: [UInt64: String]] = [:]

    func update(_ table: Table, _ mask: UInt64) -> String {
        if let text = updates[ObjectIdentifier(table)]?[mask] { return text }
        let text = table.updateText(mask)
        updates[ObjectIdentifier(table), default: [:]][mask] = text
        return text
    }
}
