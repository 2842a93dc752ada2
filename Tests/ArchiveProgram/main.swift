// A process that uses an archive in a folder, to be killed and starved by the tests. It says one line.
//
// create ROOT NAME BYTE COUNT    "created", "taken" or "error CASE TEXT"
// remove ROOT NAME BYTE COUNT    "removed" or "error CASE TEXT"
// fill ROOT BYTE COUNT           "created NUMBER" for each of the objects log/NUMBER, without an end
// archive STORE ROOT WRITERS     writes without an end, each answered once it is archived: "archived KEY REVISION"
// restore ROOT CLUSTER PATH 0    "restored REVISION MILLISECONDS": an SQLite store
// snapshot ROOT PATH COUNT       "archived CLUSTER REVISION": an SQLite store with so many workloads, and a snapshot

internal import ArchiveSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite

func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

func describe(_ error: any Error) -> String {
    let label = "\(Mirror(reflecting: error).children.first?.label ?? "other")"
    return "error \(label) \(error)"
}

/// Makes a store, archives all of it, and then a snapshot.
func snapshot(_ source: EngineSource, _ target: DirectoryTarget, workloads: Int) async throws {
    let store = try await Metastore.open(source)
    let trial = try await store.write { tx in
        let experiment = try tx.experiments.create(NewExperiment(name: "large", config: ["n": 1], metric: "loss"))
        _ = try tx.experiments.transition(experiment.id, to: .active)
        return try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["rate": 0.1])).id
    }
    for first in stride(from: 1, through: workloads, by: 500) {
        try await store.write { tx in
            for step in Int64(first)..<Int64(min(first + 500, workloads + 1)) {
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial, generation: 0, step: step, kind: .runStep, totalBatches: step,
                        metrics: ["loss": 1 / Double(step), "accuracy": Double(step) / 1e6]))
            }
        }
    }
    let cluster = try await store.info().cluster
    let line = ArchiveLine(target, of: cluster)
    let last = try await store.upload(to: line)
    let report = try await SnapshotWriter(line).write(.store(store))
    await store.close()
    say("archived \(cluster) \(last) \(report.contentBytes) \(report.storedBytes)")
}

let arguments = CommandLine.arguments
guard arguments.count >= 5 else { exit(64) }
let count = Int(arguments.last ?? "") ?? 0
let bytes = [UInt8](repeating: UInt8(arguments[arguments.count - 2]) ?? 0, count: count)
do {
    let target = try DirectoryTarget(path: arguments[arguments[1] == "archive" ? 3 : 2])
    switch arguments[1] {
    case "create":
        say("\(try await target.create(ArchiveName(arguments[3])!, bytes))")
    case "remove":
        try await target.remove(ArchiveName(arguments[3])!)
        say("removed")
    case "archive":
        try await archive(target: target, store: arguments[2], writers: count)
    case "restore":
        guard let cluster = UUID(uuidString: arguments[3]) else { exit(64) }
        let began = ContinuousClock.now
        let report = try await Restore(ArchiveLine(target, of: cluster)).run(to: .sqlite(arguments[4]), at: .newest)
        say("restored \(report.state.revision) \((ContinuousClock.now - began) / Duration.milliseconds(1))")
    case "snapshot":
        try await snapshot(.sqlite(arguments[3]), target, workloads: count)
    default:
        for number in 0..<Int.max { say("\(try await target.create(ArchiveName("log/\(number)")!, bytes)) \(number)") }
    }
} catch {
    say(describe(error))
}
