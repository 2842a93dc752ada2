internal import CSQLite
internal import Glibc

/// Whether somebody has a database open for writing, as its lock file says.
///
/// The lock is tried for a moment, shared and without waiting; nothing is made, written or moved.
package enum WriterSight: Sendable, Hashable {
    case nobody
    /// Who, as that process introduced itself.
    case held(by: String)
    /// There is a lock file, and it can't be tried here.
    case untestable(reason: String)

    package init(_ database: String) {
        let path = database + ".lock"
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        var descriptor = open(path, flags | METASTORE_O_NOATIME)
        if descriptor < 0, errno == EPERM { descriptor = open(path, flags) }
        guard descriptor >= 0 else {
            self = errno == ENOENT ? .nobody : .untestable(reason: "\(path): \(String(cString: strerror(errno)))")
            return
        }
        defer { Glibc.close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 {
            flock(descriptor, LOCK_UN)
            self = .nobody
        } else if errno == EWOULDBLOCK {
            self = .held(by: Self.introduction(descriptor))
        } else {
            self = .untestable(reason: "\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Printable text only: it goes to a terminal.
    private static func introduction(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: SQLiteLimits.holderBytes)
        let got = pread(descriptor, &bytes, bytes.count, 0)
        let line = bytes.prefix(max(0, got)).prefix { $0 >= 0x20 && $0 != 0x7f }
        return line.isEmpty ? "another process" : String(decoding: line, as: UTF8.self)
    }
}
