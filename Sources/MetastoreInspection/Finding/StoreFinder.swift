// Invariants
// 1. Nothing is opened for writing, made or locked; directories are read, files by their first bytes.
// 2. The search is bounded: in depth, in entries, and it follows no link.

internal import Glibc
internal import MetastoreSQLite

/// Finds a store on a volume: named itself, in a directory, or somewhere below a mount point.
package enum StoreFinder {
    /// What lies where somebody said a store would be.
    package enum Found: Sendable, Hashable {
        case database(path: String)
        /// Several databases: somebody has to choose.
        case several(paths: [String])
        /// A PostgreSQL server's data directory: an old master kept its store there.
        case serverData(ServerData)
        /// A file that is no database.
        case otherFile(path: String)
        case nothing
    }

    static let depth = 6
    static let entries = 20_000

    /// Looks at a path: a file is taken as it is, a directory is searched.
    package static func find(at path: String) -> Found {
        var status = stat()
        guard stat(path, &status) == 0 else { return .nothing }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return isDatabase(path) ? .database(path: path) : .otherFile(path: path)
        }
        if let data = ServerData(path) { return .serverData(data) }
        var search = Search()
        search.look(path, depth: 0)
        let stores = search.databases.filter { !isDerived($0) }
        let found = stores.isEmpty ? search.databases : stores
        switch found.count {
        case 0: return search.serverData.map { .serverData($0) } ?? .nothing
        case 1: return .database(path: found[0])
        default: return .several(paths: found.sorted())
        }
    }

    /// True for what begins as an SQLite database does; an empty file, or one whose header is gone, does not.
    package static func isDatabase(_ path: String) -> Bool {
        guard let file = try? FrozenBytes(path), let head = try? file.read(16, at: 0) else { return false }
        return head == Array("SQLite format 3\0".utf8)
    }

    /// What a rehearsal, a rollback or an unfinished copy leaves beside a store.
    private static func isDerived(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return [".failed-", ".rehearsal", ".restoring", ".creating"].contains { name.contains($0) }
    }

    private struct Search {
        var databases: [String] = []
        var serverData: ServerData?
        private var left = StoreFinder.entries

        mutating func look(_ path: String, depth: Int) {
            guard depth <= StoreFinder.depth, left > 0, let directory = openFrozenDirectory(path) else { return }
            defer { closedir(directory) }
            var below: [String] = []
            while left > 0, let entry = readdir(directory) {
                left -= 1
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                let inner = path.hasSuffix("/") ? path + name : path + "/" + name
                var status = stat()
                guard lstat(inner, &status) == 0 else { continue }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: below.append(inner)
                case S_IFREG where !name.hasSuffix("-wal") && !name.hasSuffix("-shm") && status.st_size >= 512:
                    if StoreFinder.isDatabase(inner) { databases.append(inner) }
                default: continue
                }
            }
            for inner in below.sorted() {
                if let data = ServerData(inner) {
                    serverData = serverData ?? data
                } else {
                    look(inner, depth: depth + 1)
                }
            }
        }
    }
}
