import ArgumentParser
import FoundationEssentials
import Glibc
import Metastore

/// Every row of docs/PERFORMANCE.md.
struct Run: AsyncParsableCommand {
    enum Output: String, ExpressibleByArgument, CaseIterable { case table, json }

    static let configuration = CommandConfiguration(
        abstract: "Measures the rows in alternating rounds: the floor, the store, the floor, …",
        discussion: """
            A table at the end, or with -o json a line for each measurement and one for each comparison. The store is
            warmed up before the first round. Needs a C compiler for the floor, and 4 GB in the work folder for row H.
            """)

    @Option(help: "Which rows, with commas between: \(RowName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var rows = RowName.allCases.map(\.rawValue).joined(separator: ",")

    @Option(help: "How often each side is measured.")
    var rounds = 5

    @Option(help: "How long one measurement runs.")
    var seconds = 5.0

    @Option(help: "A folder on the device that is to be measured; what is put there goes at the end.")
    var work = "."

    @Option(help: "A PostgreSQL connection string or URL: rows A to D of the store there, without a floor.")
    var server: String?

    @Option(help: "A part of the numbers of records, to try something out: then the figures aren't the rows'.")
    var scale = 1.0

    @Flag(help: "Row H also at 10 million workloads: 12 GB and some minutes.")
    var largest = false

    @Option(name: [.short, .long], help: "table or json.")
    var output = Output.table

    func validate() throws {
        guard rounds >= 1, seconds > 0, scale > 0, scale <= 1 else {
            throw ValidationError("--rounds is at least 1, --seconds above 0, --scale above 0 and at most 1")
        }
        _ = try names()
    }

    private func names() throws -> [RowName] {
        try rows.split(separator: ",").map { name in
            guard let row = RowName(rawValue: String(name)) else { throw ValidationError("there is no row \(name)") }
            guard server == nil || row.isForServers else {
                throw ValidationError("row \(name) is about files: leave out --server")
            }
            return row
        }
    }

    func run() async throws {
        let scratch = try Scratch(in: work)
        defer { scratch.remove() }
        let session = BenchSession(
            rounds: rounds, seconds: seconds, dataset: Dataset(scale: scale, loads: largest ? 10_000_000 : 1_000_000),
            scratch: scratch, server: server, isLargest: largest, showsLines: output == .json)
        var comparisons: [Comparison] = []
        for name in try names() {
            let found = try await name.measure(session)
            if output == .json { for comparison in found { session.show(comparison.line) } }
            comparisons += found
        }
        if output == .table { print(Table.text(comparisons)) }
    }
}

/// The rows that `run` knows.
enum RowName: String, CaseIterable {
    case A, B, C, D, E, F, G, H, K

    var isForServers: Bool { [.A, .B, .C, .D].contains(self) }

    func measure(_ session: BenchSession) async throws -> [Comparison] {
        switch self {
        case .A: try await oneClientRow(session)
        case .B: try await manyClientsRow(session)
        case .C: try await transitionRow(session)
        case .D: try await readRow(session)
        case .E: try await loadRow(session)
        case .F: try await feedRow(session)
        case .G: try await openingRow(session)
        case .H: try await growthRow(session)
        case .K: try await logCostRow(session)
        }
    }
}

/// What all rows of one run share.
final class BenchSession: Sendable {
    let rounds: Int
    let seconds: Double
    let dataset: Dataset
    let scratch: Scratch
    let server: String?
    let isLargest: Bool
    let floor = Floor()
    private let showsLines: Bool

    init(
        rounds: Int, seconds: Double, dataset: Dataset, scratch: Scratch, server: String?, isLargest: Bool,
        showsLines: Bool
    ) {
        self.rounds = rounds
        self.seconds = seconds
        self.dataset = dataset
        self.scratch = scratch
        self.server = server
        self.isLargest = isLargest
        self.showsLines = showsLines
    }

    /// A count of the rows' definitions, at this run's scale.
    func count(_ whole: Int, least: Int = 1) -> Int { max(least, Int(Double(whole) * dataset.scale)) }

    /// A store as every row begins with, that nobody has open.
    func filled() async throws -> String {
        let path = scratch.file("filled")
        if !FileManager.default.fileExists(atPath: path) {
            let store = try await openStore(at: path)
            try await dataset.fill(store)
            await store.close()
        }
        return path
    }

    /// Two copies of it, one opened by the store, one left to the floor; both go when the body ends.
    func withPair<Result>(
        _ body: (_ store: Metastore, _ floor: String) async throws -> Result
    ) async throws -> Result {
        if let server {
            let store = try await openStore(on: server)
            try await dataset.fill(store)
            let result = try await body(store, "")
            await store.close()
            return result
        }
        let source = try await filled()
        let store = try await openStore(at: scratch.copy(source, as: "store"))
        let result = try await body(store, scratch.copy(source, as: "floor"))
        await store.close()
        scratch.discard("store")
        scratch.discard("floor")
        return result
    }

    /// Measures the sides in turn, round by round, after each has had a short run that doesn't count.
    ///
    /// - Parameter rounds: where one measurement is short, more of them than the run's.
    func alternate(warmUp: Bool = true, rounds: Int? = nil, _ sides: [Side]) async throws -> Rounds {
        if warmUp {
            for side in sides { _ = try await side.measure(min(1, seconds / 2)) }
        }
        var found: [[Measurement]] = []
        for round in 1...(rounds ?? self.rounds) {
            var measured: [Measurement] = []
            for side in sides { measured += try await side.measure(seconds) }
            for measurement in measured { show(measurement.line(round: round)) }
            found.append(measured)
        }
        return Rounds(found)
    }

    /// At once: a run takes minutes.
    func show(_ line: String) {
        var text = line + "\n"
        _ = text.withUTF8 { write(showsLines ? 1 : 2, $0.baseAddress, $0.count) }
    }
}
