// Invariants
// 1. What a record shares with the one before it, or with the segment, isn't written again; reader and writer keep the
//    same account of it.
// 2. A record that was read is the one that was written: the links lead from the header's to the footer's.

internal import Metastore
internal import MetastoreModel

/// Writes or reads the records of a segment, one after the other.
struct SegmentRecords {
    private let header: SegmentHeader
    private var revision: Revision
    private var time: Timestamp
    private var actor = ""
    private var schema: Int64
    private(set) var chain: [UInt8]

    /// Bits of a record's first byte: what follows it.
    private enum Part {
        static let actor: UInt8 = 1
        static let operation: UInt8 = 2
        static let consumer: UInt8 = 4
        static let schema: UInt8 = 8
    }

    init(_ header: SegmentHeader, from time: Timestamp) {
        self.header = header
        self.time = time
        revision = header.first
        schema = header.schemas.lowerBound
        chain = header.previous
    }

    mutating func write(_ record: LogRecord, to bytes: inout CanonicalWriter) {
        var parts: UInt8 = 0
        if record.actor != actor { parts |= Part.actor }
        if record.operation != nil { parts |= Part.operation }
        if record.consumer != nil { parts |= Part.consumer }
        if record.schema != schema { parts |= Part.schema }
        bytes.byte(parts)
        bytes.number(UInt64(record.time.microseconds - time.microseconds))
        if parts & Part.actor != 0 { bytes.text(record.actor) }
        if let operation = record.operation { bytes.uuid(operation) }
        if let consumer = record.consumer {
            bytes.text(consumer.name)
            bytes.number(UInt64(consumer.revision.rawValue))
        }
        if parts & Part.schema != 0 { bytes.number(UInt64(record.schema)) }
        bytes.number(record.kinds.rawValue)
        bytes.blob(record.body)
        follow(record)
    }

    mutating func read(_ reader: inout ObjectReader) throws(ArchiveError) -> LogRecord {
        let parts = try reader.byte()
        guard parts < 16 else { throw reader.damage("a record has parts that are unknown") }
        let later = try reader.count("a time", in: 0...Int(Int64.max - time.microseconds))
        var record = LogRecord(
            revision: revision, epoch: header.epoch, time: Timestamp(microseconds: time.microseconds + Int64(later)),
            schema: schema, actor: actor, operation: nil, consumer: nil, kinds: [], body: [], chain: [])
        if parts & Part.actor != 0 {
            record.actor = try reader.text("an actor", most: 255)
            guard record.actor != actor else { throw reader.damage("an actor is written twice") }
        }
        if parts & Part.operation != 0 { record.operation = try reader.uuid() }
        if parts & Part.consumer != 0 {
            let name = try reader.text("a consumer's name", most: Limits.nameBytes)
            let position = try reader.count("a consumer's revision", in: 0...Int(Int64.max))
            record.consumer = ConsumerProgress(name: name, revision: Revision(rawValue: Int64(position)))
        }
        if parts & Part.schema != 0 {
            record.schema = try reader.positive("a schema")
            guard record.schema != schema, header.schemas.contains(record.schema) else {
                throw reader.damage("a record's schema is not one of the header's")
            }
        }
        record.kinds = RecordKinds(rawValue: try reader.number())
        record.body = Array(try reader.sized())
        guard record.body.count <= Limits.logBodyBytes else { throw reader.damage("a record is too large") }
        record.chain = record.link(after: chain)
        follow(record)
        return record
    }

    private mutating func follow(_ record: LogRecord) {
        revision = Revision(rawValue: revision.rawValue + 1)
        (time, actor, schema, chain) = (record.time, record.actor, record.schema, record.chain)
    }
}
