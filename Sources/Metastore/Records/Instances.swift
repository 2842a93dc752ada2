// Invariant (DOMAIN 1, 3.5): what is asked of the cloud is written before the call, under a client token that belongs
// to one request only, so that a crash between the two can't order twice.

internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Instance {
    /// The instance.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ clientToken: String) throws(StoreError) -> Instance {
        guard let found = try session.find(Instance.self, .text(clientToken)) else {
            throw .notFound(path: RecordKey.instance(clientToken: clientToken).path)
        }
        return found
    }

    /// The instance with this id of the cloud's, or nil.
    public func find(instanceID: String) throws(StoreError) -> Instance? {
        try session.record("WHERE instance_id = \(instanceID) AND instance_id IS NOT NULL")
    }

    /// What a pool has asked for and not yet got rid of, by client token.
    public func unfinished(in pool: String) throws(StoreError) -> [Instance] {
        try session.records("WHERE pool = \(pool) AND state <= 4 ORDER BY client_token")
    }
}

extension Repository where Element == Instance, Access == Writing {
    /// Records an instance before the cloud is asked for it (or one found there by its tag).
    ///
    /// - Throws: ``StoreError/held(path:by:)`` when the client token or the cloud's id is taken;
    ///   ``StoreError/notFound(path:)`` for an unknown pool, ``StoreError/invalid(field:reason:)``.
    public func create(_ new: NewInstance) throws(StoreError) -> Instance {
        let pool = try Repository<ResourcePool, Reading>(session).get(new.pool)
        let tagKey = new.tagKey ?? pool.tagKey ?? ""
        let tagValue = new.tagValue ?? pool.tagValue ?? ""
        let type = new.type ?? pool.instanceType ?? ""
        try validating { () throws(ModelError) in
            try FieldValidation.name(new.clientToken, field: "clientToken")
            try FieldValidation.text(new.instanceID, field: "instanceID", limit: Limits.nameBytes)
            try FieldValidation.text(tagKey, field: "tagKey", limit: Limits.nameBytes)
            try FieldValidation.text(tagValue, field: "tagValue", limit: Limits.nameBytes)
            try FieldValidation.text(type, field: "type", limit: Limits.nameBytes)
            try FieldValidation.text(new.spotRequest, field: "spotRequest", limit: Limits.nameBytes)
        }
        if let holder = try session.find(Instance.self, .text(new.clientToken)) {
            throw .held(path: holder.recordKey.path, by: "an instance of pool \(holder.pool)")
        }
        if let instanceID = new.instanceID, let holder = try find(instanceID: instanceID) {
            throw .held(
                path: "cloud id of \(RecordKey.instance(clientToken: new.clientToken).path)", by: holder.recordKey.path)
        }
        if let token = new.spotRequest { _ = try Repository<SpotRequest, Reading>(session).get(token) }
        return try writer.insert(
            Instance(
                clientToken: new.clientToken, instanceID: new.instanceID, pool: new.pool, tagKey: tagKey,
                tagValue: tagValue, type: type, spotRequest: new.spotRequest, state: new.state, agent: nil,
                requested: writer.time, started: new.state == .running ? writer.time : nil,
                ended: new.state.isTerminal ? writer.time : nil, createdRevision: .absent, revision: .absent))
    }

    /// Records an instance that was found in the cloud by its pool's tag: its token is `found-` and the cloud's id.
    ///
    /// One that is known already is returned as it is.
    /// - Throws: as ``create(_:)``.
    public func found(_ instanceID: String, in pool: String, state: InstanceState) throws(StoreError) -> Instance {
        if let known = try find(instanceID: instanceID) { return known }
        return try create(
            NewInstance(clientToken: "found-" + instanceID, pool: pool, instanceID: instanceID, state: state))
    }

    /// Moves an instance forward, and notes what is known of it now.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/held(path:by:)`` when another
    ///   has the cloud's id, ``StoreError/notFound(path:)``.
    @discardableResult
    public func transition(
        _ clientToken: String, to state: InstanceState, instanceID: String? = nil, agent: String? = nil
    ) throws(StoreError) -> Instance {
        try validating { () throws(ModelError) in
            try FieldValidation.text(instanceID, field: "instanceID", limit: Limits.nameBytes)
            try FieldValidation.text(agent, field: "agent", limit: Limits.nameBytes)
        }
        let current = try get(clientToken)
        let path = current.recordKey.path
        _ = try current.state.isNoChange(to: state, path: path)
        var next = current
        next.state = state
        if let instanceID {
            if let known = current.instanceID, !known.equalsByBytes(instanceID) {
                throw .reportConflict(path: path, field: "cloud id")
            }
            if let holder = try find(instanceID: instanceID), !holder.clientToken.equalsByBytes(clientToken) {
                throw .held(path: "cloud id of \(path)", by: holder.recordKey.path)
            }
            next.instanceID = instanceID
        }
        if let agent { next.agent = agent }
        if state == .running, next.started == nil { next.started = writer.time }
        if state.isTerminal, next.ended == nil { next.ended = writer.time }
        return try writer.update(next, from: current)
    }
}

extension Repository where Element == SpotRequest {
    /// The spot request.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ clientToken: String) throws(StoreError) -> SpotRequest {
        guard let found = try session.find(SpotRequest.self, .text(clientToken)) else {
            throw .notFound(path: RecordKey.spotRequest(clientToken: clientToken).path)
        }
        return found
    }

    /// A pool's spot requests that are PENDING or FULFILLED, by client token.
    public func unfinished(in pool: String) throws(StoreError) -> [SpotRequest] {
        try session.records("WHERE pool = \(pool) AND state <= 2 ORDER BY client_token")
    }
}

extension Repository where Element == SpotRequest, Access == Writing {
    /// Records a spot request before the cloud is asked: PENDING.
    ///
    /// - Throws: ``StoreError/held(path:by:)`` when the client token is taken; ``StoreError/notFound(path:)`` for an
    ///   unknown pool, ``StoreError/invalid(field:reason:)``.
    public func create(_ new: NewSpotRequest) throws(StoreError) -> SpotRequest {
        try validating { () throws(ModelError) in
            try FieldValidation.name(new.clientToken, field: "clientToken")
            if let price = new.maxPrice { _ = try FieldValidation.finite(price, field: "maxPrice") }
        }
        _ = try Repository<ResourcePool, Reading>(session).get(new.pool)
        if let holder = try session.find(SpotRequest.self, .text(new.clientToken)) {
            throw .held(path: holder.recordKey.path, by: "a spot request of pool \(holder.pool)")
        }
        return try writer.insert(
            SpotRequest(
                clientToken: new.clientToken, requestID: nil, pool: new.pool, state: .pending,
                maxPrice: new.maxPrice.map { $0 == 0 ? 0 : $0 }, instance: nil, requested: writer.time,
                createdRevision: .absent,
                revision: .absent))
    }

    /// Makes the transition, and notes what is known of the request now.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func transition(
        _ clientToken: String, to state: SpotRequestState, requestID: String? = nil, instance: String? = nil
    ) throws(StoreError) -> SpotRequest {
        try validating { () throws(ModelError) in
            try FieldValidation.text(requestID, field: "requestID", limit: Limits.nameBytes)
            try FieldValidation.text(instance, field: "instance", limit: Limits.nameBytes)
        }
        let current = try get(clientToken)
        _ = try current.state.isNoChange(to: state, path: current.recordKey.path)
        var next = current
        next.state = state
        if let requestID { next.requestID = requestID }
        if let instance { next.instance = instance }
        return try writer.update(next, from: current)
    }
}

extension AsyncRepository where Element == Instance {
    /// What a pool has asked for and not yet got rid of, by client token.
    public func unfinished(in pool: String) async throws -> [Instance] {
        try await store.readOnce { try Repository<Instance, Reading>($0).unfinished(in: pool) }
    }
}

extension AsyncRepository where Element == SpotRequest {
    /// A pool's spot requests that are PENDING or FULFILLED, by client token.
    public func unfinished(in pool: String) async throws -> [SpotRequest] {
        try await store.readOnce { try Repository<SpotRequest, Reading>($0).unfinished(in: pool) }
    }
}
