import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreQuickstart
import MetastoreSQLite
import Testing

@Suite struct `A whole experiment` {
    @Test(arguments: WholeRun.allCases, Place.Kind.allCases)
    func `ends, having lost agents on the way, with the files its rows tell of`(
        _ run: WholeRun, _ kind: Place.Kind
    ) async throws {
        let place = try Place(kind)
        let configuration = try run.configuration()
        try await place.withStore { store in
            let outcome = try await Master(store, checkpoints: place.checkpoints).run(configuration)
            let id = outcome.experiment
            let remains = try await Remains.read(id, from: store, checkpoints: place.checkpoints)
            #expect(!outcome.wasOver && remains.state == "COMPLETED")
            #expect(remains.restarts > 0 && remains.rolledBack > 0, "else it shows nothing")
            #expect(remains.best?.metric != nil)
            #expect(remains.trials.count == SearchPlan(configuration).method.trials)
            #expect(!remains.files.isEmpty)
            #expect(try await remains.files == Remains.expectedFiles(id, from: store))
            try await checkRetention(id, store)
            try await checkNothingIsHeld(store)
        }
    }

    /// What is kept is what the rule keeps of all that were ever complete.
    private func checkRetention(_ id: ID<Experiment>, _ store: Metastore) async throws {
        let experiment = try await store.experiments.get(id)
        let rule = CheckpointRetention(
            policy: experiment.retention, smallerIsBetter: experiment.smallerIsBetter)
        let trials = try await store.trials.list(of: id, limit: 1000).records
        let points = try await store.workloads.series(of: trials.map(\.id))
        let checkpoints = try await store.checkpoints.list(of: id, limit: 1000).records
        let ever = checkpoints.filter { $0.state == .completed || $0.state == .deleted }
        let candidates = ever.map { checkpoint in
            CheckpointRetention.Candidate(
                uuid: checkpoint.uuid, trial: checkpoint.trial,
                requestID: trials.first { $0.id == checkpoint.trial }!.requestID, isTrialLive: false,
                state: .completed, totalBatches: checkpoint.totalBatches,
                reportRevision: checkpoint.createdRevision,
                metric: points.first {
                    $0.trial == checkpoint.trial && $0.totalBatches == checkpoint.totalBatches
                }?.metric)
        }
        let gone = Set(ever.filter { $0.state == .deleted }.map(\.uuid))
        #expect(gone == Set(rule.collectable(candidates)) && !gone.isEmpty)
        #expect(try await store.checkpoints.collectable(id).isEmpty)
    }

    private func checkNothingIsHeld(_ store: Metastore) async throws {
        #expect(try await store.allocations.unfinished().isEmpty)
        #expect(try await store.experiments.unfinished().isEmpty)
        try await store.read { tx in
            #expect(try tx.tasks.unfinished().isEmpty)
            for agent in try tx.agents.all() {
                #expect(try tx.slots.list(of: agent.id).allSatisfy { $0.container == nil })
                #expect(try tx.ports.holder(of: 1024, on: agent.id) == nil)
            }
        }
    }

    @Test func `is told again when it has ended, and not run again unless asked`() async throws {
        let place = try Place(.disk)
        let configuration = try WholeRun.single.configuration()
        try await place.withStore { store in
            let master = Master(store, checkpoints: place.checkpoints)
            let first = try await master.run(configuration)
            let revision = store.position.revision
            let second = try await master.run(configuration)
            #expect(second.wasOver && second.experiment == first.experiment)
            #expect(store.position.revision == revision)
            let third = try await master.run(configuration, again: true)
            #expect(!third.wasOver && third.experiment != first.experiment)
            let best = try await store.experiments.bestTrial(first.experiment)
            let again = try await store.experiments.bestTrial(third.experiment)
            #expect(best?.requestID == again?.requestID && best?.bestMetric == again?.bestMetric)
            let report = try await ExperimentReport.read(third.experiment, from: store)
            #expect(report.state == "COMPLETED" && report.trials.first?.bestMetric == again?.bestMetric)
            #expect(report.collectedCount > 0 && report.collectedBytes > 0 && report.revisions > 0)
        }
    }

    @Test func `in which every trial fails too often ends in ERROR, holding nothing`() async throws {
        let text = try WholeRun.grid.text.replacing("probability: 0.1", with: "probability: 1")
        let configuration = try ExperimentConfiguration(yaml: text + "max_restarts: 2\n")
        let place = try Place(.memory)
        try await place.withStore { store in
            let outcome = try await Master(store, checkpoints: place.checkpoints).run(configuration)
            #expect(try await store.experiments.get(outcome.experiment).state == .error)
            let trials = try await store.trials.list(of: outcome.experiment).records
            #expect(trials.count == 6 && trials.allSatisfy { $0.state == .error && $0.restarts == 2 })
            #expect(try await store.checkpoints.list(of: outcome.experiment).records.isEmpty)
            try await checkNothingIsHeld(store)
        }
    }

    @Test func `that was left unfinished is ended before another one begins`() async throws {
        let left = try WholeRun.grid.configuration()
        let undisturbed = try Place(.memory)
        let expected = try await undisturbed.withStore { try await undisturbed.run(left, in: $0) }
        let place = try Place(.disk)
        try await place.withStore { store in
            let master = Master(store, checkpoints: place.checkpoints)
            #expect(try await isStopped(master, left, in: store, after: 30))
            let outcome = try await master.run(WholeRun.single.configuration())
            #expect(outcome.experiment == 2)
            let found = try await Remains.read(1, from: store, checkpoints: place.checkpoints)
            #expect(found.state == "COMPLETED")
            #expect(found.trials == expected.trials && found.workloads == expected.workloads)
        }
    }
}

/// The examples' own seeds, and others: twenty at full scale.
private let seeds: [UInt64?] = [nil] + (0..<max(1, Int(20 * testScale))).map { 21 + UInt64($0) }

@Suite struct `A master that is stopped between transactions` {
    @Test(arguments: WholeRun.allCases, seeds)
    func `is followed by one that ends as if nothing had been`(
        _ run: WholeRun, _ seed: UInt64?
    ) async throws {
        let configuration = try run.configuration(seed: seed)
        let undisturbed = try Place(.memory)
        let expected = try await undisturbed.withStore { try await undisturbed.run(configuration, in: $0) }

        var stream = Randomness(seed: configuration.seed, "stops", .text(run.rawValue))
        let place = try Place(seed == nil ? .disk : .memory)
        var stops = 0
        var found: Remains?
        while found == nil {
            // In memory the next master uses the same store; on disk it opens it anew.
            let most = run == .single ? 25 : 100
            let counts = (0..<(place.kind == .memory ? 1000 : 1)).map { _ in 1 + stream.below(most) }
            let (stopped, remains) = try await place.withStore { store -> (Int, Remains?) in
                for (index, count) in counts.enumerated() {
                    let master = Master(store, checkpoints: place.checkpoints)
                    if try await isStopped(master, configuration, in: store, after: count) { continue }
                    return (index, try await place.run(configuration, in: store))
                }
                return (counts.count, nil)
            }
            stops += stopped
            found = remains
        }
        #expect(stops > 0)
        #expect(found == expected, "\(run) with seed \(configuration.seed), stopped \(stops) times")
    }
}
