internal import Glibc
internal import MetastoreEngine

/// A folder of an archive, open for one call. What is in it is named relative to it, and no symbolic link is followed.
struct ArchiveFolder: ~Copyable {
    let place: String
    /// Below the place, with a slash at the end; nothing for the root.
    let path: String
    private let descriptor: Int32
    private let access: FolderAccess

    init(root place: String, _ access: FolderAccess = .ordinary) throws(ArchiveError) {
        let opened = access.opening(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) { Glibc.open(place, $0) }
        guard opened >= 0 else { throw .opening(place, errno) }
        (self.place, path, descriptor, self.access) = (place, "", opened, access)
    }

    private init(_ place: String, _ path: String, _ descriptor: Int32, _ access: FolderAccess) {
        (self.place, self.path, self.descriptor, self.access) = (place, path, descriptor, access)
    }

    deinit { close(descriptor) }

    func failure(_ what: String, _ word: String, _ number: Int32 = errno) -> ArchiveError {
        .calling("\(what) \(place)/\(path)\(word)", at: place, number)
    }

    // MARK: Folders

    /// A folder in this one; nil where there is none.
    func folder(_ word: String) throws(ArchiveError) -> ArchiveFolder? {
        let opened = access.opening(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) { openat(descriptor, word, $0) }
        if opened < 0, errno == ENOENT { return nil }
        guard opened >= 0 else { throw failure("opening the folder", word) }
        return ArchiveFolder(place, "\(path)\(word)/", opened, access)
    }

    /// The folder below this one with those names; nil where there is none.
    func entering(_ words: [String]) throws(ArchiveError) -> ArchiveFolder? {
        var folder = try again()
        for word in words {
            guard let next = try folder.folder(word) else { return nil }
            folder = next
        }
        return folder
    }

    /// The folder below this one with those names. Those that are missing are made; the names of all are durable.
    func making(_ words: [String]) throws(ArchiveError) -> ArchiveFolder {
        var folder = try again()
        for word in words {
            if let next = try folder.folder(word) {
                try folder.flush()
                folder = next
                continue
            }
            let made = retrying { mkdirat(folder.descriptor, word, 0o700) }
            guard made == 0 || errno == EEXIST else { throw folder.failure("making the folder", word) }
            guard let next = try folder.folder(word) else { throw folder.failure("opening the folder", word, ENOENT) }
            try folder.flush()
            folder = next
        }
        return folder
    }

    private func again() throws(ArchiveError) -> ArchiveFolder {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw failure("opening the folder", "") }
        return ArchiveFolder(place, path, copy, access)
    }

    /// Makes the names in it durable.
    func flush() throws(ArchiveError) {
        guard retrying({ fsync(descriptor) }) == 0 else { throw .flushing("\(place)/\(path)", at: place, errno) }
    }

    /// A stream of its names, for `readdir`.
    func stream() throws(ArchiveError) -> OpaquePointer {
        // A descriptor of its own: a copy would share the place in the stream.
        let opened = access.opening(O_RDONLY | O_DIRECTORY | O_CLOEXEC) { openat(descriptor, ".", $0) }
        guard opened >= 0 else { throw failure("opening the folder", "") }
        guard let stream = fdopendir(opened) else {
            let number = errno
            close(opened)
            throw failure("opening the folder", "", number)
        }
        return stream
    }

    // MARK: Names

    /// What lies under a name.
    enum Entry { case object, folder, nothing }

    /// - Throws: `refused` for whatever is neither an object nor a folder.
    func entry(_ word: String) throws(ArchiveError) -> Entry {
        var found = stat()
        if retrying({ fstatat(descriptor, word, &found, AT_SYMLINK_NOFOLLOW) }) != 0 {
            guard errno == ENOENT else { throw failure("looking at", word) }
            return .nothing
        }
        switch found.st_mode & S_IFMT {
        case S_IFREG: return .object
        case S_IFDIR: return .folder
        default: throw failure("looking at", word, ELOOP)
        }
    }

    /// - Throws: `refused` where something else has the name.
    func hasObject(_ word: String) throws(ArchiveError) -> Bool {
        switch try entry(word) {
        case .object: return true
        case .nothing: return false
        case .folder: throw failure("looking at", word, EISDIR)
        }
    }

    /// Gives a temporary file its name, unless something has it. The temporary name is gone afterwards, whatever
    /// happens.
    ///
    /// - Returns: false where something has the name.
    func link(_ temporary: String, as word: String) throws(ArchiveError) -> Bool {
        defer { discard(temporary) }
        if retrying({ linkat(descriptor, temporary, descriptor, word, 0) }) == 0 { return true }
        switch errno {
        case EEXIST: return false
        case EPERM, ENOTSUP, ENOSYS: break
        default: throw failure("naming", word)
        }
        // A file system without hard links.
        if retrying({ RenameNoReplace.call(descriptor, temporary, word) }) == 0 { return true }
        switch errno {
        case EEXIST: return false
        case EINVAL, ENOTSUP, ENOSYS, EPERM:
            throw .refused(
                place: place,
                reason: "its file system has neither hard links nor RENAME_NOREPLACE, so that a name could be taken "
                    + "twice. Use another")
        default: throw failure("naming", word)
        }
    }

    /// Takes a name away.
    func unlink(_ word: String) throws(ArchiveError) {
        if retrying({ unlinkat(descriptor, word, 0) }) != 0, errno != ENOENT { throw failure("removing", word) }
    }

    /// What can't be removed stays as what it is: a temporary file.
    func discard(_ temporary: String) { _ = retrying { unlinkat(descriptor, temporary, 0) } }

    // MARK: Objects

    /// A new file with these bytes, flushed; nothing where that fails.
    ///
    /// - Returns: its name, which no object can have.
    func makeTemporary(_ bytes: [UInt8]) throws(ArchiveError) -> String {
        let name = TemporaryName.random()
        let file = retrying {
            openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        guard file >= 0 else { throw failure("making", name) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let put = retrying { bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } }
            guard put > 0 else {
                let number = put < 0 ? errno : EIO
                discard(name)
                throw failure("writing", name, number)
            }
            written += put
        }
        guard retrying({ fsync(file) }) == 0 else {
            let number = errno
            discard(name)
            throw failure("flushing", name, number)
        }
        return name
    }

    /// An object's bytes, all of them; nil where there is none.
    func read(_ word: String, limit: Int) throws(ArchiveError) -> [UInt8]? {
        let file = open(word)
        if file < 0, errno == ENOENT { return nil }
        guard file >= 0 else { throw failure("opening", word) }
        defer { close(file) }
        let size = try size(file, word)
        guard size <= limit else { throw .tooLarge(object: "\(path)\(word)", bytes: size, limit: limit) }
        var number: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = retrying { Glibc.read(file, buffer.baseAddress! + count, size - count) }
                if got <= 0 {
                    number = got < 0 ? errno : EIO
                    return
                }
                count += got
            }
        }
        guard bytes.count == size else { throw failure("reading", word, number) }
        return bytes
    }

    /// Makes an object durable that another wrote, whose own flush may be to come; whose may not be read, is believed.
    func flushObject(_ word: String) throws(ArchiveError) {
        let file = open(word)
        if file < 0, errno == EACCES, try hasObject(word) { return }
        guard file >= 0 else { throw failure("opening", word) }
        defer { close(file) }
        _ = try size(file, word)
        guard retrying({ fsync(file) }) == 0 else { throw .flushing("\(place)/\(path)\(word)", at: place, errno) }
    }

    /// For reading; a pipe in an object's place doesn't hold the thread.
    private func open(_ word: String) -> Int32 {
        access.opening(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) { openat(descriptor, word, $0) }
    }

    /// - Throws: `refused` for what is no object.
    private func size(_ file: Int32, _ word: String) throws(ArchiveError) -> Int {
        var found = stat()
        guard fstat(file, &found) == 0 else { throw failure("looking at", word) }
        guard found.st_mode & S_IFMT == S_IFREG else { throw failure("looking at", word, ELOOP) }
        return Int(found.st_size)
    }
}
