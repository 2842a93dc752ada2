internal import Glibc

/// Finds out who keeps a write-ahead log from shrinking or from being copied into the database, and who holds a lock
/// file, from the kernel's table of locks: a reader holds a shared lock on a byte of the log's index. Only for
/// messages; whoever can't be found is "an unknown reader".
enum ReaderSearch {
    /// The bytes locked by readers that need the log.
    static let logReaders = 124...127
    /// These, and that of readers of the database alone: into what they read nothing can be copied either.
    static let allReaders = 123...127

    /// "process 123 (sqlite3)", "a read of this process", or several of them.
    static func describe(_ readers: ClosedRange<Int>, indexPath: String) -> String {
        var status = stat()
        guard lstat(indexPath, &status) == 0, let table = readTextFile("/proc/locks") else {
            return "an unknown reader"
        }
        let found = holders(table, inode: UInt64(status.st_ino), readers)
        guard !found.isEmpty else { return "an unknown reader" }
        return found.sorted().map { process in
            if process == getpid() { return "a read of this process" }
            let name = readTextFile("/proc/\(process)/comm")?.split(separator: "\n").first ?? "unknown"
            return "process \(process) (\(name))"
        }.joined(separator: ", ")
    }

    /// Lines look like `2: POSIX  ADVISORY  READ 4711 fe:00:5242 124 124`.
    static func holders(_ table: String, inode: UInt64, _ readers: ClosedRange<Int>) -> Set<Int32> {
        var found: Set<Int32> = []
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 8, fields[1] == "POSIX", fields[3] == "READ", let process = Int32(fields[4]),
                fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode,
                let first = Int(fields[6]), let last = Int(fields[7]), readers.overlaps(first...max(first, last))
            else { continue }
            found.insert(process)
        }
        return found
    }

    /// The process that holds an exclusive `flock`; nil when nobody does.
    static func lockHolder(inode: UInt64) -> Int32? {
        readTextFile("/proc/locks").flatMap { lockHolder($0, inode: inode) }
    }

    /// Lines look like `2: FLOCK  ADVISORY  WRITE 4711 fe:00:5242 0 EOF`; of who waits for a lock, `2: -> FLOCK …`.
    static func lockHolder(_ table: String, inode: UInt64) -> Int32? {
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 8, fields[1] == "FLOCK", fields[3] == "WRITE", let process = Int32(fields[4]),
                fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode
            else { continue }
            return process
        }
        return nil
    }

    private static func readTextFile(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var (content, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 64 << 10))
        while content.count < 4 << 20 {
            let got = read(descriptor, &piece, piece.count)
            if got <= 0 { break }
            content += piece[..<got]
        }
        return String(decoding: content, as: UTF8.self)
    }
}
