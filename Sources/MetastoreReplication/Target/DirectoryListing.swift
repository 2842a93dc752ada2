internal import Glibc

/// The names of an archive's objects in the order of their bytes, from folders that have no order.
struct DirectoryListing {
    private let after: String?
    private let limit: Int
    private(set) var names: [ArchiveName] = []

    init(after: String?, limit: Int) {
        self.after = after
        self.limit = limit
    }

    /// A name in a folder; a folder's has the slash that all names below it have, so that the order is that of whole
    /// names.
    private struct Entry {
        let word: String
        let isFolder: Bool
        var key: String { isFolder ? word + "/" : word }
    }

    /// Adds the objects of a folder and of those below it, until there are as many as were asked for.
    mutating func add(_ folder: borrowing ArchiveFolder) throws(ArchiveError) {
        guard names.count < limit else { return }
        for entry in try entries(folder) where names.count < limit {
            if entry.isFolder {
                // It may have been removed since.
                if let next = try folder.folder(entry.word) { try add(next) }
            } else if let name = ArchiveName(folder.path + entry.word) {
                names.append(name)
            }
        }
    }

    /// What lies in a folder and is after the name that was given, in order: all folders, and as many objects as may
    /// still be needed.
    private func entries(_ folder: borrowing ArchiveFolder) throws(ArchiveError) -> [Entry] {
        var (folders, objects) = ([Entry](), [Entry]())
        let most = limit - names.count
        try folder.forEachName { name throws(ArchiveError) in
            guard ArchiveName(folder.path + name) != nil else { return }
            switch try folder.entry(name) {
            case .nothing: return
            case .folder:
                let below = folder.path + name + "/"
                if let after, below.precedes(after), !after.hasPrefix(below) { return }
                folders.append(Entry(word: name, isFolder: true))
            case .object:
                if let after, !after.precedes(folder.path + name) { return }
                objects.append(Entry(word: name, isFolder: false))
                if objects.count - most > max(most, 1_000) { objects = Self.sorted(objects, atMost: most) }
            }
        }
        return Self.sorted(folders + Self.sorted(objects, atMost: most), atMost: .max)
    }

    private static func sorted(_ entries: [Entry], atMost most: Int) -> [Entry] {
        Array(entries.sorted { $0.key.precedes($1.key) }.prefix(most))
    }
}

extension ArchiveFolder {
    /// Calls for every name in it but `.` and `..`, in no order.
    borrowing func forEachName(_ body: (String) throws(ArchiveError) -> Void) throws(ArchiveError) {
        let stream = try stream()
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw failure("listing", "") }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { try body(name) }
        }
    }

    /// Removes temporary files from it and from the folders below it.
    borrowing func removeTemporaries() throws(ArchiveError) {
        var (temporaries, folders) = ([String](), [String]())
        try forEachName { name throws(ArchiveError) in
            if TemporaryName.matches(name) {
                temporaries.append(name)
            } else if ArchiveName(path + name) != nil, try entry(name) == .folder {
                folders.append(name)
            }
        }
        for name in temporaries { try unlink(name) }
        if !temporaries.isEmpty { try flush() }
        for name in folders {
            if let folder = try folder(name) { try folder.removeTemporaries() }
        }
    }
}

extension String {
    /// In the order of bytes, which is the same on every target.
    fileprivate func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
