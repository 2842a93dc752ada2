internal import Glibc
internal import MetastoreEngine

/// The right to write a database: an exclusive `flock` on a file beside it, held while this value lives.
///
/// 1. The file is never deleted, so that two processes can't lock two files of one name; that the name still stands
///    for the locked file is checked after locking and before every batch.
/// 2. Its content only tells the next one who holds it.
struct LockFile: ~Copyable {
    let path: String
    let identity: FileIdentity
    private let file: OpenFile

    /// Takes the lock, or throws ``EngineError/Code/locked(holder:)`` at once.
    init(_ path: String) throws(EngineError) {
        for _ in 0..<SQLiteLimits.lockAttempts {
            let file = try OpenFile(path, O_RDWR | O_CREAT, operation: "lock")
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else { throw systemError("lock", path) }
                throw LockFile.refusal(path, try file.read(SQLiteLimits.holderBytes, at: 0, operation: "lock"))
            }
            var status = stat()
            guard fstat(file.descriptor, &status) == 0 else { throw systemError("lock", path) }
            let identity = FileIdentity(status)
            // Somebody may have put another file there between opening and locking.
            guard let named = try fileStatus(path, operation: "lock"), FileIdentity(named) == identity else { continue }
            guard fchmod(file.descriptor, 0o600) == 0, ftruncate(file.descriptor, 0) == 0 else {
                throw systemError("lock", path)
            }
            try file.write(Array(LockFile.introduction().utf8), at: 0, operation: "lock")
            self.path = path
            self.identity = identity
            self.file = file
            return
        }
        throw EngineError(
            .holdLost, operation: "lock",
            message: "\(path) is being replaced all the time. Find out which program does it")
    }

    /// Unlocks before closing, because a child process that was just forked still has a copy of the descriptor; and
    /// takes the introduction away, because the next holder may write none.
    deinit {
        ftruncate(file.descriptor, 0)
        flock(file.descriptor, LOCK_UN)
    }

    /// Does the path still name the locked file? One `lstat`.
    borrowing func isStillNamed() throws(EngineError) -> Bool {
        guard let named = try fileStatus(path, operation: "confirm the lock") else { return false }
        return FileIdentity(named) == identity
    }

    /// "process 123 (master) on host since 2026-11-21T04:00:00Z"
    private static func introduction() -> String {
        var name = [UInt8](repeating: 0, count: 256)
        let isNamed = name.withUnsafeMutableBytes {
            gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) == 0
        }
        let host = isNamed ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "this host"
        let program = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "unknown"
        return "process \(getpid()) (\(program)) on \(host) since \(now())\n"
    }

    /// In UTC. Formatting through Foundation loads calendars, which takes a third of opening a store.
    private static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func refusal(_ path: String, _ content: [UInt8]) -> EngineError {
        // Printable text only: it goes to a terminal.
        let line = content.prefix { $0 >= 0x20 && $0 != 0x7f }
        let holder = line.isEmpty ? "another process" : String(decoding: line, as: UTF8.self)
        return EngineError(
            .locked(holder: holder), operation: "lock",
            message: "\(path) is held by \(holder). One process at a time may write a database. Stop that one, or open "
                + "read-only. Don't delete the lock file: it doesn't free the lock, and two writers destroy the data")
    }
}
