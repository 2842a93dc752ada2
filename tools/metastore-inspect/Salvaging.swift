import ArgumentParser
import MetastoreCommandLine

struct Salvage: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a new store of what can be read of a damaged one.",
        discussion: """
            Examples:
              metastore-inspect /mnt/snapshot/metastore.db salvage --to rescued.db
              metastore-inspect torn.db salvage --to rescued.db -o json

            Reads page by page, without SQLite: a file may be torn, cut short, or have lost its header. A row goes \
            into the new store if its own hash proves it, or if the log's chain proves that it was there; nothing is \
            guessed. What is damaged, or has lost what it belongs to, stands beside the new store in \
            NAME.salvage.ndjson, with the reason. Nothing of the damaged store is changed.
            Exit codes: 0 everything there was is in the new store · 1 something is missing · 66 no such file · 73 the \
            new store's place is taken.
            """)
    @OptionGroup var place: InspectArguments

    @Option(help: "Where the new store is to be: nothing may be there.", completion: .file())
    var to: String

    func run() throws { try InspectRun.salvage(place.options(), to: to) }
}
