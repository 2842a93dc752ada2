import ArgumentParser
import MetastoreCommandLine

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "One page about everything, for a browser: what there is, and how it goes.",
        discussion: """
            Examples:
              metastore-inspect /mnt/snapshot report --to report.html
              metastore-inspect metastore.db report --at 2026-11-21T03:00:00Z > report.html

            The page needs nothing but itself: no network, no script. --to writes it for its owner only, and never \
            over a file that is there.
            """)
    @OptionGroup var place: InspectArguments
    @Option(help: "Write it into this file rather than to standard output.", completion: .file()) var to: String?
    @Flag(help: "Replace the file.") var force = false

    func validate() throws {
        guard place.output == nil else { throw ValidationError("a report is HTML. Leave --output out.") }
        guard !force || to != nil else { throw ValidationError("--force is about the file of --to.") }
    }

    func run() throws {
        // No table: a pager would take the terminal's place before it is found to be one.
        try place.show(.ndjson) { try $0.report(to: to, isForced: force) }
    }
}
