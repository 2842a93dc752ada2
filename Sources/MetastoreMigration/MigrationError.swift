public import MetastoreEngine

/// Why a schema can't be used or changed. In every case the data is as it was.
public enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A newer release wrote this schema, and says that this one can't work with it.
    case newer(found: Int64, known: Int64, writtenBy: String)
    /// The schema is older than this binary's; opening never migrates unless asked to.
    case pending(found: Int64, known: Int64)
    /// An applied step's text differs from the one compiled in.
    case edited(number: Int64, name: String)
    /// There is no such step for this database.
    case missingText(number: Int64, database: String)
    /// The database refused a statement of a step; the step was rolled back.
    case failed(number: Int64, name: String, EngineError)

    /// What is, why, what to do and what not to do.
    public var description: String {
        switch self {
        case .newer(let found, let known, let writer):
            """
            schema \(found) was written by \(writer); this binary reads up to schema \(known). The data is intact: \
            do not delete it. Run \(writer) or newer.
            """
        case .pending(let found, let known):
            """
            the store has schema \(found), this binary schema \(known). The data is intact. Run metastore-migrate up, \
            or open with migrating: .automatically.
            """
        case .edited(let number, let name):
            """
            migration \(number) (\(name)) was applied with another text than this binary has. The data is intact: \
            do not delete it. Use the binary that applied it.
            """
        case .missingText(let number, let database):
            "migration \(number) has no statements for \(database): this binary is incomplete."
        case .failed(let number, let name, let error):
            "migration \(number) (\(name)) failed and was rolled back, the data is as before: \(error)"
        }
    }
}
