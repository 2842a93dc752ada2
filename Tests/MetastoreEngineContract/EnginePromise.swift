public import MetastoreEngine

/// One sentence of the engine contract, and what shows that an engine keeps it. Every engine's tests run all of them.
public struct EnginePromise: Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String
    /// True when it takes more than one connection, which a private in-memory database doesn't have.
    public let needsReaders: Bool
    private let check: @Sendable (EngineRig) throws -> Void

    init(_ sentence: String, needsReaders: Bool = false, _ check: @escaping @Sendable (EngineRig) throws -> Void) {
        description = sentence
        self.needsReaders = needsReaders
        self.check = check
    }

    /// Makes a database with `engine`, which was not prepared yet, and throws ``BrokenPromise`` or the engine's error
    /// when the sentence doesn't hold.
    public func isKept(by engine: any Engine) throws {
        let rig = try EngineRig(engine)
        defer { rig.close() }
        try check(rig)
    }

    /// All of them.
    public static var all: [EnginePromise] {
        values + statements + transactions + constraints + isolation + interruption
    }
}

/// What didn't hold, and where.
public struct BrokenPromise: Error, CustomStringConvertible {
    /// What was expected, and the line that expected it.
    public let description: String
}

/// A fresh database with one table and its writer.
final class EngineRig {
    let engine: any Engine
    let writer: any Connection
    private var readers: [any Connection] = []

    init(_ engine: any Engine) throws {
        self.engine = engine
        try expect(try engine.prepare() == .nothing, "nothing is there before the first create")
        let schema = engine.dialect.name == .sqlite ? sqliteSchema : postgresqlSchema
        try engine.create { try $0.executeScript(schema) }
        writer = try engine.openWriter()
    }

    func reader() throws -> any Connection {
        let reader = try engine.openReader()
        readers.append(reader)
        return reader
    }

    /// Adds a row that satisfies every constraint.
    func insert(_ id: Int64, name: String) throws(EngineError) {
        try writer.execute("INSERT INTO things (id, name) VALUES (\(id), \(name))")
    }

    func count(_ connection: (any Connection)? = nil) throws -> Int64? {
        try (connection ?? writer).first("SELECT count(*) FROM things") { row in try row.integer(0) }
    }

    func close() {
        for reader in readers { reader.close() }
        writer.close()
        engine.close()
    }
}

private let sqliteSchema = """
    CREATE TABLE things (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, number INTEGER CHECK (number <> 13), ratio REAL, note TEXT,
        body BLOB, token BLOB, at INTEGER, parent INTEGER REFERENCES things (id)
    ) STRICT;
    """

private let postgresqlSchema = """
    CREATE TABLE things (
        id bigint PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, number bigint CHECK (number <> 13),
        ratio double precision, note text COLLATE "C", body bytea, token uuid, at timestamptz,
        parent bigint REFERENCES things (id)
    );
    """

/// Throws ``BrokenPromise`` when `condition` doesn't hold.
func expect(
    _ condition: @autoclosure () throws -> Bool, _ what: String, file: StaticString = #fileID, line: UInt = #line
) throws {
    guard try condition() else { throw BrokenPromise(description: "expected that \(what) (\(file), line \(line))") }
}

/// Throws ``BrokenPromise`` when `body` doesn't fail with `code`; returns the error when it does.
@discardableResult
func expectFailure(
    _ code: EngineError.Code, file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Void
) throws -> EngineError {
    do {
        try body()
    } catch let error as EngineError {
        try expect(error.code == code, "the error is \(code), not \(error.code): \(error)", file: file, line: line)
        return error
    }
    throw BrokenPromise(description: "expected an error \(code) (\(file), line \(line))")
}
