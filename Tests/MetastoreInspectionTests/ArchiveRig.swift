internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Testing

/// A closed store with a little of everything, and its archive: two epochs, five segments, a snapshot and a label.
struct ArchivedStore: Sendable {
    let root: String
    /// The store.
    var path: String { root + "/metastore.db" }
    /// The archive.
    var folder: String { root + "/archive" }
    private var screen: CommandScreen { CommandScreen(.plain, write: { _ in }) }

    static func with(_ body: (ArchivedStore) async throws -> Void) async throws {
        try await withScratch { root in
            let rig = ArchivedStore(root: root)
            try FileManager.default.createDirectory(atPath: rig.folder, withIntermediateDirectories: false)
            try await SmallStore.make(rig.path)
            try await rig.ship()
            try await rig.commit(3)
            try await rig.ship()
            try await rig.snapshot()
            _ = try await LabelCommand(try ArchiveURL(rig.folder), cluster: nil, screen: rig.screen)
                .set("half-way", at: nil, text: "")
            try await rig.commit(3)
            try await rig.ship()
            try await rig.writing { try await $0.lead(as: "master-2") { _ in } }
            try await rig.commit(2)
            try await rig.ship()
            try await rig.commit(2)
            try await rig.ship()
            try await body(rig)
        }
    }

    func writing(_ body: (Metastore) async throws -> Void) async throws {
        let store = try await Metastore.open(.sqlite(path))
        try await body(store)
        await store.close()
    }

    func commit(_ count: Int) async throws {
        try await writing { store in
            for number in 0..<count {
                try await store.write { tx in
                    let experiment = try tx.experiments.create(NewExperiment(name: "more", config: ["n": 1]))
                    _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["x": 1]))
                    try tx.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), [UInt8](repeating: 7, count: 200))
                }
            }
        }
    }

    func ship() async throws {
        var options = ArchiveCommand.Options()
        (options.isOnce, options.segmentAge) = (true, .zero)
        _ = try await ArchiveCommand(try StoreURL(path), to: try ArchiveURL(folder), options, screen: screen)
            .run(Password())
    }

    func snapshot(_ form: SnapshotForm = .portable) async throws {
        let archive = try ArchiveURL(folder)
        let line = ArchiveLine(try archive.target(), of: try #require(try archive.clusters().first))
        _ = try await SnapshotWriter(line).write(.place(.sqlite(path)), as: form)
    }

    func retain() async throws {
        var options = RetentionCommand.Options()
        (options.age, options.isApplied) = (Age(argument: "0s"), true)
        _ = try await RetentionCommand(try ArchiveURL(folder), options, screen: screen).run(beside: nil, Password()) {
            _ in
        }
    }

    /// Merges what is before the snapshot.
    func merge() async throws {
        var options = RetentionCommand.Options()
        (options.merges, options.isApplied) = (true, true)
        _ = try await RetentionCommand(try ArchiveURL(folder), options, screen: screen).run(beside: nil, Password()) {
            _ in
        }
    }

    /// What `metastore-replicate verify` says, or fails with.
    func verify() async -> CommandFailure? {
        do {
            var options = VerifyCommand.Options()
            options.directory = root
            _ = try await VerifyCommand(try ArchiveURL(folder), options, screen: screen).run(comparing: nil, Password())
            return nil
        } catch {
            return error
        }
    }

    // MARK: Objects

    /// Paths of all objects, below the archive's folder, in order.
    func objects(_ kind: String = "") throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
            var isFolder = false
            return FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder) && !isFolder
                && (kind.isEmpty || path.split(separator: "/").dropFirst().first == kind[...])
        }.sorted()
    }

    func damage(_ object: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try contents(folder + "/" + object)
        change(&bytes)
        try write(bytes, to: folder + "/" + object)
    }

    func remove(_ object: String) throws { try FileManager.default.removeItem(atPath: folder + "/" + object) }

    /// Runs the body on a copy of the archive, which is thrown away.
    func withCopy(_ name: String = "copy", _ body: (ArchivedStore) async throws -> Void) async throws {
        let copy = ArchivedStore(root: root + "/" + name)
        try FileManager.default.createDirectory(atPath: copy.root, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: copy.root) }
        try run("cp", "-r", folder, copy.folder)
        try await body(copy)
    }

    /// The last revision of the store.
    func revision() throws -> Int64 {
        let inspection = try Inspection.open(path: path)
        return try inspection.read { try inspection.store.summary().revision.rawValue }
    }
}

extension InspectOptions {
    /// Of an archive.
    ///
    /// - Parameter memoryBytes: nothing, to rebuild it in a folder.
    init(archive: String, _ format: InspectFormat = .json, at moment: String? = nil, memoryBytes: Int = 16 << 20) {
        self.init(archive, format, at: moment)
        var inspector = ArchiveInspector(endsOnSignals: false)
        inspector.memoryBytes = memoryBytes
        archives = inspector
    }
}

/// What a state is, without what is said of where it comes from, and without what no log knows.
struct Content: Equatable {
    let lines: [[String]]
    let asked: Asked

    /// - Parameters:
    ///   - consumers: false where a snapshot may have older positions than the store.
    ///   - rowsAlone: without what is read of the log.
    init(_ options: InspectOptions, consumers: Bool = false, rowsAlone: Bool = false) {
        var titles: [String] = []
        let kinds = RecordKind.allCases.filter { $0 != .cluster && (consumers || $0 != .consumer) }
        let rows: [(InspectSession) throws -> Void] = kinds.map { kind in
            { try $0.list(RecordQuery(kind), limit: nil) }
        }
        let rest: [(InspectSession) throws -> Void] = [
            { try $0.log(after: nil, kinds: .all, under: nil, limit: nil) },
            { try $0.describe("experiments/2/trials/1") }, { try $0.tree("experiments/2", all: true) },
            { try $0.history("experiments/2") }, { try $0.metrics(["1"], named: nil, isPlotted: false) },
            { try $0.sql("SELECT id, state FROM trials ORDER BY id") }, { try $0.export([.experiment, .keyValue]) },
        ]
        asked = Asked(options) { session in
            for command in rows + (rowsAlone ? [] : rest) {
                session.write("\n#\n")
                do {
                    try command(session)
                    titles.append("answered")
                } catch {
                    titles.append("\(CommandFailure(error, at: "").status)")
                }
            }
            return .success
        }
        let answers = asked.output.split(separator: "\n").split(separator: "#")
        lines = zip(titles, answers).map { title, answer in [title] + answer.map { Self.plain(String($0)) } }
    }

    /// A line of JSON without what differs between a store and what was rebuilt of it.
    static func plain(_ line: String) -> String {
        var line = line
        for name in ["store", "verdict", "last_activity", "last_heartbeat", "renewed_time"] {
            while let start = line.firstRange(of: "\"\(name)\":") {
                let end = line[start.upperBound...].firstIndex { $0 == "," || $0 == "}" } ?? line.endIndex
                line.removeSubrange(start.lowerBound..<end)
            }
        }
        return line
    }

    static func == (one: Content, other: Content) -> Bool { one.lines == other.lines }

    /// The first command that answers otherwise.
    func difference(_ other: Content) -> String {
        let pair = zip(lines, other.lines).first { $0 != $1 }
        let line = pair.flatMap { zip($0, $1).first { $0 != $1 } }
        let differing = line.map { "\($0.0) and \($0.1)" } ?? "none"
        return "\(asked.reason) \(other.asked.reason) \(lines.count) and \(other.lines.count): \(differing)"
    }
}
