internal import MetastoreEngine
internal import MetastoreEngineContract
internal import MetastoreSQLite
import Testing

/// Every sentence of the engine contract, under three configurations.
@Suite struct `The engine contract` {
    @Test(arguments: EnginePromise.all.filter { !$0.needsReaders })
    func `holds in memory`(_ promise: EnginePromise) throws {
        try promise.isKept(by: MemoryEngine(options: EngineOptions()))
    }

    @Test(arguments: EnginePromise.all)
    func `holds in a file`(_ promise: EnginePromise) throws {
        let place = try TemporaryPlace(onDisk: true)
        try promise.isKept(by: place.engine())
    }

    /// One statement kept, a tiny page cache, no patience.
    @Test(arguments: EnginePromise.all)
    func `holds in a file with hostile settings`(_ promise: EnginePromise) throws {
        let place = try TemporaryPlace()
        var options = EngineOptions()
        options.statementCacheCapacity = 1
        options.cacheBytes = 0
        options.busyTimeout = .milliseconds(1)
        try promise.isKept(by: place.engine(options))
    }

    @Test func `holds from the public sources`() throws {
        let place = try TemporaryPlace()
        let promise = try #require(EnginePromise.all.first { !$0.needsReaders })
        try promise.isKept(by: EngineSource.sqlite(place.path).makeEngine(EngineOptions()))
        try promise.isKept(by: EngineSource.inMemory().makeEngine(EngineOptions()))
    }
}
