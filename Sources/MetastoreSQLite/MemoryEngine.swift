package import MetastoreEngine
internal import Synchronization

/// A private database in memory: one connection, gone when it is closed. Keeps the same contract as a file, as far as
/// memory can: the double for tests.
package final class MemoryEngine: VolatileEngine {
    package let place = "memory"
    package let dialect = Dialect.sqlite
    package let hasOneConnection = true
    package let isReadOnly = false
    package let isExclusive = true
    package let notices: [String] = []

    private let options: EngineOptions
    /// Made by ``create(_:)``, handed out by ``openWriter()``.
    private let made = Mutex<Made>(Made(connection: nil))

    /// `@unchecked` because a connection isn't `Sendable`: it is handed over once, by taking it out of here.
    private struct Made: @unchecked Sendable {
        var connection: SQLiteConnection?
    }

    package init(options: EngineOptions) {
        self.options = options
    }

    package func prepare() throws(EngineError) -> Found { .nothing }

    @discardableResult
    package func create(_ populate: (any Connection) throws -> Void) throws -> Bool {
        let connection = try SQLiteConnection.open(":memory:", role: .memory, options: options) {}
        do {
            try populate(connection)
            guard !connection.isInTransaction else {
                throw EngineError(.misuse, operation: "create", message: "a transaction was left open")
            }
        } catch {
            connection.close()
            throw error
        }
        let populated = Made(connection: connection)
        made.withLock { $0 = populated }
        return true
    }

    package func openWriter() throws(EngineError) -> any Connection {
        let taken = made.withLock { made in
            defer { made = Made(connection: nil) }
            return made
        }
        guard let connection = taken.connection else {
            throw EngineError(
                .misuse, operation: "open", message: "a database in memory is opened once, after it was made")
        }
        return connection
    }

    package func openReader() throws(EngineError) -> any Connection {
        throw EngineError(.misuse, operation: "open", message: "a database in memory has one connection only")
    }

    package func close() {
        made.withLock { $0 = Made(connection: nil) }
    }
}
