internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// Takes a row apart, value by value: one that a cursor stands on or a log record holds, in place, or an image.
///
/// Valid only inside the call that lent the row.
struct RowReader {
    private let type: any StoredRecord.Type
    /// The row that a cursor stands on; nil for others.
    private let row: (any RowSource)?
    private let columns: UnsafeBufferPointer<RawColumn>
    private let image: [Value]
    private var next = 0

    init(_ type: any StoredRecord.Type, image: [Value]) {
        self.type = type
        self.image = image
        row = nil
        columns = UnsafeBufferPointer(start: nil, count: 0)
    }

    init(_ type: any StoredRecord.Type, row: borrowing Row) {
        self.type = type
        let source = row.lent
        self.row = source
        columns = source.columns()
        image = []
    }

    /// A row of a log record, whose values are known to be of their columns' types.
    init(_ type: any StoredRecord.Type, columns: UnsafeBufferPointer<RawColumn>) {
        self.type = type
        self.columns = columns
        row = nil
        image = []
    }

    private var isImage: Bool { columns.baseAddress == nil }
    private var table: Table { type.table }

    private func mismatch(_ index: Int) -> StoreError {
        .damaged(place: "a row of \(table.name)", reason: "\(table.columns[index].name) is not of its type")
    }

    /// The row's own way to a value that is not what it should be: it says what is there instead.
    @inline(never)
    private func ask<Result>(
        _ index: Int, _ read: (any RowSource, Int) throws(EngineError) -> Result
    ) throws(StoreError) -> Result {
        guard let row else { throw mismatch(index) }
        do {
            return try read(row, index)
        } catch {
            throw StoreError(engine: error, place: "a row of \(table.name)")
        }
    }

    @inline(__always)
    private mutating func take() -> Int {
        defer { next += 1 }
        return next
    }

    /// A value of the image; null where it ends (local columns have none there).
    @inline(__always)
    private func value(_ index: Int) -> Value { index < image.count ? image[index] : .null }

    @inline(__always)
    private func isNull() -> Bool {
        isImage ? value(next) == .null : columns[next].kind == .null
    }

    @inline(__always)
    private mutating func optional<Result>(
        _ body: (inout RowReader) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        if isNull() {
            next += 1
            return nil
        }
        return try body(&self)
    }

    @inline(__always)
    mutating func int() throws(StoreError) -> Int64 {
        let index = take()
        guard !isImage else {
            guard case .integer(let number) = value(index) else { throw mismatch(index) }
            return number
        }
        let column = columns[index]
        guard column.kind == .integer else {
            return try ask(index) { (row, index) throws(EngineError) in try row.integer(index) }
        }
        return column.integer
    }

    mutating func real() throws(StoreError) -> Double {
        let index = take()
        guard !isImage else {
            guard case .real(let number) = value(index) else { throw mismatch(index) }
            return number
        }
        let column = columns[index]
        guard column.kind == .real else {
            return try ask(index) { (row, index) throws(EngineError) in try row.real(index) }
        }
        return column.real
    }

    mutating func text() throws(StoreError) -> String {
        let index = take()
        guard !isImage else {
            guard case .text(let text) = value(index) else { throw mismatch(index) }
            return text
        }
        let column = columns[index]
        guard column.kind == .text, let text = column.string else {
            return try ask(index) { (row, index) throws(EngineError) in try row.text(index) }
        }
        return text
    }

    /// A list of texts, kept as JSON: taken apart where it lies.
    mutating func texts() throws(StoreError) -> [String] {
        if !isImage, columns[next].kind == .text, let texts = columns[next].withText(TextList.parse) ?? nil {
            next += 1
            return texts
        }
        guard let texts = TextList.parse(try text().utf8Span) else {
            throw .damaged(place: table.columns[next - 1].name, reason: "it is not a list of texts")
        }
        return texts
    }

    mutating func bytes() throws(StoreError) -> [UInt8] {
        let index = take()
        guard !isImage else {
            guard case .bytes(let bytes) = value(index) else { throw mismatch(index) }
            return bytes
        }
        let column = columns[index]
        guard column.kind == .bytes else {
            return try ask(index) { (row, index) throws(EngineError) in try row.bytes(index) }
        }
        return [UInt8](column.content)
    }

    @inline(__always)
    mutating func uuid() throws(StoreError) -> UUID {
        let index = take()
        guard !isImage else {
            guard case .uuid(let uuid) = value(index) else { throw mismatch(index) }
            return uuid
        }
        let column = columns[index]
        guard column.kind == .bytes, column.count == 16 else {
            return try ask(index) { (row, index) throws(EngineError) in try row.uuid(index) }
        }
        return UUID(uuid: column.content.loadUnaligned(as: uuid_t.self))
    }

    @inline(__always)
    mutating func time() throws(StoreError) -> Timestamp {
        let index = take()
        guard !isImage else {
            guard case .timestamp(let time) = value(index) else { throw mismatch(index) }
            return Timestamp(microseconds: time)
        }
        let column = columns[index]
        guard column.kind == .integer else {
            return Timestamp(
                microseconds: try ask(index) { (row, index) throws(EngineError) in try row.timestamp(index) })
        }
        return Timestamp(microseconds: column.integer)
    }

    mutating func hash() throws(StoreError) -> DocumentHash {
        if !isImage, columns[next].kind == .bytes, let hash = DocumentHash(columns[next].content) {
            next += 1
            return hash
        }
        guard let hash = DocumentHash(bytes: try bytes()) else { throw mismatch(next - 1) }
        return hash
    }

    @inline(__always)
    mutating func bool() throws(StoreError) -> Bool { try int() != 0 }
    @inline(__always)
    mutating func id<R>() throws(StoreError) -> ID<R> { ID(rawValue: try int()) }
    @inline(__always)
    mutating func revision() throws(StoreError) -> Revision { Revision(rawValue: try int()) }

    /// An enumeration stored by its code.
    mutating func code<Code: RawRepresentable>() throws(StoreError) -> Code where Code.RawValue == Int16 {
        guard let raw = Int16(exactly: try int()), let code = Code(rawValue: raw) else { throw mismatch(next - 1) }
        return code
    }

    @inline(__always)
    mutating func optionalInt() throws(StoreError) -> Int64? {
        try optional { (reader) throws(StoreError) in try reader.int() }
    }

    mutating func optionalID<R>() throws(StoreError) -> ID<R>? { try optionalInt().map(ID.init(rawValue:)) }

    mutating func optionalReal() throws(StoreError) -> Double? {
        try optional { (reader) throws(StoreError) in try reader.real() }
    }

    mutating func optionalText() throws(StoreError) -> String? {
        try optional { (reader) throws(StoreError) in try reader.text() }
    }

    mutating func optionalHash() throws(StoreError) -> DocumentHash? {
        try optional { (reader) throws(StoreError) in try reader.hash() }
    }

    mutating func optionalUUID() throws(StoreError) -> UUID? {
        try optional { (reader) throws(StoreError) in try reader.uuid() }
    }

    mutating func optionalTime() throws(StoreError) -> Timestamp? {
        try optional { (reader) throws(StoreError) in try reader.time() }
    }
}
