import MetastoreQuickstart
import Testing

/// A searcher with somebody who obeys: trials are trained in the order a stream of random numbers picks.
struct Search {
    let plan: SearchPlan
    var state = SearcherState()
    var waiting: [SearcherOperation] = []
    var history: [SearcherEvent] = []
    var trained: [RequestID: [Int]] = [:]
    var closed: [RequestID] = []
    var created: [RequestID: Hyperparameters] = [:]
    var isOver = false

    init(_ plan: SearchPlan) {
        self.plan = plan
        tell(.started)
    }

    mutating func tell(_ event: SearcherEvent) {
        history.append(event)
        waiting += state.apply(event, under: plan)
    }

    /// Does one of the wanted operations.
    mutating func obey(_ index: Int, metric: (RequestID, Int) -> Double) {
        switch waiting.remove(at: index) {
        case .create(let request, let ordinal, let hyperparameters):
            #expect(request == plan.requestID(ordinal) && created[request] == nil)
            created[request] = hyperparameters
            tell(.trialCreated(request))
        case .train(let request, let batches):
            trained[request, default: []].append(batches)
            tell(.validationCompleted(request, metric: metric(request, batches), batches: batches))
        case .close(let request):
            #expect(!closed.contains(request))
            closed.append(request)
            tell(.trialClosed(request))
        case .shutdown:
            #expect(!isOver && waiting.isEmpty)
            isOver = true
        }
    }

    mutating func run(seed: UInt64, metric: (RequestID, Int) -> Double) {
        var stream = Randomness(seed: seed, "order")
        while !waiting.isEmpty { obey(stream.below(waiting.count), metric: metric) }
    }
}

extension SearchPlan {
    static let space: [String: Hyperparameter] = [
        "a": .double(minimum: 0, maximum: 1, count: 3), "b": .categorical([.text("x"), .text("y")]),
        "c": .constant(.integer(7)),
    ]
    static let methods: [SearchMethod] = [
        .single(length: 10), .random(trials: 9, length: 10), .grid(points: 6, length: 10),
        .asyncHalving(trials: 27, lengths: [1, 3, 9, 27], divisor: 3),
    ]

    static func sample(_ method: SearchMethod, seed: UInt64 = 1, concurrent: Int = 4, smaller: Bool = true)
        -> SearchPlan
    {
        .init(
            method: method, hyperparameters: space, seed: seed, smallerIsBetter: smaller,
            maxConcurrentTrials: concurrent)
    }
}

/// A metric that is a function of the request and the batches, now and then not finite.
func metric(_ request: RequestID, _ batches: Int) -> Double {
    var stream = Randomness(seed: 99, "metric", .request(request))
    let unit = stream.unit()
    if unit < 0.1 { return .nan }
    if unit < 0.15 { return .infinity }
    return stream.unit() + 1 / Double(batches)
}

@Suite struct `Every searcher` {
    @Test(arguments: SearchPlan.methods, 0..<10 as Range<UInt64>)
    func `creates, trains and closes all its trials once, then shuts down`(
        _ method: SearchMethod, _ seed: UInt64
    ) {
        var search = Search(.sample(method, seed: seed))
        search.run(seed: seed, metric: metric)
        #expect(search.isOver && search.state.isFinished, "seed \(seed)")
        #expect(search.created.count == method.trials && Set(search.closed) == Set(search.created.keys))
        #expect(search.trained.values.allSatisfy { $0 == Array(method.lengths.prefix($0.count)) })
        #expect(search.state.progress(under: search.plan) == 1)
    }

    @Test(arguments: SearchPlan.methods, 0..<10 as Range<UInt64>)
    func `is told everything twice and is none the wiser`(_ method: SearchMethod, _ seed: UInt64) {
        var search = Search(.sample(method, seed: seed))
        var stream = Randomness(seed: seed, "order")
        while !search.waiting.isEmpty {
            search.obey(stream.below(search.waiting.count), metric: metric)
            let before = search.state
            for event in search.history.suffix(40) {
                #expect(search.state.apply(event, under: search.plan).isEmpty, "seed \(seed): \(event)")
            }
            #expect(search.state == before, "seed \(seed)")
        }
        #expect(search.isOver)
    }

    @Test(arguments: SearchPlan.methods, 0..<10 as Range<UInt64>)
    func `goes on from its snapshot as if nothing had been`(_ method: SearchMethod, _ seed: UInt64) throws {
        var undisturbed = Search(.sample(method, seed: seed))
        undisturbed.run(seed: seed, metric: metric)
        var search = Search(.sample(method, seed: seed))
        var stream = Randomness(seed: seed, "order")
        while !search.waiting.isEmpty {
            search.obey(stream.below(search.waiting.count), metric: metric)
            let text = search.state.snapshot()
            search.state = try SearcherState(snapshot: text)
            #expect(search.state.snapshot() == text)
        }
        #expect(search.state == undisturbed.state && search.closed == undisturbed.closed, "seed \(seed)")
    }

    @Test(arguments: SearchPlan.methods, [1, 3, 100])
    func `never has more on the way than it may`(_ method: SearchMethod, _ concurrent: Int) {
        var search = Search(.sample(method, concurrent: concurrent))
        var stream = Randomness(seed: 4, "order")
        while !search.waiting.isEmpty {
            let onTheWay = search.waiting.count { if case .close = $0 { false } else { $0 != .shutdown } }
            #expect(onTheWay <= concurrent)
            search.obey(stream.below(search.waiting.count), metric: metric)
        }
    }

    @Test(arguments: SearchPlan.methods, 0..<5 as Range<UInt64>)
    func `comes to its end though trials fail on the way`(_ method: SearchMethod, _ seed: UInt64) {
        var search = Search(.sample(method, seed: seed))
        var stream = Randomness(seed: seed, "failures")
        var failed: Set<RequestID> = []
        while !search.waiting.isEmpty {
            let index = stream.below(search.waiting.count)
            if case .train(let request, _) = search.waiting[index], stream.unit() < 0.3 {
                search.waiting.remove(at: index)
                failed.insert(request)
                search.tell(.trialExitedEarly(request, .errored))
                search.tell(.trialExitedEarly(request, .errored))
            } else {
                search.obey(index, metric: metric)
            }
        }
        #expect(search.isOver && failed.isDisjoint(with: search.closed), "seed \(seed)")
        #expect(failed.count + search.closed.count == method.trials && search.state.closed == method.trials)
    }

    @Test func `ignores what it never asked for`() {
        var state = SearcherState()
        let plan = SearchPlan.sample(.random(trials: 2, length: 10))
        _ = state.apply(.started, under: plan)
        let before = state
        let stranger = RequestID(seed: 1000, ordinal: 0)
        for event: SearcherEvent in [
            .trialCreated(stranger), .validationCompleted(stranger, metric: 1, batches: 10),
            .trialClosed(stranger),
            .trialExitedEarly(stranger, .canceled),
            .validationCompleted(plan.requestID(0), metric: 1, batches: 10),
        ] { #expect(state.apply(event, under: plan).isEmpty) }
        #expect(state == before)
        #expect(
            state.apply(.trialCreated(plan.requestID(0)), under: plan) == [
                .train(plan.requestID(0), toBatches: 10)
            ])
        #expect(
            state.apply(.validationCompleted(plan.requestID(0), metric: 1, batches: 9), under: plan).isEmpty)
    }
}

@Suite struct `The hyperparameters of trials` {
    @Test func `of a grid are every point once, the last name fastest`() {
        let plan = SearchPlan.sample(.grid(points: 6, length: 1))
        let points = (0..<6).map { plan.hyperparameters(of: $0) }
        #expect(
            points.map { "\($0["a"]!) \($0["b"]!) \($0["c"]!)" } == [
                "0 x 7", "0 y 7", "0.5 x 7", "0.5 y 7", "1 x 7", "1 y 7",
            ])
    }

    @Test func `of a grid reach both ends exactly`() {
        let log = Hyperparameter.log(base: 10, minimum: -3, maximum: -1, count: 3)
        #expect((0..<3).map { log.gridValue($0).description } == ["0.001", "0.01", "0.1"])
        let whole = Hyperparameter.integer(minimum: 1, maximum: 10, count: 4)
        #expect((0..<4).map { whole.gridValue($0) } == [.integer(1), .integer(4), .integer(7), .integer(10)])
        #expect(Hyperparameter.integer(minimum: 1, maximum: 3, count: 10).gridCount == 3)
        #expect(Hyperparameter.double(minimum: 2, maximum: 3, count: 1).gridValue(0) == .number(2))
    }

    @Test func `that are drawn keep within their bounds and use them`() {
        let space: [String: Hyperparameter] = [
            "d": .double(minimum: -1, maximum: 1, count: nil),
            "i": .integer(minimum: 1, maximum: 3, count: nil),
            "l": .log(base: 10, minimum: -3, maximum: 0, count: nil),
            "c": .categorical([.text("x"), .flag(true)]),
        ]
        let plan = SearchPlan(method: .random(trials: 500, length: 1), hyperparameters: space, seed: 3)
        let drawn = (0..<500).map { plan.hyperparameters(of: $0) }
        #expect(
            drawn.allSatisfy { (-1...1).contains($0["d"]!.number!) && (0.001...1).contains($0["l"]!.number!) }
        )
        #expect(Set(drawn.map { $0["i"]! }) == [.integer(1), .integer(2), .integer(3)])
        #expect(Set(drawn.map { $0["c"]! }) == [.text("x"), .flag(true)])
        #expect((120...210).contains(drawn.count { $0["l"]!.number! < 0.01 }), "evenly by exponent")
        #expect(drawn[7] == plan.hyperparameters(of: 7))
    }
}

@Suite struct `Asynchronous halving` {
    static let plan = SearchPlan.sample(.asyncHalving(trials: 6, lengths: [1, 3], divisor: 3), concurrent: 2)

    @Test func `promotes the best third of a rung as soon as it is known`() {
        let plan = Self.plan
        let ids = (0..<6).map { plan.requestID($0) }
        var search = Search(plan)
        #expect(search.waiting.count == 2)
        let metrics = Dictionary(uniqueKeysWithValues: zip(ids, [5.0, 2, 3, 4, 1, 6]))
        while !search.isOver { search.obey(0) { request, _ in metrics[request]! } }
        #expect(ids.map { search.trained[$0]! } == [[1], [1, 3], [1], [1], [1, 3], [1]])
    }

    @Test func `turns round when larger is better`() {
        let plan = SearchPlan.sample(.asyncHalving(trials: 3, lengths: [1, 3], divisor: 3), smaller: false)
        let ids = (0..<3).map { plan.requestID($0) }
        var search = Search(plan)
        let metrics = Dictionary(uniqueKeysWithValues: zip(ids, [1.0, 3, 2]))
        while !search.isOver { search.obey(0) { request, _ in metrics[request]! } }
        #expect(ids.map { search.trained[$0]! } == [[1], [1, 3], [1]])
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func `ranks what isn't finite last`(_ bad: Double) {
        for smaller in [true, false] {
            let plan = SearchPlan.sample(
                .asyncHalving(trials: 3, lengths: [1, 3], divisor: 3), smaller: smaller)
            let ids = (0..<3).map { plan.requestID($0) }
            var search = Search(plan)
            let metrics = Dictionary(uniqueKeysWithValues: zip(ids, [bad, 1e9, bad]))
            while !search.isOver { search.obey(0) { request, _ in metrics[request]! } }
            #expect(ids.map { search.trained[$0]! } == [[1], [1, 3], [1]])
        }
    }

    @Test func `promotes nobody when all diverge`() {
        var search = Search(Self.plan)
        while !search.isOver { search.obey(0) { _, _ in .nan } }
        #expect(search.trained.values.allSatisfy { $0 == [1] })
    }

    @Test func `breaks a tie by request id`() {
        let plan = SearchPlan.sample(.asyncHalving(trials: 3, lengths: [1, 3], divisor: 3))
        for seed in 0..<5 as Range<UInt64> {
            var search = Search(plan)
            search.run(seed: seed) { _, _ in 1 }
            let first = (0..<3).map { plan.requestID($0) }.min()!
            #expect(search.trained[first] == [1, 3], "seed \(seed)")
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `brings at least its share to every rung`(_ seed: UInt64) {
        let plan = SearchPlan.sample(.asyncHalving(trials: 40, lengths: [1, 3, 9], divisor: 3), seed: seed)
        var search = Search(plan)
        search.run(seed: seed) { request, _ in Randomness(seed: seed, .request(request)).first }
        let reached = [1, 3, 9].map { length in search.trained.values.count { $0.contains(length) } }
        #expect(
            reached[0] == 40 && reached[1] >= 13 && reached[2] >= reached[1] / 3, "seed \(seed): \(reached)")
    }
}

extension Randomness {
    /// The first number of the stream.
    var first: Double {
        var stream = self
        return stream.unit()
    }
}

@Suite struct `A snapshot` {
    let good = SearcherState().snapshot()

    @Test func `of a newer version is an error, not an empty search`() {
        let newer = good.replacing("\"version\":1", with: "\"version\":2")
        #expect(throws: SnapshotError.newerVersion(kind: "searcher", found: 2, readsUpTo: 1)) {
            try SearcherState(snapshot: newer)
        }
    }

    @Test func `of something else is an error`() {
        #expect(throws: SnapshotError.otherKind(expected: "simulation", found: "searcher")) {
            try SimulationState(snapshot: good)
        }
    }

    @Test(arguments: [
        "", "{", "null", "[]", "{\"kind\":\"searcher\",\"version\":1}",
        "{\"kind\":\"searcher\",\"version\":1,\"state\":{}}",
        "{\"kind\":\"searcher\",\"version\":\"1\",\"state\":{}}",
    ])
    func `that is damaged is an error`(_ text: String) {
        #expect(throws: SnapshotError.damaged(kind: "searcher")) { try SearcherState(snapshot: text) }
    }
}
