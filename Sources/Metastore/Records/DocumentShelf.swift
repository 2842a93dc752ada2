// Invariants
// 1. A document is kept once, whatever number of records holds it, and goes with its last holder.
// 2. Its insertion and its deletion are in the log, with the whole content; a change of its holders is not.

internal import Crypto
internal import MetastoreEngine
public import MetastoreModel

extension WriteSession {
    /// Keeps the content, once, and counts one holder more.
    func hold(_ content: [UInt8], field: String) throws(StoreError) -> DocumentHash {
        guard content.count <= Limits.documentBytes else {
            throw .invalid(
                field: field, reason: "\(field) has \(content.count) bytes; at most \(Limits.documentBytes) are kept")
        }
        let digest = SHA256.hash(data: content)
        guard let hash = DocumentHash(bytes: Array(digest)) else { throw .misuse(reason: "SHA-256 has 32 bytes") }
        let held = try execute("UPDATE documents SET holders = holders + 1 WHERE hash = \(hash.bytes)")
        if held > 0 { return hash }
        let (encoding, stored) = Compression.compress(content)
        let document = Document(hash: hash, content: content, createdRevision: revision, revision: revision)
        let image = document.image
        let key = document.recordKey.path
        let (fields, rowHash) = encoded(Document.table, key, image)
        try execute(
            """
            INSERT INTO documents (hash, encoding, content, size, created_revision, row_hash, holders) VALUES \
            (\(hash.bytes), \(encoding.rawValue), \(stored), \(content.count), \(revision.rawValue), \
            \(rowHash.column), 1)
            """)
        try note(Document.table, key, before: nil, after: image, rowHash, fields)
        return hash
    }

    /// Counts one holder less, and removes the document with its last.
    func release(_ hash: DocumentHash) throws(StoreError) {
        let isLast = try first("SELECT holders FROM documents WHERE hash = \(hash.bytes)") { try $0.integer(0) } == 1
        guard isLast else {
            try execute("UPDATE documents SET holders = holders - 1 WHERE hash = \(hash.bytes)")
            return
        }
        guard let document = try document(hash) else { return }
        try execute("DELETE FROM documents WHERE hash = \(hash.bytes)")
        try note(Document.table, document.recordKey.path, before: document.image, after: nil, nil, [])
    }
}

extension Session {
    func document(_ hash: DocumentHash) throws(StoreError) -> Document? {
        try first(
            "SELECT encoding, content, size, created_revision FROM documents WHERE hash = \(hash.bytes)"
        ) { row in
            let place = "document \(hash)"
            let stored = try row.bytes(1)
            let content = try Encoding.content(
                stored, as: try row.integer(0), cap: Limits.documentBytes, place: place)
            guard Array(SHA256.hash(data: content)) == hash.bytes else {
                throw StoreError.damaged(place: place, reason: "its content has another hash than its name")
            }
            let revision = Revision(rawValue: try row.integer(3))
            return Document(hash: hash, content: content, createdRevision: revision, revision: revision)
        }
    }
}

extension Repository where Element == Document {
    /// The content with this SHA-256, checked against it.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func content(of hash: DocumentHash) throws(StoreError) -> [UInt8] {
        guard let document = try session.document(hash) else {
            throw .notFound(path: RecordKey.document(hash).path)
        }
        return document.content
    }
}

extension AsyncRepository where Element == Document {
    /// The content with this SHA-256, checked against it.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func content(of hash: DocumentHash) async throws -> [UInt8] {
        try await store.readOnce { session in
            try Repository<Document, Reading>(session).content(of: hash)
        }
    }
}
