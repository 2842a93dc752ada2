internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// Takes a row apart, value by value: one that a cursor stands on, in place, or an image.
///
/// Valid only inside the call that lent the row.
struct RowReader {
    private enum Source {
        case image([Value])
        case row(any RowSource)
    }

    private let table: Table
    private let source: Source
    private var next = 0

    init(table: Table, image: [Value]) {
        self.table = table
        source = .image(image)
    }

    init(table: Table, row: borrowing Row) {
        self.table = table
        source = .row(row.lent)
    }

    private func mismatch(_ index: Int) -> StoreError {
        .damaged(place: "a row of \(table.name)", reason: "\(table.columns[index].name) is not of its type")
    }

    /// The next value of an image; null where it ends (local columns have none there).
    private func value(_ index: Int, _ image: [Value]) -> Value { index < image.count ? image[index] : .null }

    /// Reads the next column in one of two ways, and moves on.
    private mutating func read<Result>(
        _ fromImage: (Value) -> Result?, _ fromRow: (any RowSource, Int) throws(EngineError) -> Result
    ) throws(StoreError) -> Result {
        let index = next
        next += 1
        switch source {
        case .image(let image):
            guard let result = fromImage(value(index, image)) else { throw mismatch(index) }
            return result
        case .row(let row):
            do {
                return try fromRow(row, index)
            } catch {
                throw StoreError(engine: error, place: "a row of \(table.name)")
            }
        }
    }

    private mutating func isNull() -> Bool {
        switch source {
        case .image(let image): value(next, image) == .null
        case .row(let row): row.isNull(next)
        }
    }

    private mutating func optional<Result>(
        _ body: (inout RowReader) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        if isNull() {
            next += 1
            return nil
        }
        return try body(&self)
    }

    mutating func int() throws(StoreError) -> Int64 {
        try read {
            if case .integer(let number) = $0 { number } else { nil }
        } _: { (row, index) throws(EngineError) in
            try row.integer(index)
        }
    }

    mutating func real() throws(StoreError) -> Double {
        try read {
            if case .real(let number) = $0 { number } else { nil }
        } _: { (row, index) throws(EngineError) in
            try row.real(index)
        }
    }

    mutating func text() throws(StoreError) -> String {
        try read {
            if case .text(let text) = $0 { text } else { nil }
        } _: { (row, index) throws(EngineError) in
            try row.text(index)
        }
    }

    mutating func bytes() throws(StoreError) -> [UInt8] {
        try read {
            if case .bytes(let bytes) = $0 { bytes } else { nil }
        } _: { (row, index) throws(EngineError) in
            try row.bytes(index)
        }
    }

    mutating func uuid() throws(StoreError) -> UUID {
        try read {
            if case .uuid(let uuid) = $0 { uuid } else { nil }
        } _: { (row, index) throws(EngineError) in
            try row.uuid(index)
        }
    }

    mutating func time() throws(StoreError) -> Timestamp {
        Timestamp(
            microseconds: try read {
                if case .timestamp(let time) = $0 { time } else { nil }
            } _: { (row, index) throws(EngineError) in
                try row.timestamp(index)
            })
    }

    mutating func hash() throws(StoreError) -> DocumentHash {
        guard let hash = DocumentHash(bytes: try bytes()) else { throw mismatch(next - 1) }
        return hash
    }

    mutating func bool() throws(StoreError) -> Bool { try int() != 0 }
    mutating func id<R>() throws(StoreError) -> ID<R> { ID(rawValue: try int()) }
    mutating func revision() throws(StoreError) -> Revision { Revision(rawValue: try int()) }

    /// An enumeration stored by its code.
    mutating func code<Code: RawRepresentable>() throws(StoreError) -> Code where Code.RawValue == Int16 {
        guard let raw = Int16(exactly: try int()), let code = Code(rawValue: raw) else { throw mismatch(next - 1) }
        return code
    }

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
