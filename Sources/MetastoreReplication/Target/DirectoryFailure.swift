internal import Glibc

extension ArchiveError {
    /// What a failed system call means for an archive in a folder.
    ///
    /// - Parameter what: what was tried, and on what.
    static func calling(_ what: String, at place: String, _ number: Int32) -> ArchiveError {
        let said = "\(what): \(String(cString: strerror(number)))"
        switch number {
        case ENOSPC, EDQUOT:
            return .full(place: place)
        case EROFS:
            return .refused(place: place, reason: "\(said). Mount it writable")
        case EACCES, EPERM:
            return .refused(place: place, reason: "\(said). Give the user of this process access to it")
        case ENOTDIR, EISDIR, ELOOP, ENXIO:
            return .strange(what, at: place)
        case EINVAL, ENOTSUP, ENOSYS, ENAMETOOLONG, EFBIG:
            return .refused(place: place, reason: "\(said). Its file system can't keep an archive; use another")
        case EIO:
            return .unavailable(place: place, reason: "\(said). Look at the system's log: the device may be failing")
        case EMFILE, ENFILE:
            return .unavailable(place: place, reason: "\(said). Raise the limit of open files")
        default:
            return .unavailable(
                place: place, reason: "\(said). See whether it is mounted, and whether its server answers")
        }
    }

    /// The root could not be opened.
    static func opening(_ path: String, _ number: Int32) -> ArchiveError {
        switch number {
        case ENOENT:
            .refused(place: path, reason: "there is no folder \(path); mount the volume, or make the folder")
        case ENOTDIR, ELOOP:
            .refused(place: path, reason: "\(path) is no folder, or no longer one; name the folder itself")
        default: .calling("opening \(path)", at: path, number)
        }
    }

    /// A flush of a folder failed, after something in it was changed.
    static func flushing(_ what: String, at place: String, _ number: Int32) -> ArchiveError {
        switch number {
        case EINVAL, ENOTSUP, ENOSYS:
            .refused(
                place: place,
                reason: "its file system can't flush a folder (\(what)), so that nothing in it is known to be durable. "
                    + "Use another")
        case EIO, EMFILE, ENFILE: .calling("flushing \(what)", at: place, number)
        default: .unavailable(place: place, reason: "flushing \(what): \(String(cString: strerror(number)))")
        }
    }

    /// Something other than a file or a folder is where one of them belongs.
    static func strange(_ what: String, at place: String) -> ArchiveError {
        .refused(
            place: place,
            reason: "\(what): a symbolic link, or another thing that no archive has, is in the way, and is not "
                + "followed. Look at what it is, and move it out of the archive")
    }
}
