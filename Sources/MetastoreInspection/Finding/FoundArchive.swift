internal import FoundationEssentials
internal import Glibc

/// One cluster's folder in an archive, known by its shape: it is called by the cluster's id, and has at least one of
/// the things that an archive has. Whether they are whole is another question.
package struct FoundArchive: Sendable, Hashable {
    /// The archive: the folder that the cluster's lies in.
    package let root: String
    /// The cluster's id, as its folder is called.
    package let cluster: String

    /// What lies in a cluster's folder: one object, and folders of them.
    package static let object = "beginning"
    package static let folders = ["log", "merged", "merges", "snapshots", "kept", "labels"]

    /// The cluster's folder.
    package var path: String { root.hasSuffix("/") ? root + cluster : root + "/" + cluster }

    /// Nil where the directory is none. No link is followed.
    ///
    /// - Parameter path: its last word is the directory's own name.
    init?(_ path: String) {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let name = String(path[path.index(after: slash)...])
        guard let id = UUID(uuidString: name), id.uuidString.lowercased() == name else { return nil }
        guard
            Self.kind(path + "/" + Self.object) == S_IFREG
                || Self.folders.contains(where: { Self.kind(path + "/" + $0) == S_IFDIR })
        else { return nil }
        root = slash == path.startIndex ? "/" : String(path[..<slash])
        cluster = name
    }

    /// The same of a directory as somebody named it: `.`, with a slash at its end, through a link.
    init?(named path: String) {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        self.init(String(cString: resolved))
    }

    private static func kind(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }
}
