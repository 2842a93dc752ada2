public import MetastoreModel

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
    /// The archive goes on after that revision, with what this store doesn't have yet. Follow it, then try again.
    case behind(after: Revision)
    /// Another master opened a later epoch, from that revision of this history on. This one archives nothing more.
    case fenced(epoch: Int64, holder: String, after: Revision)
    /// The archive has another history after that revision: another master wrote it, from a copy of the same store.
    case forked(object: String, after: Revision)
    /// The archive ends at the first of these revisions, and the store's log has nothing up to the second any more.
    case gap(after: Revision, through: Revision)
    /// What was asked for is no longer kept: the archive's history begins after that revision now.
    case expired(before: Revision)
    /// There is nothing of that name or at that place in the archive.
    case missing(what: String, reason: String)
    /// The name has another object already.
    case exists(object: String, reason: String)

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
            "\(object) has \(bytes) bytes, and none has more than \(limit): it is not what its name says. Nothing "
                + "of it was taken"
        case .damaged(let object, let offset, let reason):
            "\(object) is damaged at byte \(offset): \(reason). Nothing of it was taken. Do not delete it; restore it "
                + "from a copy of the archive, or restore the store from before it"
        case .newer(let object, let version):
            "\(object) has format \(version), which a newer release wrote. It is intact: use that release, and do not "
                + "delete it"
        case .behind(let revision):
            "the archive goes on after revision \(revision), where this store ends: its master is still at work, "
                + "or was until now. Follow the archive to its end before this store leads"
        case .fenced(let epoch, let holder, let revision):
            "\(holder) opened epoch \(epoch) after revision \(revision): it leads now, and this master archives "
                + "nothing more. What this one committed after that revision is not in the archive. Stop it, and do "
                + "not start both"
        case .forked(let object, let revision):
            "\(object) holds another history than this store's after revision \(revision): two masters went on from "
                + "copies of one store. Archiving stopped. Nothing was overwritten: decide which of the two goes on, "
                + "and do not delete either"
        case .gap(let archived, let removed):
            "the archive ends at revision \(archived), and the store's log has no longer what comes next, up to "
                + "revision \(removed): it was removed at its bound before it could be archived. Archiving stopped. "
                + "Begin a new archive elsewhere, from a snapshot, and keep this one for what it has"
        case .expired(let revision):
            "retention removed what was asked for: the archive's history begins after revision \(revision) now. Begin "
                + "again, from a snapshot at or after it"
        case .missing(let what, let reason):
            "\(what) is not in the archive: \(reason)"
        case .exists(let object, let reason):
            "\(object) is there already: \(reason). Nothing was changed"
        }
    }
}
