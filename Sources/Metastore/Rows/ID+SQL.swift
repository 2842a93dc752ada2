public import MetastoreEngine
public import MetastoreModel

extension ID: SQLBindable {
    /// Its number.
    public var sqlValue: Value { .integer(rawValue) }
}
