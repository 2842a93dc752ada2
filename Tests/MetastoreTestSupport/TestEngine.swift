internal import Metastore
internal import MetastoreEngine
internal import MetastoreSQLite

/// The engines that every contract suite runs against.
package enum TestEngine: String, CaseIterable, Sendable {
    /// Private, in memory: the double for everything that needs no file.
    case memory
    /// A file with the default settings.
    case disk
    /// A file with one reader, a tiny cache, four kept statements and no patience for locks.
    case hostile

    /// True when a store of it can be opened again.
    package var isFile: Bool { self != .memory }

    /// Those with a file.
    package static let files: [TestEngine] = [.disk, .hostile]

    /// Where a store of it lies below a directory.
    func source(in directory: String) -> EngineSource {
        isFile ? .sqlite(directory + "/metastore.db") : .inMemory()
    }

    func configure(_ options: inout StoreOptions) {
        guard self == .hostile else { return }
        options.readerThreads = 1
        options.engine.cacheBytes = 1
        options.engine.busyTimeout = .milliseconds(1)
        options.engine.statementCacheCapacity = 4
    }
}
