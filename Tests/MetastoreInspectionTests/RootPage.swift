internal import MetastoreEngine
internal import MetastoreInspection
internal import Testing

extension Inspection {
    /// The page with which a table begins, counted from 1.
    func rootPage(of table: String) throws -> Int {
        let number = try connection.first("SELECT rootpage FROM sqlite_schema WHERE name = \(table)") {
            Int(try $0.integer(0))
        }
        return try #require(number, "there is no table \(table)")
    }
}
