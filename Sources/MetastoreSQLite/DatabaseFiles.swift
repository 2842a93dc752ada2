internal import CSQLite
internal import Glibc
package import MetastoreEngine

/// What lies at a database's path, without opening anything.
package struct DatabaseFiles: Sendable, Hashable {
    /// Where it lies, its directory's links followed.
    package let path: String
    /// Is there a database?
    package let isThere: Bool
    /// The database and its log.
    package let bytes: Int
    /// Was a ``DatabaseReplacement`` begun, and cut off?
    package let isBeingReplaced: Bool
    /// Who holds the lock; nil when nobody does.
    package let holder: String?

    /// Looks. Nil when there is no such directory.
    package init?(at place: String) throws(EngineError) {
        guard let path = try DatabasePath.resolve(place, makingDirectories: false) else { return nil }
        self.path = path.database
        var bytes = 0
        for file in [path.database, path.writeAheadLog] {
            bytes += try fileStatus(file, operation: "look").map { Int($0.st_size) } ?? 0
        }
        self.bytes = bytes
        isThere = try fileStatus(path.database, operation: "look") != nil
        isBeingReplaced = try fileStatus(path.replacing, operation: "look") != nil
        holder = try LockFile.holder(path.lock)
    }

    /// Room for whoever isn't root on the file system of a directory.
    package static func freeBytes(in directory: String) throws(EngineError) -> Int {
        var found = statvfs()
        guard statvfs(directory, &found) == 0 else { throw systemError("look", directory) }
        return Int(
            clamping: UInt64(found.f_bavail).multipliedReportingOverflow(by: UInt64(found.f_frsize)).partialValue)
    }

    /// The number in the header that is left to whoever makes a database (`user_version`).
    ///
    /// Read without opening it: what a killed process left there a reader may not be able to open. Nil where there is
    /// no database, or this process has it open.
    package static func userVersion(at place: String) throws(EngineError) -> Int64? {
        guard let path = try DatabasePath.resolve(place, makingDirectories: false),
            let status = try fileStatus(path.database, operation: "look")
        else { return nil }
        var header: [UInt8] = []
        let wasClosed = try OpenDatabases.whileClosed(FileIdentity(status)) { () throws(EngineError) in
            header = try OpenFile(path.database, O_RDONLY, operation: "look").read(64, at: 0, operation: "look")
        }
        return wasClosed && header.count == 64 ? header[60...].reduce(0) { $0 << 8 | Int64($1) } : nil
    }

    /// Gives a sealed copy its name, durably. The lock of the name it had is held; its lock file goes with it.
    package static func rename(_ from: String, to: String) throws(EngineError) {
        guard let old = try DatabasePath.resolve(from, makingDirectories: false),
            let new = try DatabasePath.resolve(to, makingDirectories: false)
        else { throw EngineError(.missing, operation: "rename", message: "\(from): its directory doesn't exist") }
        // Before: beside the next database of that name it would tell of commits that were never made there.
        try removeFile(old.note, operation: "rename")
        guard metastore_rename_without_replacing(old.database, new.database) == 0 else {
            throw systemError("rename", new.database)
        }
        try removeFile(old.lock, operation: "rename")
        try flushDirectory(new.directory, operation: "rename")
    }

    /// Removes a copy that nobody needs, and everything beside it. Its lock is held by the caller.
    package static func removeCopy(_ place: String) throws(EngineError) {
        guard let path = try DatabasePath.resolve(place, makingDirectories: false) else { return }
        try path.removeUnfinished()
        // As in ``rename(_:to:)``.
        try removeFile(path.note, operation: "remove a copy")
        try DatabasePath.removeFiles(path.database)
        try removeFile(path.lock, operation: "remove a copy")
    }
}

extension LockFile {
    /// Who holds the lock of this name, as it introduced itself: the kernel says whether anybody does. Changes nothing,
    /// not even for a moment.
    static func holder(_ path: String) throws(EngineError) -> String? {
        guard let status = try fileStatus(path, operation: "look"),
            let process = ReaderSearch.lockHolder(inode: UInt64(status.st_ino))
        else { return nil }
        let content = try OpenFile(path, O_RDONLY, operation: "look")
            .read(SQLiteLimits.holderBytes, at: 0, operation: "look")
        let line = content.prefix { $0 >= 0x20 && $0 != 0x7f }
        return line.isEmpty ? "process \(process)" : String(decoding: line, as: UTF8.self)
    }
}

extension SQLiteEngine {
    /// The release of the system's SQLite.
    package static var libraryVersion: String { String(cString: sqlite3_libversion()) }
}

extension SQLiteEngine {
    /// Leaves a closed database as one file that needs no other beside it, flushed. Prepared, and with no connection
    /// open; opening it for writing gives it a write-ahead log again.
    package func seal() throws(EngineError) {
        let writer = try openWriter()
        do {
            try settle(writer)
            try writer.executeScript("PRAGMA journal_mode = DELETE")
        } catch {
            writer.close()
            throw error
        }
        writer.close()
        guard let path = try DatabasePath.resolve(place, makingDirectories: false) else { return }
        try OpenFile(path.database, O_RDWR, operation: "seal").flush(operation: "seal")
        try flushDirectory(path.directory, operation: "seal")
    }
}
