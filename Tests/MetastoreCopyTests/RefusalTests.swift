internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

/// The typed error of what must fail; nil, recorded as an issue, when it doesn't.
func refusal(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> StoreError? {
    do {
        try await body()
        Issue.record("it didn't fail", sourceLocation: sourceLocation)
    } catch let error as StoreError {
        return error
    } catch {
        Issue.record("\(error) is no StoreError", sourceLocation: sourceLocation)
    }
    return nil
}

func copyRefusal(_ from: EngineSource, _ to: EngineSource) async -> StoreError? {
    await refusal { _ = try await StoreCopy(from: from, to: to).run() }
}

/// Stops a copy behind its `batches`-th batch, as a kill would.
func cutOff(_ from: EngineSource, _ to: EngineSource, after batches: Int, batchRows: Int = 5) async throws {
    var options = StoreCopy.Options()
    options.batchRows = batchRows
    let copy = StoreCopy(from: from, to: to, options)
    let left = Atomic(batches)
    let canBegin = Atomic(false)
    let task = Mutex<Task<StoreCopy.Report, any Error>?>(nil)
    let running = Task { () throws -> StoreCopy.Report in
        while !canBegin.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(1)) }
        return try await copy.run { event in
            guard case .copied = event, left.subtract(1, ordering: .relaxed).newValue == 0 else { return }
            task.withLock { $0?.cancel() }
        }
    }
    task.withLock { $0 = running }
    canBegin.store(true, ordering: .releasing)
    let error = await refusal { _ = try await running.value }
    guard case .engine(let interruption)? = error, interruption.code == EngineError.Code.interrupted else {
        let said = error.map { "\($0)" } ?? "nothing"
        throw Failure("cut off: \(said)", 0)
    }
}

@Suite(.serialized) struct `A copy refuses` {
    @Test(arguments: Kind.allCases)
    func `a target that holds another store, and leaves it alone`(_ kind: Kind) async throws {
        let (from, to) = (try Place(.file), try Place(kind))
        try await FullStore.make(in: from)
        try await FullStore.make(in: to)
        let before = try to.tables()
        let error = await copyRefusal(from.source, to.source)
        guard case .targetNotEmpty(_, "a store")? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try to.tables() == before)
    }

    @Test(arguments: Kind.allCases)
    func `a target that holds the same cluster at another revision`(_ kind: Kind) async throws {
        let (from, to) = (try Place(.file), try Place(kind))
        try await FullStore.make(in: from)
        _ = try await StoreCopy(from: from.source, to: to.source).run()
        let store = try await Metastore.open(from.source)
        try await store.keyValue.put("n/later", "1")
        await store.close()
        guard case .targetNotEmpty? = await copyRefusal(from.source, to.source) else {
            Issue.record("the target was taken")
            return
        }
    }

    @Test func `another program's database`() async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        try await FullStore.make(in: from)
        try FaultSupport.run(
            "python3", "-c", "import sqlite3; sqlite3.connect('\(to.name)').execute('CREATE TABLE t (x)')")
        let before = try Data(contentsOf: to.name)
        #expect(await copyRefusal(from.source, to.source)?.place?.contains(to.name) == true)
        #expect(try Data(contentsOf: to.name) == before)
        // Nor is it a source.
        #expect(await copyRefusal(to.source, try Place(.file).source)?.place?.contains(to.name) == true)
    }

    @Test func `itself, nothing, and what is no store yet`() async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        #expect(await copyRefusal(from.source, to.source)?.place == from.name)
        try await FullStore.make(in: from)
        guard case .misuse? = await copyRefusal(from.source, from.source) else {
            Issue.record("a store was copied onto itself")
            return
        }
        try await cutOff(from.source, to.source, after: 3)
        guard case .unfinishedCopy(to.name, _)? = await copyRefusal(to.source, try Place(.file).source) else {
            Issue.record("half a store was copied")
            return
        }
    }

    @Test func `a source without its write-ahead log`() async throws {
        let (from, away, to) = (try Place(.file), try Place(.file), try Place(.file))
        let store = try await Metastore.open(from.source)
        try await store.keyValue.put("n/k", "1")
        try FaultSupport.run("cp", from.name, away.name)
        await store.close()
        #expect(await copyRefusal(away.source, to.source) == .writeAheadLogMissing(place: away.name))
        #expect(try FileManager.default.contentsOfDirectory(atPath: to.store) == [])
    }

    /// What is opened there would be told that its history was cut.
    @Test func `a place where a later state of the cluster was durable`() async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        try await FullStore.make(in: from)
        _ = try await StoreCopy(from: from.source, to: to.source).run()
        let store = try await Metastore.open(to.source)
        try await store.keyValue.put("n/later", "1")
        let position = store.position
        await store.close()
        unlink(to.name)
        guard case .historyCut(position.revision, _)? = await copyRefusal(from.source, to.source) else {
            Issue.record("it was copied there")
            return
        }
    }

    #if PostgreSQL
        /// Before anything is made at the target.
        @Test func `a source of which something may not be read`() async throws {
            let (from, to) = (try Place(.server), try Place(.file))
            try await FullStore.make(in: from)
            let role = "copier_\(UInt32.random(in: 0 ... .max))"
            _ = try from.ask(
                """
                CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA metastore TO \(role);
                GRANT SELECT ON ALL TABLES IN SCHEMA metastore TO \(role); REVOKE SELECT ON ports FROM \(role)
                """)
            let error = await copyRefusal(try from.source(as: role), to.source)
            #expect(error?.label == "unusable" && "\(error!)".contains("ports"), "\(String(describing: error))")
            #expect(try FileManager.default.contentsOfDirectory(atPath: to.store).isEmpty)
            _ = try from.ask("GRANT SELECT ON ports TO \(role)")
            _ = try await StoreCopy(from: try from.source(as: role), to: to.source).run()
            #expect(try await contents(to.source) == contents(from.source))
            _ = try from.ask("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    #endif

    /// Root ignores modes: another user tries.
    @Test func `a source file that may not be read`() async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        try await FullStore.make(in: from)
        chmod(from.directory, 0o755)
        chmod(from.store, 0o755)
        chmod(from.name, 0o600)
        try FaultSupport.run("chown", "-R", "65534:65534", to.directory)
        let process = try CrashProcess("serve")
        #expect(try process.ask("user 65534") == "ok")
        let answer = try process.ask("copy \(from.name) \(to.name) 100")
        #expect(answer.hasPrefix("error unusable") && answer.contains(from.name), "\(answer)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: to.store).isEmpty)
    }
}

extension StoreError {
    /// Where, for the errors that say so.
    var place: String? {
        switch self {
        case .unusable(let place, _), .damaged(let place, _), .targetNotEmpty(let place, _): place
        default: nil
        }
    }
}

/// The bytes of a file.
struct Data: Equatable {
    private let bytes: [UInt8]

    init(contentsOf path: String) throws {
        bytes = Array(try #require(FileManager.default.contents(atPath: path)))
    }
}
