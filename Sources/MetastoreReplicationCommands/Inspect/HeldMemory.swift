package import MetastoreEngine
internal import MetastoreSQLite

/// A database in memory that outlives whoever made it, to be read once: what is small is rebuilt there, also where
/// nothing can be written.
package final class HeldMemory: VolatileEngine {
    private let base = MemoryEngine(options: EngineOptions())

    package init() {}

    /// Gives this one to whoever makes a store.
    var source: EngineSource { EngineSource { [self] _ in self } }

    package var place: String { base.place }
    package var dialect: Dialect { base.dialect }
    package var hasOneConnection: Bool { true }
    package var isReadOnly: Bool { false }
    package var isExclusive: Bool { true }
    package var notices: [String] { [] }

    package func prepare() throws(EngineError) -> Found { .nothing }

    @discardableResult
    package func create(_ populate: (any Connection) throws -> Void) throws -> Bool { try base.create(populate) }

    /// The one connection that there is; it can't write any more.
    package func openReader() throws(EngineError) -> any Connection {
        let connection = try base.openWriter()
        try connection.executeScript("PRAGMA query_only = ON")
        return connection
    }

    package func openWriter() throws(EngineError) -> any Connection { try openReader() }

    /// What was made stays until this goes.
    package func close() {}
}
