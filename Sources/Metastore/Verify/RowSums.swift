// Invariants
// 1. Nothing that the store says of its rows is believed: each row's hash is computed from its fields.
// 2. What is answered is of the revision that was asked for, whatever was committed since: what the log says of later
//    changes is taken back. So two stores that move on are compared at one revision, and neither waits.
// 3. Rows are streamed: memory is that of the sums, or of the rows that are listed.

internal import Crypto
internal import FoundationEssentials
internal import MetastoreEngine
package import MetastoreModel

/// The rows of one kind in parts: in which part a row is follows from its key alone, on every engine.
package enum RowParts {
    /// How many there are.
    package static let count = 1_024

    /// The part of a key: the first bits of the hash of its name.
    static func part(of key: String, _ kind: RecordKind) -> Int {
        Int(truncatingIfNeeded: RowHash(kind: kind, key: key, fields: []).sum >> 118)
    }
}

extension Metastore {
    /// The digests of all kinds, summed up anew over the rows, and what the head says of them.
    package func digestsOfRows() async throws -> (head: LogHead, rows: StateDigests) {
        try await read { snapshot in
            let head = try Head.load(snapshot.session.connection, locking: false)
            var sums = StateDigests()
            sums[.cluster] = head.countersHash.sum
            for kind in RecordKind.allCases where kind != .cluster {
                try snapshot.session.forEachHash(of: kind) { _, hash in
                    sums.replace(nil, by: hash, of: kind)
                    return true
                }
            }
            return (LogHead(head), sums)
        }
    }

    /// The digests of all kinds but the cluster's, summed up anew over the rows, as they were at a position.
    ///
    /// - Throws: as ``sums(of:at:)``.
    package func rowDigests(at position: Position) async throws -> [RecordKind: UInt128] {
        try await read { snapshot in
            var sums: [RecordKind: UInt128] = [:]
            try snapshot.session.checkResumable(position)
            for kind in RecordKind.allCases where kind != .cluster {
                sums[kind] = 0
                try snapshot.session.forEachHash(of: kind) { _, hash in
                    sums[kind, default: 0] &+= hash.sum
                    return true
                }
            }
            try snapshot.session.forEachChange(of: .all, after: position.revision) { kind, _, before, after in
                guard kind != .cluster else { return }
                sums[kind, default: 0] &+= (before?.sum ?? 0) &- (after?.sum ?? 0)
            }
            return sums
        }
    }

    /// The sum of the hashes in each part of a kind, as it was at a position.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)``, ``StoreError/forked(lastCommon:)``,
    ///   ``StoreError/futureRevision(asked:head:)``, ``StoreError/otherCluster``.
    package func sums(of kind: RecordKind, at position: Position) async throws -> [UInt128] {
        try await read { snapshot in
            var sums = [UInt128](repeating: 0, count: RowParts.count)
            try snapshot.session.checkResumable(position)
            try snapshot.session.forEachHash(of: kind) { key, hash in
                sums[RowParts.part(of: key, kind)] &+= hash.sum
                return true
            }
            try snapshot.session.forEachChange(of: RecordKinds(kind), after: position.revision) {
                _, key, before, after in
                let part = RowParts.part(of: key, kind)
                sums[part] = sums[part] &- (after?.sum ?? 0) &+ (before?.sum ?? 0)
            }
            return sums
        }
    }

    /// The hashes of the rows in some parts of a kind, by key, as they were at a position.
    ///
    /// - Parameter most: so many rows at most; nil where there are more.
    /// - Throws: as ``sums(of:at:)``.
    package func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws -> [String: UInt128]? {
        try await read { snapshot in
            var found: [String: UInt128] = [:]
            try snapshot.session.checkResumable(position)
            try snapshot.session.forEachHash(of: kind) { key, hash in
                if parts.contains(RowParts.part(of: key, kind)) { found[key, default: 0] &+= hash.sum }
                return found.count <= most
            }
            guard found.count <= most else { return nil }
            try snapshot.session.forEachChange(of: RecordKinds(kind), after: position.revision) {
                _, key, before, after in
                guard parts.contains(RowParts.part(of: key, kind)) else { return }
                found[key] = found[key, default: 0] &- (after?.sum ?? 0) &+ (before?.sum ?? 0)
            }
            return found.filter { $0.value != 0 }
        }
    }
}

extension Session {
    /// The key and the hash of each row of a kind, until the closure says false.
    fileprivate func forEachHash(
        of kind: RecordKind, _ body: (String, RowHash) throws -> Bool
    ) throws(StoreError) {
        guard let table = CopiedTable.table(of: kind) else { return }
        try forEach(table.page(after: nil, most: .max)) { row in
            let (key, hash) = table.keyAndHash(of: try table.values(row), kind)
            return try body(key, hash)
        }
    }

    /// What the log says of the rows of some kinds after a revision.
    fileprivate func forEachChange(
        of kinds: RecordKinds, after revision: Revision,
        _ body: (RecordKind, String, RowHash?, RowHash?) throws(StoreError) -> Void
    ) throws(StoreError) {
        try forEach(
            SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
                + "WHERE revision > \(revision.rawValue) ORDER BY revision"
        ) { row in
            let record = try LogRecord(row)
            guard !record.kinds.isDisjoint(with: kinds) else { return true }
            try record.decodeBody { (raw) throws(StoreError) in
                guard kinds.contains(raw.kind) else { return }
                try body(raw.kind, String(decoding: raw.key, as: UTF8.self), try raw.beforeHash, raw.afterHash)
            }
            return true
        }
    }
}

extension CopiedTable {
    private static let byKind = Dictionary(
        uniqueKeysWithValues: all(of: .max).compactMap { table in table.kind.map { ($0, table) } })

    fileprivate static func table(of kind: RecordKind) -> CopiedTable? { byKind[kind] }

    /// What can't be read has a hash that no row has.
    fileprivate func keyAndHash(of row: [Value], _ kind: RecordKind) -> (String, RowHash) {
        let unreadable = ("a row that can't be read", RowHash(kind: kind, key: "unreadable", fields: [0]))
        switch proof {
        case .none, .log: return unreadable
        case .record(let table, let path):
            guard let key = try? path(row) else { return unreadable }
            var fields = CanonicalWriter()
            fields.row(table, row)
            return (key, RowHash(kind: kind, key: key, fields: fields.bytes))
        case .document:
            guard case .bytes(let bytes) = row[0], let hash = DocumentHash(bytes: bytes) else { return unreadable }
            let key = RecordKey.document(hash).path
            guard let document = document(row, hash) else {
                return (key, RowHash(kind: kind, key: key, fields: [0]))
            }
            var fields = CanonicalWriter()
            fields.row(Document.table, document.image)
            return (key, RowHash(kind: kind, key: key, fields: fields.bytes))
        }
    }

    private func document(_ row: [Value], _ hash: DocumentHash) -> Document? {
        guard case .integer(let code) = row[1], case .bytes(let stored) = row[2], case .integer(let revision) = row[4],
            let content = try? Encoding.content(stored, as: code, cap: Limits.documentBytes, place: name),
            Array(SHA256.hash(data: content)) == hash.bytes
        else { return nil }
        return Document(
            hash: hash, content: content, createdRevision: Revision(rawValue: revision),
            revision: Revision(rawValue: revision))
    }
}
