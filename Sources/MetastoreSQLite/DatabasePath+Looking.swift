internal import Glibc
internal import MetastoreEngine

extension DatabasePath {
    /// What stands at the path before anything is opened.
    struct Sight: Sendable {
        let file: FileIdentity
        /// A log with something in it. An empty one proves nothing: SQLite makes one by looking, and a writer of ours
        /// never leaves one behind (``SQLiteConnection/maintain(_:holder:)``).
        let hasWriteAheadLog: Bool
    }

    /// Looks without changing anything; nil when there is nothing. Throws for everything that can't be a database.
    func look(forWriting: Bool) throws(EngineError) -> Sight? {
        let log = try fileStatus(writeAheadLog, operation: "open")
        guard let status = try fileStatus(database, operation: "open") else {
            for orphan in [writeAheadLog, rollbackJournal] {
                try refuseOrphan(orphan)
            }
            return nil
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            if status.st_mode & S_IFMT == S_IFLNK {
                throw EngineError(
                    .permissionDenied, operation: "open",
                    message: "\(database) is a symbolic link, which isn't followed: its other files would lie beside "
                        + "the link. Give the path of the file itself")
            }
            throw EngineError(
                .notADatabase, operation: "open", message: "\(database) is not a regular file. Give the path of a file")
        }
        guard !forWriting || status.st_nlink == 1 else {
            throw EngineError(
                .permissionDenied, operation: "open",
                message: "\(database) has \(status.st_nlink) names (hard links). Each name would get its own "
                    + "write-ahead log, and the data would be destroyed. Remove the other names, or copy the file")
        }
        let file = FileIdentity(status)
        // When this process has it open already, SQLite has seen the header, and says what is wrong itself.
        _ = try OpenDatabases.whileClosed(file) { () throws(EngineError) in
            try DatabaseHeader.check(database, fileBytes: Int(status.st_size), logBytes: Int(log?.st_size ?? 0))
        }
        return Sight(file: file, hasWriteAheadLog: log.map { $0.st_size > 0 } ?? false)
    }

    /// A new database beside an old log would take the old log's pages for its own.
    private func refuseOrphan(_ path: String) throws(EngineError) {
        guard let status = try fileStatus(path, operation: "open"), status.st_size > 0 else { return }
        throw EngineError(
            .damaged, operation: "open",
            message:
                "\(database) is missing, but \(path) is there and may hold committed changes. Put the database file "
                + "back beside it, or move the log away to begin anew. Don't delete it: it may be the only copy")
    }
}
