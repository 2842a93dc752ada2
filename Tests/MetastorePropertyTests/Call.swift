import FoundationEssentials
import Metastore
import MetastoreModel

typealias Draft = PlainHistory.Draft

/// One call, told twice: to the store and to the plain one. Both answer with the lines of the records they return.
struct Call: Sendable {
    let name: String
    /// What its failure leaves behind can't be swallowed.
    var failsWhole = false
    let plain: @Sendable (inout Draft) throws(Refusal) -> [String]
    let real: @Sendable (borrowing Transaction) throws -> [String]

    init(
        _ name: String, failsWhole: Bool = false, plain: @escaping @Sendable (inout Draft) throws(Refusal) -> [String],
        real: @escaping @Sendable (borrowing Transaction) throws -> [String]
    ) {
        self.name = name
        self.failsWhole = failsWhole
        self.plain = plain
        self.real = real
    }
}

extension Draft {
    /// The answer of a call that returns the record with this key.
    mutating func answer(_ body: (inout PlainStore) throws(Refusal) -> String) throws(Refusal) -> [String] {
        let path = try body(&store)
        return [line(path)]
    }
}

/// Makes calls that are right about as often as wrong: ids that are there, and some that aren't.
struct CallMaker {
    var random: Randomness
    let uuids: [UUID]

    init(_ random: Randomness) {
        self.random = random
        var random = random
        uuids = (0..<12).map { _ in random.uuid() }
    }

    mutating func id(_ ids: some Collection<Int64>) -> Int64 {
        if ids.isEmpty || random.chance(5) { return random.number(0...40) }
        let sorted = ids.sorted()
        // The newest ones are the ones that are alive.
        return random.chance(60) ? sorted[max(0, sorted.count - 1 - Int(random.number(0...3)))] : random.pick(sorted)
    }

    mutating func name(_ names: [String]) -> String { random.chance(4) ? "nobody" : random.pick(names) }

    mutating func state<State: TransitionState>(_ type: State.Type) -> State { random.pick(Array(State.allCases)) }

    /// Any state, but mostly one that lets the work go on: a sequence that kills everything soon tests little.
    mutating func state<State: TransitionState>(mostly few: [State]) -> State {
        random.chance(75) ? random.pick(few) : state(State.self)
    }

    /// An expectation that holds, or one that doesn't.
    mutating func expected(_ revision: Int64) -> Int64? {
        random.chance(70) ? nil : random.chance(60) ? revision : random.number(0...50)
    }

    mutating func call(_ plain: PlainHistory) -> Call {
        // What everything else needs comes first.
        if plain.store.pools.count < 2 { return putPool() }
        if plain.store.agents.isEmpty { return register() }
        if plain.store.experiments.isEmpty { return createExperiment() }
        return switch random.number(0...99) {
        case 0..<9: experimentCall(plain)
        case 9..<19: trialCall(plain)
        case 19..<49: reportCall(plain)
        case 49..<62: checkpointCall(plain)
        case 62..<70: keyValueCall(plain)
        case 70..<90: clusterCall(plain)
        default: cloudCall(plain)
        }
    }
}

extension CallMaker {
    mutating func experimentCall(_ plain: PlainHistory) -> Call {
        let store = plain.store
        let id = id(store.experiments.keys)
        let key = ID<Experiment>(rawValue: id)
        switch random.number(0...9) {
        case 0, 1:
            if store.experiments.count < 3 || random.chance(20) { return createExperiment() }
            return editExperiment(id)
        case 2, 3, 4:
            let state = state(mostly: [ExperimentState.active, .paused])
            let revision = expected(plain.revision(of: "experiments/\(id)"))
            return Call("experiments.transition \(id) \(state) if \(revision ?? -1)") { (draft) throws(Refusal) in
                try draft.expect("experiments/\(id)", revision, draft.store.experiment(id))
                return try draft.answer { (store) throws(Refusal) in try store.moveExperiment(id, to: state.name) }
            } real: { tx in
                let expectation: Expectation<ExperimentState> = revision.map { .revision(Revision($0)) } ?? .anything
                return [Summary.of(try tx.experiments.transition(key, to: state, if: expectation))]
            }
        case 5:
            return Call("experiments.restart \(id)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in
                    try store.moveExperiment(id, to: "ACTIVE", isRestart: true)
                }
            } real: { tx in
                [Summary.of(try tx.experiments.restart(key))]
            }
        case 6:
            return Call("experiments.continue \(id)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.continueExperiment(id) }
            } real: { tx in
                [Summary.of(try tx.experiments.continue(key))]
            }
        case 7:
            let (version, content) = (random.number(-1...4), random.pick(["{}", "{\"a\":1}"]))
            let revision = expected(plain.revision(of: "experiments/\(id)/snapshot"))
            return Call("snapshots.put \(id) \(version)") { (draft) throws(Refusal) in
                let found = draft.revision(of: "experiments/\(id)/snapshot")
                return try draft.answer { (store) throws(Refusal) in
                    try store.putSnapshot(id, version, content, expected: revision, found: found)
                }
            } real: { tx in
                [
                    Summary.of(
                        try tx.snapshots.put(
                            key, version: version, content: try JSONObject(parsing: content),
                            ifRevision: revision.map { Revision($0) }))
                ]
            }
        default: return editExperiment(id)
        }
    }

    mutating func createExperiment() -> Call {
        let labels = (0..<random.number(0...3)).map { _ in random.chance(20) ? random.text() : random.pick(["a", "b"]) }
        let new = PlainExperiment(
            birth: 0, id: 0, state: random.chance(50) ? "ACTIVE" : "PAUSED", name: random.chance(3) ? "" : "e",
            labels: labels, pool: "p1", smallerIsBetter: random.chance(50), best: Int(random.number(0...2)),
            trialBest: Int(random.number(0...2)), trialLatest: Int(random.number(0...2)),
            externalID: random.chance(30) ? "x\(random.number(0...5))" : nil)
        let config = random.number(0...3)
        return Call("experiments.create \(new.state)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.createExperiment(new) }
        } real: { tx in
            [
                Summary.of(
                    try tx.experiments.create(
                        NewExperiment(
                            name: new.name, config: ["c": .integer(config)], labels: new.labels, pool: new.pool,
                            metric: "m", smallerIsBetter: new.smallerIsBetter,
                            retention: RetentionPolicy(
                                experimentBest: new.best, trialBest: new.trialBest, trialLatest: new.trialLatest),
                            externalID: new.externalID, startsActive: new.state == "ACTIVE")))
            ]
        }
    }

    private mutating func editExperiment(_ id: Int64) -> Call {
        let labels: [String]? = random.chance(50) ? [random.text(), "a", "a"] : nil
        let isArchived: Bool? = random.chance(30) ? random.chance(50) : nil
        let progress: Double? = random.chance(50) ? random.pick([0, -0.0, 0.5, 1, 1.5]) : nil
        return Call("experiments.update \(id)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in
                try store.editExperiment(id, labels: labels, isArchived: isArchived, progress: progress)
            }
        } real: { tx in
            [
                Summary.of(
                    try tx.experiments.update(
                        ID(rawValue: id),
                        ExperimentEdit(labels: labels, isArchived: isArchived, progress: progress)))
            ]
        }
    }

    mutating func trialCall(_ plain: PlainHistory) -> Call {
        let store = plain.store
        let id = id(store.trials.keys)
        let key = ID<Trial>(rawValue: id)
        switch random.number(0...9) {
        case 0...3 where store.trials.count < 5 || random.chance(25):
            let hparams = random.pick(["{\"lr\":0.1}", "{\"lr\":1e-05}", "{}"])
            let warm: UUID? =
                random.chance(20)
                ? random.pick(store.checkpoints.keys.sorted { $0.uuidString < $1.uuidString } + [uuids[0]]) : nil
            let new = PlainTrial(
                birth: 0, id: 0, experiment: self.id(store.experiments.keys), requestID: random.pick(uuids),
                hparams: hparams, seed: random.pick([0, .max, .min]), warmStart: warm)
            return Call("trials.create in \(new.experiment)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.createTrial(new) }
            } real: { tx in
                [
                    Summary.of(
                        try tx.trials.create(
                            NewTrial(
                                experiment: ID(rawValue: new.experiment), requestID: new.requestID,
                                hparams: try JSONObject(parsing: hparams), seed: new.seed, warmStart: new.warmStart)))
                ]
            }
        case 4...6:
            let state = state(mostly: [TrialState.active, .paused, .stoppingError])
            let revision = expected(plain.revision(of: store.trials[id]?.path ?? ""))
            return Call("trials.transition \(id) \(state) if \(revision ?? -1)") { (draft) throws(Refusal) in
                try draft.expect(draft.store.trials[id]?.path ?? "", revision, draft.store.trial(id))
                return try draft.answer { (store) throws(Refusal) in try store.moveTrial(id, to: state.name) }
            } real: { tx in
                let expectation: Expectation<TrialState> = revision.map { .revision(Revision($0)) } ?? .anything
                return [Summary.of(try tx.trials.transition(key, to: state, if: expectation))]
            }
        case 0...3, 7: return reportCall(plain)
        case 8:
            return Call("trials.restart \(id)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.restartTrial(id) }
            } real: { tx in
                [Summary.of(try tx.trials.restart(key).trial)]
            }
        default:
            return Call("trials.continue \(id)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.continueTrial(id) }
            } real: { tx in
                [Summary.of(try tx.trials.continue(key).trial)]
            }
        }
    }
}

extension Draft {
    /// As an expectation of a revision: the record must be there first.
    func expect(_ path: String, _ expected: Int64?, _ record: some PlainRow) throws(Refusal) {
        guard let expected else { return }
        let found = revision(of: path)
        if found != expected { throw Refusal("conflict \(path) \(expected) \(found)") }
    }
}
