internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A cluster at work, the same on every run: experiments in several states, some of whose trials learn, one diverges.
enum BusyStore {
    static let experiments = 12
    static let trials = 3
    static let steps: Int64 = 24
    static let diverging: Int64 = 4
    static let names = [
        "resnet50-imagenet", "bert-large-squad", "gpt2-medium-webtext", "unet-lung-ct", "mnist-baseline",
        "efficientnet-b4", "wav2vec2-librispeech", "detr-coco", "dlrm-criteo", "pix2pix-facades",
        "transformer-xl-enwik8", "cifar10-random-search",
    ]

    static func make(_ path: String) async throws { try await make(in: .sqlite(path)) }

    static func make(in source: EngineSource) async throws {
        let time = ManualTime(seed: 11)
        var options = StoreOptions()
        options.time = time.source
        options.actor = "master-0"
        let store = try await Metastore.open(source, options)
        try await cluster(store)
        for number in 0..<experiments {
            let isAccuracy = number % 5 == 1
            let new = NewExperiment(
                name: names[number], config: [:], owner: ["ada", "grace", "alan"][number % 3], pool: "gpu",
                metric: isAccuracy ? "accuracy" : "validation_loss", smallerIsBetter: !isAccuracy, startsActive: true)
            let experiment = try await store.write { tx in try tx.experiments.create(new) }
            for trial in 0..<trials {
                try await learn(store, time, experiment.id, number * trials + trial, isAccuracy)
            }
            try await store.write { tx in
                try tx.experiments.update(experiment.id, ExperimentEdit(progress: Double(number % 4 + 1) / 4))
                switch number % 4 {
                case 0:
                    for trial in 0..<trials {
                        try tx.trials.transition(ID(rawValue: Int64(number * trials + trial + 1)), to: .completed)
                    }
                    try tx.experiments.transition(experiment.id, to: .stoppingCompleted)
                    try tx.experiments.transition(experiment.id, to: .completed)
                case 1: try tx.experiments.transition(experiment.id, to: .error)
                case 2: try tx.experiments.transition(experiment.id, to: .paused)
                default: break
                }
            }
        }
        for try await batch in store.changes(as: "scheduler", of: .experiments) {
            _ = try await batch.commit { _, tx in try tx.keyValue.put("n/seen", "1") }
            break
        }
        time.advance(.seconds(90))
        for number in 0..<5 { try await store.keyValue.put("n/later", "\(number)") }
        await store.close()
    }

    private static func cluster(_ store: Metastore) async throws {
        try await store.write { tx in
            try tx.pools.put(NewPool(name: "gpu", kind: .onPremises, maxInstances: 4))
            for agent in 1...3 {
                let slots = (0..<4).map { NewSlot(index: $0, brand: "A100") }
                try tx.agents.register(
                    NewAgent(
                        id: "agent-\(agent)", pool: "gpu", address: "10.0.0.\(agent)", version: "0.1", slots: slots))
                try tx.agents.heartbeat("agent-\(agent)")
            }
            try tx.agents.transition("agent-3", to: .draining)
            let task = try tx.tasks.create(NewTask(kind: .notebook))
            let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "gpu"))
            _ = try tx.containers.create(
                NewContainer(allocation: allocation.id, agent: "agent-1", slots: [0, 1, 2]))
        }
    }

    private static func uuid(_ trial: ID<Trial>, _ step: Int64) -> UUID {
        let digits = String(1_000_000_000_000 + trial.rawValue * 1_000 + step).suffix(12)
        return UUID(uuidString: "00000000-0000-4000-8000-\(digits)") ?? UUID()
    }

    /// One trial, from its first step to its last.
    private static func learn(
        _ store: Metastore, _ time: ManualTime, _ experiment: ID<Experiment>, _ number: Int, _ isAccuracy: Bool
    ) async throws {
        let rate = Double(5 + 3 * (number % 7)) / 100
        let hparams: JSONObject = ["learning_rate": .number(rate), "layers": .integer(4)]
        let trial = try await store.write { tx in
            try tx.trials.create(NewTrial(experiment: experiment, hparams: hparams, seed: 1))
        }
        let metric = isAccuracy ? "accuracy" : "validation_loss"
        for first in stride(from: 1, through: steps, by: 6) {
            time.advance(.seconds(240))
            try await store.write { tx in
                for step in first..<first + 6 {
                    let fallen = exp(-rate * Double(step)) * (2.4 + 0.1 * sin(Double(step + Int64(number) * 3)))
                    var value = isAccuracy ? 1 - fallen / 3 : fallen + 0.002
                    if trial.id.rawValue == diverging, step > 20 { value = step % 2 == 0 ? .nan : .infinity }
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: step, kind: .runStep, totalBatches: step * 100,
                            metrics: ["loss": fallen]))
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: step, kind: .computeValidationMetrics,
                            totalBatches: step * 100, metrics: Metrics([metric: value])))
                    guard step % 12 == 0 else { continue }
                    try tx.checkpoints.report(
                        CheckpointReport(
                            uuid: uuid(trial.id, step), trial: trial.id, generation: 0, totalBatches: step * 100,
                            resources: ["weights.bin": (Int64(number) + 1) << 27]))
                }
            }
        }
    }
}

extension Inspection {
    /// The page of a store, whatever it holds.
    static func page(_ path: String) throws -> String {
        try ReportPage(Inspection.open(path: path).reportData()).html()
    }
}

/// Changes a store behind its back.
func doctor(_ path: String, _ script: String) throws {
    let engine = try EngineSource.sqlite(path).makeEngine(EngineOptions())
    defer { engine.close() }
    _ = try engine.prepare()
    let connection = try engine.openWriter()
    defer { connection.close() }
    try connection.executeScript(script)
    try engine.settle(connection)
}

/// A page as a parser sees it: read by Python's, which knows nothing of how the page was made.
struct ParsedPage {
    /// `element attribute value`, one a line, for each attribute; elements without one stand alone.
    let parts: [String]
    /// All text outside of style sheets.
    let text: String

    init(_ html: String) throws {
        let root = try #require(mkdtempPath())
        defer { try? FileManager.default.removeItem(atPath: root) }
        try write(Array(html.utf8), to: root + "/page.html")
        try write(Array(Self.program.utf8), to: root + "/parse.py")
        let lines = try output(["python3", root + "/parse.py", root + "/page.html"])
        parts = lines.filter { $0.hasPrefix("< ") }.map { String($0.dropFirst(2)) }
        text = lines.filter { $0.hasPrefix("= ") }.map { String($0.dropFirst(2)) }.joined(separator: "\n")
        // Both parsers came to their ends.
        #expect(lines.last == "done")
    }

    func elements(_ name: String) -> [String] { parts.filter { $0 == name || $0.hasPrefix(name + " ") } }

    /// As XML every element must be closed and every attribute quoted; as HTML it is what a browser does.
    private static let program = #"""
        import html.parser, sys, xml.etree.ElementTree
        text = open(sys.argv[1], encoding="utf-8").read()
        xml.etree.ElementTree.fromstring(text)
        class Page(html.parser.HTMLParser):
            inside = []
            def handle_starttag(self, tag, attributes):
                self.inside.append(tag)
                if not attributes: print("<", tag)
                for name, value in attributes: print("<", tag, name, repr(value))
            def handle_endtag(self, tag):
                assert self.inside.pop() == tag, tag
            def handle_startendtag(self, tag, attributes):
                self.handle_starttag(tag, attributes)
                self.inside.pop()
            def handle_data(self, data):
                if self.inside[-1:] != ["style"]:
                    for line in data.split("\n"): print("=", line)
        page = Page(convert_charrefs=True)
        page.feed(text)
        page.close()
        assert not page.inside
        print("done")
        """#
}

private func mkdtempPath() -> String? {
    var template = Array("/var/tmp/metastore-report-XXXXXX".utf8CString)
    return mkdtemp(&template).map { String(cString: $0) }
}
