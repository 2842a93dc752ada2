internal import FaultLoad
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

/// Something a program, a person or a device did to a store, and what a copy must name.
struct Damage: Sendable, CustomStringConvertible {
    let description: String
    let statement: SQL
    let named: String

    static let all = [
        Damage(
            description: "a value changed", statement: "UPDATE trials SET seed = 5 WHERE id = 1",
            named: "experiments/2/trials/1"),
        Damage(
            description: "a row's hash changed", statement: "UPDATE pools SET row_hash = row_hash + 1",
            named: "pools/gpu"),
        Damage(
            description: "a row is gone", statement: "DELETE FROM key_value WHERE namespace = 'n' AND key = 'last'",
            named: "key_value"),
        Damage(
            description: "a state nobody knows", statement: "UPDATE pools SET kind = 77", named: "a row of pools"),
        Damage(
            description: "a body changed",
            statement: "UPDATE log SET time = (SELECT time FROM log WHERE revision = 2) WHERE revision = 5",
            named: "log/5"),
        Damage(description: "a record is gone", statement: "DELETE FROM log WHERE revision = 6", named: "log/6"),
        Damage(
            description: "the log's end is gone",
            statement: "DELETE FROM log WHERE revision = (SELECT max(revision) FROM log)", named: "log"),
        Damage(
            description: "a document changed",
            statement:
                "UPDATE documents SET size = size + 1 WHERE hash = (SELECT config FROM experiments WHERE id = 2)",
            named: "documents/"),
        Damage(
            description: "a counter went back", statement: "UPDATE head SET next_trial = next_trial - 1",
            named: "head"),
        Damage(
            description: "the head is of another history",
            statement: "UPDATE head SET chain = (SELECT chain FROM log WHERE revision = 3)", named: "log"),
    ]
}

@Suite(.serialized) struct `A damaged source` {
    @Test(arguments: Kind.allCases, Damage.all)
    func `is named, and no store comes of it`(_ kind: Kind, _ damage: Damage) async throws {
        let (from, to) = (try Place(kind), try Place(.file))
        try await FullStore.make(in: from)
        try from.spoil(damage.statement)
        let error = await copyRefusal(from.source, to.source)
        guard case .damaged(let place, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let engine = try from.source.makeEngine(EngineOptions())
        #expect(place.hasPrefix("\(engine.place), \(damage.named)"), "\(String(describing: error))")
        guard case .unfinishedCopy(to.name, _)? = await refusal({ _ = try await Metastore.open(to.source) }) else {
            Issue.record("a store came of it")
            return
        }
    }

    /// Before the last table: what is wrong in the head row's digests must not wait for the end of a long copy.
    @Test func `is named at the end of the table`() async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        try await FullStore.make(in: from)
        try from.spoil("DELETE FROM experiment_labels WHERE label = 'nightly'")
        try from.spoil("DELETE FROM snapshots")
        let told = Told()
        _ = await refusal { _ = try await StoreCopy(from: from.source, to: to.source).run(told.hear) }
        let last = told.all.last
        guard case .copied(let progress)? = last else {
            Issue.record("\(String(describing: last))")
            return
        }
        #expect(progress.table == "snapshots" || progress.table == "experiment_labels")
    }
}

#if PostgreSQL
    @Suite(.serialized) struct `A target that changes under the copy` {
        /// Somebody else writes there, or a device forgets.
        @Test(arguments: [
            "UPDATE metastore.trials SET seed = 5 WHERE id = 1", "DELETE FROM metastore.key_value WHERE key = 'last'",
            "DELETE FROM metastore.log WHERE revision = 3",
            "UPDATE metastore.documents SET content = content || content",
        ])
        func `is compared before it is a store`(_ statement: String) async throws {
            let (from, to) = (try Place(.file), try Place(.server))
            try await FullStore.make(in: from)
            let done = Atomic(false)
            let error = await refusal {
                _ = try await StoreCopy(from: from.source, to: to.source).run { event in
                    guard case .copied(let progress) = event, progress.table == "log", progress.rows == progress.of,
                        !done.exchange(true, ordering: .relaxed)
                    else { return }
                    _ = try? to.ask(statement)
                }
            }
            let isDone = done.load(ordering: .relaxed)
            #expect(isDone)
            #expect(error?.label == "damaged", "\(String(describing: error))")
            #expect(error?.place?.contains("database \"") == true || error?.place?.contains("schema") == true)
            #expect(try to.ask("SELECT count(*) FROM head") == "0")
            guard case .unfinishedCopy? = await refusal({ _ = try await Metastore.open(to.source) }) else {
                Issue.record("a store came of it")
                return
            }
        }

        /// The first one only finds out when it commits again.
        @Test(arguments: [true, false])
        func `by another run of it, is that run's alone`(_ finishes: Bool) async throws {
            let (from, to) = (try Place(.file), try Place(.server))
            try await FullStore.make(in: from)
            var options = StoreCopy.Options()
            options.batchRows = 5
            let (first, gate) = (StoreCopy(from: from.source, to: to.source, options), Gate())
            let stops = Atomic(5)
            let running = Task {
                try await first.run { event in
                    guard case .copied = event, stops.subtract(1, ordering: .relaxed).newValue == 0 else { return }
                    gate.pass()
                }
            }
            while gate.arrivals == 0 { try await Task.sleep(for: .milliseconds(1)) }
            if finishes {
                _ = try await StoreCopy(from: from.source, to: to.source).run()
            } else {
                try await cutOff(from.source, to.source, after: 3)
            }
            let before = try to.tables()
            gate.open()
            let error = await refusal { _ = try await running.value }
            #expect(error?.label == "fenced", "\(String(describing: error))")
            #expect(try to.tables() == before)
            _ = try await StoreCopy(from: from.source, to: to.source).run()
            #expect(try await contents(to.source) == contents(from.source))
        }
    }
#endif
