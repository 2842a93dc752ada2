internal import CSQLite
internal import Glibc
package import MetastoreEngine

/// A file that is only ever read: opened without the right to write, without following a link, without a lock, and
/// without moving its time of access where the system lets us.
///
/// It is no file that this process has open through SQLite: closing it here would drop the locks there.
package final class FrozenBytes: Sendable {
    package let path: String
    package let count: Int
    private let descriptor: Int32
    private let identity: FileIdentity
    private let changed: timespec

    /// Nil when there is no such file.
    package init?(_ path: String) throws(EngineError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw systemError("open", path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EngineError(
                .notADatabase, operation: "open", message: "\(path) is not a regular file. Give the path of a file")
        }
        guard !OpenDatabases.isOpen(FileIdentity(status)) else {
            throw EngineError(.misuse, operation: "open", message: "\(path) is open in this process already")
        }
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW
        // Only its owner may leave the time of access alone; on a read-only mount it stays anyway.
        var opened = open(path, flags | METASTORE_O_NOATIME)
        if opened < 0, errno == EPERM { opened = open(path, flags) }
        guard opened >= 0 else { throw systemError("open", path) }
        descriptor = opened
        guard fstat(opened, &status) == 0 else {
            Glibc.close(opened)
            throw systemError("open", path)
        }
        self.path = path
        count = Int(status.st_size)
        identity = FileIdentity(status)
        changed = status.st_mtim
    }

    /// True while nobody has written to it, or put another in its place, since it was opened.
    package var isAsItWas: Bool {
        var (open, named) = (stat(), stat())
        return fstat(descriptor, &open) == 0 && lstat(path, &named) == 0 && FileIdentity(named) == identity
            && Int(open.st_size) == count && open.st_mtim.tv_sec == changed.tv_sec
            && open.st_mtim.tv_nsec == changed.tv_nsec
    }

    deinit { Glibc.close(descriptor) }

    /// Fills `bytes` from `offset`.
    ///
    /// - Returns: how many there were; fewer than asked for only at the end of the file.
    package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(EngineError) -> Int {
        var filled = 0
        while filled < bytes.count {
            let got = pread(descriptor, bytes.baseAddress! + filled, bytes.count - filled, off_t(offset + filled))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw systemError("read", path) }
            if got == 0 { break }
            filled += got
        }
        return filled
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    package func read(_ count: Int, at offset: Int) throws(EngineError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = bytes.withUnsafeMutableBytes { buffer -> Result<Int, EngineError> in
            do throws(EngineError) { return .success(try read(into: buffer, at: offset)) } catch {
                return .failure(error)
            }
        }
        bytes.removeLast(count - (try result.get()))
        return bytes
    }
}

/// As `opendir`, without moving the directory's time of access where the system lets us.
package func openFrozenDirectory(_ path: String) -> OpaquePointer? {
    let flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY
    var descriptor = open(path, flags | METASTORE_O_NOATIME)
    if descriptor < 0, errno == EPERM { descriptor = open(path, flags) }
    guard descriptor >= 0 else { return nil }
    guard let directory = fdopendir(descriptor) else {
        close(descriptor)
        return nil
    }
    return directory
}

extension Array<UInt8> {
    /// The 32 bits at a place, most significant first.
    package func bigEndian(_ place: Int) -> UInt32 {
        self[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
