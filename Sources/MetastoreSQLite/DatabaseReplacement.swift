// Invariants
// 1. At every moment the database's name stands for the one that was there or for the new one, as a whole.
// 2. The new one never stands beside the old one's log: that was moved away, durably, before.
// 3. What was there is kept under another name; nothing of it is deleted.
// 4. A note says what was begun. Whoever finds it carries it through (``resume()``), however it was cut off; until then
//    nothing else is begun, because the unfinished one's name may stand for what was there before.

internal import CSQLite
internal import Glibc
package import MetastoreEngine

/// Puts an image of another state in a database's place, while the lock is held and nobody has it open.
///
/// It looks at nothing in the database that is there, which may be damaged, or gone.
package final class DatabaseReplacement {
    private let path: DatabasePath
    private let lock: LockFile

    /// Takes the lock, or throws ``EngineError/Code/locked(holder:)`` at once.
    package init(path: String) throws(EngineError) {
        guard let resolved = try DatabasePath.resolve(path, makingDirectories: false) else {
            throw EngineError(.missing, operation: "restore", message: "\(path): its directory doesn't exist")
        }
        self.path = resolved
        lock = try LockFile(resolved.lock)
    }

    /// What an earlier replacement, one that was cut off, still has to do is done.
    ///
    /// - Returns: under which name the database that was there is kept; nil when none was begun.
    package func resume() throws(EngineError) -> String? {
        guard let intent = try readIntent() else { return nil }
        try carryThrough(intent)
        return intent.aside
    }

    /// Replaces the database by a copy of the image, and keeps what was there, if anything was.
    ///
    /// - Parameters:
    ///   - aside: the name that the database that was there gets, in its directory; free.
    ///   - finish: is given the copy before it takes the place; returns the new ``Engine/keepNote(_:)``.
    /// - Returns: where the database that was there is now; nil when there was none.
    package func replace(
        byImageAt image: String, keepingAs aside: String, _ finish: (any Connection) throws -> [UInt8]
    ) throws -> String? {
        try replace(keepingAs: aside, finish) { () throws(EngineError) in try copy(image) }
    }

    /// As ``replace(byImageAt:keepingAs:_:)``, by a database in the same directory, which goes from there. It is
    /// closed, and has no log beside it.
    package func replace(
        byTaking successor: String, keepingAs aside: String, _ finish: (any Connection) throws -> [UInt8]
    ) throws -> String? {
        try replace(keepingAs: aside, finish) { () throws(EngineError) in try take(successor) }
    }

    private func replace(
        keepingAs aside: String, _ finish: (any Connection) throws -> [UInt8],
        bringing bring: () throws(EngineError) -> Void
    ) throws -> String? {
        try refuseOddPlace(aside)
        guard try readIntent() == nil else {
            throw EngineError(
                .misuse, operation: Self.operation,
                message: "an earlier restore was cut off here, and has to be carried through first. Run it again")
        }
        try DatabasePath.removeFiles(path.restoring)
        let note: [UInt8]
        do {
            try bring()
            note = try prepare(finish)
        } catch {
            try? DatabasePath.removeFiles(path.restoring)
            throw error
        }
        guard let made = try fileStatus(path.restoring, operation: Self.operation) else {
            throw EngineError(.inputOutput, operation: Self.operation, message: "\(path.restoring) disappeared")
        }
        let hadOne = try fileStatus(path.database, operation: Self.operation) != nil
        let intent = Intent(aside: path.directory + "/" + aside, file: FileIdentity(made), note: note)
        try keep(intent)
        try carryThrough(intent)
        return hadOne ? intent.aside : nil
    }

    private static let operation = "restore"

    private func refuseOddPlace(_ aside: String) throws(EngineError) {
        if let status = try fileStatus(path.database, operation: Self.operation), status.st_mode & S_IFMT != S_IFREG {
            throw EngineError(
                .notADatabase, operation: Self.operation,
                message: "\(path.database) is not a regular file. Nothing was changed. Give the path of the file")
        }
        guard try fileStatus(path.directory + "/" + aside, operation: Self.operation) == nil else {
            throw EngineError(
                .misuse, operation: Self.operation, message: "\(aside) is there already. Try again in a second")
        }
    }

    private func copy(_ image: String) throws(EngineError) {
        guard let status = try fileStatus(image, operation: Self.operation) else {
            throw EngineError(.missing, operation: Self.operation, message: "\(image): there is no such file")
        }
        let wasClosed = try OpenDatabases.whileClosed(FileIdentity(status)) { () throws(EngineError) in
            let from = try OpenFile(image, O_RDONLY, operation: Self.operation)
            let to = try OpenFile(path.restoring, O_WRONLY | O_CREAT | O_EXCL, operation: Self.operation)
            try to.restrictToOwner()
            var offset = 0
            while true {
                let piece = try from.read(SQLiteLimits.copyBytes, at: offset, operation: Self.operation)
                if piece.isEmpty { break }
                try to.write(piece, at: offset, operation: Self.operation)
                offset += piece.count
            }
        }
        guard wasClosed else {
            throw EngineError(.misuse, operation: Self.operation, message: "\(image) is open in this process")
        }
    }

    private func take(_ successor: String) throws(EngineError) {
        guard let status = try fileStatus(successor, operation: Self.operation) else {
            throw EngineError(.missing, operation: Self.operation, message: "\(successor): there is no such file")
        }
        let log = try fileStatus(successor + "-wal", operation: Self.operation)
        let wasClosed = try OpenDatabases.whileClosed(FileIdentity(status)) { () throws(EngineError) in
            guard log.map({ $0.st_size == 0 }) ?? true else {
                throw EngineError(
                    .misuse, operation: Self.operation, message: "\(successor) has a log that isn't part of it yet")
            }
            guard metastore_rename_without_replacing(successor, path.restoring) == 0 else {
                throw systemError(Self.operation, path.restoring)
            }
        }
        guard wasClosed else {
            throw EngineError(.misuse, operation: Self.operation, message: "\(successor) is open in this process")
        }
    }

    private func prepare(_ finish: (any Connection) throws -> [UInt8]) throws -> [UInt8] {
        let connection = try SQLiteConnection.open(path.restoring, role: .writer, options: EngineOptions()) {}
        defer { connection.close() }
        let note = try finish(connection)
        try connection.settle()
        connection.close()
        guard try fileStatus(path.restoring + "-wal", operation: Self.operation) == nil else {
            throw EngineError(
                .inputOutput, operation: Self.operation, message: "\(path.restoring)-wal could not be removed")
        }
        try OpenFile(path.restoring, O_RDWR, operation: Self.operation).flush(operation: Self.operation)
        try flushDirectory(path.directory, operation: Self.operation)
        return note
    }

    private func carryThrough(_ intent: Intent) throws(EngineError) {
        let operation = Self.operation
        let found = try fileStatus(path.database, operation: operation)
        if found.map(FileIdentity.init) != intent.file {
            try moveAside(path.writeAheadLog, intent.aside + "-wal")
            try moveAside(path.rollbackJournal, intent.aside + "-journal")
            try removeFile(path.index, operation: operation)
            try flushDirectory(path.directory, operation: operation)
            try path.keepNote(intent.note)
            try exchange(isThere: found != nil)
            try flushDirectory(path.directory, operation: operation)
        }
        // From here on that name stands for what was there before.
        try moveAside(path.restoring, intent.aside)
        try flushDirectory(path.directory, operation: operation)
        try removeFile(path.replacing, operation: operation)
        try flushDirectory(path.directory, operation: operation)
    }

    private func exchange(isThere: Bool) throws(EngineError) {
        let isDone =
            isThere
            ? metastore_rename_exchanging(path.restoring, path.database) == 0
            : metastore_rename_without_replacing(path.restoring, path.database) == 0
        guard isDone else {
            if errno == EINVAL || errno == ENOSYS {
                throw EngineError(
                    .unsuitableFileSystem(name: "without exchange of names"), operation: Self.operation,
                    message:
                        "\(path.directory) is on a file system that can't exchange two names in one step, and in two "
                        + "a crash could leave none. What was there is complete, its log in a file of the name under "
                        + "which it was to be kept. Restore to a path on ext4, XFS, Btrfs or tmpfs")
            }
            throw systemError(Self.operation, path.database)
        }
    }

    /// What has that name already is kept too: a run was cut off, and somebody opened the old database meanwhile, which
    /// then began another log.
    private func moveAside(_ from: String, _ to: String) throws(EngineError) {
        guard try fileStatus(from, operation: Self.operation) != nil else { return }
        if try fileStatus(to, operation: Self.operation) != nil {
            var number = 1
            while try fileStatus("\(to).\(number)", operation: Self.operation) != nil { number += 1 }
            guard metastore_rename_without_replacing(to, "\(to).\(number)") == 0 else {
                throw systemError(Self.operation, to)
            }
        }
        guard metastore_rename_without_replacing(from, to) == 0 else { throw systemError(Self.operation, to) }
    }

    // MARK: The note of what was begun

    private struct Intent {
        let aside: String
        /// The new database's file.
        let file: FileIdentity
        let note: [UInt8]
    }

    private static let title = "metastore-replacement 1"

    private func keep(_ intent: Intent) throws(EngineError) {
        let text = "\(Self.title)\n\(intent.aside)\n\(intent.file.device) \(intent.file.inode)\n"
        let unfinished = path.replacing + ".creating"
        try removeFile(unfinished, operation: Self.operation)
        let file = try OpenFile(unfinished, O_WRONLY | O_CREAT | O_EXCL, operation: Self.operation)
        try file.restrictToOwner()
        try file.write(Array(text.utf8) + intent.note, at: 0, operation: Self.operation)
        try file.flush(operation: Self.operation)
        guard rename(unfinished, path.replacing) == 0 else { throw systemError(Self.operation, path.replacing) }
        try flushDirectory(path.directory, operation: Self.operation)
    }

    private func readIntent() throws(EngineError) -> Intent? {
        guard try fileStatus(path.replacing, operation: Self.operation) != nil else { return nil }
        let content = try OpenFile(path.replacing, O_RDONLY, operation: Self.operation)
            .read(2 * SQLiteLimits.noteBytes, at: 0, operation: Self.operation)
        let parts = content.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
        let lines = parts.prefix(3).map { String(decoding: $0, as: UTF8.self) }
        let numbers = lines.count == 3 ? lines[2].split(separator: " ").compactMap { UInt64($0) } : []
        guard parts.count == 4, lines[0] == Self.title, numbers.count == 2 else {
            throw EngineError(
                .damaged, operation: Self.operation,
                message:
                    "\(path.replacing) says that a restore was begun here, and can't be read. Both databases are "
                    + "intact: \(path.database) and \(path.restoring). Don't delete either. Move the note away, look "
                    + "at both, and restore again")
        }
        return Intent(
            aside: lines[1], file: FileIdentity(device: numbers[0], inode: numbers[1]), note: Array(parts[3]))
    }
}
