internal import CSQLite
internal import FoundationEssentials
internal import MetastoreEngine

/// A compiled statement and the memory of its bound values.
///
/// 1. Values are copied once, into `buffer`, and bound by address: nothing is allocated per value, and the addresses
///    stay valid until the next ``bind(_:)``, which comes after a reset.
/// 2. A statement is reset before anybody else may use it, and never runs with the values of somebody else: binding
///    replaces all of them.
final class PreparedStatement {
    let pointer: OpaquePointer
    let parameterCount: Int
    private var buffer: UnsafeMutableRawBufferPointer
    private var isFinal = false

    /// Compiles one statement. `rendered` has its placeholders written out.
    init(_ rendered: String, on handle: OpaquePointer) throws(EngineError) {
        var rendered = rendered
        var compiled: OpaquePointer?
        var (result, rest) = (SQLITE_OK, false)
        rendered.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                var tail: UnsafePointer<CChar>?
                result = sqlite3_prepare_v3(
                    handle, text.baseAddress, Int32(text.count), UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, &tail)
                guard let start = text.baseAddress, let tail else { return }
                rest = text[(tail - start)...].contains { $0 > 0x20 }
            }
        }
        guard result == SQLITE_OK else {
            throw .last(handle, result, operation: "prepare", wasInTransaction: false)
        }
        guard let compiled, !rest else {
            sqlite3_finalize(compiled)
            throw EngineError(.misuse, operation: "prepare", message: "exactly one statement is expected")
        }
        pointer = compiled
        parameterCount = Int(sqlite3_bind_parameter_count(compiled))
        buffer = .allocate(byteCount: 64, alignment: 16)
    }

    deinit {
        if !isFinal { sqlite3_finalize(pointer) }
        buffer.deallocate()
    }

    func step() -> Int32 { sqlite3_step(pointer) }

    func reset() {
        sqlite3_reset(pointer)
        // What is bound stays, and stands in the buffer, until ``bind(_:)`` has replaced all of it.
        guard buffer.count > SQLiteLimits.keptBindingBytes else { return }
        sqlite3_clear_bindings(pointer)
        growBuffer(64)
    }

    /// Gives the statement back to SQLite early; nothing may follow.
    func finalize() {
        sqlite3_finalize(pointer)
        isFinal = true
    }

    /// Binds all values, in order. The statement must be reset.
    func bind(_ values: [Value]) throws(EngineError) {
        guard values.count == parameterCount else {
            throw EngineError(
                .misuse, operation: "bind",
                message: "the statement has \(parameterCount) placeholders and \(values.count) values")
        }
        var needed = 0
        for value in values {
            switch value {
            case .text(let text): needed += text.utf8.count
            case .bytes(let bytes): needed += bytes.count
            case .uuid: needed += 16
            default: break
            }
        }
        if needed > buffer.count {
            sqlite3_clear_bindings(pointer)
            growBuffer(needed + needed / 2)
        }
        var free = buffer.baseAddress!
        for index in values.indices {
            let result = bind(values[index], Int32(index + 1), &free)
            guard result == SQLITE_OK else {
                throw EngineError(
                    sqlite: result, operation: "bind",
                    words: "value \(index + 1): \(String(cString: sqlite3_errstr(result)))")
            }
        }
    }

    private func bind(_ value: Value, _ index: Int32, _ free: inout UnsafeMutableRawPointer) -> Int32 {
        let start = free
        switch value {
        case .null: return sqlite3_bind_null(pointer, index)
        case .integer(let number), .timestamp(let number): return sqlite3_bind_int64(pointer, index, number)
        case .real(let number): return sqlite3_bind_double(pointer, index, number)
        case .text(var text):
            let count = text.withUTF8 { UnsafeRawBufferPointer($0).copied(to: start) }
            free += count
            return sqlite3_bind_text64(
                pointer, index, start.assumingMemoryBound(to: CChar.self), UInt64(count), nil, UInt8(SQLITE_UTF8))
        case .bytes(let bytes):
            let count = bytes.withUnsafeBytes { $0.copied(to: start) }
            free += count
            return sqlite3_bind_blob64(pointer, index, start, UInt64(count), nil)
        case .uuid(let uuid):
            free += withUnsafeBytes(of: uuid.uuid) { $0.copied(to: start) }
            return sqlite3_bind_blob64(pointer, index, start, 16, nil)
        }
    }

    private func growBuffer(_ count: Int) {
        buffer.deallocate()
        buffer = .allocate(byteCount: count, alignment: 16)
    }
}

extension UnsafeRawBufferPointer {
    /// Copies all of it and returns how many bytes that were.
    fileprivate func copied(to place: UnsafeMutableRawPointer) -> Int {
        if let baseAddress { place.copyMemory(from: baseAddress, byteCount: count) }
        return count
    }
}
