internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Migrations
internal import Testing

/// Makes the fixtures of this release's schema: the same store on each engine.
enum FixtureMaker {
    static var schema: Int64 { Int64(catalogue.count) }

    /// Writes a file for each engine, and their facts. What is there stays as it is.
    static func write(into folder: String) async throws {
        var facts: Set<Data> = []
        for kind in Kind.allCases {
            let rig = try await rig(kind)
            try put(try rig.image(), folder + "/" + Fixture(schema: schema, kind: kind).name)
            facts.insert(try rig.facts().json)
        }
        guard let only = facts.first, facts.count == 1 else { throw Failure("the engines hold different stores", 0) }
        try put(only, folder + "/" + Fixture.factsName(schema))
    }

    private static func put(_ data: Data, _ path: String) throws {
        try data.write(to: URL(filePath: path), options: .withoutOverwriting)
    }

    /// The store, closed, in a place of its own.
    static func rig(_ kind: Kind) async throws -> Rig {
        let rig = try await Rig(kind, .nothing)
        let time = ManualTime(seed: 1)
        var options = StoreOptions()
        options.time = time.source
        try create(try rig.source, options)
        try await FullStore.make(in: try rig.source, options)
        let store = try await Metastore.open(try rig.source, options)
        try await measure(store, time)
        await store.close()
        if kind == .file {
            // It will lie in another file.
            try rig.source.forgetIdentity()
            try rig.withConnection { try $0.executeScript("VACUUM") }
        }
        return rig
    }

    /// As opening it does, but for the host's name.
    private static func create(_ source: EngineSource, _ options: StoreOptions) throws {
        let engine = try source.makeEngine(options.engine)
        defer { engine.close() }
        _ = try engine.prepare()
        let record = SchemaRecord(options)
        _ = try engine.create { connection in
            let migrator = Migrator(appliedBy: "metastore \(Metastore.version)", host: "fixture")
            try migrator.apply(to: connection, now: { options.time.now().microseconds }) {
                try record.append($0, $1)
            }
        }
    }

    /// Trials that measured something: numbers and what is none, rolled back and not, every kind of workload.
    private static func measure(_ store: Metastore, _ time: ManualTime) async throws {
        for number in 1...4 as ClosedRange<Int64> {
            time.advance(.seconds(60))
            let trial = try await store.write { tx in
                try tx.trials.create(
                    NewTrial(experiment: FullStore.experiment, requestID: uuid(0x10 + number), hparams: ["x": 1])
                ).id
            }
            try await report(store, trial, number, generation: 0, steps: 1...20)
            guard number == 2 else { continue }
            time.advance(.seconds(60))
            try await store.write { tx in
                try tx.checkpoints.report(
                    CheckpointReport(uuid: uuid(0x20), trial: trial, generation: 0, totalBatches: 800))
                _ = try tx.trials.restart(trial)
            }
            try await report(store, trial, number, generation: 1, steps: 9...12)
        }
    }

    private static func report(
        _ store: Metastore, _ trial: ID<Trial>, _ number: Int64, generation: Int64, steps: ClosedRange<Int64>
    ) async throws {
        var reports: [WorkloadReport] = []
        for step in steps {
            func add(_ kind: WorkloadKind, _ metrics: Metrics) {
                reports.append(
                    WorkloadReport(
                        trial: trial, generation: generation, step: step, kind: kind, totalBatches: step * 100,
                        metrics: number == 4 ? nil : metrics))
            }
            let loss = step % 7 == 3 ? .nan : step % 11 == 5 ? -.infinity : 1 / Double(step + number + generation)
            add(.runStep, ["loss": loss, "zero": -0.0, "step": Double(step)])
            guard step % 4 == 0 else { continue }
            add(
                .computeValidationMetrics,
                ["validation_loss": number == 3 ? .nan : step == 16 ? .infinity : 1 / Double(step + generation)])
        }
        let all = reports
        try await store.write { tx in for report in all { try tx.workloads.report(report) } }
    }

    private static func uuid(_ number: Int64) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, UInt8(number)))
    }
}
