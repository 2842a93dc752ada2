internal import MetastoreEngine
internal import MetastoreModel

extension Document: StoredRecord {
    /// As the log knows it. In the database the content may be compressed, and the holders are counted: see
    /// ``DocumentShelf``.
    static let table = Table(
        .document, "documents", key: ["hash"], fields: [("hash", .bytes), ("content", .bytes)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            hash: try row.hash(), content: try row.bytes(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(hash)
        row.add(content)
    }
}
