internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite
internal import MigrateSupport
internal import Testing

/// One command on one store, as a process that is killed, run again, and looked at after each.
///
/// The store begins with schema 1; `up` brings it to this release's, and by a step of the tests' to one after it.
struct Victim {
    enum Command: String, CaseIterable, Sendable {
        case up, rollback, rehearse, copy
    }

    /// A store on which a command finds something to do, to be copied for each run.
    struct Original {
        let rig: Rig
        let command: Command
        /// What the store says of itself before the command, and after it.
        let before, after: ClosedStore.Summary

        init(_ command: Command, _ kind: Kind, rows: Int) async throws {
            self.command = command
            rig = try await Rig(kind, rows: rows, schema: command == .copy ? nil : 1)
            let first = try summary(of: rig.source)
            if command == .rollback { try await rig.up(.absent) }
            before = try summary(of: rig.source)
            after = first
        }
    }

    private let original: Original
    private let rig: Rig
    /// Of a copy: where to, as a command line names it.
    private let target: String
    private let server: Rig?

    /// - Parameter server: where a copy goes; its own directory without one.
    init(_ original: Original, copyingTo server: Rig? = nil) throws {
        self.original = original
        rig = try Rig(copyOf: original.rig)
        self.server = server
        target = server.map { "\($0.url)&schema=copied" } ?? rig.directory + "/copied/metastore.db"
    }

    var command: Command { original.command }

    private func arguments(_ watch: String) -> [String] {
        let second = command == .copy ? target : rig.backups
        return [command.rawValue, rig.url, second, rig.cataloguesFile, "absent", watch]
    }

    /// - Parameter watch: what the program is to tell.
    func start(_ watch: String = "log") throws -> Tool {
        try Tool(arguments(watch), program: "metastore-migrate-test")
    }

    /// Starts it, watched for system calls.
    func trace(_ calls: [String], _ options: [String] = []) throws -> Tool {
        let program = CrashProcess.directory + "/metastore-migrate-test"
        let own = ["-f", "-qq", "-o", traceFile, "-e", "trace=\(calls.joined(separator: ","))"] + options + [program]
        return try Tool(own + arguments("log"), program: "/usr/bin/strace")
    }

    private var traceFile: String { rig.directory + "/catalogues.trace" }

    /// The system calls that it makes, in their order.
    func traced(_ calls: [String]) throws -> [Substring] {
        #expect(try trace(calls).end().code == 0)
        let text = FileManager.default.contents(atPath: traceFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n")
    }

    /// What a killed run left: one of the two states, as a whole, and no backup that looks like one and is none.
    ///
    /// - Returns: whether it is a rollback that has to be carried through.
    @discardableResult
    func look(_ context: String) async throws -> Bool {
        guard command != .copy else {
            try lookAtTarget(context)
            return false
        }
        let upgrade = try rig.upgrade(.absent)
        let status = try upgrade.status()
        // Then the database may stand there without its log, which is kept under another name.
        guard status.state != .halfRestored else {
            #expect(command == .rollback && rig.kind == .file, "\(context)")
            let refused = await failure { _ = try await upgrade.up(rig.options) { _ in } }
            #expect(refused?.status == .no && refused?.description.contains("rollback was begun") == true)
            // A master that starts now finds one of the two, or is refused: never an empty store.
            if let store = try? await Metastore.open(try rig.source) {
                #expect(try await store.keyValue.get("before/it") != nil, "\(context)")
                await store.close()
            }
            return true
        }
        #expect(status.state == .pending || status.state == .current, "\(context)")
        #expect(try upgrade.check().differences.isEmpty, "\(context)")
        #expect(try upgrade.verify().findings.isEmpty, "\(context)")
        let found = try summary(of: rig.source)
        #expect(found.digests == original.before.digests, "\(context)")
        if found.schema == original.before.schema { #expect(found.state == original.before.state, "\(context)") }
        try lookAtBackups(context)
        return false
    }

    private func lookAtBackups(_ context: String) throws {
        for name in rig.names(in: rig.backups) where !name.contains("unfinished") && !name.contains("rehearsal") {
            #expect(name.hasSuffix(".db"), "\(context): \(name)")
            let path = "\(rig.backups)/\(name)"
            #expect(try rig.upgrade(.absent, at: path).verify().findings.isEmpty, "\(context): \(name)")
            let backup = try summary(of: .sqlite(path))
            #expect(backup.digests == original.before.digests, "\(context): \(name)")
            if backup.schema == original.before.schema { #expect(backup.state == original.before.state) }
        }
    }

    private func lookAtTarget(_ context: String) throws {
        do {
            #expect(try rig.upgrade(at: target).verify().findings.isEmpty, "\(context)")
            #expect(try summary(of: try StoreURL(target).source(Password())).state == original.before.state)
        } catch let failure as CommandFailure {
            let isNothing = failure.status == .missing
            #expect(isNothing || failure.description.contains("unfinished copy"), "\(context): \(failure)")
        }
    }

    /// Runs it once more: now it is done, nothing else is left anywhere, and a master opens it.
    func finish(_ context: String) async throws {
        let again = try start().end()
        // A rollback that was complete has nothing to go back to any more.
        let isDone = again.code == 0 || (command == .rollback && again.output.contains("nothing to go back to"))
        #expect(isDone, "\(context): \(again.output)\(again.errors)")
        let opened = try command == .copy ? StoreURL(target).source(Password()) : rig.source
        let found = try summary(of: opened)
        #expect(found.digests == original.after.digests, "\(context)")
        switch command {
        case .up: #expect(found.schema == UpgradeSteps.first, "\(context)")
        case .rehearse, .copy: #expect(found.state == original.after.state, "\(context)")
        case .rollback: #expect(found.schema == original.after.schema, "\(context)")
        }
        let upgrade = try rig.upgrade(.absent, at: command == .copy ? target : nil)
        let status = try upgrade.status()
        #expect(status.drift.isEmpty && status.lock == nil, "\(context)")
        #expect(try upgrade.check().differences.isEmpty && upgrade.verify().findings.isEmpty, "\(context)")
        try await openAsMaster(opened, context)
        try lookAtBackups(context)
        try lookForLeftovers(context)
    }

    private func openAsMaster(_ source: EngineSource, _ context: String) async throws {
        var options = StoreOptions()
        options.schema = .automatically
        let store = try await Metastore.open(source, options)
        #expect(try await store.keyValue.get("before/it") != nil, "\(context)")
        try await store.keyValue.put("after/it", "1")
        #expect(try await store.verify().isClean, "\(context)")
        await store.close()
    }

    private func lookForLeftovers(_ context: String) throws {
        func isWhole(_ name: String) -> Bool { !name.contains("unfinished") && !name.contains("rehearsal") }
        #expect(rig.names(in: rig.backups).allSatisfy(isWhole), "\(context): \(rig.names(in: rig.backups))")
        let files = ["metastore.db", "metastore.db.head", "metastore.db.lock"]
        if target.hasPrefix("/"), command == .copy {
            #expect(rig.names(in: rig.directory + "/copied") == files, "\(context)")
        }
        let asides = command == .rollback ? 1 : 0
        if rig.kind == .file {
            let names = rig.names(in: rig.directory).filter { $0.hasPrefix("metastore") }
            let kept = names.filter { $0.hasPrefix("metastore.db.failed-") }
            // What was there is kept with its log, if it had one.
            #expect(kept.count { !$0.hasSuffix("-wal") } == asides, "\(context): \(names)")
            // Nobody opened the source of a copy for writing, and a reader can't remove these.
            let ofReaders = command == .copy ? ["metastore.db-wal", "metastore.db-shm"] : []
            #expect(Set(names).subtracting(kept).isSubset(of: files + ofReaders), "\(context): \(names)")
        }
        #if PostgreSQL
            if rig.kind == .server {
                let schemas = try rig.schemas
                let kept = schemas.filter { $0.hasPrefix("metastore_failed-") }
                #expect(kept.count == asides, "\(context): \(schemas)")
                #expect(
                    schemas.filter { !kept.contains($0) && $0 != "copied" } == ["metastore"], "\(context): \(schemas)")
            }
        #endif
    }
}

/// When a kill hit a process.
enum Moment: String {
    /// It had not said that it begins.
    case before
    case within
    /// It had ended by itself.
    case after
}

extension Tool {
    /// Kills it.
    func endNow() -> Moment {
        send(SIGKILL)
        let ending = end()
        guard ending.code == 128 + SIGKILL else { return .after }
        return ending.output.isEmpty ? .before : .within
    }
}

/// What a closed store says of itself.
func summary(of source: EngineSource) throws -> ClosedStore.Summary {
    var options = EngineOptions()
    options.isReadOnly = true
    let engine = try source.makeEngine(options)
    defer { engine.close() }
    _ = try engine.prepare()
    let reader = try engine.openReader()
    defer { reader.close() }
    return try ClosedStore(reader).summary()
}

extension ClosedStore.Summary {
    /// Of the rows of each kind: what no upgrade and no rollback changes. The log's last link comes after them.
    var digests: [UInt8] { state.dropLast(32) }
}
