internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// A row of ``LogRecord/columns`` where the engine keeps it. Valid only inside the call that lent the row.
struct LogRow {
    private let source: any RowSource
    private let columns: UnsafeBufferPointer<RawColumn>

    init(_ row: borrowing Row) {
        source = row.lent
        columns = source.columns()
    }

    var revision: Revision {
        get throws(EngineError) { Revision(rawValue: try integer(0)) }
    }

    var epoch: Epoch {
        get throws(EngineError) { Epoch(number: try integer(1), nonce: UInt64(bitPattern: try integer(2))) }
    }

    var kinds: RecordKinds {
        get throws(EngineError) { RecordKinds(rawValue: UInt64(bitPattern: try integer(9))) }
    }

    /// The chain's link: 32 bytes.
    var link: UnsafeRawBufferPointer {
        get throws(EngineError) { try bytes(12) }
    }

    /// The commit, with the given changes.
    func commit(_ changes: [Change]) throws(EngineError) -> Commit {
        Commit(
            revision: try revision, epoch: try integer(1), time: Timestamp(microseconds: try integer(3)),
            schema: try integer(4), actor: try text(5), operation: isNull(6) ? nil : try source.uuid(6),
            consumer: isNull(7)
                ? nil : ConsumerProgress(name: try text(7), revision: Revision(rawValue: try integer(8))),
            changes: changes)
    }

    /// Lends the body, uncompressed: where it lies, if it is stored like that.
    func withBody<Result>(_ read: (UnsafeRawBufferPointer) throws(StoreError) -> Result) throws -> Result {
        let encoding = Encoding(rawValue: try integer(10))
        if encoding == .plain { return try read(try bytes(11)) }
        let place = "log record \(try revision)"
        guard encoding == .lz4 else { throw StoreError.damaged(place: place, reason: "its encoding is unknown") }
        let body = try Compression.decompress(Array(try bytes(11)), cap: Limits.logBodyBytes, place: place)
        return try body.withUnsafeBufferPointer { (body) throws(StoreError) in try read(UnsafeRawBufferPointer(body)) }
    }

    private func isNull(_ column: Int) -> Bool { columns[column].kind == .null }

    // What is not of its type is asked for once more: the engine says what is there instead.

    private func integer(_ column: Int) throws(EngineError) -> Int64 {
        columns[column].kind == .integer ? columns[column].integer : try source.integer(column)
    }

    private func text(_ column: Int) throws(EngineError) -> String {
        guard columns[column].kind == .text, let text = columns[column].string else { return try source.text(column) }
        return text
    }

    private func bytes(_ column: Int) throws(EngineError) -> UnsafeRawBufferPointer {
        if columns[column].kind != .bytes { _ = try source.bytes(column) }
        return columns[column].content
    }
}
