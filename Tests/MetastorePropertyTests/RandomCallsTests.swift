import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

/// A difference between the store and the plain one.
struct Difference: Error, CustomStringConvertible {
    let description: String
}

@Suite struct `A random sequence of calls` {
    @Test(arguments: Place.allCases)
    func `gets the answers, errors and changes that a plain model gives`(_ place: Place) async throws {
        let count = place.part(memory: 400, disk: 100, postgresql: 60)
        for index in 0..<UInt64(count) {
            let seed = Load.seed &+ index &* 7919
            do {
                var run = try await SequenceRun(seed: seed, place: place)
                try await run.run(steps: 400)
                try await run.finish()
            } catch {
                Issue.record("METASTORE_TEST_SEED=\(Load.seed), sequence \(index) (\(place)): \(error)")
                return
            }
        }
    }
}

/// One store, one plain store, and the same calls to both.
private struct SequenceRun {
    let store: Metastore
    var plain: PlainHistory
    var maker: CallMaker
    let directory = TemporaryPlace()
    var log: [String] = []

    init(seed: UInt64, place: Place) async throws {
        maker = CallMaker(Randomness(seed))
        // Time stands still for leases: else one of a second runs out where the machine is slow.
        var options = StoreOptions()
        options.time.monotonic = { .zero }
        store = try await Metastore.open(directory.source(place), options)
        plain = PlainHistory(after: store.position.revision.rawValue)
    }

    mutating func run(steps: Int) async throws {
        for step in 0..<steps {
            if step.isMultiple(of: 50) { try await checkDerived() }
            if maker.random.chance(2) { try await delete() } else { try await write() }
            guard store.position.revision.rawValue == plain.revision else {
                throw difference("the store is at revision \(store.position.revision), expected \(plain.revision)")
            }
        }
    }

    private func difference(_ text: String) -> Difference {
        Difference(description: text + "\nlast calls:\n" + log.suffix(8).joined(separator: "\n"))
    }

    private mutating func write() async throws {
        let step = Step(&maker, plain)
        log.append("\(step)")
        let expected = step.expected(&plain)
        let id = OperationID()
        for _ in 0..<(step.usesOperation ? 2 : 1) {
            let found = await result {
                if step.usesOperation {
                    try await store.write(operation: id) { tx in try step.run(tx) { "\(Refusal($0))" } }
                } else {
                    try await store.write { tx in try step.run(tx) { "\(Refusal($0))" } }
                }
            }
            guard found == expected else {
                throw difference("answered\n  \(found)\nexpected\n  \(expected)")
            }
        }
    }

    private mutating func delete() async throws {
        let id = maker.id(plain.store.experiments.keys)
        log.append("experiments.delete \(id)")
        let expected = plain.delete(id)
        let found = await result { () -> [String] in
            try await store.experiments.delete(ID(rawValue: id))
            return []
        }
        guard found == expected else { throw difference("answered\n  \(found)\nexpected\n  \(expected)") }
    }

    private func result(_ body: () async throws -> [String]) async -> Result<[String], Refusal> {
        do {
            return .success(try await body())
        } catch let error as StoreError {
            return .failure(Refusal(error))
        } catch let error as Refusal {
            return .failure(error)
        } catch {
            return .failure(Refusal("\(error)"))
        }
    }

    // MARK: What must hold afterwards

    func finish() async throws {
        try await checkFeed()
        try await checkDerived()
        try await checkReplay()
        await store.close()
    }

    /// Each revision brings exactly the changes expected, and each before-image is the after-image before it.
    private func checkFeed() async throws {
        var images: [RecordKey: Change] = [:]
        let end = store.position.revision
        for try await batch in store.changes(after: try await store.position(at: 0)).batches {
            for commit in batch.commits {
                var found: [String: String] = [:]
                for change in commit.changes {
                    let lines = Summary.of(change)
                    let earlier = images[change.key].flatMap { Summary.of($0).after }
                    guard lines.before == earlier, images[change.key]?.hasSameImage(before: change) ?? true else {
                        throw difference("\(change): before is \(lines.before ?? "-"), but it was \(earlier ?? "-")")
                    }
                    images[change.key] = change.operation == .deleted ? nil : change
                    if change.kind != .document {
                        found[change.key.path] = "\(Summary.show(lines.before)) → \(Summary.show(lines.after))"
                    }
                }
                let expected = (plain.commits[commit.revision.rawValue] ?? [:]).mapValues {
                    "\(Summary.show($0.before)) → \(Summary.show($0.after))"
                }
                guard found == expected else {
                    throw difference("revision \(commit.revision) is\n  \(found)\nexpected\n  \(expected)")
                }
            }
            if batch.position.revision == end { break }
        }
        let lines = Dictionary(
            uniqueKeysWithValues: images.values.filter { $0.kind != .document }.map {
                ($0.key.path, Summary.of($0).after)
            })
        guard lines == plain.lines.mapValues(Optional.some) else { throw difference("the feed's last images differ") }
    }

    private func checkDerived() async throws {
        for experiment in plain.store.experiments.values {
            let key = ID<Experiment>(rawValue: experiment.id)
            let found = Set(try await store.checkpoints.collectable(key).map(\.uuid))
            let candidates = plain.candidates(of: experiment)
            let expected = Set(
                CheckpointRetention(
                    policy: RetentionPolicy(
                        experimentBest: experiment.best, trialBest: experiment.trialBest,
                        trialLatest: experiment.trialLatest), smallerIsBetter: experiment.smallerIsBetter
                ).collectable(candidates))
            guard found == expected else {
                throw difference("collectable of \(key): \(found), expected \(expected) of \(candidates)")
            }
            let best = try await store.experiments.bestTrial(key)?.id.rawValue
            guard best == plain.store.bestTrial(of: experiment) else {
                throw difference("best trial of \(key) is \(Summary.show(best))")
            }
        }
    }

    private func checkReplay() async throws {
        let source = try await store.contents()
        guard source.digests == source.digestsOfRows, source.damagedRows.isEmpty else {
            throw difference("the digests are not those of the rows, or rows are damaged: \(source.damagedRows)")
        }
        let replica = try await Metastore.openReplica(.inMemory(), of: try await store.info().cluster)
        var revision = Revision.absent
        while true {
            let records = try await store.logRecords(after: revision, bytes: 64 << 10)
            guard let last = records.last else { break }
            try await replica.replay(records)
            revision = last.revision
        }
        let copy = try await replica.contents()
        await replica.close()
        guard copy != source else { return }
        for kind in RecordKind.allCases where copy.rows[kind] != source.rows[kind] {
            let here = Set(copy.rows[kind] ?? []).subtracting(source.rows[kind] ?? [])
            let there = Set(source.rows[kind] ?? []).subtracting(copy.rows[kind] ?? [])
            throw difference("\(kind) differ after replay: \(here) instead of \(there)")
        }
        throw difference(
            """
            the replica differs from its source in its head or its log: counters \(copy.counters) and \
            \(source.counters), revisions \(copy.revision) and \(source.revision), links equal \
            \(copy.links == source.links), digests equal \(copy.digests == source.digests), operations \
            \(copy.operations.count) and \(source.operations.count)
            """)
    }
}

extension Change {
    /// True when the other change's before-image is this one's after-image, value by value.
    fileprivate func hasSameImage(before other: Change) -> Bool {
        switch (self, other) {
        case (.document(let here), .document(let there)): here.after == there.before
        case (.trial(let here), .trial(let there)): here.after == there.before
        case (.workload(let here), .workload(let there)): here.after == there.before
        case (.experiment(let here), .experiment(let there)): here.after == there.before
        case (.checkpoint(let here), .checkpoint(let there)): here.after == there.before
        case (.instance(let here), .instance(let there)): here.after == there.before
        default: true
        }
    }
}

extension PlainStore {
    /// DOMAIN 3.3 over all trials.
    func bestTrial(of experiment: PlainExperiment) -> Int64? {
        trials.values.filter { $0.experiment == experiment.id && $0.metric != nil }.min { left, right in
            if left.metric! != right.metric! { return (left.metric! < right.metric!) == experiment.smallerIsBetter }
            if left.metricBatches! != right.metricBatches! { return left.metricBatches! < right.metricBatches! }
            return left.requestID.uuidString < right.requestID.uuidString
        }?.id
    }
}

extension PlainHistory {
    /// What DOMAIN 3.4 looks at.
    func candidates(of experiment: PlainExperiment) -> [CheckpointRetention.Candidate] {
        store.checkpoints.values.filter { $0.experiment == experiment.id }.map { checkpoint in
            let trial = store.trials[checkpoint.trial]!
            let metrics = store.workloads.values.filter {
                $0.trial == trial.id && $0.kind == "COMPUTE_VALIDATION_METRICS" && $0.state == "COMPLETED"
                    && !$0.isRolledBack && $0.totalBatches == checkpoint.totalBatches
            }.compactMap(\.metric)
            return CheckpointRetention.Candidate(
                uuid: checkpoint.uuid, trial: ID(rawValue: trial.id), requestID: trial.requestID,
                isTrialLive: trial.isLive, state: CheckpointState(name: checkpoint.state)!,
                totalBatches: checkpoint.totalBatches, reportRevision: Revision(created(checkpoint.path)),
                number: checkpoint.number,
                isPinned: checkpoint.isPinned, isWarmStart: store.isWarmStart(checkpoint.uuid),
                metric: experiment.smallerIsBetter ? metrics.min() : metrics.max())
        }
    }
}
