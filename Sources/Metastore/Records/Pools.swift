internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == ResourcePool {
    /// The pool.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ name: String) throws(StoreError) -> ResourcePool {
        guard let found = try session.find(ResourcePool.self, .text(name)) else {
            throw .notFound(path: RecordKey.pool(name).path)
        }
        return found
    }

    /// All pools, by name.
    public func all() throws(StoreError) -> [ResourcePool] { try session.records("ORDER BY name") }
}

extension Repository where Element == ResourcePool, Access == Writing {
    /// Makes the pool what is given: creates it, or changes what differs.
    ///
    /// - Throws: ``StoreError/held(path:by:)`` when another pool has the same tag;
    ///   ``StoreError/invalid(field:reason:)``, ``StoreError/conflict(path:expected:found:)``.
    @discardableResult
    public func put(_ new: NewPool, ifRevision expected: Revision? = nil) throws(StoreError) -> ResourcePool {
        try validating { () throws(ModelError) in try new.validate() }
        let path = RecordKey.pool(new.name).path
        let current = try session.find(ResourcePool.self, .text(new.name))
        try check(expected, current?.revision ?? .absent, path)
        if let key = new.tagKey, let value = new.tagValue,
            let other: ResourcePool = try session.record(
                "WHERE tag_key = \(key) AND tag_key IS NOT NULL AND tag_value = \(value) AND name <> \(new.name)")
        {
            throw .held(path: "tag \(path)", by: other.recordKey.path)
        }
        let pool = ResourcePool(
            name: new.name, kind: new.kind, provider: new.provider, instanceType: new.instanceType,
            tagKey: new.tagKey, tagValue: new.tagValue, minInstances: new.minInstances,
            maxInstances: new.maxInstances, isSpot: new.isSpot, maxPrice: new.maxPrice.map { $0 == 0 ? 0 : $0 },
            idlePeriod: new.idlePeriod?.asStored,
            createdRevision: .absent, revision: .absent)
        guard let current else { return try writer.insert(pool) }
        return try writer.update(pool, from: current)
    }

    /// Removes a pool that nothing uses.
    ///
    /// - Throws: ``StoreError/refused(path:reason:)`` when agents, allocations, instances or spot requests name it;
    ///   ``StoreError/notFound(path:)``.
    public func delete(_ name: String) throws(StoreError) {
        let current = try get(name)
        for (text, what) in [
            ("SELECT 1 FROM agents WHERE pool = \u{1} LIMIT 1", "an agent"),
            ("SELECT 1 FROM allocations WHERE pool = \u{1} LIMIT 1", "an allocation"),
            ("SELECT 1 FROM instances WHERE pool = \u{1} LIMIT 1", "an instance"),
            ("SELECT 1 FROM spot_requests WHERE pool = \u{1} LIMIT 1", "a spot request"),
        ] {
            if try session.first(SQL(trusted: text, values: [.text(name)]), { try $0.integer(0) }) != nil {
                throw .refused(path: current.recordKey.path, reason: "\(what) still names it.")
            }
        }
        try writer.delete(current)
    }
}

extension NewPool {
    fileprivate func validate() throws(ModelError) {
        try FieldValidation.name(name, field: "name")
        try provider?.validate(field: "provider")
        try FieldValidation.text(instanceType, field: "instanceType", limit: Limits.nameBytes)
        try FieldValidation.text(tagKey, field: "tagKey", limit: Limits.nameBytes)
        try FieldValidation.text(tagValue, field: "tagValue", limit: Limits.nameBytes)
        try FieldValidation.range(minInstances, field: "minInstances", in: 0...Int64(Int32.max))
        try FieldValidation.range(maxInstances, field: "maxInstances", in: minInstances...Int64(Int32.max))
        if let maxPrice { _ = try FieldValidation.finite(maxPrice, field: "maxPrice") }
        guard (tagKey == nil) == (tagValue == nil) else {
            throw .invalid(field: "tagValue", reason: "a tag has a key and a value, or neither")
        }
    }
}

extension AsyncRepository where Element == ResourcePool {
    /// The pool.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ name: String) async throws -> ResourcePool {
        try await store.readOnce { try Repository<ResourcePool, Reading>($0).get(name) }
    }

    /// All pools, by name.
    public func all() async throws -> [ResourcePool] {
        try await store.readOnce { try Repository<ResourcePool, Reading>($0).all() }
    }
}
