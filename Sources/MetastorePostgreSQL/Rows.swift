#if PostgreSQL
    internal import CPostgreSQL
    internal import FoundationEssentials
    internal import MetastoreEngine

    /// The rows of one statement, one at a time. While nothing else is asked of the connection they come as they are
    /// needed; before anything else is sent there, the rest of them is kept in memory.
    final class Rows: RowSource {
        private struct Column {
            let name: String
            let type: Oid
        }

        private enum Source {
            case server, memory, nowhere
        }

        private let connection: PostgreSQLConnection
        private var source = Source.server
        /// The row lent now, as the server sent it.
        private var result: OpaquePointer?
        /// The rows not lent yet, once they were kept: of each column its length (−1 is null) and its bytes.
        private var kept: [UInt8] = []
        /// Where the columns of the row lent now begin in ``kept``.
        private var cells: [(start: Int, count: Int)] = []
        private var position = 0
        private var shape: [Column] = []
        /// Where ``columns()`` puts a row.
        private var raw = UnsafeMutableBufferPointer<RawColumn>(start: nil, count: 0)
        /// The bytes of a kept row while ``columns()`` lends them.
        private var lent = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        /// An error that came after the rows that were kept.
        private var failure: EngineError?
        private(set) var bytesRead = 0

        init(_ connection: PostgreSQLConnection) { self.connection = connection }

        deinit {
            PQclear(result)
            raw.deallocate()
            lent.deallocate()
        }

        /// Moves to the next row; false after the last.
        func next() throws(EngineError) -> Bool {
            PQclear(result)
            result = nil
            switch source {
            case .server:
                guard let row = try connection.nextRow() else {
                    source = .nowhere
                    return false
                }
                result = row
                if shape.isEmpty { describe(row) }
                for column in 0..<PQnfields(row) { bytesRead += Int(PQgetlength(row, 0, column)) }
                return true
            case .memory: return try nextKept()
            case .nowhere: return false
            }
        }

        /// Reads the rest of the rows from the server: something else is to be sent there.
        func keepAll() {
            guard case .server = source else { return }
            source = .memory
            do {
                while let row = try connection.nextRow() {
                    if shape.isEmpty { describe(row) }
                    keep(row)
                    PQclear(row)
                }
            } catch {
                failure = error
            }
        }

        private func describe(_ row: OpaquePointer) {
            shape = (0..<PQnfields(row)).map { Column(name: cText(PQfname(row, $0)), type: PQftype(row, $0)) }
        }

        private func keep(_ row: OpaquePointer) {
            for column in 0..<Int32(shape.count) {
                let count = PQgetisnull(row, 0, column) == 1 ? -1 : PQgetlength(row, 0, column)
                withUnsafeBytes(of: count) { kept.append(contentsOf: $0) }
                guard count > 0 else { continue }
                kept.append(contentsOf: UnsafeRawBufferPointer(start: PQgetvalue(row, 0, column), count: Int(count)))
            }
        }

        private func nextKept() throws(EngineError) -> Bool {
            cells.removeAll(keepingCapacity: true)
            guard position < kept.count else {
                source = .nowhere
                kept = []
                if let failure { throw failure }
                return false
            }
            for _ in shape {
                let count = kept.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Int32.self) }
                position += 4
                cells.append((position, Int(count)))
                position += max(0, Int(count))
            }
            return true
        }

        // MARK: Columns

        func columns() -> UnsafeBufferPointer<RawColumn> {
            if raw.count != shape.count {
                raw.deallocate()
                raw = .allocate(capacity: shape.count)
            }
            if result == nil { lendKept() }
            for column in shape.indices { raw.initializeElement(at: column, to: rawColumn(column)) }
            return UnsafeBufferPointer(raw)
        }

        private func lendKept() {
            guard let first = cells.first, let last = cells.last else { return }
            let bytes = first.start..<(last.start + max(0, last.count))
            if lent.count < bytes.count {
                lent.deallocate()
                lent = .allocate(byteCount: bytes.count, alignment: 8)
            }
            kept.withUnsafeBytes { lent.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[bytes])) }
        }

        /// Null also stands for what isn't one of our types: whoever asks for it by name is told what it is.
        private func rawColumn(_ column: Int) -> RawColumn {
            guard !isNull(column) else { return .null }
            switch shape[column].type {
            case TypeNumber.integer8, TypeNumber.integer4, TypeNumber.integer2, TypeNumber.boolean:
                return (try? integer(column)).map { .integer($0) } ?? .null
            case TypeNumber.real8, TypeNumber.real4: return (try? real(column)).map { .real($0) } ?? .null
            case TypeNumber.timestamp: return (try? timestamp(column)).map { .integer($0) } ?? .null
            case TypeNumber.bytes, TypeNumber.uuid: return .bytes(place(column))
            default: return isText(column) ? .text(place(column)) : .null
            }
        }

        private func place(_ column: Int) -> UnsafeRawBufferPointer {
            if let result {
                return UnsafeRawBufferPointer(
                    start: PQgetvalue(result, 0, Int32(column)), count: Int(PQgetlength(result, 0, Int32(column))))
            }
            let start = cells[column].start - cells[0].start
            return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(lent)[start..<start + cells[column].count])
        }

        func name(_ column: Int) -> String { shape[column].name }

        func isNull(_ column: Int) -> Bool {
            if let result { return PQgetisnull(result, 0, Int32(column)) == 1 }
            return cells[column].count < 0
        }

        func integer(_ column: Int) throws(EngineError) -> Int64 {
            switch isNull(column) ? 0 : shape[column].type {
            case TypeNumber.integer8: return Int64(bitPattern: bits(column))
            case TypeNumber.integer4: return Int64(Int32(truncatingIfNeeded: bits(column)))
            case TypeNumber.integer2: return Int64(Int16(truncatingIfNeeded: bits(column)))
            case TypeNumber.boolean: return Int64(bits(column))
            default: throw mismatch(column, "an integer")
            }
        }

        func real(_ column: Int) throws(EngineError) -> Double {
            switch isNull(column) ? 0 : shape[column].type {
            case TypeNumber.real8: return Double(bitPattern: bits(column))
            case TypeNumber.real4: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits(column))))
            case TypeNumber.integer8, TypeNumber.integer4, TypeNumber.integer2: return Double(try integer(column))
            default: throw mismatch(column, "a number")
            }
        }

        func text(_ column: Int) throws(EngineError) -> String {
            guard !isNull(column), isText(column) else { throw mismatch(column, "text") }
            let found = lend(column) { RawColumn.text($0).string }
            guard let found else { throw mismatch(column, "UTF-8 text") }
            return found
        }

        func bytes(_ column: Int) throws(EngineError) -> [UInt8] {
            guard !isNull(column), shape[column].type == TypeNumber.bytes else { throw mismatch(column, "bytes") }
            return lend(column) { [UInt8]($0) }
        }

        func uuid(_ column: Int) throws(EngineError) -> UUID {
            guard !isNull(column), shape[column].type == TypeNumber.uuid else { throw mismatch(column, "a UUID") }
            return lend(column) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
        }

        func timestamp(_ column: Int) throws(EngineError) -> Int64 {
            guard !isNull(column), shape[column].type == TypeNumber.timestamp else {
                throw mismatch(column, "a time")
            }
            let (time, overflows) = Int64(bitPattern: bits(column)).addingReportingOverflow(epochShift)
            guard !overflows else { throw mismatch(column, "a time that isn't infinite") }
            return time
        }

        func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            if isNull(column) { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
            guard shape[column].type == TypeNumber.bytes || isText(column) else {
                throw mismatch(column, "bytes or text")
            }
            return try lend(column, body)
        }

        private func isText(_ column: Int) -> Bool {
            switch shape[column].type {
            case TypeNumber.text, TypeNumber.varying, TypeNumber.character, TypeNumber.name, TypeNumber.json,
                TypeNumber.unknown:
                true
            default: false
            }
        }

        /// A number of 1 to 8 bytes, as its bits.
        private func bits(_ column: Int) -> UInt64 {
            lend(column) { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        }

        private func lend<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
            if let result {
                let start = PQgetvalue(result, 0, Int32(column))
                return try body(
                    UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, 0, Int32(column)))))
            }
            let cell = cells[column]
            return try kept.withUnsafeBytes { all in
                try body(UnsafeRawBufferPointer(rebasing: all[cell.start..<cell.start + max(0, cell.count)]))
            }
        }

        private func mismatch(_ column: Int, _ expected: String) -> EngineError {
            let found = isNull(column) ? "NULL" : "another type (number \(shape[column].type))"
            return EngineError(
                .damaged, operation: "read",
                message: "column \(shape[column].name) holds \(found) where \(expected) is expected. The schema was "
                    + "changed by another program. Verify the store, or restore a backup; don't edit it by hand")
        }
    }
#endif
