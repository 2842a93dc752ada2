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

    /// No server takes such text in.
    @Test(arguments: [1, 2, 15, 16, 300])
    func `refuses text that isn't UTF-8, of any length`(_ count: Int) throws {
        let engine = MemoryEngine(options: EngineOptions())
        _ = try engine.create { _ in }
        let writer = try engine.openWriter()
        let bytes = [UInt8](repeating: 0x61, count: count - 1) + [0xFF]
        let statement: SQL = "SELECT CAST(\(bytes) AS TEXT)"
        let error = #expect(throws: EngineError.self) { try writer.first(statement) { try $0.text(0) } }
        #expect(error?.code == .damaged)
        #expect(try writer.first(statement) { $0.lent.columns()[0].string == nil } == true)
        #expect(try writer.first(statement) { $0.lent.columns()[0].withText { _ in true } == nil } == true)
    }

    @Test func `holds from the public sources`() throws {
        let place = try TemporaryPlace()
        let promise = try #require(EnginePromise.all.first { !$0.needsReaders })
        try promise.isKept(by: EngineSource.sqlite(place.path).makeEngine(EngineOptions()))
        try promise.isKept(by: EngineSource.inMemory().makeEngine(EngineOptions()))
    }
}
