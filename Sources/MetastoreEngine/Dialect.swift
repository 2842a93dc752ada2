/// Everything in which the statements of the two engines may differ. Lay the two values side by side and all
/// differences are seen; what is not here is one text for both.
public struct Dialect: Sendable, Hashable {
    /// Which database it is; also the middle part of a migration's file name.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case sqlite, postgresql
    }

    /// Which database it is.
    public let name: Name
    /// Before a placeholder's number.
    public let placeholderPrefix: Character
    /// After the SELECT that locks the head row.
    public let lockingClause: String
    /// How many rows one INSERT carries where many are written together: a message to a server costs more than a row,
    /// a call of a library doesn't.
    public let rowsPerInsert: Int
    /// How many savepoints a transaction makes at most: PostgreSQL's cache of subtransactions holds 64.
    public let savepointsPerTransaction: Int

    /// SQLite's.
    public static let sqlite = Dialect(
        name: .sqlite, placeholderPrefix: "?", lockingClause: "", rowsPerInsert: 1,
        savepointsPerTransaction: .max)
    /// PostgreSQL's.
    public static let postgresql = Dialect(
        name: .postgresql, placeholderPrefix: "$", lockingClause: " FOR UPDATE", rowsPerInsert: 32,
        savepointsPerTransaction: 32)
}
