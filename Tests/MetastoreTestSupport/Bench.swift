internal import FoundationEssentials
package import Metastore
package import MetastoreEngine
internal import Synchronization

/// An open store with everything a test may turn: its clocks, its faults, its place.
package final class Bench: Sendable {
    package let engine: TestEngine
    /// The scratch directory of this store alone.
    package let directory: String
    package let time: ManualTime
    package let faults: FaultPlan
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
    package var path: String { directory + "/metastore.db" }

    package var store: Metastore { open.withLock { $0! } }

    /// The options a store of this bench is opened with.
    package var options: StoreOptions {
        var options = StoreOptions()
        options.time = time.source
        options.housekeepingInterval = .milliseconds(10)
        engine.configure(&options)
        configure(&options)
        return options
    }

    /// Where a store of this bench lies, behind its faults.
    package var source: EngineSource {
        let (engine, directory, faults) = (engine, directory, faults)
        return EngineSource { FaultyEngine(try engine.source(in: directory).makeEngine($0), faults) }
    }

    /// Another handle on the same place.
    package func another(_ change: (inout StoreOptions) -> Void = { _ in }) async throws -> Metastore {
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
    package func reopen() async throws -> Metastore {
        await store.close()
        try await start()
        return store
    }
}

extension Bench {
    /// Lets the clock that never goes back run, ten times as fast as the world's, while the body runs.
    package func whileTimePasses<Result>(_ body: () async throws -> Result) async throws -> Result {
        let time = time
        let passing = Task {
            while !Task.isCancelled {
                time.monotonic += .milliseconds(50)
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        defer { passing.cancel() }
        return try await body()
    }
}

/// A store that fails its verification at the end of a test.
package struct NotClean: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Runs a test on a new store; at the end, everything the store says of itself is recomputed.
///
/// - Parameter configure: changes the options.
package func withBench<Result>(
    _ engine: TestEngine, verifying: Bool = true,
    configure: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
    _ body: (Bench) async throws -> Result
) async throws -> Result {
    CapturedLog.start
    let directory = FileManager.default.temporaryDirectory.path + "/metastore-test-\(UUID().uuidString.lowercased())"
    try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer {
        engine.remove(from: directory)
        try? FileManager.default.removeItem(atPath: directory)
    }
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
package func withStore<Result>(
    _ engine: TestEngine, configure: @escaping @Sendable (inout StoreOptions) -> Void = { _ in },
    _ body: (Metastore) async throws -> Result
) async throws -> Result {
    try await withBench(engine, configure: configure) { try await body($0.store) }
}
