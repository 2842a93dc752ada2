internal import Glibc

/// A file that comes to be whole or not at all, readable for its owner only.
package struct NewFile {
    package let path: String
    private let isForced: Bool

    /// - Throws: where there is one already, and it isn't to be replaced.
    package init(_ path: String, isForced: Bool) throws(CommandFailure) {
        self.path = path
        self.isForced = isForced
        var status = stat()
        guard isForced || lstat(path, &status) != 0 else { throw isThere }
    }

    private var isThere: CommandFailure {
        CommandFailure(.cannotCreate, "\(path) is there already. Name another file, or replace it with --force.")
    }

    /// Writes it, flushed to the device, under its name at last.
    package func write(_ text: String) throws(CommandFailure) {
        let unfinished = "\(path).\(getpid()).unfinished"
        let file = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("made") }
        var isDone = false
        defer { if !isDone { unlink(unfinished) } }
        let isWritten = Self.write(Array(text.utf8), to: file) && fsync(file) == 0
        let reason = errno
        close(file)
        guard isWritten else {
            errno = reason
            throw failure("written")
        }
        // A link refuses what somebody made there meanwhile, which a rename would replace.
        let isNamed = isForced ? rename(unfinished, path) == 0 : link(unfinished, path) == 0
        if !isNamed, !isForced, errno == EEXIST { throw isThere }
        guard isNamed else { throw failure("made") }
        if !isForced { unlink(unfinished) }
        isDone = true
    }

    private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func failure(_ verb: String) -> CommandFailure {
        let reason = String(cString: strerror(errno))
        return CommandFailure(
            .cannotCreate, "\(path) couldn't be \(verb): \(reason). The store is as it was. Name another file.")
    }
}
