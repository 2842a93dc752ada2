import ArgumentParser
import FoundationEssentials
import Metastore
import MetastoreCommandLine
import MetastoreEngine
import MetastoreModel

/// What an upgrade to schema 2 costs: how long the master is down, and what its commits cost while trials are filled.
struct UpgradeRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Upgrades a large store, and measures commits before, during and after the backfill.",
        discussion: """
            Makes a store, takes it back to schema 1, brings it to the newest schema as metastore-migrate does, and
            commits all the time: with the backfill paused, while it runs, and when it is done. In the end everything
            is verified, the summaries by computing them anew. One JSON line for each part.
            """)

    @Option(help: "How many workloads there are to fill in.")
    var workloads = 1_000_000

    @Option(help: "How long commits are measured before and after.")
    var seconds = 10.0

    @Option(help: "Where the store and its backup are made, to be removed in the end.")
    var work = FileManager.default.temporaryDirectory.path

    @Option(help: "Instead of a file: an empty database, as a PostgreSQL URL.")
    var server: String?

    func validate() throws {
        guard workloads >= 1_000, seconds > 0 else {
            throw ValidationError("--workloads is at least 1000, --seconds above 0")
        }
    }

    func run() async throws {
        let scratch = try Scratch(in: work)
        defer { scratch.remove() }
        let place = server ?? scratch.file("upgraded")
        let source = try StoreURL(place).source(Password())
        let dataset = Dataset(scale: 0.01, loads: workloads * 100)
        let filled = try await Metastore.open(source, benchOptions)
        try await dataset.fill(filled)
        try await dataset.load(workloads, into: filled)
        await filled.close()
        try Self.goBack(source)
        try await upgrade(place, scratch)

        // Orders last: the store is opened with its backfill at rest.
        let control = BackfillControl(source)
        try await control.pause()
        let store = try await Metastore.open(source, benchOptions)
        try await Self.wait(store) { $0.state == .paused }
        try await measure(store, dataset, "before") { elapsed, _ in elapsed < seconds }
        try await control.resume()
        try await Self.wait(store) { $0.state != .paused }
        let began = ContinuousClock.now
        var filling = Measurement(work: "upgrade.backfill", operations: 0)
        try await measure(store, dataset, "during") { elapsed, progress in
            guard progress.state == .done else { return true }
            filling.operations = Int(progress.rowsDone)
            filling.seconds = (ContinuousClock.now - began) / .seconds(1)
            return false
        }
        print(filling.line())
        try await measure(store, dataset, "after") { elapsed, _ in elapsed < seconds }
        let clock = ContinuousClock.now
        let report = try await store.verify()
        let verified = Measurement(
            work: "upgrade.verify", operations: Int(report.rows.values.reduce(0, +)),
            seconds: (ContinuousClock.now - clock) / .seconds(1))
        print(verified.line())
        await store.close()
        guard report.isClean else { throw ValidationError("the store isn't as it should be: \(report)") }
    }

    private func upgrade(_ place: String, _ scratch: Scratch) async throws {
        let upgrade = try Upgrade(StoreURL(place), password: Password(), screen: CommandScreen())
        var options = UpOptions()
        options.backupDirectory = scratch.path
        let chosen = options
        let report = try await upgrade.up(chosen) { _ in }
        var line = JSONLine()
        line.add("work", "upgrade.up")
        line.add("held_seconds", report.heldSeconds)
        line.add("steps_seconds", report.steps.reduce(0) { $0 + $1.seconds })
        line.add("backup_seconds", report.backup?.seconds)
        line.add("backup_bytes", report.backup.map { Int($0.bytes) })
        print(line.text)
    }

    /// One client's commits in turn, each kind for a part of a second, as long as it is told to go on.
    private func measure(
        _ store: Metastore, _ dataset: Dataset, _ phase: String,
        while goesOn: (_ seconds: Double, BackfillProgress) -> Bool
    ) async throws {
        let began = ContinuousClock.now
        var latencies: [StoreWork: [Duration]] = [:]
        var steps = Int(store.position.revision.rawValue)
        repeat {
            for work in [StoreWork.put, .report] {
                let end = ContinuousClock.now + .milliseconds(250)
                var before = ContinuousClock.now
                while before < end {
                    steps += 1
                    let (step, report) = (
                        steps, dataset.report(dataset.writer(0), steps, metrics: Values.metrics(steps))
                    )
                    try await store.write { tx in
                        if work == .report {
                            _ = try tx.workloads.report(report)
                        } else {
                            _ = try tx.keyValue.put(
                                EntryKey(namespace: "bench", key: "\(phase)/\(step)"), Values.entry)
                        }
                    }
                    let after = ContinuousClock.now
                    latencies[work, default: []].append(after - before)
                    before = after
                }
            }
        } while goesOn((ContinuousClock.now - began) / .seconds(1), try await store.backfills()[0])
        let duration = ContinuousClock.now - began
        for (work, found) in latencies.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            print(Measurement(work: "upgrade.\(work).\(phase)", duration: duration / 2, latencies: found).line())
        }
    }

    private static func wait(_ store: Metastore, _ condition: (BackfillProgress) -> Bool) async throws {
        for _ in 0..<600 {
            if condition(try await store.backfills()[0]) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw ValidationError("the backfill doesn't obey its orders")
    }

    /// As the release before left it.
    private static func goBack(_ source: EngineSource) throws {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        try connection.begin(.write)
        try connection.executeScript(
            """
            DROP TABLE identity; DROP TABLE trial_summaries; DROP TABLE backfills;
            DELETE FROM schema_migrations WHERE number >= 2; UPDATE head SET schema_version = 1, min_writer = 1
            """)
        try connection.commit()
        try engine.settle(connection)
    }
}
