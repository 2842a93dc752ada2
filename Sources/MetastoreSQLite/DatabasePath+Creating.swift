internal import CSQLite
internal import Glibc
internal import MetastoreEngine

extension DatabasePath {
    /// Makes the database under another name, flushes it and gives it its own name, which must still be free: a crash
    /// leaves either all of it or nothing under that name. The lock is held, so what an earlier attempt left is ours.
    ///
    /// - Parameters:
    ///   - image: fills the empty file under that other name before `populate` is given a connection to it.
    ///   - isSealed: leaves a file that is read without any other beside it, from a medium without the right to write
    ///     too; opening it for writing gives it a write-ahead log again.
    func create(
        _ options: EngineOptions, image: (String) throws -> Void = { _ in }, isSealed: Bool = false,
        _ populate: (any Connection) throws -> Void
    ) throws -> FileIdentity {
        try removeUnfinished()
        do {
            // Made by us, not by SQLite, so that the mode is 0600 whatever the umask is; -wal and -shm copy it.
            try OpenFile(creating, O_RDWR | O_CREAT | O_EXCL, operation: "create").restrictToOwner()
            try image(creating)
            let connection = try SQLiteConnection.open(creating, role: .writer, options: options) {}
            defer { connection.close() }
            try connection.executeScript("PRAGMA application_id = \(DatabaseHeader.applicationID)")
            try populate(connection)
            guard !connection.isInTransaction else {
                throw EngineError(.misuse, operation: "create", message: "a transaction was left open")
            }
            try connection.settle()
            if isSealed { try connection.executeScript("PRAGMA journal_mode = DELETE") }
            connection.close()
            guard try fileStatus(creating + "-wal", operation: "create") == nil else {
                throw EngineError(.inputOutput, operation: "create", message: "\(creating)-wal could not be removed")
            }
            let file = try finish()
            try flushDirectory(directory, operation: "create")
            return file
        } catch {
            try? removeUnfinished()
            throw error
        }
    }

    private func finish() throws(EngineError) -> FileIdentity {
        try OpenFile(creating, O_RDWR, operation: "create").flush(operation: "create")
        guard let status = try fileStatus(creating, operation: "create") else {
            throw EngineError(.inputOutput, operation: "create", message: "\(creating) disappeared")
        }
        if metastore_rename_without_replacing(creating, database) == 0 { return FileIdentity(status) }
        if errno == EINVAL || errno == ENOSYS {
            // This file system can't; a second name that must not exist yet does the same in two steps.
            guard link(creating, database) == 0 else { throw taken() }
            try removeFile(creating, operation: "create")
            return FileIdentity(status)
        }
        throw taken()
    }

    private func taken() -> EngineError {
        guard errno == EEXIST else { return systemError("create", database) }
        return EngineError(
            .holdLost, operation: "create",
            message:
                "\(database) appeared while it was being made, and was left as it is. Find out which program put it "
                + "there, then open it again")
    }

    func removeUnfinished() throws(EngineError) {
        try Self.removeFiles(creating)
    }

    /// A database and SQLite's own files beside it.
    static func removeFiles(_ path: String) throws(EngineError) {
        for suffix in ["", "-wal", "-shm", "-journal"] { try removeFile(path + suffix, operation: "create") }
    }
}

extension OpenFile {
    /// Readable and writable for the owner alone.
    borrowing func restrictToOwner() throws(EngineError) {
        guard fchmod(descriptor, 0o600) == 0 else { throw systemError("create", path) }
    }
}
