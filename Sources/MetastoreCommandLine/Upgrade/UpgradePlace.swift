package import MetastoreEngine
internal import MetastoreMigration

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

    /// Makes a copy of the whole store in a database file, sealed and flushed. What a killed run left of the same at
    /// that path is replaced; anything else there is refused.
    ///
    /// - Parameter held: the store, with the right to write; nil to copy beside whoever has it.
    func copy(to file: String, held: HeldStore?, _ progress: @escaping CopyWatch) async throws

    /// A place of the same kind for a copy that is tried on.
    ///
    /// - Parameter isKept: it isn't thrown away, nor replaced by the next run.
    func scratch(_ suffix: String, in directory: String?, isKept: Bool) throws -> any UpgradePlace

    /// Makes this place a copy of another of its kind, in place of what a killed run left; whatever else is there is
    /// refused, and left as it is. For ``scratch(_:in:isKept:)``.
    func fill(from source: any UpgradePlace, _ progress: @escaping CopyWatch) async throws

    /// Removes the copy that ``fill(from:_:)`` or ``copy(to:held:_:)`` made, or left half made; never what another
    /// process works at, or what somebody else put there.
    func remove() throws

    /// Puts a verified backup in the store's place, in a new epoch, and keeps what was there under another name.
    func restore(
        _ backup: String, _ how: Restoring, _ progress: @escaping CopyWatch
    ) async throws -> RestoreOutcome

    /// Carries through a restore that was cut off, if there was one.
    func finishRestore(waiting timeout: Duration) async throws -> RestoreOutcome?
}

/// How a backup is put in a store's place.
package struct Restoring {
    /// Whose lock it takes.
    let migrator: Migrator
    /// How long to wait for whoever writes or migrates.
    let timeout: Duration
    /// Asked once nobody else can write or migrate; what it throws ends it before anything was changed.
    let confirm: () throws -> Void

    /// What is there is kept under its own name and this. Asked for with the lock, so that nobody else has the same.
    var suffix: String { "failed-\(Upgrade.stamp(hasMilliseconds: true))" }
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
    /// It was another run's, which was cut off.
    package var isEarlier = false
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
