internal import Crypto
package import FoundationEssentials
internal import MetastoreEngine
package import MetastoreModel

/// One revision as it stands in the log: header, body and the chain's link. docs/FORMAT.md has it byte by byte.
package struct LogRecord: Sendable {
    package var revision: Revision
    package var epoch: Epoch
    package var time: Timestamp
    package var schema: Int64
    package var actor: String
    package var operation: UUID?
    package var consumer: ConsumerProgress?
    package var kinds: RecordKinds
    /// Uncompressed.
    package var body: [UInt8]
    /// The link: 32 bytes.
    package var chain: [UInt8]

    package init(
        revision: Revision, epoch: Epoch, time: Timestamp, schema: Int64, actor: String, operation: UUID?,
        consumer: ConsumerProgress?, kinds: RecordKinds, body: [UInt8], chain: [UInt8]
    ) {
        self.revision = revision
        self.epoch = epoch
        self.time = time
        self.schema = schema
        self.actor = actor
        self.operation = operation
        self.consumer = consumer
        self.kinds = kinds
        self.body = body
        self.chain = chain
    }

    /// What the first record is chained to.
    package static func genesis(cluster: UUID) -> [UInt8] {
        var bytes = CanonicalWriter()
        bytes.raw("metastore".utf8)
        bytes.uuid(cluster)
        return Array(SHA256.hash(data: bytes.bytes))
    }

    /// The header's bytes under the chain.
    package var header: [UInt8] {
        var header = CanonicalWriter(capacity: 128)
        header.number(UInt64(bitPattern: revision.rawValue))
        header.number(UInt64(bitPattern: epoch.number))
        header.fixed(epoch.nonce)
        header.fixed(UInt64(bitPattern: time.microseconds))
        header.number(UInt64(bitPattern: schema))
        header.text(actor)
        header.byte(operation == nil ? 0 : 1)
        if let operation { header.uuid(operation) }
        header.byte(consumer == nil ? 0 : 1)
        if let consumer {
            header.text(consumer.name)
            header.number(UInt64(bitPattern: consumer.revision.rawValue))
        }
        header.fixed(kinds.rawValue)
        return header.bytes
    }

    /// SHA-256(previous chain ‖ header ‖ body).
    package func link(after previous: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        previous.withUnsafeBytes { hash.update(bufferPointer: $0) }
        header.withUnsafeBytes { hash.update(bufferPointer: $0) }
        body.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize().withUnsafeBytes { Array($0) }
    }
}

extension LogRecord {
    static let columns = """
        revision, epoch, epoch_nonce, time, schema_version, actor, operation, consumer, consumer_revision, kinds, \
        encoding, body, chain
        """
    static let columnCount = 13

    /// The statement for one row, for two, four, and so on: few texts, so that an engine keeps them prepared.
    private static let insertTexts: [String] = (0...5).map { exponent in
        let row = "(" + Array(repeating: "\u{1}", count: columnCount).joined(separator: ", ") + ")"
        let rows = Array(repeating: row, count: 1 << exponent).joined(separator: ", ")
        return "INSERT INTO log (\(columns)) VALUES \(rows)"
    }

    /// From a row of ``columns``.
    init(_ row: borrowing Row) throws {
        let row = LogRow(row)
        let commit = try row.commit([])
        self.init(
            revision: commit.revision, epoch: try row.epoch, time: commit.time, schema: commit.schema,
            actor: commit.actor, operation: commit.operation, consumer: commit.consumer, kinds: try row.kinds,
            body: try row.withBody { Array($0) }, chain: Array(try row.link))
    }

    /// The values of its row, and how many bytes of body it stores: what retention counts.
    var row: (values: [Value], bytes: Int) {
        let (encoding, stored) = Compression.compress(body)
        let values: [Value] = [
            .integer(revision.rawValue), .integer(epoch.number), .integer(Int64(bitPattern: epoch.nonce)),
            .timestamp(time.microseconds), .integer(schema), .text(actor), operation.sqlValue,
            (consumer?.name).sqlValue, (consumer?.revision.rawValue).sqlValue,
            .integer(Int64(bitPattern: kinds.rawValue)), .integer(encoding.rawValue), .bytes(stored),
            .bytes(chain),
        ]
        return (values, stored.count)
    }

    /// The statement that appends one row.
    static func insertion(of row: [Value]) -> SQL { SQL(trusted: insertTexts[0], values: row) }

    /// The statements that append these rows, of at most `most` each.
    static func insertions(of rows: ArraySlice<[Value]>, most: Int) -> [SQL] {
        var rest = rows
        var statements: [SQL] = []
        while !rest.isEmpty {
            let largest = min(rest.count, most, 1 << (insertTexts.count - 1))
            let exponent = Int.bitWidth - 1 - largest.leadingZeroBitCount
            let part = rest.prefix(1 << exponent)
            statements.append(SQL(trusted: insertTexts[exponent], values: part.flatMap(\.self)))
            rest = rest.dropFirst(part.count)
        }
        return statements
    }
}
