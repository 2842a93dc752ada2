// Invariants
// 1. Nothing is opened for writing, made or locked; directories are read, files by their first bytes.
// 2. The search is bounded, in depth and in entries, follows no link, and tells when it ended at a bound.
// 3. What lies higher is found first: a whole system's volume holds more than anybody can look at.

internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite

/// Finds a store on a volume, or an archive: named itself, in a directory, or somewhere below a mount point.
package enum StoreFinder {
    /// What lies where somebody said a store would be.
    package enum Found: Sendable, Hashable {
        case database(path: String)
        /// Several databases: somebody has to choose.
        case several(paths: [String])
        /// No database, and an archive, of one cluster.
        case archive(FoundArchive)
        /// No database, and the archives of several clusters, or of one in several places: somebody has to choose.
        case archives([FoundArchive])
        /// A PostgreSQL server's data directory: an old master kept its store there.
        case serverData(ServerData)
        /// A file that is no database.
        case otherFile(path: String)
        /// None among so many entries, which are not all there are.
        case tooMany(entries: Int)
        case nothing
    }

    static let depth = 8
    package static let entries = 1_000_000

    /// Looks at a path: a file is taken as it is, a directory is searched.
    ///
    /// - Parameter entries: how many are looked at.
    package static func find(at path: String, entries: Int = entries) -> Found {
        var status = stat()
        guard stat(path, &status) == 0 else { return .nothing }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return isDatabase(path) ? .database(path: path) : .otherFile(path: path)
        }
        if let data = ServerData(path) { return .serverData(data) }
        if let archive = FoundArchive(named: path) { return .archive(archive) }
        var search = Search(entries)
        search.look(path)
        let whole = search.databases.filter { !isDerived($0.path) }
        let found = [whole.filter(\.isMasters), whole, search.databases].first { !$0.isEmpty } ?? []
        switch found.count {
        case 0: break
        case 1: return .database(path: found[0].path)
        default: return .several(paths: found.map(\.path).sorted())
        }
        switch search.archives.count {
        case 0: break
        case 1: return .archive(search.archives[0])
        default: return .archives(search.archives)
        }
        if let data = search.serverData { return .serverData(data) }
        return search.isCutShort ? .tooMany(entries: entries) : .nothing
    }

    /// The archives at a path, whatever else lies there.
    package static func archives(at path: String, entries: Int = entries) -> [FoundArchive] {
        if let archive = FoundArchive(named: path) { return [archive] }
        var search = Search(entries)
        search.look(path)
        return search.archives
    }

    /// True for what begins as an SQLite database does; an empty file, or one whose header is gone, does not.
    package static func isDatabase(_ path: String) -> Bool {
        do throws(EngineError) {
            return try FrozenBytes(path)?.read(16, at: 0) == DatabaseHeader.magic
        } catch {
            // What this process has open through SQLite is one, and isn't touched beside it.
            return error.code == .misuse
        }
    }

    /// What a rehearsal, a rollback or an unfinished copy leaves beside a store.
    private static func isDerived(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return [".failed-", ".rehearsal", ".restoring", ".creating"].contains { name.contains($0) }
    }

    private struct Candidate {
        let path: String
        /// What only a master leaves lies beside it.
        let isMasters: Bool
    }

    private struct Search {
        var databases: [Candidate] = []
        var serverData: ServerData?
        var archives: [FoundArchive] = []
        var isCutShort = false
        private var left: Int

        init(_ entries: Int) { left = entries }

        /// Level by level.
        mutating func look(_ path: String) {
            var level = [path]
            for _ in 0...StoreFinder.depth where !level.isEmpty {
                var next: [String] = []
                for directory in level where !isCutShort { next += entries(of: directory) }
                level = []
                for inner in next.sorted() {
                    if let data = ServerData(inner) {
                        serverData = serverData ?? data
                    } else if let archive = FoundArchive(inner) {
                        // As many objects as it has, none of them is looked at: no store is among them.
                        archives.append(archive)
                    } else {
                        level.append(inner)
                    }
                }
            }
        }

        /// Takes note of the databases in a directory.
        ///
        /// - Returns: the directories in it.
        private mutating func entries(of path: String) -> [String] {
            guard let directory = openFrozenDirectory(path) else { return [] }
            defer { closedir(directory) }
            var below: [String] = []
            var files: Set<String> = []
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                left -= 1
                guard left >= 0 else {
                    isCutShort = true
                    break
                }
                switch kind(path, name, entry.pointee.d_type) {
                case S_IFDIR: below.append(inner(path, name))
                case S_IFREG: files.insert(name)
                default: continue
                }
            }
            for name in files.sorted() where !name.hasSuffix("-wal") && !name.hasSuffix("-shm") {
                let isMasters = files.contains(name + ".head") || files.contains(name + ".lock")
                let file = inner(path, name)
                // Only a whole number of sectors can be a whole database; what a master had may be cut short.
                if isMasters || StoreFinder.isOfSectors(file), StoreFinder.isDatabase(file) {
                    databases.append(Candidate(path: file, isMasters: isMasters))
                }
            }
            return below
        }

        /// File systems that don't say so in the directory are asked.
        private func kind(_ path: String, _ name: String, _ type: UInt8) -> mode_t {
            switch Int32(type) {
            case Int32(DT_DIR): return S_IFDIR
            case Int32(DT_REG): return S_IFREG
            case Int32(DT_UNKNOWN):
                var status = stat()
                return lstat(inner(path, name), &status) == 0 ? status.st_mode & S_IFMT : 0
            default: return 0
            }
        }

        private func inner(_ path: String, _ name: String) -> String {
            path.hasSuffix("/") ? path + name : path + "/" + name
        }
    }

    private static func isOfSectors(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_size >= 512 && status.st_size % 512 == 0
    }
}
