import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Pages go through a list once, whatever happens to it meanwhile` {
    /// Follows pages to their end, each cursor through its text.
    private func walk<Element>(
        limit: Int, between: () async throws -> Void = {}, _ fetch: (Cursor?) async throws -> Page<Element>
    ) async throws -> [Element] {
        var (found, next): ([Element], Cursor?) = ([], nil)
        repeat {
            let page = try await fetch(next)
            #expect(page.records.count <= limit)
            #expect(page.next == nil || page.records.count == limit, "only the last page is short")
            found += page.records
            next = try page.next.map { cursor in
                let json = try JSONDecoder().decode([Cursor].self, from: try JSONEncoder().encode([cursor]))[0]
                #expect(json == cursor)
                return try #require(Cursor(cursor.description))
            }
            if next != nil { try await between() }
        } while next != nil
        return found
    }

    /// Broke: the second page's statement had no space before its AND.
    @Test(arguments: TestEngine.allCases)
    func `experiments, newest first, by every filter`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let all = try await store.write { tx in
                try (0..<23).map { number in
                    let made = try tx.experiments.create(
                        NewExperiment(
                            name: "\(number)", config: [:], labels: number % 2 == 0 ? ["even", "all"] : ["all"],
                            owner: number % 3 == 0 ? "ann" : "bob", pool: number % 4 == 0 ? "cpu" : "gpu",
                            startsActive: number % 5 != 0))
                    guard number % 7 == 0 else { return made }
                    try tx.experiments.transition(made.id, to: .error)
                    return try tx.experiments.update(made.id, ExperimentEdit(isArchived: true))
                }
            }
            let filters: [(ExperimentFilter, (Experiment) -> Bool)] = [
                (.state(.active), { $0.state == .active }), (.label("even"), { $0.labels.contains("even") }),
                (.label("none"), { _ in false }), (.owner("ann"), { $0.owner == "ann" }),
                (.pool("cpu"), { $0.pool == "cpu" }), (.archived, { $0.isArchived }),
                (.notArchived, { !$0.isArchived }),
            ]
            for limit in [1, 4, 22, 23, 24] {
                let found = try await walk(limit: limit) { try await store.experiments.list(after: $0, limit: limit) }
                #expect(found == all.reversed())
                for (filter, holds) in filters {
                    let found = try await walk(limit: limit) {
                        try await store.experiments.list(filter, after: $0, limit: limit)
                    }
                    #expect(found == all.reversed().filter(holds))
                }
                let both = try await walk(limit: limit) {
                    try await store.experiments.list(
                        .label("even"), .owner("bob"), .state(.active), after: $0, limit: limit)
                }
                #expect(
                    both == all.reversed().filter { $0.labels.count == 2 && $0.owner == "bob" && $0.state == .active })
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `rows added or removed meanwhile neither shift nor repeat the rest`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in for number in 10..<40 { try tx.keyValue.put(EntryKey("n/\(number)"), "x") } }
            let round = Counter()
            let found = try await walk(limit: 4) {
                round.count()
                // One before, one after, one gone before and one gone after the present place.
                let place = 10 + round.value * 4
                try await store.keyValue.put(EntryKey("n/\(place - 3)a"), "x")
                try await store.keyValue.put(EntryKey("n/\(place + 1)b"), "x")
                try await store.keyValue.delete(EntryKey("n/\(place - 2)"))
                try await store.keyValue.delete(EntryKey("n/\(place + 2)"))
            } _: {
                try await store.keyValue.list("n", after: $0, limit: 4)
            }
            let keys = found.map(\.key)
            #expect(keys == keys.sorted() && Set(keys).count == keys.count)
            #expect(!keys.contains { $0.hasSuffix("a") } && keys.contains { $0.hasSuffix("b") })
            for number in 10..<40 where !keys.contains("\(number)") {
                let gone = try await store.keyValue.get(EntryKey("n/\(number)")) == nil
                #expect(gone, "\(number) was there all the time")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `trials by best metric in both directions, those without one last`(_ engine: TestEngine) async throws {
        var random = Seeded("pages")
        let ids = (0..<17).map { _ in random.uuid() }
        try await withStore(engine) { store in
            for smaller in [true, false] {
                let (experiment, expected) = try await store.write { tx in
                    let experiment = try tx.anExperiment(smallerIsBetter: smaller)
                    let trials = try ids.enumerated().map { index, id in
                        let trial = try tx.aTrial(of: experiment, request: id)
                        try tx.run(trial, step: 1)
                        if index % 4 != 0 { try tx.validate(trial, step: 1, [0, -0.5, 1e9][index % 3]) }
                        return try tx.trials.get(trial.id)
                    }
                    let byID = trials.sorted { $0.requestID.uuidString < $1.requestID.uuidString }
                    let ranked = byID.filter { $0.bestMetric != nil }.sorted { left, right in
                        let (one, two) = (left.bestMetric!, right.bestMetric!)
                        if one != two { return (one < two) == smaller }
                        return left.requestID.uuidString < right.requestID.uuidString
                    }
                    return (experiment.id, ranked + byID.filter { $0.bestMetric == nil })
                }
                for limit in [1, 5, 12, 13, 17] {
                    let found = try await walk(limit: limit) {
                        try await store.trials.list(of: experiment, after: $0, limit: limit)
                    }
                    #expect(found == expected, "limit \(limit)")
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `workloads by step, kind and generation, checkpoints by batches and by report`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                let trial = try tx.aTrial()
                for generation in 0..<2 as Range<Int64> {
                    for step in [3, 1, 2] as [Int64] {
                        try tx.run(trial, step: step, generation: generation)
                        try tx.validate(trial, step: step, 1, generation: generation)
                        try tx.save(trial, step: step, generation: generation, state: .error)
                    }
                    if generation == 0 { _ = try tx.trials.restart(trial.id) }
                }
                return trial
            }
            for limit in [1, 5, 100] {
                let workloads = try await walk(limit: limit) {
                    try await store.workloads.list(of: trial.id, after: $0, limit: limit)
                }
                let order = workloads.map { [$0.step, Int64($0.kind.rawValue), $0.generation] }
                #expect(
                    order.count == 12 && zip(order, order.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
                let byBatches = try await walk(limit: limit) {
                    try await store.checkpoints.list(of: trial.id, after: $0, limit: limit)
                }
                #expect(
                    byBatches.map { [$0.totalBatches, $0.number] } == [
                        [100, 2], [100, 5], [200, 3], [200, 6], [300, 1], [300, 4],
                    ])
                let byReport = try await walk(limit: limit) {
                    try await store.checkpoints.list(of: trial.experiment, after: $0, limit: limit)
                }
                #expect(byReport.map(\.number) == Array(1...6))
            }
        }
    }

    /// Broke: entries after another prefix's cursor were listed although they don't begin with the prefix.
    @Test(arguments: TestEngine.allCases)
    func `a cursor belongs to its query`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                for key in ["a/1", "a/2", "a/3", "b/1", "b/2"] {
                    try tx.keyValue.put(EntryKey(namespace: "n", key: key), "x")
                }
                _ = try tx.anExperiment()
                return try tx.aTrial()
            }
            let entries = try #require(try await store.keyValue.list("n", limit: 1).next)
            let experiments = try #require(try await store.experiments.list(limit: 1).next)
            #expect(await refusal { try await store.experiments.list(after: entries) } == .invalidCursor)
            #expect(await refusal { try await store.keyValue.list("n", after: experiments) } == .invalidCursor)
            #expect(
                await refusal { try await store.trials.list(of: trial.experiment, after: experiments) }
                    == .invalidCursor)
            #expect(
                try await store.keyValue.list("n", prefix: "b/", after: entries).records.map(\.key) == ["b/1", "b/2"])
            for text in ["", ".", "experiments", "experiments.", "experiments.0", "experiments.zz", "\(experiments)00"]
            {
                if let cursor = Cursor(text) {
                    #expect(
                        await refusal { try await store.experiments.list(after: cursor) } == .invalidCursor, "\(text)")
                }
            }
            // The position of a page is where the feed goes on.
            let page = try await store.experiments.list()
            let next = try await store.keyValue.put("n/z", "x")
            #expect(try await store.commits(after: page.position.revision.rawValue).map(\.revision) == [next.revision])
        }
    }
}
