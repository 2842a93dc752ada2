internal import FoundationEssentials
internal import Glibc
internal import MetastoreEngine

/// An open file, closed when it goes out of scope. Never used on a file that SQLite has open in this process.
struct OpenFile: ~Copyable {
    let descriptor: Int32
    let path: String

    /// Opens without following a symbolic link and without handing the descriptor to child processes.
    init(_ path: String, _ flags: Int32, operation: String) throws(EngineError) {
        let opened = retrying { open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        guard opened >= 0 else { throw systemError(operation, path) }
        descriptor = opened
        self.path = path
    }

    deinit { close(descriptor) }

    /// Reads up to `count` bytes from `offset`; fewer only at the end of the file.
    borrowing func read(_ count: Int, at offset: Int, operation: String) throws(EngineError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = retrying {
                bytes.withUnsafeMutableBytes {
                    pread(descriptor, $0.baseAddress! + filled, count - filled, off_t(offset + filled))
                }
            }
            guard got >= 0 else { throw systemError(operation, path) }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    borrowing func write(_ bytes: [UInt8], at offset: Int, operation: String) throws(EngineError) {
        var written = 0
        while written < bytes.count {
            let put = retrying {
                bytes.withUnsafeBytes {
                    pwrite(descriptor, $0.baseAddress! + written, bytes.count - written, off_t(offset + written))
                }
            }
            guard put > 0 else { throw systemError(operation, path) }
            written += put
        }
    }

    borrowing func flush(operation: String) throws(EngineError) {
        guard fsync(descriptor) == 0 else { throw systemError(operation, path) }
    }
}

/// Makes names in a directory durable: a new, renamed or removed file is only there after a crash once this succeeded.
func flushDirectory(_ path: String, operation: String) throws(EngineError) {
    try OpenFile(path, O_RDONLY | O_DIRECTORY, operation: operation).flush(operation: operation)
}

/// Which file a name stands for: two names are the same file when these are equal.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64

    init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// What `lstat` says about a path, or nil when there is nothing.
func fileStatus(_ path: String, operation: String) throws(EngineError) -> stat? {
    var status = stat()
    // Every commit comes here: the path is lent, where passing it as an argument would copy it.
    if path.withCString({ lstat($0, &status) }) == 0 { return status }
    if errno == ENOENT { return nil }
    throw systemError(operation, path)
}

func removeFile(_ path: String, operation: String) throws(EngineError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw systemError(operation, path) }
}

/// The error for a system call that just failed (reads `errno`).
func systemError(_ operation: String, _ path: String) -> EngineError {
    let number = errno
    let reason = String(cString: strerror(number))
    let (code, advice): (EngineError.Code, String) =
        switch number {
        case ENOENT, ENOTDIR:
            (.missing, "Check the path; a volume may not be mounted.")
        case EACCES, EPERM:
            (
                .permissionDenied,
                "Run as the user that owns the file, or give that user access. Don't open it to everyone."
            )
        case ELOOP:
            (.permissionDenied, "It is a symbolic link, which isn't followed here. Name the file itself.")
        case EROFS:
            (.readOnly, "The file system is mounted read-only. Mount it writable, or open the database read-only.")
        case ENOSPC, EDQUOT:
            (.full, "Make room on this device and try again. Don't delete the database, its -wal or its .lock file.")
        default:
            (
                .inputOutput,
                "Look at the system's log for this device. Don't delete or rebuild the database because of this."
            )
        }
    return EngineError(code, operation: operation, message: "\(path): \(reason). \(advice)")
}
