internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTerminal

/// A backup that was made, flushed, opened again and found to be the store.
package struct VerifiedBackup: Sendable, Hashable, Encodable {
    package let path: String
    package let bytes: Int
    package let schema: Int64
    package let revision: Int64
    package let seconds: Double
}

extension Upgrade {
    /// Makes a backup and checks it. Under its name there is a verified one or nothing.
    func backUp(_ held: HeldStore, into directory: String?) async throws -> VerifiedBackup {
        let began = ContinuousClock.now
        let directory = try backupDirectory(directory, for: try place.look())
        let unfinished = "\(directory)/\(place.name).unfinished-backup.db"
        let source = try ClosedStore(held.connection).summary()
        let copy = SQLitePlace(try StoreURL("sqlite:" + unfinished), path: unfinished)
        do {
            try await place.copy(to: unfinished, held: held) { [screen] title, done, total, unit in
                screen.show("backup: \(title)", done, total, unit)
            }
            screen.clear()
            let found = try check(copy)
            // A server's masters go on committing.
            guard found.cluster == source.cluster, found.schema == source.schema,
                found.revision == source.revision ? found.state == source.state : !held.engine.isExclusive
            else {
                throw CommandFailure(
                    .damaged,
                    "\(unfinished): the backup isn't equal to the store. Nothing was changed. Try again; "
                        + "if it happens again, look at the system's log for both devices.")
            }
            let path = try Self.freeName("\(directory)/\(place.name)-\(found.schema)-\(Self.stamp())")
            try DatabaseFiles.rename(unfinished, to: path)
            return VerifiedBackup(
                path: path, bytes: try DatabaseFiles(at: path)?.bytes ?? 0, schema: found.schema,
                revision: found.revision.rawValue, seconds: (ContinuousClock.now - began).shownSeconds)
        } catch {
            screen.clear()
            try? copy.remove()
            throw withoutBackup(error, directory)
        }
    }

    /// No step was begun.
    private func withoutBackup(_ error: any Error, _ directory: String) -> CommandFailure {
        let failure = CommandFailure(error, at: store)
        guard !(error is CommandFailure) else { return failure }
        guard failure.status == .inputOutput else {
            return CommandFailure(
                failure.status, "\(failure.sentence) The backup wasn't finished, and no step was begun.")
        }
        let free = try? DatabaseFiles.freeBytes(in: directory)
        let room = free.map { ", where \(Shown.bytes($0)) are free now" } ?? ""
        return CommandFailure(
            failure.status,
            "\(failure.sentence) The backup couldn't be finished in \(directory)\(room); what there was of it is "
                + "removed. Nothing was changed. Make room, or name another directory with --backup-dir. Don't delete "
                + "the database, its -wal or an older backup for it.")
    }

    /// The first of these names that nothing has yet.
    private static func freeName(_ stem: String) throws -> String {
        var (path, count) = (stem + ".db", 1)
        while try DatabaseFiles(at: path)?.isThere == true {
            count += 1
            path = "\(stem)-\(count).db"
        }
        return path
    }

    /// What a backup holds, after everything in it was computed anew.
    func check(_ backup: SQLitePlace) throws -> ClosedStore.Summary {
        try Upgrade(backup, migrator: migrator, screen: screen).reading { connection in
            let report = try verify(connection, of: backup)
            guard report.findingCount == 0 else {
                throw CommandFailure(
                    .damaged,
                    "\(backup.url): the backup is damaged, and was not used. Nothing was changed. "
                        + "First finding: \(report.findings[0])")
            }
            return try ClosedStore(connection).summary()
        }
    }

    /// A directory that can take a backup, its links followed.
    private func backupDirectory(_ named: String?, for sight: PlaceSight) throws(CommandFailure) -> String {
        guard let wanted = named ?? place.backupDirectory else {
            throw CommandFailure(
                .usage,
                "\(store): a server has no directory on this machine. Name one for the backup: --backup-dir DIRECTORY.")
        }
        let unchanged = "Nothing was changed."
        guard let resolved = realpath(wanted, nil) else {
            throw CommandFailure(
                errno == EACCES ? .permission : .missing,
                "\(wanted): the directory for the backup isn't there. \(unchanged) Make it, or name another one with "
                    + "--backup-dir; its volume may not be mounted.")
        }
        defer { free(resolved) }
        let directory = String(cString: resolved)
        var status = stat()
        guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.cannotCreate, "\(wanted): this is no directory. \(unchanged) Name one: --backup-dir.")
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw CommandFailure(
                .permission,
                "\(wanted): no backup can be written here: \(String(cString: strerror(errno))). \(unchanged) Give this "
                    + "user the right to, or name another directory with --backup-dir.")
        }
        let free: Int
        do { free = try DatabaseFiles.freeBytes(in: directory) } catch { throw CommandFailure(error, at: directory) }
        let needed = sight.bytes + UpgradeLimits.spareBytes
        guard free >= needed else {
            throw CommandFailure(
                .inputOutput,
                "\(wanted): a backup takes up to \(Shown.bytes(needed)), and \(Shown.bytes(free)) are free. "
                    + "\(unchanged) "
                    + "Make room, or name a larger directory with --backup-dir. Don't delete the database, its -wal or "
                    + "an older backup for it.")
        }
        return directory
    }
}

/// Every bound of an upgrade, and what happens there.
enum UpgradeLimits {
    /// Room that must be left beside a copy; with less nothing is begun.
    static let spareBytes = 1 << 20
    /// How long to wait for the session of a killed run to end on the server.
    static let killedSession = Duration.seconds(2)
    /// How many rows of a table are read to measure how long one takes …
    static let sampledRows = 10_000
    /// … and, of what a backfill reads, no row after so many bytes.
    static let sampledBytes = 16 << 20
}
