#if PostgreSQL
    internal import CPostgreSQL
    internal import FoundationEssentials
    internal import MetastoreEngine

    /// The built-in types that the engine binds or reads, by PostgreSQL's numbers for them.
    enum TypeNumber {
        static let boolean: Oid = 16
        static let bytes: Oid = 17
        static let name: Oid = 19
        static let integer8: Oid = 20
        static let integer2: Oid = 21
        static let integer4: Oid = 23
        static let text: Oid = 25
        static let json: Oid = 114
        static let real4: Oid = 700
        static let real8: Oid = 701
        static let unknown: Oid = 705
        static let character: Oid = 1042
        static let varying: Oid = 1043
        static let timestamp: Oid = 1184
        static let uuid: Oid = 2950

        /// What a value is sent as. Null is sent without a type: the statement says what it has to be.
        static func of(_ value: Value) -> Oid {
            switch value {
            case .null: 0
            case .integer: integer8
            case .real: real8
            case .text: text
            case .bytes: bytes
            case .uuid: uuid
            case .timestamp: timestamp
            }
        }
    }

    /// Microseconds from 1970, where ours begin, to 2000, where PostgreSQL's do.
    let epochShift: Int64 = 946_684_800_000_000

    /// The values of one statement in PostgreSQL's binary form, in one piece of memory that is used again and again.
    struct Parameters: ~Copyable {
        private(set) var types: [Oid] = []
        private(set) var pointers: [UnsafePointer<CChar>?] = []
        private(set) var lengths: [Int32] = []
        private(set) var formats: [Int32] = []
        private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 8)

        @inline(never) init() {}
        deinit { buffer.deallocate() }

        var count: Int32 { Int32(lengths.count) }

        /// Throws where ``encode(_:)`` couldn't: nothing is sent then.
        static func check(_ values: [Value]) throws(EngineError) {
            guard values.count <= PostgreSQLLimits.values else {
                throw EngineError(
                    .tooBig, operation: "bind",
                    message: "the statement has \(values.count) values, and PostgreSQL takes "
                        + "\(PostgreSQLLimits.values). Do it in several")
            }
            for case .timestamp(let time) in values where time < .min + epochShift {
                throw EngineError(.tooBig, operation: "bind", message: "a time is out of PostgreSQL's range")
            }
        }

        mutating func encode(_ values: [Value]) {
            let needed = values.reduce(0) { $0 + Self.size($1) }
            if needed > buffer.count { resize(needed + needed / 2) }
            types.removeAll(keepingCapacity: true)
            pointers.removeAll(keepingCapacity: true)
            lengths.removeAll(keepingCapacity: true)
            if formats.count < values.count { formats = Array(repeating: 1, count: values.count) }
            var end = 0
            for value in values {
                types.append(TypeNumber.of(value))
                if case .null = value {
                    pointers.append(nil)
                    lengths.append(0)
                    continue
                }
                let start = buffer.baseAddress! + end
                let size = Self.write(value, start)
                pointers.append(UnsafePointer(start.assumingMemoryBound(to: CChar.self)))
                lengths.append(Int32(size))
                end += size
            }
        }

        /// Gives memory back that one big statement needed.
        mutating func shrink() {
            if buffer.count > PostgreSQLLimits.keptBindingBytes { resize(256) }
        }

        private mutating func resize(_ count: Int) {
            buffer.deallocate()
            buffer = .allocate(byteCount: count, alignment: 8)
        }

        private static func size(_ value: Value) -> Int {
            switch value {
            case .null: 0
            case .integer, .real, .timestamp: 8
            case .text(let text): text.utf8.count
            case .bytes(let bytes): bytes.count
            case .uuid: 16
            }
        }

        private static func write(_ value: Value, _ start: UnsafeMutableRawPointer) -> Int {
            switch value {
            case .null: return 0
            case .integer(let number): return write(UInt64(bitPattern: number), start)
            case .real(let number): return write(number.bitPattern, start)
            case .timestamp(let time): return write(UInt64(bitPattern: time &- epochShift), start)
            case .text(var text): return text.withUTF8 { UnsafeRawBufferPointer($0).copied(to: start) }
            case .bytes(let bytes): return bytes.withUnsafeBytes { $0.copied(to: start) }
            case .uuid(let uuid): return withUnsafeBytes(of: uuid.uuid) { $0.copied(to: start) }
            }
        }

        private static func write(_ bits: UInt64, _ start: UnsafeMutableRawPointer) -> Int {
            start.storeBytes(of: bits.bigEndian, as: UInt64.self)
            return 8
        }
    }

    extension UnsafeRawBufferPointer {
        /// Copies all of it and returns how many bytes that were.
        func copied(to place: UnsafeMutableRawPointer) -> Int {
            if let baseAddress { place.copyMemory(from: baseAddress, byteCount: count) }
            return count
        }
    }
#endif
