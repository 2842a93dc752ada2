internal import MetastoreTerminal

internal import MetastoreSQLite

/// Why there is nothing to inspect where somebody said a store would be.
package enum InspectionError: Error, Sendable, Hashable {
    /// Several databases lie there.
    case several(place: String, paths: [String])
    /// What lies there is an archive, which this call doesn't read.
    case archive(FoundArchive)
    /// The archives of several clusters lie there, or several of one.
    case severalArchives(place: String, archives: [FoundArchive])
    /// There are more files below it than are looked at, and none of these is a store.
    case tooMany(place: String, entries: Int)
    /// What lies there is a PostgreSQL server's data directory, which only a server of its version can read.
    case serverData(ServerData)
}

extension InspectionError: CustomStringConvertible {
    /// So many archives are named.
    private static let named = 20

    /// What is, why, and what to type.
    package var description: String {
        switch self {
        case .several(let place, let paths):
            "there are \(paths.count) databases in \(place). Name one of them:\n"
                + paths.map { "  \($0)" }.joined(separator: "\n")
        case .archive(let archive):
            "\(archive.path) is an archive, and no store. metastore-inspect reads it, and metastore-replicate restore "
                + "makes a store of it; here only stores are read"
        case .severalArchives(let place, let archives):
            "there are \(archives.count) archives in \(place). Choose one with --cluster, or name its folder:\n"
                + archives.prefix(Self.named).map { "  \($0.path)" }.joined(separator: "\n")
                + (archives.count > Self.named ? "\n  … and \(archives.count - Self.named) more" : "")
        case .tooMany(let place, let entries):
            "none of the first \(Shown.grouped(entries)) entries below \(place) is a store, and there are more. "
                + "Name the directory that the master kept it in"
        case .serverData(let data):
            "\(data.path) is the data directory of a PostgreSQL \(data.version) server"
                + (data.state.map { " (\($0.description))" } ?? "")
                + ". Only a server reads it. Start one on a copy, and inspect that; nothing here is changed:\n"
                + data.commands.map { "  \($0)" }.joined(separator: "\n")
        }
    }
}
