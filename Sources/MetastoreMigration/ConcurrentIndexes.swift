internal import MetastoreEngine
package import Migrations

/// What there is of an index that is built while others write.
package enum IndexState: Hashable {
    case absent
    /// Begun and not finished: it is kept up to date, and no query uses it.
    case invalid
    case valid

    init(of name: String, _ connection: any Connection) throws {
        let look: SQL = """
            SELECT i.indisvalid FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid \
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE n.nspname = pg_catalog.current_schema() AND c.relname = \(name)
            """
        switch try connection.first(look, { try $0.integer(0) }) {
        case nil: self = .absent
        case 0: self = .invalid
        default: self = .valid
        }
    }
}

extension ConcurrentIndex {
    /// What is left to do, one statement at a time and outside of a transaction.
    package func statements(finding state: IndexState) -> [String] {
        switch state {
        case .absent: [statement]
        case .invalid: ["DROP INDEX CONCURRENTLY \"\(name.replacing("\"", with: "\"\""))\"", statement]
        case .valid: []
        }
    }
}
