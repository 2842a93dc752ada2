// Invariants (D9, G11)
// 1. Taking the lead opens a new epoch, in the log and in the head row; every write of a handle that led in an earlier
//    one is refused from then on.
// 2. On SQLite whoever holds the lock file leads at once; there is nobody else who could write.

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
        let leadership = try await submit(actor: name, callSite: CallSite(file: "lead"), takesLead: true) { session in
            try session.takeLead(name, timeToLive: timeToLive)
        }.value
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

    /// Renews the lead until it is lost.
    private func keepLeading(_ leadership: Leadership) async throws {
        while true {
            try await Task.sleep(for: leadership.timeToLive / 3)
            _ = try await submit(actor: leadership.holder, callSite: CallSite(file: "lead")) { session in
                guard session.head.epoch == leadership.epoch else {
                    throw StoreError.fenced(
                        reason: "the lead was taken again, in epoch \(session.head.epoch.number)")
                }
                try session.execute(
                    """
                    UPDATE leadership SET renewed_time = \(Value.timestamp(session.time.microseconds)) \
                    WHERE id = 1
                    """)
            }
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
            holder: name, epoch: head.epoch, timeToLive: timeToLive, taken: time, createdRevision: .absent,
            revision: .absent)
        guard let before else { return try insert(next) }
        return try update(next, from: before)
    }
}
