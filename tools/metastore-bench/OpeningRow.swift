import ArgumentParser
import Metastore
import MetastoreModel

/// G. Opening a large store in a process of its own, up to the first answer.
func openingRow(_ session: BenchSession) async throws -> [Comparison] {
    let count = session.count(1_000_000, least: Dataset.workloadsPerLoader)
    let path = try await session.loaded(count)
    let trial = session.dataset.firstPoint
    let rounds = try await session.alternate(
        rounds: 7 * session.rounds,
        [
            Side { _ in
                try ChildProcess.measurements(
                    ChildProcess.itself, ["open-once", "--path", path, "--trial", "\(trial)"])
            },
            session.floor.side("open", path, ["--first", "\(trial)"]),
        ])
    return [
        try rounds.compare(
            "G", "open \(count) workloads", .p50, "store.open", beside: ("floor", "floor.open"),
            must: .figure(.atMost, 5_000)),
        try rounds.compare(
            "G", "resident memory then", .residentKiB, "store.open", beside: ("floor", "floor.open"),
            must: .figure(.atMost, 24 * 1_024)),
    ]
}

/// Opens a store, asks it for one trial, and says how long that took and how much memory the process has then.
struct OpenOnce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open-once", abstract: "The time from opening to the first answer, in a fresh process.")
    @OptionGroup var place: Place

    @Option(help: "The trial to ask for.")
    var trial: Int64 = 1

    func run() async throws {
        let began = ContinuousClock.now
        let store = try await place.open()
        _ = try await store.trials.get(ID(rawValue: trial))
        var measurement = Measurement(work: "store.open", latencies: [ContinuousClock.now - began])
        measurement.residentKiB = Memory.residentKiB
        print(measurement.line())
        await store.close()
    }
}
