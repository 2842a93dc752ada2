// Invariants
// 1. A copy is of one moment: the files were the same before and after, by what stands in their headers, their size and
//    the time of their last change. They were left alone long enough before for that time to tell.
// 2. Only this user may enter its directory, which is gone when the copy is.

internal import Glibc
package import MetastoreEngine

/// A database's files, copied while nobody changed them: for one that is in use, and that SQLite can't open here.
package final class FrozenCopy: Sendable {
    /// Of the copied database.
    package let path: String
    private let directory: String

    static let suffixes = ["", "-wal", "-journal", ".head", ".control"]
    static let tries = 3
    /// Longer than the clock that times of change are taken from stands still.
    static let rest: UInt32 = 20_000

    /// - Parameters:
    ///   - parent: where the directory for the copy is made.
    ///   - meanwhile: runs after the files were read, for tests.
    /// - Throws: ``EngineError/Code/busy`` when somebody changed them each time.
    package init(
        of database: String, in parent: String, meanwhile: () -> Void = {}
    ) throws(EngineError) {
        var template = Array("\(parent)/metastore-copy-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw systemError("copy", parent) }
        directory = String(cString: made)
        path = directory + "/database"
        for _ in 0..<Self.tries {
            let before = try State(database)
            usleep(Self.rest)
            guard try State(database) == before else { continue }
            for suffix in Self.suffixes { try Self.copy(database + suffix, to: path + suffix) }
            meanwhile()
            if try State(database) == before { return }
        }
        throw EngineError(
            .busy, operation: "copy",
            message: "\(database) is in use, SQLite can't open it here, and while its files were copied it was changed "
                + "\(Self.tries) times in a row. Nothing was shown, because it might never have been so. Try again, or "
                + "look at a snapshot of its volume")
    }

    deinit {
        for suffix in Self.suffixes { unlink(path + suffix) }
        rmdir(directory)
    }

    private static func copy(_ from: String, to: String) throws(EngineError) {
        unlink(to)
        guard let source = try FrozenBytes(from) else { return }
        let target = try OpenFile(to, O_WRONLY | O_CREAT | O_EXCL, operation: "copy")
        var place = 0
        while true {
            let piece = try source.read(SQLiteLimits.copyBytes, at: place)
            if piece.isEmpty { return }
            try target.write(piece, at: place, operation: "copy")
            place += piece.count
        }
    }

    /// What tells whether a database was changed.
    private struct State: Equatable {
        let files: [File]

        init(_ database: String) throws(EngineError) {
            var files: [File] = []
            for suffix in ["", "-wal", "-journal"] { files.append(try File(database + suffix)) }
            self.files = files
        }
    }

    private struct File: Equatable {
        let identity: FileIdentity?
        let times: [Int]
        /// Of the database: its change counter and length. Of the log: its salts.
        let head: [UInt8]

        init(_ path: String) throws(EngineError) {
            guard let status = try fileStatus(path, operation: "copy") else {
                (identity, times, head) = (nil, [], [])
                return
            }
            identity = FileIdentity(status)
            times = [Int(status.st_size), Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)]
            head = try FrozenBytes(path)?.read(100, at: 0) ?? []
        }
    }
}
