import ArgumentParser
import MetastoreCommandLine
import MetastoreReplicationCommands

/// What every command on a store is told.
struct InspectArguments: ParsableArguments {
    @Argument(
        help: "The store: a file, a directory or mount point, an archive's folder, or a postgresql:// URL.",
        completion: .file())
    var store: String

    @Option(name: .shortAndLong, help: "How to answer.")
    var output: InspectFormat?

    @Option(
        help: "Show the store as it was: at a revision, or at a time (RFC 3339, UTC); an archive's also at a label.")
    var at: String?

    @Option(help: "Whose archive, where there are several: the cluster's id.")
    var cluster: String?

    @Option(help: "Which commits of the write-ahead log to show: last, ignore, or the first N.")
    var wal: WriteAheadLogChoice = .last

    @Option(help: "A file whose first line is the server's password.", completion: .file())
    var passwordFile: String?

    @Flag(help: "No titles.")
    var noHeaders = false

    @Flag(help: "Cells as long as they are.")
    var noTruncate = false

    @Flag(help: "Sizes in bytes, not in IEC units.")
    var bytes = false

    @Flag(name: .shortAndLong, help: "No notes on standard error.")
    var quiet = false

    /// Opens the store, runs a command on it, and ends with the status that it answers.
    ///
    /// - Parameter format: where none was asked for.
    func run(_ format: InspectFormat = .table, _ body: (InspectSession) throws -> ExitStatus) throws {
        try InspectRun.run(options(format), body)
    }

    /// The same of a command that has an answer, or an error.
    func show(_ format: InspectFormat = .table, _ body: (InspectSession) throws -> Void) throws {
        try run(format) { session in
            try body(session)
            return .success
        }
    }

    /// - Parameter format: where none was asked for.
    func options(_ format: InspectFormat = .table) -> InspectOptions {
        var options = InspectOptions()
        options.store = store
        options.format = output ?? format
        options.at = at
        options.cluster = cluster
        options.archives = ArchiveInspector()
        options.writeAheadLog = wal.choice
        options.passwordFile = passwordFile
        options.look.hasHeaders = !noHeaders
        options.look.isTruncated = !noTruncate
        options.look.inBytes = bytes
        options.isQuiet = quiet
        return options
    }
}

extension WriteAheadLogChoice: ExpressibleByArgument {}
extension InspectFormat: ExpressibleByArgument {}
