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

    /// SQLite's.
    public static let sqlite = Dialect(name: .sqlite, placeholderPrefix: "?", lockingClause: "")
    /// PostgreSQL's.
    public static let postgresql = Dialect(name: .postgresql, placeholderPrefix: "$", lockingClause: " FOR UPDATE")
}
