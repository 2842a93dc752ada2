import ArgumentParser
import Metastore

/// One work of the store, once: what other benchmarks put beside theirs.
struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures one work of the store once, and prints one line.",
        discussion: """
            Fills the store first, if nothing is in it. Works:
            \(StoreWork.allCases.map(\.rawValue).joined(separator: ", ")).
            """)
    @Argument(help: "The work.")
    var work: StoreWork

    @OptionGroup var place: Place

    @Option(help: "How many tasks call at once; reads inside one read have one.")
    var clients = 1

    @Option(help: "How long.")
    var seconds = 5.0

    @Option(help: "A part of the numbers of records; the same for every call on one store.")
    var scale = 1.0

    func validate() throws {
        guard (1...Dataset.writers).contains(clients), seconds > 0, scale > 0, scale <= 1 else {
            throw ValidationError(
                "--clients is 1 to \(Dataset.writers), --seconds above 0, --scale above 0 and at most 1")
        }
    }

    func run() async throws {
        let store = try await place.open()
        let dataset = Dataset(scale: scale)
        try await dataset.fill(store)
        print(try await work.measure(store, dataset, clients: clients, seconds: seconds).line())
        await store.close()
    }
}
