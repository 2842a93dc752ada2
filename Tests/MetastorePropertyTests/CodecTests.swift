import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import Testing

@Suite struct `The canonical encoding` {
    @Test func `gives every value back, and has one spelling for each`() throws {
        var random = Randomness(Load.seed)
        for _ in 0..<Load.part(of: 200_000) {
            let value = random.value()
            var writer = CanonicalWriter()
            writer.field(7, value)
            let (found, rest) = try Self.read(writer.bytes)
            #expect(found == value && rest == 0, "METASTORE_TEST_SEED=\(Load.seed): \(value)")
            var again = CanonicalWriter()
            again.field(7, found)
            #expect(again.bytes == writer.bytes)
        }
    }

    @Test(arguments: RecordKind.allCases)
    func `gives every row back, nulls and all`(_ kind: RecordKind) throws {
        var random = Randomness(Load.seed &+ UInt64(kind.rawValue))
        let table = kind.table
        for _ in 0..<Load.part(of: 5_000) {
            let image = table.columns.prefix(table.loggedCount).map { column in
                random.chance(25) ? Value.null : random.value(of: column.type)
            }
            var writer = CanonicalWriter()
            writer.row(table, image)
            var found = [Value](repeating: .null, count: table.loggedCount)
            try writer.bytes.withUnsafeBytes { bytes in
                var reader = CanonicalReader(bytes)
                try reader.fields(over: &found)
            }
            #expect(found == image, "METASTORE_TEST_SEED=\(Load.seed)")
        }
    }

    @Test func `writes both zeros alike and refuses the other one`() throws {
        var (plus, minus) = (CanonicalWriter(), CanonicalWriter())
        plus.field(1, .real(0.0))
        minus.field(1, .real(-0.0))
        #expect(plus.bytes == minus.bytes)
        #expect(throws: StoreError.self) { try Self.read([1, 2, 0x80, 0, 0, 0, 0, 0, 0, 0]) }
    }

    @Test(
        arguments: [
            [1, 1, 0x80, 0x00], [1, 1, 0xFF], [1, 3, 2, 0xC3, 0x28], [1, 4, 5, 1], [1, 9], [1, 2, 1, 2, 3], [1, 5, 0],
            [1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], [1, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        ] as [[UInt8]])
    func `refuses what no writer writes`(_ bytes: [UInt8]) {
        #expect(throws: StoreError.self) { try Self.read(bytes) }
    }

    /// The value of one field, and how many bytes were left.
    private static func read(_ bytes: [UInt8]) throws -> (Value, Int) {
        try bytes.withUnsafeBytes { raw in
            var reader = CanonicalReader(raw)
            _ = try reader.byte()
            let value = try reader.value()
            var left = 0
            while !reader.isAtEnd {
                _ = try reader.byte()
                left += 1
            }
            return (value, left)
        }
    }
}

extension Randomness {
    mutating func value() -> Value {
        value(of: pick([.integer, .real, .text, .bytes, .uuid, .timestamp] as [ColumnType]))
    }

    mutating func value(of type: ColumnType) -> Value {
        switch type {
        case .integer: return .integer(integer())
        case .timestamp: return .timestamp(integer())
        case .real:
            let bits = Double(bitPattern: next())
            let number = pick([0, 1, -1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1, bits])
            return .real(number.isFinite && number != 0 ? number : 0)
        case .text: return .text(chance(10) ? "" : text())
        case .bytes:
            return .bytes((0..<Int.random(in: 0...300, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) })
        case .uuid: return .uuid(uuid())
        }
    }

    private mutating func integer() -> Int64 {
        pick([0, 1, -1, .max, .min, .max - 1, 127, 128, -128, 1 << 35, Int64(bitPattern: next())])
    }
}
