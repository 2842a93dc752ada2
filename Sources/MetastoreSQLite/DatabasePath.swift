internal import CSQLite
internal import FoundationEssentials
internal import Glibc
package import MetastoreEngine

/// Where a database lies, resolved once: the directory's links are followed here and never again.
struct DatabasePath: Sendable, Hashable {
    let directory: String
    let database: String
    /// Locked for as long as the right to write is held; never deleted.
    let lock: String
    /// SQLite's own files beside the database.
    let writeAheadLog, index, rollbackJournal: String
    /// Where a new database grows until it is complete.
    let creating: String
    /// See ``Engine/keepNote(_:)``.
    let note: String
    /// See ``DatabaseReplacement``: the image that will take the database's place, and the note of that.
    let restoring, replacing: String
    /// See ``Engine/keepControl(_:)``.
    let control: String

    /// Resolves `path`. Missing directories are made, 0700, when `makingDirectories`; else a missing one is nil.
    static func resolve(_ path: String, makingDirectories: Bool) throws(EngineError) -> DatabasePath? {
        let (parent, name) = split(path)
        guard !name.isEmpty, name != ".", name != "..", !path.utf8.contains(0) else {
            throw EngineError(
                .misuse, operation: "open",
                message: "\"\(path)\" doesn't name a file. Give the path of the database file")
        }
        if makingDirectories { try makeDirectory(parent) }
        guard let resolved = realpath(parent, nil) else {
            if errno == ENOENT { return nil }
            throw systemError("open", parent)
        }
        defer { free(resolved) }
        let directory = String(cString: resolved)
        let found = DatabasePath(directory: directory, name: name)
        guard found.database.utf8.count <= SQLiteLimits.pathBytes else {
            throw EngineError(
                .tooBig, operation: "open",
                message: "the path has \(found.database.utf8.count) bytes; \(SQLiteLimits.pathBytes) are possible. "
                    + "Choose a shorter one")
        }
        try refuseSharedFileSystem(directory)
        return found
    }

    private init(directory: String, name: String) {
        self.directory = directory
        database = directory == "/" ? "/" + name : directory + "/" + name
        lock = database + ".lock"
        writeAheadLog = database + "-wal"
        index = database + "-shm"
        rollbackJournal = database + "-journal"
        creating = database + ".creating"
        note = database + ".head"
        restoring = database + ".restoring"
        replacing = database + ".replacing"
        control = database + ".control"
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let parent = path[..<slash]
        return (parent.isEmpty ? "/" : String(parent), String(path[path.index(after: slash)...]))
    }

    private static func makeDirectory(_ path: String) throws(EngineError) {
        if mkdir(path, 0o700) == 0 {
            // Whatever the umask is: only the owner.
            guard chmod(path, 0o700) == 0 else { throw systemError("create", path) }
            return try flushDirectory(split(path).parent, operation: "create")
        }
        switch errno {
        case EEXIST: return
        case ENOENT:
            let parent = split(path).parent
            guard parent != path, parent != "." else { throw systemError("create", path) }
            try makeDirectory(parent)
            try makeDirectory(path)
        default: throw systemError("create", path)
        }
    }
}

/// File systems on which locks, shared memory or flushes of one host don't hold for another, by their magic numbers.
private let sharedFileSystems: [Int64: String] = [
    0x6969: "NFS", 0x517B: "SMB", 0xFE53_4D42: "SMB 2", 0xFF53_4D42: "CIFS", 0x6573_5546: "FUSE",
    0x0102_1997: "9P", 0x00C3_6400: "Ceph", 0x5346_414F: "AFS", 0x6B41_4653: "AFS", 0x7375_7245: "Coda",
    0x564C: "NCP", 0x0BD0_0BD0: "Lustre", 0x4750_4653: "GPFS", 0x1983_0326: "BeeGFS", 0x0116_1970: "GFS2",
    0x7461_636F: "OCFS2", 0x786F_4256: "VirtualBox shared folder", 0xAAD7_AAEA: "PanFS",
]

private func refuseSharedFileSystem(_ directory: String) throws(EngineError) {
    let magic = metastore_file_system_magic(directory)
    guard magic >= 0 else { throw systemError("open", directory) }
    try refuseSharedFileSystem(magic: magic, directory)
}

/// Apart from the call above so that every file system can be tried.
package func refuseSharedFileSystem(magic: Int64, _ directory: String) throws(EngineError) {
    guard let name = sharedFileSystems[magic] else { return }
    throw EngineError(
        .unsuitableFileSystem(name: name), operation: "open",
        message: "\(directory) is on \(name), where another host may hold the same file and locks can't be trusted: "
            + "the database would be damaged. Put it on a local disk or block volume. Don't work around this")
}
