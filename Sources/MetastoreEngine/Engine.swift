/// One database, as the store sees it: a place that gives connections.
///
/// Threads are the store's: every call here blocks. Faults for tests come from a decorator around a real engine.
public protocol Engine: AnyObject, Sendable {
    /// Where it is, for messages. Never holds a secret.
    var place: String { get }
    var dialect: Dialect { get }
    /// True when there is only the writer's connection, so that reads run on its thread (a private in-memory database).
    var hasOneConnection: Bool { get }
    /// True when opened without the right to write.
    var isReadOnly: Bool { get }
    /// True when nobody else can write for as long as this engine may; false on a server, where any number of
    /// processes write in turn.
    var isExclusive: Bool { get }

    /// Looks at the place, takes the right to write (unless ``isReadOnly``) and says what was found, before anything
    /// is opened. Changes nothing but a lock.
    func prepare() throws(EngineError) -> Found

    /// Makes the database in one step: either everything `populate` did is there afterwards, flushed, or nothing is.
    /// Only after ``prepare()`` said ``Found/nothing``.
    ///
    /// - Returns: false when somebody else made it meanwhile; then `populate` wasn't called.
    @discardableResult
    func create(_ populate: (any Connection) throws -> Void) throws -> Bool

    /// Opens the one read-write connection.
    func openWriter() throws(EngineError) -> any Connection
    /// Opens a connection that can't write.
    func openReader() throws(EngineError) -> any Connection

    /// Tells other processes that something was committed. Never blocks; several at once are told as one, and one that
    /// is lost costs them time only. An engine that has no means to tell them does nothing.
    func announceCommit()
    /// Calls `wake`, on a thread of the engine, after another process may have committed. Where the engine can't know,
    /// it never calls; whoever watches looks by itself too, now and then.
    func watchCommits(_ wake: @escaping @Sendable () -> Void)

    /// What the user chose, or the place lacks, that weakens a protection or costs something: for the log.
    var notices: [String] { get }

    /// Before each batch: is the right to write still ours? Throws ``EngineError/Code/holdLost`` when it isn't.
    func confirmHold() throws(EngineError)

    /// Between two batches, on the writer's thread: bounds the log of the engine itself (SQLite: checkpoints). Where
    /// that writes, it first makes sure of the right to write, as ``confirmHold()`` does.
    func maintain(_ writer: any Connection) throws(EngineError) -> Pressure

    /// Makes everything committed so far part of the main file, flushed (SQLite: a full checkpoint).
    func settle(_ writer: any Connection) throws(EngineError)

    /// After a commit whose outcome is unknown, with **every** connection of this process closed and the right to
    /// write still held: makes what the files say now durable, so that looking afterwards gives an answer that never
    /// changes (DESIGN D6). If it fails, stay closed.
    func settleUnknownCommit() throws(EngineError)

    /// Keeps a small note beside the database, flushed and replaced as a whole: the newest durable head (DESIGN D9).
    /// An engine without a place of its own for it does nothing.
    func keepNote(_ note: [UInt8]) throws(EngineError)
    /// The note last kept, or nil.
    func readNote() throws(EngineError) -> [UInt8]?

    /// Keeps orders for whoever holds the database, beside it and replaced as a whole; after ``prepare()``, also
    /// without the right to write. An engine without a place of its own for them does nothing.
    func keepControl(_ control: [UInt8]) throws(EngineError)
    /// The orders last kept, or nil.
    func readControl() throws(EngineError) -> [UInt8]?

    /// Gives up the right to write. Every connection is closed before.
    func close()
}

/// What ``Engine/prepare()`` found.
public enum Found: Sendable, Hashable {
    /// Nothing there: ``Engine/create(_:)`` may make it.
    case nothing
    /// A database. `hasWriteAheadLog` says whether a log that isn't empty stood beside it *before* anything was opened:
    /// a database that was not closed cleanly and has none was copied without it.
    case database(hasWriteAheadLog: Bool)
}

/// How full the engine's own log is, and what the store must do about it.
public enum Pressure: Sendable, Hashable {
    case none
    /// End the store's own reads older than its snapshot age limit: they keep the log from shrinking.
    case expireReads
    /// Refuse writes until the named holder lets go.
    case refuseWrites(holder: String)
}

/// Which engine to open, and where: made by the engine's module (`.sqlite("…")`), consumed by `Metastore.open`.
public struct EngineSource: Sendable {
    /// Makes the engine. Opens nothing yet.
    public let makeEngine: @Sendable (EngineOptions) throws -> any Engine

    /// Called by an engine's module, not by users of the store.
    public init(makeEngine: @escaping @Sendable (EngineOptions) throws -> any Engine) {
        self.makeEngine = makeEngine
    }
}

/// Settings that every engine understands.
public struct EngineOptions: Sendable, Hashable {
    /// Open without the right to write.
    public var isReadOnly = false
    /// How long a call waits for a server's answer, connecting included. Nothing waits longer, whatever happens to the
    /// server or the network; only the scripts of migrations may take their time. No meaning where there is no server.
    public var callTimeout: Duration = .seconds(5)
    /// How long a connection waits for a lock of another.
    public var busyTimeout: Duration = .seconds(5)
    /// Page cache of each connection, in bytes.
    public var cacheBytes = 16 << 20
    /// How many prepared statements each connection keeps.
    public var statementCacheCapacity = 256

    /// The defaults.
    public init() {}
}
