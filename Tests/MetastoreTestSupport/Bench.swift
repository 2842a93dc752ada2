internal import FoundationEssentials
public import Metastore
public import MetastoreEngine
internal import Synchronization

/// An open store with everything a test may turn: its clocks, its faults, its place.
public final class Bench: Sendable {
    public let engine: TestEngine
    /// The scratch directory of this store alone.
    public let directory: String
    public let time: ManualTime
    public let faults: FaultPlan
    private let configure: @Sendable (inout StoreOptions) -> Void
    private let open = Mutex<Metastore?>(nil)

    init(
        _ engine: TestEngine, directory: String, time: ManualTime,
        configure: @escaping @Sendable (inout StoreOptions) -> Void
    ) {
        self.engine = engine
        self.directory = directory
        self.time = time
        self.configure = configure
        faults = FaultPlan()
    }

    /// The file of the store.
    public var path: String { directory + "/metastore.db" }

    public var store: Metastore { open.withLock { $0! } }

    /// The options a store of this bench is opened with.
    public var options: StoreOptions {
        var options = StoreOptions()
        options.time = time.source
        options.housekeepingInterval = .milliseconds(10)
        engine.configure(&options)
        configure(&options)
        return options
    }

    /// Where a store of this bench lies, behind its faults.
    public var source: EngineSource {
        let (real, faults) = (engine.source(in: directory), faults)
        return EngineSource { FaultyEngine(try real.makeEngine($0), faults) }
    }

    /// Another handle on the same place.
    public func another(_ change: (inout StoreOptions) -> Void = { _ in }) async throws -> Metastore {
        var options = options
        change(&options)
        return try await Metastore.open(source, options)
    }

    func start() async throws {
        let store = try await another()
        open.withLock { $0 = store }
    }

    /// Closes the store and opens it again. Only where there is a file.
    @discardableResult
    public func reopen() async throws -> Metastore {
        await store.close()
        try await start()
        return store
    }
}

/// A store that fails its verification at the end of a test.
public struct NotClean: Error, CustomStringConvertible {
    public let description: String
}

/// Runs a test on a new store; at the end, everything the store says of itself is recomputed.
///
/// - Parameter configure: changes the options.
public func withBench<Result>(
    _ engine: TestEngine, verifying: Bool = true,
    configure: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
    _ body: (Bench) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.path + "/metastore-test-\(UUID().uuidString.lowercased())"
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let bench = Bench(engine, directory: directory, time: ManualTime(), configure: configure)
    try await bench.start()
    do {
        let result = try await body(bench)
        bench.faults.disarm()
        if verifying {
            let report = try await bench.store.verify()
            if !report.isClean { throw NotClean(description: report.description) }
        }
        await bench.store.close()
        return result
    } catch {
        bench.faults.disarm()
        await bench.store.close()
        throw error
    }
}

/// As ``withBench(_:verifying:configure:_:)``, for tests that need the store only.
public func withStore<Result>(
    _ engine: TestEngine, configure: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
    _ body: (Metastore) async throws -> Result
) async throws -> Result {
    try await withBench(engine, configure: configure) { try await body($0.store) }
}
