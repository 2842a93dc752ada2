// Invariants (docs/FORMAT.md says the same, byte by byte)
// 1. It is written last: every part it names was there before.
// 2. It proves its parts: their SHA-256. What the rows of the parts add up to stands in the head row.
// 3. No size in it is believed before it was compared with its bound.

internal import Crypto
internal import FoundationEssentials
package import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// What a snapshot is, and what it is made of.
package struct SnapshotManifest: Sendable, Hashable {
    package let form: SnapshotForm
    /// Which attempt to make it the parts are from.
    package let attempt: UInt64
    /// Where a segment or an epoch of the archive begins, at or before the snapshot: from there the line leads to it.
    package let anchor: ArchivePlace
    package let head: SnapshotHead
    /// Of a portable snapshot.
    package let tables: [TableShape]
    package let parts: [Part]

    package var id: SnapshotID { SnapshotID(epoch: head.epoch.number, revision: head.revision, form: form) }
    /// Bytes in the archive, without the manifest.
    package var storedBytes: Int { parts.reduce(0) { $0 + $1.stored } }
    /// Bytes that the parts hold.
    package var contentBytes: Int { parts.reduce(0) { $0 + $1.content } }

    package init(
        form: SnapshotForm, attempt: UInt64, anchor: ArchivePlace, head: SnapshotHead, tables: [TableShape],
        parts: [Part]
    ) {
        self.form = form
        self.attempt = attempt
        self.anchor = anchor
        self.head = head
        self.tables = tables
        self.parts = parts
    }

    static let magic = Array("MSSM".utf8)
    static let version: UInt8 = 1
    static let longestName = 100
    static let mostColumns = 250
    static let mostTables = 250

    /// The SHA-256 of an object's bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter(capacity: 1_024 + parts.count * 48)
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.byte(form.rawValue)
        bytes.fixed(attempt)
        bytes.number(UInt64(anchor.epoch.number))
        bytes.fixed(anchor.epoch.nonce)
        bytes.number(UInt64(anchor.revision.rawValue))
        bytes.raw(anchor.chain)
        Self.write(SnapshotTable.head.columns.map { TableShape.Column(name: $0.name, type: $0.type) }, to: &bytes)
        for value in head.row { bytes.value(value) }
        bytes.number(UInt64(tables.count))
        for table in tables {
            bytes.text(table.name)
            Self.write(table.columns, to: &bytes)
            bytes.number(UInt64(table.rows))
        }
        bytes.number(UInt64(parts.count))
        for part in parts {
            bytes.number(UInt64(part.content))
            bytes.number(UInt64(part.stored))
            bytes.raw(part.hash)
        }
        bytes.checksum(since: 0)
        return bytes.bytes
    }

    private static func write(_ columns: [TableShape.Column], to bytes: inout CanonicalWriter) {
        bytes.number(UInt64(columns.count))
        for column in columns {
            bytes.text(column.name)
            bytes.byte(column.type.code)
        }
    }

    /// Reads one.
    ///
    /// - Parameter name: of the object, for errors.
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(_ bytes: [UInt8], named name: String) throws(ArchiveError) {
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: name)
            let manifest = try SnapshotManifest(&reader)
            guard reader.isAtEnd else { throw reader.damage("something follows its end") }
            return manifest
        }
    }

    private init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "a snapshot's manifest")
        guard let form = SnapshotForm(rawValue: try reader.byte()) else { throw reader.damage("its form is unknown") }
        self.form = form
        attempt = try reader.fixed()
        anchor = try ArchivePlace(&reader)
        head = try Self.head(&reader)
        guard anchor.revision <= head.revision else { throw reader.damage("it lies before its own anchor") }
        tables = try Self.tables(&reader)
        let count = try reader.count("the count of parts", in: 0...Limits.snapshotParts)
        // What is declared is there: 34 bytes at the least for each.
        guard count <= reader.left / 34 else { throw reader.damage("there are too few bytes for its parts") }
        var parts: [Part] = []
        for _ in 0..<count {
            parts.append(
                Part(
                    content: try reader.count("the content of a part", in: 1...Limits.snapshotPartContentBytes),
                    stored: try reader.count("the size of a part", in: 1...Limits.snapshotPartObjectBytes),
                    hash: try reader.bytes(32)))
        }
        self.parts = parts
        try reader.checksum(since: 0, of: "it")
    }

    private static func head(_ reader: inout ObjectReader) throws(ArchiveError) -> SnapshotHead {
        let offset = reader.offset
        let columns = SnapshotTable.head.columns.map { TableShape.Column(name: $0.name, type: $0.type) }
        guard try Self.columns(&reader) == columns else {
            throw reader.damage("its head row has other columns than this release's", at: offset)
        }
        var row: [Value] = []
        for column in columns { row.append(try reader.value(of: column.type)) }
        guard let head = SnapshotHead(row: row) else { throw reader.damage("its head row is none", at: offset) }
        return head
    }

    private static func columns(_ reader: inout ObjectReader) throws(ArchiveError) -> [TableShape.Column] {
        var columns: [TableShape.Column] = []
        for _ in 0..<(try reader.count("the count of columns", in: 1...mostColumns)) {
            let name = try reader.text("a column's name", most: longestName)
            guard let type = ColumnType(code: try reader.byte()) else {
                throw reader.damage("a column is of an unknown type")
            }
            columns.append(TableShape.Column(name: name, type: type))
        }
        return columns
    }

    private static func tables(_ reader: inout ObjectReader) throws(ArchiveError) -> [TableShape] {
        var tables: [TableShape] = []
        for _ in 0..<(try reader.count("the count of tables", in: 0...mostTables)) {
            tables.append(
                TableShape(
                    name: try reader.text("a table's name", most: longestName), columns: try columns(&reader),
                    rows: Int64(try reader.count("the count of rows", in: 0...Int(Int64.max)))))
        }
        return tables
    }
}

extension ArchivePlace {
    /// As a manifest has it: the epoch, the revision, its link.
    init(_ reader: inout ObjectReader) throws(ArchiveError) {
        let epoch = Epoch(number: try reader.positive("an epoch"), nonce: try reader.fixed())
        let revision = try reader.count("a revision", in: 0...Int(Int64.max - 1))
        self.init(epoch: epoch, revision: Revision(rawValue: Int64(revision)), chain: try reader.bytes(32))
    }
}

extension ObjectReader {
    /// A value of a column, or null.
    mutating func value(of type: ColumnType) throws(ArchiveError) -> Value {
        let offset = offset
        let value = try value()
        switch (value, type) {
        case (.null, _), (.integer, .integer), (.real, .real), (.text, .text), (.bytes, .bytes), (.uuid, .uuid),
            (.timestamp, .timestamp):
            return value
        default: throw damage("a value is not of its column's type", at: offset)
        }
    }
}
