internal import Glibc
internal import MetastoreEngine

// Invariants
// 1. A name is given by link(2), or renameat2(RENAME_NOREPLACE), to a file that is whole and flushed: nobody sees a
//    part of an object, and nothing is written over.
// 2. Nothing is answered before everything it rests on is flushed: the object, its folder, and every folder on the way
//    from the root. Who made them, or took the name, may have died before it flushed them.
// 3. A file that no answer was given for has a name that begins with a dot, which no object can have.
// 4. No symbolic link below the root is followed: each folder is opened in the one above it.
// 5. What failed after the name was given is `unavailable`: the object may be there.

/// An archive in a folder: of a volume, or of a share that every host mounts.
///
/// ```swift
/// let target = try DirectoryTarget(path: "/mnt/archive/training")
/// ```
/// Name a folder made inside of the volume, not the mount point: then a volume that isn't mounted is found missing, and
/// nothing is archived on the disk below it.
///
/// The file system must flush folders, and have hard links or `RENAME_NOREPLACE`; where it doesn't, that is said before
/// an object gets its name. Files are the owner's alone (0600, folders 0700). Each call works on a thread of its own,
/// and lasts as long as the file system takes: a share that hangs holds it.
///
/// A writer that dies leaves at most a temporary file behind, beside the object's name. It is never read or listed.
public struct DirectoryTarget: ArchiveTarget {
    /// The folder's path, without symbolic links.
    public let place: String
    private let access: FolderAccess

    /// An archive in a folder that is there.
    ///
    /// - Parameter path: absolute, or relative to where the process is now; links in it are followed now, and not
    ///   again.
    /// - Throws: ``ArchiveError``: `refused` where there is no folder, or none that may be entered.
    public init(path: String) throws(ArchiveError) { try self.init(path: path, .ordinary) }

    /// The same of one that is only looked at: no time of access moves where this user may leave it alone, so that
    /// nothing of it changes wherever it lies. Whoever asks for a change is refused.
    package init(inspecting path: String) throws(ArchiveError) { try self.init(path: path, .withoutTrace) }

    private init(path: String, _ access: FolderAccess) throws(ArchiveError) {
        guard let resolved = realpath(path, nil) else { throw .opening(path, errno) }
        defer { free(resolved) }
        (place, self.access) = (String(cString: resolved), access)
        _ = try ArchiveFolder(root: place, access)
    }

    private func refuseChanges() throws(ArchiveError) {
        guard access == .ordinary else { throw .refused(place: place, reason: "it is only looked at") }
    }

    /// Puts an object under a name that nothing has.
    public func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try refuseChanges()
        return try await onThread { root throws(ArchiveError) in
            let folder = try root.making(name.folders)
            let isCreated = try folder.link(try folder.makeTemporary(bytes), as: name.last)
            if !isCreated { try folder.flushObject(name.last) }
            try folder.flush()
            return isCreated ? .created : .taken
        }
    }

    /// An object's bytes, or nil where there is none.
    public func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        try await onThread { root throws(ArchiveError) in
            guard let folder = try root.entering(name.folders) else { return nil }
            return try folder.read(name.last, limit: limit)
        }
    }

    /// Removes an object; none is no error. Its folder stays.
    public func remove(_ name: ArchiveName) async throws(ArchiveError) {
        try refuseChanges()
        try await onThread { root throws(ArchiveError) in
            guard let folder = try root.entering(name.folders) else { return }
            if try folder.hasObject(name.last) { try folder.unlink(name.last) }
            try folder.flush()
        }
    }

    /// Names below a name, in the order of their bytes, after one of them. What is no object's name is passed over.
    ///
    /// Memory is bounded by `limit` and by the number of folders in one folder.
    public func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await onThread { root throws(ArchiveError) in
            guard let folder = try root.entering(name.words.map(String.init)) else { return [] }
            var listing = DirectoryListing(after: after?.description, limit: limit)
            try listing.add(folder)
            return listing.names
        }
    }

    /// Removes the temporary files that killed processes left, in all folders.
    ///
    /// Only for who holds the archive for itself: a file of another writer that is still at work is removed too, and
    /// its call fails with `unavailable`. No object is lost by it.
    package func removeTemporaries() async throws(ArchiveError) {
        try refuseChanges()
        try await onThread { root throws(ArchiveError) in try root.removeTemporaries() }
    }

    /// Opens the root anew for one call: the volume may have been mounted, or gone, since the last.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing ArchiveFolder) throws(ArchiveError) -> Value
    ) async throws(ArchiveError) -> Value {
        let (place, access) = (place, access)
        let result: Result<Value, ArchiveError> = await withCheckedContinuation { continuation in
            let isStarted = BlockingThread.tryStart {
                continuation.resume(
                    returning: Result { () throws(ArchiveError) in try body(try ArchiveFolder(root: place, access)) })
            }
            guard !isStarted else { return }
            continuation.resume(
                returning: .failure(.unavailable(place: place, reason: "the operating system refuses a thread")))
        }
        return try result.get()
    }
}

extension ArchiveName {
    /// The folders an object lies in.
    fileprivate var folders: [String] { words.dropLast().map(String.init) }
    /// What it is called there.
    fileprivate var last: String { String(words.last ?? "") }
}
