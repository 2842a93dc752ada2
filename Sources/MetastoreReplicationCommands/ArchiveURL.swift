package import FoundationEssentials
internal import Glibc
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
package import MetastoreReplication

/// Where an archive is, as a command line names it: a folder.
///
/// None is ever made: below the mount point of a volume that isn't mounted an archive would lie on the wrong disk.
package struct ArchiveURL: Sendable, Hashable, CustomStringConvertible {
    /// The folder's path.
    package let description: String

    /// - Throws: `CommandFailure` with `ExitStatus.usage` for what is no folder's path.
    package init(_ text: String) throws(CommandFailure) {
        let path = text.hasPrefix("file://") ? String(text.dropFirst("file://".count)) : text
        guard !path.isEmpty else { throw CommandFailure(.usage, "no archive is named. Give the path of its folder.") }
        guard path.firstRange(of: "://") == nil else {
            throw CommandFailure(.usage, "'\(text)' is no folder. An archive is named by the path of its folder.")
        }
        description = path
    }

    /// What is written to and read from.
    package func target() throws(CommandFailure) -> DirectoryTarget {
        var status = stat()
        if stat(description, &status) != 0, errno == ENOENT {
            throw CommandFailure(
                .missing,
                "\(description): there is no such folder. Mount its volume, or make the folder: metastore-replicate "
                    + "makes none, so that nothing is archived below a mount point.")
        }
        do {
            return try DirectoryTarget(path: description)
        } catch {
            throw CommandFailure(replicating: error, at: description)
        }
    }

    /// Whose archives are there.
    package func clusters() throws(CommandFailure) -> [UUID] {
        let target = try target()
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: target.place) else {
            throw CommandFailure(.permission, "\(description) can't be listed. Give this user access to it.")
        }
        return names.compactMap { name in UUID(uuidString: name).flatMap { $0.lowercaseText == name ? $0 : nil } }
            .sorted { $0.lowercaseText < $1.lowercaseText }
    }

    /// The archive of the cluster that was asked for, or of the only one there is.
    package func line(
        of wanted: UUID?, _ watch: @escaping @Sendable (WatchedTarget.Reading) -> Void = { _ in }
    ) throws(CommandFailure) -> ArchiveLine {
        let found = try clusters()
        if let wanted, !found.contains(wanted) {
            let others = found.isEmpty ? "Nothing was archived there." : "It has \(Self.list(found))."
            throw CommandFailure(
                .missing, "\(description): there is nothing of cluster \(wanted.lowercaseText). \(others)")
        }
        guard let cluster = wanted ?? found.first else {
            throw CommandFailure(
                .missing,
                "\(description): nothing was archived there yet. Begin with metastore-replicate archive --store STORE "
                    + "--to \(description), or name the folder that has the archive.")
        }
        guard wanted != nil || found.count == 1 else {
            throw CommandFailure(
                .usage,
                "\(description) has the archives of several clusters: \(Self.list(found)). Say which with --cluster.")
        }
        return ArchiveLine(WatchedTarget(try target(), watch), of: cluster)
    }

    private static func list(_ clusters: [UUID]) -> String {
        clusters.prefix(8).map(\.lowercaseText).joined(separator: ", ")
            + (clusters.count > 8 ? " and \(clusters.count - 8) more" : "")
    }
}

extension UUID {
    /// As names and messages have it.
    package var text: String { lowercaseText }
}
