internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

/// A closed store, a folder for its archive, and places for what is made of it.
final class Rig: Sendable {
    let engine: TestEngine
    let root: String
    let store: StoreURL
    let said = Mutex<[String]>([])
    private let made = Mutex<[(TestEngine, String)]>([])

    /// Engines that a process reaches, too.
    static let engines = TestEngine.allCases.filter { $0 == .disk || $0.rawValue == "postgresql" }

    private init(_ engine: TestEngine, _ root: String) throws {
        self.engine = engine
        self.root = root
        store = try StoreURL(try engine.place(in: root))
    }

    /// - Parameter commits: how many the store has beside its first.
    static func with(
        _ engine: TestEngine = .disk, commits: Int = 20, _ body: (Rig) async throws -> Void
    ) async throws {
        CapturedLog.start
        try await withScratch { root in
            let rig = try Rig(engine, root)
            defer {
                engine.remove(from: root)
                for (engine, folder) in rig.made.withLock({ $0 }) { engine.remove(from: folder) }
            }
            try FileManager.default.createDirectory(atPath: root + "/archive", withIntermediateDirectories: false)
            try await rig.commit(commits)
            try await body(rig)
        }
    }

    var folder: String { root + "/archive" }
    var archive: ArchiveURL { get throws { try ArchiveURL(folder) } }
    var screen: CommandScreen {
        CommandScreen(.plain, write: { [weak self] text in self?.said.withLock { $0.append(text) } })
    }

    /// A place with nothing in it, on the store's engine unless told otherwise.
    func place(_ name: String, on other: TestEngine? = nil) throws -> StoreURL {
        let (engine, folder) = (other ?? engine, root + "/" + name)
        if engine.isFile {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        made.withLock { $0.append((engine, folder)) }
        return try StoreURL(try engine.place(in: folder))
    }

    func source(_ url: StoreURL) throws -> EngineSource { try url.source(Password()) }

    /// The store, opened to be written, while the body runs.
    func writing<Result>(_ body: (Metastore) async throws -> Result) async throws -> Result {
        let open = try await Metastore.open(try source(store))
        do {
            let result = try await body(open)
            await open.close()
            return result
        } catch {
            await open.close()
            throw error
        }
    }

    /// The same records for every rig.
    func commit(_ count: Int) async throws { try await writing { try await Self.commit(count, to: $0) } }

    static func commit(_ count: Int, to store: Metastore) async throws {
        let first = store.position.revision.rawValue
        try await store.write { tx in
            let experiment = try tx.experiments.create(NewExperiment(name: "mnist", config: ["lr": 0.1]))
            for _ in 0..<2 { _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["x": 1])) }
        }
        for number in 0..<count {
            let value = [UInt8](repeating: UInt8((Int64(number) + first) % 251), count: 300)
            try await store.write { tx in
                try tx.keyValue.put(EntryKey(namespace: "n", key: "\(number % 50)"), value)
            }
        }
    }

    func contents(_ url: StoreURL) async throws -> StoreContents {
        var options = StoreOptions()
        options.engine.isReadOnly = true
        let open = try await Metastore.open(try source(url), options)
        let contents = try await open.contents()
        await open.close()
        return contents
    }

    // MARK: Commands

    @discardableResult
    func ship() async throws -> ArchiveReport {
        var options = ArchiveCommand.Options()
        (options.isOnce, options.segmentAge) = (true, .zero)
        return try await ArchiveCommand(store, to: try archive, options, screen: screen).run(Password())
    }

    @discardableResult
    func snapshot(as form: SnapshotForm = .portable) async throws -> SnapshotAnswer {
        try await SnapshotCommand(store, to: try archive, as: form, screen: screen).run(Password())
    }

    func status(beside url: StoreURL? = nil) async throws -> ArchiveStatusReport {
        try await StatusCommand(try archive, cluster: nil, screen: screen).run(beside: url, Password())
    }

    @discardableResult
    func restore(
        to point: String = "newest", into url: StoreURL, _ change: (inout RestoreCommand.Options) -> Void = { _ in }
    ) async throws -> RestoreAnswer {
        var options = RestoreCommand.Options()
        options.point = try #require(RestorePoint(argument: point))
        change(&options)
        return try await RestoreCommand(try archive, into: url, options, screen: screen).run(Password())
    }

    func verify(_ point: String? = nil, comparing url: StoreURL? = nil) async throws -> VerifyAnswer {
        var options = VerifyCommand.Options()
        options.point = try point.map { try #require(RestorePoint(argument: $0)) }
        options.directory = root
        return try await VerifyCommand(try archive, options, screen: screen).run(comparing: url, Password())
    }

    func follow(
        into url: StoreURL, _ change: (inout FollowCommand.Options) -> Void = { _ in },
        _ tell: @escaping @Sendable (FollowMoment) -> Void = { _ in }
    ) async throws -> FollowAnswer {
        var options = FollowCommand.Options()
        (options.isOnce, options.compares) = (true, true)
        change(&options)
        return try await FollowCommand(.archive(try archive, cluster: nil), into: url, options, screen: screen)
            .run(Password(), tell)
    }

    func rewind(_ url: StoreURL, to revision: Int64, isDryRun: Bool = false) async throws -> RewindAnswer {
        try await RewindCommand(url, to: revision, screen: screen).run(Password(), isDryRun: isDryRun) { _ in }
    }

    var labels: LabelCommand { get throws { LabelCommand(try archive, cluster: nil, screen: screen) } }

    func retain(
        isApplied: Bool = false, beside url: StoreURL? = nil,
        _ change: (inout RetentionCommand.Options) -> Void = { $0.age = Age(argument: "0s") }
    ) async throws -> RetentionAnswer {
        var options = RetentionCommand.Options()
        options.isApplied = isApplied
        change(&options)
        return try await RetentionCommand(try archive, options, screen: screen).run(beside: url, Password()) { _ in }
    }

    // MARK: Objects of the archive

    /// Paths of the archive's objects of one sort, below its folder, in order.
    func objects(_ kind: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
            var isFolder = false
            return path.split(separator: "/").dropFirst().first == kind[...]
                && FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder) && !isFolder
        }.sorted()
    }

    /// Changes an object's bytes where they lie.
    func damage(_ object: String, _ change: (inout [UInt8]) -> Void) throws {
        let path = folder + "/" + object
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        change(&bytes)
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }

    /// Whatever belongs to a store in a file, by name.
    func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    }
}

/// What a command failed with.
func failure<Result>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async -> CommandFailure? {
    do {
        let result = try await body()
        Issue.record("it answered \(result)", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error as? CommandFailure
    }
}
