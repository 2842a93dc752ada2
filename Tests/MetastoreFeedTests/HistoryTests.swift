import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Synchronization
import Testing

@Suite struct `The feed, under disconnects, many writers, rollbacks and slow readers` {
    private static let writers = 64

    @Test(arguments: Place.allCases)
    func `keeps its promises`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let events = place.part(memory: 200_000, disk: 1_000_000, postgresql: 100_000)
        let trials = try await Self.prepare(store)
        let start = store.position
        let record = Record()
        let observations = try await withThrowingTaskGroup(of: Observation?.self) { group in
            for (number, watch) in Watch.all.enumerated() {
                group.addTask {
                    try await watch.observe(store, after: start, Randomness(Load.seed &+ UInt64(number))) {
                        record.end.withLock { $0 }
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writing in
                for number in 0..<Self.writers {
                    let writer = HistoryWriter(
                        number: number, trial: trials[number], events: max(1, events / Self.writers),
                        random: Randomness(Load.seed &+ 1_000 &+ UInt64(number)))
                    writing.addTask { try await writer.write(store, record) }
                }
                try await writing.waitForAll()
            }
            // The last commit is announced before it is made: whoever waits for it knows where to stop.
            record.end.withLock { $0 = Revision(store.position.revision.rawValue + 1) }
            let last = try await store.committed { tx in try tx.pools.put(NewPool(name: "last")).hashValue }
            let revision = last.position.revision.rawValue
            record.truth.withLock { truth in
                truth.last = revision
                truth.commits[revision] = [
                    Event(revision: revision, path: "pools/last", before: nil, after: last.value)
                ]
            }
            var observations: [Observation] = []
            for try await observation in group { if let observation { observations.append(observation) } }
            return observations
        }
        let told = record.truth.withLock { $0 }
        let missing = ((start.revision.rawValue + 1)...told.last).filter { told.commits[$0] == nil }
        #expect(missing.isEmpty, "revisions nobody committed: \(missing.prefix(5))")
        #expect(told.commits.values.reduce(0) { $0 + $1.count } >= events / 2)
        for observation in observations {
            #expect(observation.batches.last?.position == told.last, "\(observation.name) didn't reach the end")
            for validator in Validator.allCases {
                let broken = validator.broken(observation, told)
                #expect(broken == nil, "METASTORE_TEST_SEED=\(Load.seed) \(place) \(validator)")
            }
        }
        #expect(observations.contains { $0.batches.contains { $0.commits.isEmpty } }, "nobody got a bookmark")
        await store.close()
    }

    /// Four experiments with sixteen trials each.
    private static func prepare(_ store: Metastore) async throws -> [ID<Trial>] {
        try await store.write { tx in
            var trials: [ID<Trial>] = []
            for number in 0..<4 {
                let experiment = try tx.experiments.create(
                    NewExperiment(name: "e\(number)", config: ["n": .integer(Int64(number))], startsActive: true))
                for _ in 0..<16 { trials.append(try tx.trials.create(NewTrial(experiment: experiment.id)).id) }
            }
            return trials
        }
    }
}

/// What the writers tell.
private final class Record: Sendable {
    let truth = Mutex(Truth())
    /// Where the readers stop, as soon as it is known.
    let end = Mutex<Revision?>(nil)
}

/// One of the readers: what it asks for, told to the store and told again in this test's own words.
private struct Watch: Sendable {
    let name: String
    var kinds: RecordKinds = .all
    var under: KeyPrefix?
    /// Sleeps so long between two batches.
    var pause = Duration.zero
    /// Percent of its batches after which it begins anew.
    var disconnects = 30
    let isWanted: @Sendable (String) -> Bool

    static let all: [Watch] = [
        Watch(name: "everything", isWanted: { _ in true }),
        Watch(name: "everything, slowly", pause: .milliseconds(20), disconnects: 100, isWanted: { _ in true }),
        Watch(name: "trials", kinds: .trials, isWanted: { !$0.contains("workloads") && $0.hasPrefix("experiments") }),
        Watch(name: "experiment 1", under: "experiments/1/", isWanted: { $0.hasPrefix("experiments/1/") }),
        Watch(
            name: "trial 17", under: "experiments/2/trials/17", disconnects: 100,
            isWanted: { $0 == "experiments/2/trials/17" || $0.hasPrefix("experiments/2/trials/17/") }),
        Watch(name: "one namespace", under: "kv/n1", isWanted: { $0.hasPrefix("kv/n1/") }),
        Watch(
            name: "keys with a prefix", under: .keyValue(namespace: "n2", prefix: "k1"),
            isWanted: { $0.hasPrefix("kv/n2/k1") }),
        Watch(
            name: "workloads below experiment 3", kinds: .workloads, under: "experiments/3", pause: .milliseconds(5),
            isWanted: { $0.hasPrefix("experiments/3/") && $0.contains("/workloads/") }),
        Watch(name: "hardly anything", kinds: .pools, isWanted: { $0.hasPrefix("pools/") }),
    ]

    func observe(
        _ store: Metastore, after start: Position, _ random: Randomness, until end: @Sendable () -> Revision?
    ) async throws -> Observation {
        var random = random
        var observation = Observation(name: name, start: start.revision.rawValue, isWanted: isWanted)
        var position = start
        while true {
            var iterator = store.changes(after: position, of: kinds, under: under).batches.makeAsyncIterator()
            var isFirst = true
            while true {
                if let end = end(), position.revision >= end { return observation }
                guard let batch = try await iterator.next() else { return observation }
                observation.batches.append(
                    .init(
                        isFirstOfConnection: isFirst,
                        commits: batch.commits.map { ($0.revision.rawValue, $0.changes.map(Event.init)) },
                        position: batch.position.revision.rawValue))
                isFirst = false
                // What a reader keeps is a text.
                position = Position(batch.position.description)!
                if pause > .zero { try await Task.sleep(for: pause) }
                if random.chance(disconnects) { break }
            }
        }
    }
}

/// Writes entries that everybody writes, and reports of a trial of its own; tells what it really committed.
private struct HistoryWriter: Sendable {
    let number: Int
    let trial: ID<Trial>
    let events: Int
    let random: Randomness

    private struct Undone: Error {}

    func write(_ store: Metastore, _ record: Record) async throws {
        var random = random
        var written = 0
        var step: Int64 = 0
        while written < events {
            let keys = (0..<random.number(1...12)).map { _ in
                EntryKey(namespace: "n\(random.number(0...3))", key: "k\(random.number(0...40))")
            }
            let isDeletion = random.chance(30)
            let value = random.bytes(random.number(0...40))
            let reports = random.chance(25)
            let fails = random.chance(10)
            let swallows = random.chance(5)
            step += 1
            let (trial, thisStep) = (trial, step)
            do {
                let committed = try await store.committed { tx -> [(String, Int?, Int?)] in
                    var images: [String: (before: Int?, after: Int?)] = [:]
                    for key in keys {
                        let path = "kv/\(key.namespace)/\(key.key)"
                        let before = try tx.keyValue.get(key)?.hashValue
                        if isDeletion { try tx.keyValue.delete(key) } else { try tx.keyValue.put(key, value) }
                        let first = if let known = images[path] { known.before } else { before }
                        images[path] = (first, try tx.keyValue.get(key)?.hashValue)
                    }
                    if reports {
                        let before = try tx.trials.get(trial)
                        let workload = try tx.workloads.report(
                            WorkloadReport(
                                trial: trial, generation: 0, step: thisStep, kind: .runStep,
                                totalBatches: thisStep * 10))
                        images[workload.recordKey.path] = (nil, workload.hashValue)
                        let after = try tx.trials.get(trial)
                        images[after.recordKey.path] = (before.asLogged.hashValue, after.asLogged.hashValue)
                    }
                    if swallows { _ = try? tx.trials.get(999_999) }
                    if fails { throw Undone() }
                    return images.filter { $0.value.before != $0.value.after }.map {
                        ($0.key, $0.value.before, $0.value.after)
                    }
                }
                guard committed.didChange else { continue }
                let revision = committed.position.revision.rawValue
                let changes = Set(
                    committed.value.map { Event(revision: revision, path: $0.0, before: $0.1, after: $0.2) })
                written += changes.count
                let known = record.truth.withLock { $0.commits.updateValue(changes, forKey: revision) }
                #expect(known == nil, "two writers were told revision \(revision)")
            } catch is Undone {
                continue
            }
        }
    }
}
