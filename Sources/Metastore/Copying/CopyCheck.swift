// Invariants
// 1. Nothing that is copied is believed: each row's hash, each kind's digest and each link of the log is computed anew,
//    while the source is read and once more over what the target then holds.
// 2. What is wrong is named: the place, and the record's key, the kind, or the log's revision.

internal import Crypto
internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// One pass over the tables of a store, in the order of ``CopiedTable/all(of:)``.
struct CopyCheck {
    /// Where the rows come from, for errors.
    var place: String
    let head: Head
    private(set) var digests: StateDigests
    private var revision: Revision
    private var chain: [UInt8]

    init(place: String, head: Head) {
        self.place = place
        self.head = head
        digests = Self.digestsWithoutRows(head)
        revision = head.compactedRevision
        chain = head.compactedChain
    }

    static func digestsWithoutRows(_ head: Head) -> StateDigests {
        var digests = StateDigests()
        digests[.cluster] = head.countersHash.sum
        return digests
    }

    /// Goes on where another pass stopped: after the rows with these digests and, when it was in the log, this link.
    mutating func resume(_ digests: StateDigests, after link: (revision: Revision, chain: [UInt8])?) {
        self.digests = digests
        if let link { (revision, chain) = (link.revision, link.chain) }
    }

    private func damage(_ what: String, _ reason: String) -> StoreError {
        .damaged(place: "\(place), \(what)", reason: reason)
    }

    mutating func check(_ row: [Value], of table: CopiedTable) throws(StoreError) {
        switch table.proof {
        case .none: return
        case .record(let record, let path):
            let key: String
            do {
                key = try path(row)
            } catch {
                throw damage("a row of \(table.name)", "\(error)")
            }
            try check(row, record, key, stored: row.last)
        case .document: try checkDocument(row)
        case .log: try checkLink(row)
        }
    }

    private mutating func check(
        _ image: [Value], _ table: Table, _ key: String, stored: Value?
    ) throws(StoreError) {
        var fields = CanonicalWriter()
        fields.row(table, image)
        let hash = RowHash(kind: table.kind, key: key, fields: fields.bytes)
        guard stored == .integer(hash.column) else { throw damage(key, "the row has another hash than it carries") }
        digests.replace(nil, by: hash, of: table.kind)
    }

    private mutating func checkDocument(_ row: [Value]) throws(StoreError) {
        guard case .bytes(let bytes) = row[0], let hash = DocumentHash(bytes: bytes), case .integer(let code) = row[1],
            case .bytes(let stored) = row[2], case .integer(let size) = row[3], case .integer(let revision) = row[4]
        else { throw damage("a row of documents", "a column is not of its type") }
        let key = RecordKey.document(hash).path
        let content = try Encoding.content(
            stored, as: code, cap: Limits.documentBytes, place: "\(place), \(key)")
        guard Array(SHA256.hash(data: content)) == bytes, Int64(content.count) == size else {
            throw damage(key, "its content has another hash, or another size, than its row says")
        }
        let document = Document(
            hash: hash, content: content, createdRevision: Revision(rawValue: revision),
            revision: Revision(rawValue: revision))
        try check(document.image, Document.table, key, stored: row.last)
    }

    private mutating func checkLink(_ row: [Value]) throws(StoreError) {
        let next = Revision(rawValue: revision.rawValue + 1)
        guard let record = try LogRecord(values: row, place: place), record.revision == next else {
            throw damage("log/\(next)", "the record is missing, or a column is not of its type")
        }
        guard record.link(after: chain) == record.chain else {
            throw damage("log/\(next)", "the record's link is not of this chain")
        }
        (revision, chain) = (record.revision, record.chain)
    }

    /// After the table's last row: everything the head says of it is there.
    func end(_ table: CopiedTable) throws(StoreError) {
        if let kind = table.kind, digests[kind] != head.digests[kind] {
            throw damage(table.name, "the digest of \(kind) in the head row is not the sum of its rows")
        }
        guard case .log = table.proof else { return }
        guard revision == head.revision, chain == head.chain else {
            throw damage("log", "it ends at revision \(revision), the head row is at \(head.revision)")
        }
    }

    /// After the last table: the digests of kinds that have no table are right as well.
    func end() throws(StoreError) {
        guard digests == head.digests else { throw damage("head", "its digests are not the sums of the rows") }
    }
}

extension LogRecord {
    /// From the columns of a row, as ``CopiedTable`` reads them; nil when one is not of its type.
    init?(values: [Value], place: String) throws(StoreError) {
        guard case .integer(let revision) = values[0], case .integer(let epoch) = values[1],
            case .integer(let nonce) = values[2], case .timestamp(let time) = values[3],
            case .integer(let schema) = values[4], case .text(let actor) = values[5],
            case .integer(let kinds) = values[9], case .integer(let code) = values[10],
            case .bytes(let stored) = values[11], case .bytes(let chain) = values[12]
        else { return nil }
        var consumer: ConsumerProgress?
        if case .text(let name) = values[7], case .integer(let at) = values[8] {
            consumer = ConsumerProgress(name: name, revision: Revision(rawValue: at))
        }
        var operation: UUID?
        if case .uuid(let id) = values[6] { operation = id }
        self.init(
            revision: Revision(rawValue: revision), epoch: Epoch(number: epoch, nonce: UInt64(bitPattern: nonce)),
            time: Timestamp(microseconds: time), schema: schema, actor: actor, operation: operation,
            consumer: consumer, kinds: RecordKinds(rawValue: UInt64(bitPattern: kinds)),
            body: try Encoding.content(
                stored, as: code, cap: Limits.logBodyBytes, place: "\(place), log/\(revision)"), chain: chain)
    }
}
