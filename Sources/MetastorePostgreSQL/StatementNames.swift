#if PostgreSQL
    internal import CPostgreSQL
    internal import MetastoreEngine

    /// A statement that was met before: its text for the server and, where names are kept, the name it is prepared as.
    final class KnownStatement {
        enum State {
            /// Not on the server: to be prepared before it is run.
            case absent
            /// On its way.
            case queued
            case ready
        }

        let rendered: String
        let placeholders: Int
        let name: String
        /// The types it is prepared for; 0 where only null was bound yet.
        var types: [Oid]
        var state = State.absent
        var lastUse: UInt64 = 0

        init(_ statement: SQL, name: String, types: [Oid]) {
            rendered = statement.rendered(prefix: Dialect.postgresql.placeholderPrefix)
            placeholders = statement.text.utf8.count { $0 == SQL.placeholder }
            self.name = name
            self.types = types
        }
    }

    /// The statements of one connection, by their abstract text; bounded, the least recently used leaves first.
    struct StatementNames: ~Copyable {
        private var known: [String: KnownStatement] = [:]
        private let capacity: Int
        private var uses: UInt64 = 0
        private var made = 0

        @inline(never) init(capacity: Int) {
            self.capacity = max(capacity, 1)
        }

        /// The statement, and the name of another that has to leave for it.
        mutating func find(_ statement: SQL) throws(EngineError) -> (KnownStatement, leaving: String?) {
            uses &+= 1
            var leaving: String?
            let types = statement.values.map(TypeNumber.of)
            if let found = known[statement.text] {
                guard found.placeholders == statement.values.count else { throw mismatch(found, statement) }
                found.lastUse = uses
                if Self.fits(found.types, types) { return (found, nil) }
                if found.state != .absent { leaving = found.name }
                let merged = zip(found.types, types).map { $1 == 0 ? $0 : $1 }
                return (add(statement, merged), leaving)
            }
            if known.count >= capacity, let oldest = known.min(by: { $0.value.lastUse < $1.value.lastUse }) {
                if oldest.value.state != .absent { leaving = oldest.value.name }
                known[oldest.key] = nil
            }
            let found = add(statement, types)
            guard found.placeholders == statement.values.count else {
                known[statement.text] = nil
                throw mismatch(found, statement)
            }
            return (found, leaving)
        }

        /// After the server forgot them.
        mutating func removeAll() { known.removeAll() }

        private mutating func add(_ statement: SQL, _ types: [Oid]) -> KnownStatement {
            made += 1
            let added = KnownStatement(statement, name: "m\(made)", types: types)
            added.lastUse = uses
            known[statement.text] = added
            return added
        }

        /// A type that is missing on the server's side was chosen by it, and need not be that of the value.
        private static func fits(_ prepared: [Oid], _ bound: [Oid]) -> Bool {
            zip(prepared, bound).allSatisfy { $1 == 0 || $0 == $1 }
        }

        private func mismatch(_ known: KnownStatement, _ statement: SQL) -> EngineError {
            EngineError(
                .misuse, operation: "bind",
                message: "the statement has \(known.placeholders) placeholders and \(statement.values.count) values")
        }
    }
#endif
