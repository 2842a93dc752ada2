internal import Metastore
package import MetastoreEngine

/// Where a store is that is upgraded: what each engine does in a way of its own.
///
/// Everything else (the steps, what is decided, what is shown) is the same on every engine.
package protocol UpgradePlace: Sendable {
    var url: StoreURL { get }
    /// What files that belong to it are called after.
    var name: String { get }
    /// Where backups go unless somebody says otherwise; nil where there is no such place on this machine.
    var backupDirectory: String? { get }

    /// What is there, before anything is opened. Writes nothing.
    func look() throws -> PlaceSight

    /// Not prepared yet.
    func engine(isReadOnly: Bool) throws -> any Engine

    /// What the engine itself finds wrong with its files, one a line.
    func integrity(_ connection: any Connection) throws -> [String]

    /// Who has the right to migrate; nil when nobody does.
    func lockHolder(_ sight: PlaceSight) throws -> LockHolder?

    /// Takes the right to migrate from a holder that is dead.
    func breakLock() throws -> LockHolder?

    /// Makes a copy of the whole store in a database file, sealed and flushed; there is nothing at that path, or what a
    /// killed run left of the same.
    ///
    /// - Parameter held: the store, with the right to write; nil to copy beside whoever has it.
    func copy(to file: String, held: HeldStore?, _ progress: @escaping CopyWatch) async throws

    /// A place of the same kind for a copy that is tried on and thrown away.
    func scratch(_ suffix: String, in directory: String?) throws -> any UpgradePlace

    /// Makes this place a copy of another of its kind. For ``scratch(_:in:)``.
    func fill(from source: any UpgradePlace, _ progress: @escaping CopyWatch) async throws

    /// Removes a copy.
    func remove() throws

    /// Puts a verified backup in the store's place, in a new epoch, and keeps what was there under another name.
    func restore(_ backup: String, suffix: String, _ progress: @escaping CopyWatch) async throws -> RestoreOutcome

    /// Carries through a restore that was cut off, if there was one.
    func finishRestore() throws -> RestoreOutcome?
}

/// Told how far a copy is: of what, how much of it, of how much.
package typealias CopyWatch = @Sendable (_ title: String, _ done: Int, _ total: Int?, _ unit: String) -> Void

/// What is there.
package struct PlaceSight: Sendable, Hashable {
    package var isThere: Bool
    package var bytes: Int
    /// Room on its device; nil where that isn't told.
    package var freeBytes: Int?
    /// Nil where the engine's own lock doesn't say.
    package var holder: String?
    /// A restore was begun here, and cut off.
    package var isBeingRestored = false
}

/// Who has the right to migrate a store.
package struct LockHolder: Sendable, Hashable, Encodable {
    /// The process, its host, and since when.
    package let holder: String
    /// False when it certainly is dead.
    package let isAlive: Bool
}

/// Where things are after a restore.
package struct RestoreOutcome: Sendable, Hashable {
    /// Where what was there is kept; nil when there was nothing.
    package let aside: String?
}

/// A store, with the right to write.
package final class HeldStore {
    package let engine: any Engine
    package let connection: any Connection
    package let found: Found

    package init(engine: any Engine, connection: any Connection, found: Found) {
        self.engine = engine
        self.connection = connection
        self.found = found
    }

    package func close() {
        connection.close()
        engine.close()
    }
}
