internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
internal import MetastoreTestSupport
internal import MigrateSupport
internal import Migrations
internal import Testing

/// The steps that a fixture is brought up by.
struct Upgrading: Sendable, CustomTestStringConvertible {
    enum Release: Sendable, CaseIterable {
        /// This one: no step for a fixture of its own schema.
        case this
        /// One with a step after all there are.
        case next
    }

    let fixture: Fixture
    let release: Release

    static let all = Fixture.all.flatMap { fixture in
        Release.allCases.map { Upgrading(fixture: fixture, release: $0) }
    }

    var testDescription: String { "\(fixture.name) to the schema of \(release) release" }
    var last: Int64 { release == .this ? UpgradeSteps.first - 1 : UpgradeSteps.first }
    var numbers: [Int64] { Array(fixture.schema..<last).map { $0 + 1 } }

    func upgrade(_ rig: Rig) throws -> Upgrade {
        try rig.upgrade(UpgradeSteps.all(catalogues: rig.catalogues).filter { $0.number <= last })
    }

    /// What there must be after it.
    func facts(_ found: StoreFacts) throws -> StoreFacts {
        var facts = try fixture.facts
        facts.schema = last
        facts.revision += Int64(numbers.count)
        // One record a step, whose times are of the day.
        if !numbers.isEmpty { facts.chain = found.chain }
        return facts
    }
}

@Suite(.serialized) struct `A store of an earlier release` {
    @Test func `is kept for every schema and engine`() {
        let schemas = Set(Fixture.all.map(\.schema))
        #expect(Fixture.all.count >= Kind.allCases.count && Fixture.all.count == schemas.count * Kind.allCases.count)
        // The newest schema's are made when it is released.
        #expect(schemas.isSuperset(of: 1...max(1, FixtureMaker.schema - 1)))
    }

    @Test(arguments: Fixture.all)
    func `is as it was left`(_ fixture: Fixture) async throws {
        let rig = try await Rig(fixture)
        let facts = try rig.facts()
        #expect(try facts == fixture.facts)
        // A row of each of the kinds that schema 1 has.
        #expect(facts.schema == fixture.schema && facts.rows.count >= 19)
        let upgrade = try Upgrading(fixture: fixture, release: .this).upgrade(rig)
        #expect(try upgrade.verify().exitStatus == .success)
        #expect(try upgrade.check().differences == [])
        #expect(try upgrade.history().entries.map(\.host) == Array(repeating: "fixture", count: Int(fixture.schema)))
    }

    /// Named by its command, in the words of whoever opens it.
    @Test(arguments: Upgrading.all.filter { !$0.numbers.isEmpty })
    func `is refused until somebody upgrades it, and isn't changed`(_ upgrading: Upgrading) async throws {
        let rig = try await Rig(upgrading.fixture)
        let before = try rig.image()
        let upgrade = try upgrading.upgrade(rig)
        let status = try upgrade.status()
        #expect(status.state == .pending && status.pending.map(\.number) == upgrading.numbers)
        let refusal = try #require(
            throws: MigrationError.self,
            performing: { try rig.reading { _ = try upgrade.migrator.check($0, forWriting: true) } })
        var words = [refusal.description]
        if upgrading.release == .this {
            let error = await #expect(throws: StoreError.self) { try await rig.withStore { _ in } }
            words.append("\(try #require(error))")
        }
        for text in words {
            #expect(text.contains("metastore-migrate up") && text.contains("do not delete it"), "\(text)")
        }
        #expect(try rig.image() == before)
    }

    @Test(arguments: Upgrading.all)
    func `is brought to every later schema, with all that was in it`(_ upgrading: Upgrading) async throws {
        let rig = try await Rig(upgrading.fixture)
        let upgrade = try upgrading.upgrade(rig)
        let report = try await upgrade.up(rig.options) { _ in }
        #expect(report.steps.map(\.number) == upgrading.numbers)
        #expect(try upgrade.verify().exitStatus == .success)
        #expect(try upgrade.check().differences == [])
        let (before, after) = (try upgrading.fixture.facts, try rig.facts())
        #expect(try after == upgrading.facts(after))
        #expect(try rig.reading { try StoreFacts.link(before.revision, $0) } == before.chain)
        let isToBeFilled = FixtureMaker.schema >= 2 && upgrading.fixture.schema < 2
        #expect(try rig.backfillsLeft() == (isToBeFilled ? 1 : 0))
        try await rig.withStore { try await use($0, before, after, rig) }
        #expect(try rig.facts().revision > after.revision)
    }

    /// What a master does with it, from the first record of its log to what is filled in afterwards.
    private func use(_ store: Metastore, _ before: StoreFacts, _ after: StoreFacts, _ rig: Rig) async throws {
        let info = try await store.info()
        #expect(info.schema == after.schema && info.revision.rawValue == after.revision)
        // Everything is still told, to a new reader from the beginning and to the known one from where it stood. The
        // records of the schemas, the first and those of the steps, aren't told to readers.
        let everything = try await revisions(store.changes(as: "new"), until: info.revision)
        #expect(everything == Array(2...before.revision))
        let position = try await store.consumers.position(FullStore.consumer)
        #expect(before.consumers == [FullStore.consumer: position.revision.rawValue])
        var later: [Int64] = []
        for try await batch in store.changes(after: position).batches {
            later += batch.commits.map(\.revision.rawValue).filter { $0 <= before.revision }
            if batch.position.revision.rawValue >= after.revision { break }
        }
        #expect(later == Array(position.revision.rawValue + 1...before.revision))
        let known = store.changes(
            as: FullStore.consumer, of: .experiments, .trials, under: KeyPrefix(.experiment(FullStore.experiment)))
        for try await batch in known {
            #expect(batch.commits.count >= 4 && batch.commits.allSatisfy { $0.revision > position.revision })
            try await batch.process { _, _ in }
            break
        }
        #expect(try await store.consumers.position(FullStore.consumer).revision > position.revision)
        try await write(store, before)
        #expect(try await eventually(within: .seconds(60)) { try rig.backfillsLeft() == 0 })
        #expect(try await store.verify().isClean)
    }

    private func revisions(_ batches: ConsumerBatches, until last: Revision) async throws -> [Int64] {
        var found: [Int64] = []
        for try await batch in batches {
            found += batch.commits.map(\.revision).filter { $0 <= last }.map(\.rawValue)
            if batch.position.revision >= last { break }
        }
        return found
    }

    /// Old records go on, and new ones take the next ids.
    private func write(_ store: Metastore, _ before: StoreFacts) async throws {
        try await store.write { tx in
            let experiment = try tx.experiments.create(NewExperiment(name: "after", config: [:]))
            #expect(experiment.id.rawValue > FullStore.experiment.rawValue)
            let restarted = try tx.trials.restart(3)
            #expect(restarted.rolledBack > 20 && restarted.checkpoint == nil)
            let added = try tx.trials.create(NewTrial(experiment: FullStore.experiment))
            #expect(added.id.rawValue == Int64(before.rows["trials"] ?? 0) + 1)
            for trial in [restarted.trial, added] {
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: trial.generation, step: 1, kind: .runStep, totalBatches: 100,
                        metrics: ["loss": 0.5]))
            }
        }
        try await store.keyValue.put("after/it", "1")
        #expect(try await store.keyValue.get("n/last") != nil)
        #expect(try await store.leadership()?.holder == before.leader)
    }

    @Test(arguments: Upgrading.all.filter { !$0.numbers.isEmpty })
    func `goes back to its backup, as it was`(_ upgrading: Upgrading) async throws {
        let rig = try await Rig(upgrading.fixture)
        let upgrade = try upgrading.upgrade(rig)
        _ = try await upgrade.up(rig.options) { _ in }
        try await rig.withStore { _ = try await $0.keyValue.put("after/it", "1") }
        let report = try await upgrade.rollback(Upgrade.RollbackOptions()) { _ in }
        #expect(report.schema == upgrading.fixture.schema)
        var facts = try upgrading.fixture.facts
        // Whoever read what came after is told that it is gone.
        facts.epoch += 1
        #expect(try rig.facts() == facts)
        #expect(try upgrade.check().differences == [])
        #expect(try await upgrade.up(rig.options) { _ in }.steps.map(\.number) == upgrading.numbers)
    }

    @Test(arguments: Upgrading.all.filter { $0.release == .this }, Kind.allCases)
    func `copied before and after the upgrade is equal`(_ upgrading: Upgrading, to kind: Kind) async throws {
        let rig = try await Rig(upgrading.fixture)
        let upgrade = try upgrading.upgrade(rig)
        for schema in Set([upgrading.fixture.schema, upgrading.last]).sorted() {
            if schema > upgrading.fixture.schema { _ = try await upgrade.up(rig.options) { _ in } }
            let copy = try await Rig(kind, .nothing)
            _ = try await StoreCopy(from: try rig.source, to: try copy.source).run()
            let facts = try rig.facts()
            #expect(try facts.schema == schema && copy.facts() == facts)
            #expect(try upgrading.upgrade(copy).check().differences == [])
        }
    }
}

extension Rig {
    /// What an upgrade left to be filled in beside the writers, and isn't yet; what somebody paused rests. There is
    /// such a thing since schema 2.
    fileprivate func backfillsLeft() throws -> Int64 {
        guard FixtureMaker.schema >= 2 else { return 0 }
        return try reading { connection in
            try connection.first("SELECT count(*) FROM backfills WHERE state = 1") { try $0.integer(0) } ?? 0
        }
    }
}

@Suite(.serialized) struct `The fixtures of this release` {
    /// With METASTORE_MAKE_FIXTURES set it writes those of the newest schema into their folder, if there are none.
    @Test func `are made alike on every engine, and never over others`() async throws {
        let rig = try await Rig(.file, .nothing)
        let names =
            [Fixture.factsName(FixtureMaker.schema)]
            + Kind.allCases.map { Fixture(schema: FixtureMaker.schema, kind: $0).name }
        if getenv("METASTORE_MAKE_FIXTURES") != nil, !rig.names(in: Fixture.folder).contains(where: names.contains) {
            try await FixtureMaker.write(into: Fixture.folder)
        }
        try await FixtureMaker.write(into: rig.backups)
        #expect(rig.names(in: rig.backups) == names.sorted())
        let facts = try Data(contentsOf: URL(filePath: rig.backups + "/" + names[0]))
        for (kind, name) in zip(Kind.allCases, names.dropFirst()) {
            let loaded = try await Rig(kind, .nothing)
            try loaded.load(rig.backups + "/" + name)
            #expect(try loaded.facts().json == facts)
            #expect(try await loaded.withStore { try await $0.verify().isClean })
        }
        let before = names.map { FileManager.default.contents(atPath: rig.backups + "/" + $0) }
        await #expect(throws: CocoaError.self) { try await FixtureMaker.write(into: rig.backups) }
        #expect(names.map { FileManager.default.contents(atPath: rig.backups + "/" + $0) } == before)
    }
}
