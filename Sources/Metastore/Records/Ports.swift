// Invariants (DOMAIN 1, 3.5)
// 1. (host, port) is the primary key of a reservation: two holders can't have one port.
// 2. An ephemeral reservation never takes a port that belongs to another purpose.

internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == PortReservation {
    /// Who holds a port of a host, or nil.
    public func holder(of port: Int64, on host: String) throws(StoreError) -> PortReservation? {
        try session.find(PortReservation.self, .text(host), .integer(port))
    }

    /// The ports an allocation holds, by host and port.
    public func list(of allocation: ID<Allocation>) throws(StoreError) -> [PortReservation] {
        try session.records("WHERE allocation = \(allocation) ORDER BY host, port")
    }
}

extension Repository where Element == PortReservation, Access == Writing {
    /// Reserves the lowest free ports of a purpose on a host for an allocation.
    ///
    /// - Parameter ranges: where the ephemeral purposes take theirs from.
    /// - Throws: ``StoreError/exhausted(what:)``, ``StoreError/refused(path:reason:)`` when the allocation has ended,
    ///   ``StoreError/notFound(path:)``, ``StoreError/invalid(field:reason:)``.
    public func reserve(
        _ purpose: PortPurpose, count: Int = 1, on host: String, for allocation: ID<Allocation>,
        ranges: PortRanges = PortRanges()
    ) throws(StoreError) -> [PortReservation] {
        try validating { () throws(ModelError) in
            try FieldValidation.name(host, field: "host")
            try FieldValidation.range(Int64(count), field: "count", in: 1...Int64(Limits.pageLimit))
        }
        let owner = try liveOwner(allocation)
        let range = ranges.range(of: purpose)
        guard range.lowerBound >= 1, range.upperBound <= 65_535 else {
            throw .invalid(field: "ranges", reason: "ranges can't be used: a port lies in 1…65535.")
        }
        let taken = Set(
            try session.all(
                """
                SELECT port FROM ports WHERE host = \(host) AND port >= \(range.lowerBound) \
                AND port <= \(range.upperBound) ORDER BY port
                """
            ) { try $0.integer(0) })
        var free: [Int64] = []
        var candidate = range.lowerBound
        while free.count < count, candidate <= range.upperBound {
            if ranges.mayReserve(candidate, for: purpose), !taken.contains(candidate) { free.append(candidate) }
            candidate += 1
        }
        guard free.count == count else {
            throw .exhausted(what: "\(purpose.name) port in \(range.lowerBound)–\(range.upperBound) of host \(host)")
        }
        return try writer.atomically { () throws(StoreError) in
            var reserved: [PortReservation] = []
            for port in free { reserved.append(try insert(port, purpose, host, owner)) }
            return reserved
        }
    }

    /// Reserves one port by its number.
    ///
    /// - Throws: ``StoreError/held(path:by:)`` when another allocation holds it; as
    ///   ``reserve(_:count:on:for:ranges:)``.
    @discardableResult
    public func claim(
        _ port: Int64, _ purpose: PortPurpose, on host: String, for allocation: ID<Allocation>,
        ranges: PortRanges = PortRanges()
    ) throws(StoreError) -> PortReservation {
        try validating { () throws(ModelError) in try FieldValidation.name(host, field: "host") }
        guard ranges.mayReserve(port, for: purpose), (1...65_535).contains(port) else {
            throw .invalid(field: "port", reason: "port can't be stored: \(purpose.name) may not have port \(port).")
        }
        let owner = try liveOwner(allocation)
        if let held = try holder(of: port, on: host) {
            if held.allocation == allocation, held.purpose == purpose { return held }
            throw .held(path: held.recordKey.path, by: "allocation \(held.allocation)")
        }
        return try insert(port, purpose, host, owner)
    }

    /// What a trial's allocation needs on a host: one NCCL port for each GPU and two further ones (DOMAIN 1).
    ///
    /// - Throws: as ``reserve(_:count:on:for:ranges:)``.
    public func reserveForTrial(
        gpus: Int, on host: String, for allocation: ID<Allocation>, ranges: PortRanges = PortRanges()
    ) throws(StoreError) -> [PortReservation] {
        try writer.atomically { () throws(StoreError) in
            let nccl = gpus == 0 ? [] : try reserve(.nccl, count: gpus, on: host, for: allocation, ranges: ranges)
            return try nccl
                + reserve(.gloo, count: PortRanges.portsBesideGPUs, on: host, for: allocation, ranges: ranges)
        }
    }

    /// Gives a port back. One that nobody holds is no error.
    public func release(_ port: Int64, on host: String) throws(StoreError) {
        guard let held = try holder(of: port, on: host) else { return }
        try writer.delete(held)
    }

    private func liveOwner(_ id: ID<Allocation>) throws(StoreError) -> Allocation {
        let owner = try Repository<Allocation, Reading>(session).get(id)
        guard !owner.state.isTerminal else { throw .refused(path: owner.recordKey.path, reason: "it is TERMINATED.") }
        return owner
    }

    private func insert(
        _ port: Int64, _ purpose: PortPurpose, _ host: String, _ owner: Allocation
    ) throws(StoreError) -> PortReservation {
        try writer.insert(
            PortReservation(
                host: host, port: port, allocation: owner.id, task: owner.task, purpose: purpose,
                createdRevision: .absent, revision: .absent))
    }
}

extension AsyncRepository where Element == PortReservation {
    /// Who holds a port of a host, or nil.
    public func holder(of port: Int64, on host: String) async throws -> PortReservation? {
        try await store.readOnce { try Repository<PortReservation, Reading>($0).holder(of: port, on: host) }
    }
}
