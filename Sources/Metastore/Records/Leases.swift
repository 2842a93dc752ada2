internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Lease {
    /// The lease.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Lease>) throws(StoreError) -> Lease {
        guard let found = try session.find(Lease.self, .integer(id.rawValue)) else {
            throw .notFound(path: RecordKey.lease(id).path)
        }
        return found
    }
}

extension Repository where Element == Lease, Access == Writing {
    /// Grants a lease; entries put with it go when it isn't renewed within its time to live.
    ///
    /// - Throws: ``StoreError/invalid(field:reason:)`` for a time to live out of bounds.
    public func grant(timeToLive: Duration) throws(StoreError) -> Lease {
        guard timeToLive >= Limits.leaseTimeToLiveMinimum, timeToLive <= Limits.leaseTimeToLiveMaximum else {
            throw .invalid(
                field: "timeToLive",
                reason: """
                    timeToLive can't be stored: a lease lives from \(Limits.leaseTimeToLiveMinimum) to \
                    \(Limits.leaseTimeToLiveMaximum).
                    """)
        }
        let lease = try writer.insert(
            Lease(
                id: ID(rawValue: writer.head.take(.lease)), timeToLive: timeToLive.asStored, createdRevision: .absent,
                revision: .absent))
        if let clock = writer.leases {
            writer.whenCommitted { clock.start(StoredLease(id: lease.id, timeToLive: lease.timeToLive, renewals: 0)) }
        }
        return lease
    }

    /// Ends a lease and removes its entries, in this transaction.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func revoke(_ id: ID<Lease>) throws(StoreError) {
        try remove(try get(id))
    }

    /// What the store does when a lease's time is over; one that is gone already is no error, and one that was renewed
    /// meanwhile is left alone.
    func expire(_ id: ID<Lease>, renewals: Int64) throws(StoreError) {
        guard let lease = try session.find(Lease.self, .integer(id.rawValue)) else {
            writer.leases?.stop(id)
            return
        }
        let now = try session.first("SELECT renewals FROM leases WHERE id = \(id)") { try $0.integer(0) }
        if now == renewals { try remove(lease) }
    }

    /// Gives a lease its full time again, for every process: counted in its row, which no log knows of.
    func countRenewal(_ id: ID<Lease>) throws(StoreError) {
        let found = try session.first("SELECT time_to_live, renewals FROM leases WHERE id = \(id)") { row in
            StoredLease(id: id, timeToLive: .microseconds(try row.integer(0)), renewals: try row.integer(1))
        }
        guard var lease = found, writer.leases?.isOver(lease) != true else {
            throw .notFound(path: RecordKey.lease(id).path)
        }
        lease.renewals += 1
        try writer.execute("UPDATE leases SET renewals = \(lease.renewals) WHERE id = \(id)")
        if let clock = writer.leases {
            let renewed = lease
            writer.whenCommitted { clock.start(renewed) }
        }
    }

    private func remove(_ lease: Lease) throws(StoreError) {
        try writer.atomically { () throws(StoreError) in
            let entries: [KeyValueEntry] = try session.records(
                "WHERE lease = \(lease.id) AND lease IS NOT NULL ORDER BY namespace, key")
            for entry in entries { try writer.delete(entry) }
            try writer.delete(lease)
        }
        if let clock = writer.leases { writer.whenCommitted { clock.stop(lease.id) } }
    }
}

extension AsyncRepository where Element == Lease {
    /// Grants a lease; entries put with it go when it isn't renewed within its time to live.
    ///
    /// - Throws: ``StoreError/invalid(field:reason:)`` for a time to live out of bounds.
    public func grant(timeToLive: Duration) async throws -> Lease {
        try await store.write { tx in try tx.leases.grant(timeToLive: timeToLive) }
    }

    /// Gives the lease its full time again. Renewals are not logged, and not even written where only one process
    /// writes.
    ///
    /// - Throws: ``StoreError/notFound(path:)`` when it has run out: its entries are going, or gone.
    public func renew(_ id: ID<Lease>) async throws {
        guard store.engine.isExclusive else {
            return try await store.write { tx in try tx.leases.countRenewal(id) }
        }
        guard store.leaseClock.renew(id) else { throw StoreError.notFound(path: RecordKey.lease(id).path) }
    }

    /// How much of its time is left, or nil when it doesn't run.
    public func remaining(_ id: ID<Lease>) -> Duration? { store.leaseClock.remaining(id) }

    /// Ends a lease and removes its entries.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func revoke(_ id: ID<Lease>) async throws {
        try await store.write { tx in try tx.leases.revoke(id) }
    }
}
