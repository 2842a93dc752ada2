internal import Glibc
internal import MetastoreEngine

/// How an archive's folders and objects are opened.
enum FolderAccess: Sendable {
    case ordinary
    /// Without moving times of access, where this user may leave them alone: as its owner or root.
    case withoutTrace

    /// Calls with flags for `open`, and again with fewer where these are refused.
    func opening(_ flags: Int32, _ call: (Int32) -> Int32) -> Int32 {
        guard self == .withoutTrace else { return retrying { call(flags) } }
        let opened = retrying { call(flags | Self.leavingTimes) }
        return opened < 0 && errno == EPERM ? retrying { call(flags) } : opened
    }

    /// `O_NOATIME`, which glibc only names where its extensions are asked for; the same on every Linux.
    private static let leavingTimes: Int32 = 0o1_000_000
}
