import ArgumentParser
import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreReplication
import MetastoreReplicationServer
import MetastoreSQLite

/// What is committed.
enum Work: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// A key-value entry of 250 bytes, under one of 1,000 keys.
    case put
    /// A trial's state, to and fro between ACTIVE and PAUSED, one trial a client.
    case transition
}

/// A store that is written to: archived, served, or neither.
struct Master: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Commits to a store, and says when each commit was answered.",
        discussion: """
            It says {"port":…} once it serves, {"ready":1} when it begins, a line for each commit with its revision, \
            when it was begun and when it was answered, and at the end how many there were and how long they took. \
            Then it stays as it is until its input ends.
            """)

    @Option(help: "The database file.")
    var path: String

    @Option(help: "The folder of its archive; none unless given.")
    var archive: String?

    @Flag(help: "Serve the store on loopback.")
    var serve = false

    @Option(help: "What is committed.")
    var work = Work.put

    @Option(help: "How many commits, of all clients together.")
    var commits = 1_000

    @Option(help: "How many commit beside each other.")
    var clients = 1

    @Option(help: "Milliseconds from one commit's answer to the next one's begin.")
    var pause = 0

    @Option(help: "Seconds after which a segment is sealed; the library's unless given.")
    var segmentAge: Double?

    @Flag(help: "Begin once a line was given on standard input.")
    var waits = false

    @Flag(help: "Say nothing of each commit.")
    var quiet = false

    func run() async throws {
        var options = StoreOptions()
        options.actor = "bench"
        options.copies = .adopt
        options.logRetentionBytes = 1 << 50
        let store = try await Metastore.open(.sqlite(path), options)
        let archiving = try archive.map { folder in
            var settings = ArchiverOptions()
            if let segmentAge { settings.segmentAge = .seconds(segmentAge) }
            return try Archiver(store, try DirectoryTarget(path: folder), settings)
        }
        let run = Task { try await archiving?.run() }
        let server = serve ? try await ReplicationServer.start(store) : nil
        if let server { Lines.say(["port": Int64(server.port)]) }
        let trials = try await trials(store)
        if let archiving { try await awaitArchived(archiving, store) }
        Lines.say(["ready": 1])
        if waits { await awaitLine() }
        let (first, began) = (store.position.revision.rawValue, monotonic())
        try await withThrowingTaskGroup { group in
            for client in 0..<clients {
                group.addTask { try await commit(client, trials[client], to: store) }
            }
            try await group.waitForAll()
        }
        let ended = monotonic()
        Lines.say([
            "commits": store.position.revision.rawValue - first, "nanoseconds": ended - began,
            "last": store.position.revision.rawValue,
        ])
        await awaitEndOfInput()
        // Everything is in the archive before anybody counts its bytes.
        if let archiving { try await awaitArchived(archiving, store) }
        await server?.stop()
        run.cancel()
        _ = await run.result
        await store.close()
    }

    private func awaitArchived(_ archiver: Archiver, _ store: Metastore) async throws {
        while archiver.status.archived ?? .absent < store.position.revision {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// One trial a client, with hyperparameters of 300 bytes.
    private func trials(_ store: Metastore) async throws -> [ID<Trial>] {
        guard work == .transition else { return [ID<Trial>](repeating: 0, count: clients) }
        return try await store.write { [clients] tx in
            let experiment = try tx.experiments.create(
                NewExperiment(name: "bench", config: ["searcher": "grid"], startsActive: true))
            return try (0..<clients).map { number in
                try tx.trials.create(
                    NewTrial(experiment: experiment.id, hparams: Values.hparams(number), seed: Int64(number))
                ).id
            }
        }
    }

    private func commit(_ client: Int, _ trial: ID<Trial>, to store: Metastore) async throws {
        for number in 0..<(commits / clients) {
            let began = monotonic()
            let revision: Int64
            switch work {
            case .put:
                let key = EntryKey(namespace: "bench", key: "\((number &* clients &+ client) % 1_000)")
                revision = try await store.committed { tx in try tx.keyValue.put(key, Values.entry(number)) }.value
                    .revision
                    .rawValue
            case .transition:
                let isActive = number.isMultiple(of: 2)
                try await store.write { tx in
                    try tx.trials.transition(
                        trial, to: isActive ? .paused : .active, if: .state(isActive ? .active : .paused))
                }
                revision = 0
            }
            let answered = monotonic()
            if !quiet { Lines.say(["revision": revision, "began": began, "answered": answered]) }
            if pause > 0 { try await Task.sleep(for: .milliseconds(pause)) }
        }
    }
}

enum Values {
    /// 250 bytes, others for each number: writing what is there is no change, and no commit.
    static func entry(_ number: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 120, count: 250)
        withUnsafeBytes(of: number) { bytes.replaceSubrange(0..<$0.count, with: $0) }
        return bytes
    }

    /// 300 bytes.
    static func hparams(_ number: Int) -> JSONObject {
        [
            "activation": "gelu", "batch_size": 256, "beta1": 0.9, "beta2": 0.999, "dropout": 0.1, "epsilon": 1e-8,
            "gradient_clipping": 1, "hidden": 768, "layers": 12, "learning_rate": .number(Double(number) * 0.001),
            "optimizer": "adamw", "precision": "bf16", "schedule": "cosine", "sequence_length": 1024,
            "vocabulary": 50257, "warmup_steps": 1000, "weight_decay": 0.01,
        ]
    }
}
