// Invariants
// 1. Steps are queued behind what clients wrote, and follow each other in a bounded share of the writer's time; at once
//    where the store is open for nothing else and nobody wrote since the last one.
// 2. Orders are looked for once a second. What can't be read or understood is logged once and changes nothing.

internal import Logging
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// What the writer's thread knows of the backfill.
struct BackfillWatch {
    /// Every trial is filled, and nothing is left to look at.
    fileprivate(set) var isDone = false
    /// This process among those that could do it; made when there is something to do.
    fileprivate var worker: Int64?
    fileprivate var nextStep: Duration
    fileprivate var nextOrders: Duration
    /// The orders last read, good or bad.
    fileprivate var orders: [UInt8]?
    /// Why they couldn't be read.
    fileprivate var problem: String?
    /// The cursor as it stood after a step of this process; nil when another may have moved it, or was asked to rest.
    fileprivate var ownSteps: Int64?
    /// The cursor as another process left it, and since when it stands there.
    fileprivate var seen: (steps: Int64, since: Duration)?
    fileprivate var window: (began: Duration, rows: Int64)?
    fileprivate var rate: Double?

    init(now: Duration) {
        nextStep = now
        nextOrders = now
    }

    /// When there is something to do; nil when there isn't any more.
    var due: Duration? { isDone ? nil : min(nextStep, nextOrders) }

    /// Whether this process may go on from here.
    fileprivate mutating func mayTakeOver(_ found: Backfill, _ now: Duration) -> Bool {
        guard found.worker != nil, found.worker != worker else { return true }
        if let seen, seen.steps == found.steps { return now - seen.since >= Limits.backfillTakeover }
        seen = (found.steps, now)
        return false
    }

    fileprivate mutating func rest() {
        ownSteps = nil
        window = nil
        rate = nil
    }

    fileprivate mutating func measure(_ rows: Int64, from began: Duration, to ended: Duration) {
        var present = window ?? (began, 0)
        present.rows += rows
        let elapsed = ended - present.began
        window = present
        guard elapsed >= Limits.backfillRateWindow else { return }
        rate = Double(present.rows) / (elapsed / .seconds(1))
        window = (ended, 0)
    }
}

/// How long the backfill rests after a step.
package enum BackfillPace {
    /// - Parameters:
    ///   - took: how long the step took, in which it did so many rows.
    ///   - limit: rows a second.
    ///   - isAlone: nobody else wants the writer's time.
    package static func pause(after took: Duration, rows: Int64, limit: Int64?, isAlone: Bool) -> Duration {
        let share = isAlone ? .zero : took * (Limits.backfillShare - 1)
        guard let limit else { return share }
        return max(share, .seconds(Double(rows) / Double(limit)) - took)
    }
}

extension WriterLoop {
    /// One step of the backfill, when it is time for one.
    func fillIn(_ now: Duration) {
        guard let due = housekeeping.backfill.due, now >= due else { return }
        obeyOrders(now)
        guard now >= housekeeping.backfill.nextStep else { return }
        housekeeping.backfill.nextStep = now + Limits.backfillLook
        if let steps = housekeeping.backfill.ownSteps { return takeStep(after: steps, now) }
        guard let found = look() else { return }
        switch found.state {
        case .done: housekeeping.backfill.isDone = true
        case .paused: housekeeping.backfill.rest()
        case .running:
            guard engine.isExclusive || housekeeping.backfill.mayTakeOver(found, now) else { return }
            takeStep(after: found.steps, now)
        }
    }

    /// Without the head's lock: where several processes write, those that only look keep nobody waiting.
    private func look() -> Backfill? {
        guard let tell = options.fillingIn else {
            return connection.isUsable ? try? Backfill.load(connection) : nil
        }
        do {
            // Nobody else's write connects again.
            try reconnect()
            let found = try Backfill.load(connection)
            tell(.success(found))
            return found
        } catch {
            tell(.failure(StoreError(error, at: engine.place)))
            return nil
        }
    }

    private func takeStep(after steps: Int64, _ now: Duration) {
        let worker = housekeeping.backfill.worker ?? Int64(bitPattern: options.time.random())
        housekeeping.backfill.worker = worker
        let rate = housekeeping.backfill.rate
        let (batches, tell) = (head.batches, options.fillingIn)
        let step = Mutex<(before: Backfill, after: Backfill)?>(nil)
        run([
            HousekeepingJob { session in
                let before = try session.loadBackfill()
                let after = try session.fillSummaries(worker: worker, seen: steps, rate: rate)
                step.withLock { $0 = (before, after) }
            } done: { [logger] result in
                guard case .failure(let error) = result else { return }
                step.withLock { $0 = nil }
                tell?(.failure(StoreError(error)))
                if case StoreError.fenced = error { return }
                logger.info("a step of the backfill failed; it is tried again", metadata: ["error": "\(error)"])
            }
        ])
        let ended = options.time.monotonic()
        guard let (before, after) = step.withLock({ $0 }), after.steps > before.steps else {
            return housekeeping.backfill.rest()
        }
        let rows = after.rowsDone + after.fillingRows - before.rowsDone - before.fillingRows
        housekeeping.backfill.ownSteps = after.steps
        housekeeping.backfill.measure(rows, from: now, to: ended)
        if after.state == .done {
            housekeeping.backfill.isDone = true
            logger.info("the backfill is done", metadata: ["rows": "\(after.rowsDone)"])
        }
        tell?(.success(after))
        let isAlone = tell != nil && head.batches == batches + 1
        housekeeping.backfill.nextStep =
            ended
            + BackfillPace.pause(after: ended - now, rows: rows, limit: after.rowsPerSecond, isAlone: isAlone)
    }

    /// Orders from a file, into the row. Where several processes write they are given in the row itself.
    private func obeyOrders(_ now: Duration) {
        guard engine.isExclusive, now >= housekeeping.backfill.nextOrders else {
            // Then they are met where the row is read.
            if !engine.isExclusive { housekeeping.backfill.nextOrders = .seconds(Int64.max / 2) }
            return
        }
        housekeeping.backfill.nextOrders = now + Limits.backfillLook
        let found: [UInt8]
        do {
            guard let bytes = try engine.readControl() else { return }
            housekeeping.backfill.problem = nil
            found = bytes
        } catch {
            let problem = "\(error)"
            if problem != housekeeping.backfill.problem {
                logger.info(
                    "the control file can't be read; what was ordered last holds", metadata: ["error": "\(error)"])
            }
            housekeeping.backfill.problem = problem
            return
        }
        guard found != housekeeping.backfill.orders else { return }
        guard let orders = BackfillOrders(found) else {
            housekeeping.backfill.orders = found
            return logger.info("the control file says nothing that is understood; what was ordered last holds")
        }
        let isObeyed = Atomic(false)
        run([
            HousekeepingJob { session in
                try session.obey(orders)
            } done: { result in
                if case .success = result { isObeyed.store(true, ordering: .releasing) }
            }
        ])
        guard isObeyed.load(ordering: .acquiring) else { return }
        housekeeping.backfill.orders = found
        housekeeping.backfill.nextStep = now
        housekeeping.backfill.rest()
    }
}
