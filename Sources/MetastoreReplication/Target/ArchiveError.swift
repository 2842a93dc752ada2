/// What can go wrong with an archive.
public enum ArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place doesn't answer, or failed in a way that may pass. Whether what was asked for was done is unknown: ask
    /// again.
    case unavailable(place: String, reason: String)
    /// There is no room. Nothing was put there.
    case full(place: String)
    /// The place refuses: no permission, a read-only file system, or nothing there that an archive can be in.
    case refused(place: String, reason: String)
    /// An object is larger than it can be.
    case tooLarge(object: String, bytes: Int, limit: Int)
    /// An object's bytes are not what was written.
    case damaged(object: String, offset: Int, reason: String)
    /// An object was written by a newer release.
    case newer(object: String, version: Int)

    /// What is, why, what to do and what not to do.
    public var description: String {
        switch self {
        case .unavailable(let place, let reason):
            "the archive at \(place) does not answer: \(reason). What is not archived yet stays in the store's log, "
                + "and is tried again"
        case .full(let place):
            "there is no room in the archive at \(place). Make some, or let retention remove old segments; do not "
                + "delete objects by hand"
        case .refused(let place, let reason):
            "the archive at \(place) can't be used: \(reason)"
        case .tooLarge(let object, let bytes, let limit):
            "\(object) has \(bytes) bytes, and none has more than \(limit): it is not what its name says. Nothing of "
                + "it was taken"
        case .damaged(let object, let offset, let reason):
            "\(object) is damaged at byte \(offset): \(reason). Nothing of it was taken. Do not delete it; restore it "
                + "from a copy of the archive, or restore the store from before it"
        case .newer(let object, let version):
            "\(object) has format \(version), which a newer release wrote. It is intact: use that release, and do not "
                + "delete it"
        }
    }
}
