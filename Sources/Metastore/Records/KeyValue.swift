internal import MetastoreEngine
public import MetastoreModel

/// A key: its namespace, a slash, and the rest, as in `defaults/pool`.
public struct EntryKey: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// What comes before the first slash; may be empty.
    @ByBytes public private(set) var namespace: String
    /// What comes after it.
    @ByBytes public private(set) var key: String

    /// From its two parts.
    public init(namespace: String, key: String) {
        self.namespace = namespace
        self.key = key
    }

    /// Text up to the first slash is the namespace; without one, all of it is the key and the namespace is empty.
    public init(stringLiteral value: String) { self.init(value) }

    /// As ``init(stringLiteral:)``.
    public init(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            namespace: parts.count == 2 ? String(parts[0]) : "", key: parts.count == 2 ? String(parts[1]) : text)
    }

    /// Both parts with a slash between them.
    public var description: String { "\(namespace)/\(key)" }

    var path: String { RecordKey.keyValue(namespace: namespace, key: key).path }

    func validate() throws(StoreError) {
        try validating { () throws(ModelError) in
            try FieldValidation.name(namespace, field: "namespace")
            try FieldValidation.name(key, field: "key", limit: Limits.keyBytes)
        }
    }
}

extension Repository where Element == KeyValueEntry {
    /// The entry, or nil when there is none.
    public func get(_ key: EntryKey) throws(StoreError) -> KeyValueEntry? {
        try session.find(KeyValueEntry.self, .text(key.namespace), .text(key.key))
    }

    /// The entries of a namespace whose key begins with `prefix`, by the bytes of the key.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        _ namespace: String, prefix: String = "", after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<KeyValueEntry> {
        let after = try cursor?.key(for: "keyvalue", count: 1)
        let end = Self.end(of: prefix)
        return try session.page("keyvalue", limit: limit) {
            [.text($0.key)]
        } fetch: {
            (count) throws(StoreError) -> [KeyValueEntry] in
            var rest: SQL = "WHERE namespace = \(namespace)"
            if !prefix.isEmpty { rest += " AND key >= \(prefix)" }
            if let after { rest += " AND key > \(after[0])" }
            if let end { rest += " AND key < \(end)" }
            return try session.records(rest + " ORDER BY namespace, key LIMIT \(count)", most: count)
        }
    }

    /// The least text that is greater than every text with the prefix; nil when there is none.
    static func end(of prefix: String) -> String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            var next = last.value + 1
            if next == 0xD800 { next = 0xE000 }
            if let scalar = Unicode.Scalar(next) {
                scalars.append(scalar)
                var text = ""
                text.unicodeScalars.append(contentsOf: scalars)
                return text
            }
        }
        return nil
    }
}

extension Repository where Element == KeyValueEntry, Access == Writing {
    /// Stores a value under a key. The value that is there already is no change.
    ///
    /// - Parameters:
    ///   - expected: the revision the entry must have; ``Revision/absent`` for put-if-absent.
    ///   - lease: the entry goes with this lease.
    /// - Throws: ``StoreError/conflict(path:expected:found:)``, ``StoreError/notFound(path:)`` for an unknown lease,
    ///   ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func put(
        _ key: EntryKey, _ value: [UInt8], ifRevision expected: Revision? = nil, lease: ID<Lease>? = nil
    ) throws(StoreError) -> KeyValueEntry {
        try key.validate()
        guard value.count <= Limits.valueBytes else {
            throw .invalid(
                field: "value",
                reason: "value can't be stored: it has \(value.count) bytes, more than \(Limits.valueBytes).")
        }
        let current = try get(key)
        try check(expected, current?.revision ?? .absent, key.path)
        if let lease, try session.find(Lease.self, .integer(lease.rawValue)) == nil {
            throw .notFound(path: RecordKey.lease(lease).path)
        }
        guard let current else {
            return try writer.insert(
                KeyValueEntry(
                    namespace: key.namespace, key: key.key, value: value, lease: lease, createdRevision: .absent,
                    revision: .absent))
        }
        var next = current
        next.value = value
        next.lease = lease
        return try writer.update(next, from: current)
    }

    /// Stores a text's UTF-8; see ``put(_:_:ifRevision:lease:)-(_,[UInt8],_,_)``.
    @discardableResult
    public func put(
        _ key: EntryKey, _ text: String, ifRevision expected: Revision? = nil, lease: ID<Lease>? = nil
    ) throws(StoreError) -> KeyValueEntry {
        try put(key, Array(text.utf8), ifRevision: expected, lease: lease)
    }

    /// Removes an entry; false when there was none.
    ///
    /// - Throws: ``StoreError/conflict(path:expected:found:)``.
    @discardableResult
    public func delete(_ key: EntryKey, ifRevision expected: Revision? = nil) throws(StoreError) -> Bool {
        let current = try get(key)
        try check(expected, current?.revision ?? .absent, key.path)
        guard let current else { return false }
        try writer.delete(current)
        return true
    }
}

extension AsyncRepository where Element == KeyValueEntry {
    /// The entry, or nil when there is none.
    public func get(_ key: EntryKey) async throws -> KeyValueEntry? {
        try await store.readOnce { try Repository<KeyValueEntry, Reading>($0).get(key) }
    }

    /// The entries of a namespace whose key begins with `prefix`, by the bytes of the key.
    public func list(
        _ namespace: String, prefix: String = "", after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<KeyValueEntry> {
        try await store.read { try $0.keyValue.list(namespace, prefix: prefix, after: cursor, limit: limit) }
    }

    /// Stores a value under a key; see ``Repository``'s `put`.
    ///
    /// - Throws: ``StoreError/conflict(path:expected:found:)``, ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func put(
        _ key: EntryKey, _ value: [UInt8], ifRevision expected: Revision? = nil, lease: ID<Lease>? = nil
    ) async throws -> KeyValueEntry {
        try await store.write { tx in try tx.keyValue.put(key, value, ifRevision: expected, lease: lease) }
    }

    /// Stores a text's UTF-8 under a key.
    ///
    /// - Throws: ``StoreError/conflict(path:expected:found:)``, ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func put(
        _ key: EntryKey, _ text: String, ifRevision expected: Revision? = nil, lease: ID<Lease>? = nil
    ) async throws -> KeyValueEntry {
        try await put(key, Array(text.utf8), ifRevision: expected, lease: lease)
    }

    /// Removes an entry; false when there was none.
    ///
    /// - Throws: ``StoreError/conflict(path:expected:found:)``.
    @discardableResult
    public func delete(_ key: EntryKey, ifRevision expected: Revision? = nil) async throws -> Bool {
        try await store.write { tx in try tx.keyValue.delete(key, ifRevision: expected) }
    }
}
