// Invariants (D9, G11)
// 1. Taking the lead opens a new epoch, in the log and in the head row; every write of a handle that led in an earlier
//    one is refused from then on.
// 2. On SQLite whoever holds the lock file leads at once; there is nobody else who could write.
// 3. On a server a candidate takes over only after it has seen the lead unrenewed for its whole time to live, on the
//    candidate's own clock that never goes back; whoever leads gives up no later than that after its last renewal.

internal import Logging
internal import MetastoreEngine
public import MetastoreModel

extension Metastore {
    /// Takes the lead, runs the body, and gives the lead up again.
    ///
    /// Every write of this handle carries the new epoch from then on. When another takes the lead, the body is
    /// cancelled and every write of this handle fails with ``StoreError/fenced(reason:)`` until it leads again.
    ///
    /// - Parameters:
    ///   - name: who leads, for people and for the log.
    ///   - timeToLive: how long the lead outlives a master that stopped renewing it.
    /// - Throws: what the body throws; ``StoreError/fenced(reason:)`` when the lead was lost.
    public func lead<Value: Sendable>(
        as name: String, timeToLive: Duration = Limits.leadershipTimeToLive,
        _ body: @escaping @Sendable (Leadership) async throws -> Value
    ) async throws -> Value {
        try validating { () throws(ModelError) in try FieldValidation.name(name, field: "name") }
        guard timeToLive >= Limits.leaseTimeToLiveMinimum, timeToLive <= Limits.leaseTimeToLiveMaximum else {
            throw StoreError.invalid(
                field: "timeToLive",
                reason: """
                    timeToLive can't be used: a lead lives from \(Limits.leaseTimeToLiveMinimum) to \
                    \(Limits.leaseTimeToLiveMaximum) between renewals.
                    """)
        }
        let leadership = try await takeLead(name, timeToLive: timeToLive)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body(leadership) }
            group.addTask { [self] in
                try await keepLeading(leadership)
                return nil
            }
            let result: Result<Value?, any Error>
            do {
                result = .success(try await group.next() ?? nil)
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            guard case .success(let value?) = result else {
                // Also a body that failed gives the lead up; its own error says more than one of giving up.
                await Task { [self] in try? await giveUp(leadership) }.value
                _ = try result.get()
                throw StoreError.fenced(reason: "the lead of \(name) ended")
            }
            try await giveUp(leadership)
            return value
        }
    }

    private func takeLead(_ name: String, timeToLive: Duration) async throws -> Leadership {
        var watch = LeadWatch(monotonic: options.time.monotonic)
        while true {
            let seen = engine.isExclusive ? nil : try await readOnce { try $0.lead() }
            if let seen, let left = watch.remaining(seen) {
                try await Task.sleep(for: max(.milliseconds(10), min(left, seen.timeToLive / 10)))
                continue
            }
            let isShared = !engine.isExclusive
            let taken = try await submit(actor: name, callSite: CallSite(file: "lead"), from: .candidate) { session in
                // Renewed, or taken, since it was looked at: watch on.
                if isShared, try session.lead() != seen { return Leadership?.none }
                return try session.takeLead(name, timeToLive: timeToLive)
            }.value
            if let taken { return taken }
        }
    }

    /// Renews the lead until it is lost.
    private func keepLeading(_ leadership: Leadership) async throws {
        let monotonic = options.time.monotonic
        var renewed = monotonic()
        var pause = leadership.timeToLive / 3
        while true {
            try await Task.sleep(for: pause)
            let began = monotonic()
            do {
                try await renew(leadership)
                renewed = began
                pause = leadership.timeToLive / 3
            } catch let error as StoreError where mayRenewAgain(after: error) {
                // Another may take over from then on.
                guard monotonic() - renewed < leadership.timeToLive else {
                    throw StoreError.fenced(reason: "the lead could not be renewed: \(error)")
                }
                pause = leadership.timeToLive / 20
            }
        }
    }

    /// Whether a renewal happened whose answer was lost doesn't matter: the next one is as good.
    private func mayRenewAgain(after error: StoreError) -> Bool {
        switch error {
        case .outcomeUnknown, .notApplied: !engine.isExclusive
        default: WriterLoop.isPassing(error)
        }
    }

    private func renew(_ leadership: Leadership) async throws {
        _ = try await submit(actor: leadership.holder, callSite: CallSite(file: "lead")) { session in
            guard session.head.epoch == leadership.epoch else {
                throw StoreError.fenced(reason: "the lead was taken again, in epoch \(session.head.epoch.number)")
            }
            // Later each time, also while commit times stand still: this is what a candidate watches.
            let last = try session.lead()?.renewed.microseconds ?? 0
            let now = max(session.time.microseconds, last + 1)
            try session.execute("UPDATE leadership SET renewed_time = \(Value.timestamp(now)) WHERE id = 1")
        }
    }

    private func giveUp(_ leadership: Leadership) async throws {
        _ = try await submit(actor: leadership.holder, callSite: CallSite(file: "lead")) { session in
            guard let current = try session.find(Leadership.self, .integer(1)), current.epoch == leadership.epoch
            else { return }
            try session.delete(current)
        }
    }

    /// Who leads, or nil when nobody does.
    public func leadership() async throws -> Leadership? {
        try await readOnce { try $0.find(Leadership.self, .integer(1)) }
    }
}

extension WriteSession {
    fileprivate func takeLead(_ name: String, timeToLive: Duration) throws(StoreError) -> Leadership {
        let before = try find(Leadership.self, .integer(1))
        try openEpoch(holder: name)
        let next = Leadership(
            holder: name, epoch: head.epoch, timeToLive: timeToLive.asStored, taken: time, createdRevision: .absent,
            revision: .absent)
        guard let before else { return try insert(next) }
        return try update(next, from: before)
    }
}

/// A lead as a candidate sees it; another value means that somebody renewed or took it.
struct SeenLead: Sendable, Hashable {
    let epoch: Epoch
    let renewed: Timestamp
    let timeToLive: Duration
}

extension Session {
    func lead() throws(StoreError) -> SeenLead? {
        try first("SELECT epoch, epoch_nonce, renewed_time, time_to_live FROM leadership WHERE id = 1") { row in
            SeenLead(
                epoch: Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1))),
                renewed: Timestamp(microseconds: try row.timestamp(2)),
                timeToLive: .microseconds(try row.integer(3)))
        }
    }
}

/// How long a candidate has seen one lead unrenewed.
struct LeadWatch {
    private let monotonic: @Sendable () -> Duration
    private var seen: SeenLead?
    private var since: Duration = .zero

    init(monotonic: @escaping @Sendable () -> Duration) {
        self.monotonic = monotonic
    }

    /// How much longer it must stay as it is before it may be taken; nil when it may.
    mutating func remaining(_ lead: SeenLead) -> Duration? {
        let now = monotonic()
        if lead != seen {
            seen = lead
            since = now
        }
        let left = lead.timeToLive - (now - since)
        return left > .zero ? left : nil
    }
}
