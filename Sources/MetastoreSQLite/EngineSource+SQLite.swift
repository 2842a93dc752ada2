public import MetastoreEngine

extension EngineSource {
    /// A database in the file at `path`, on a local file system.
    ///
    /// One process at a time may open it for writing. Beside the file lie `path-wal` and `path-shm` (parts of the
    /// database: never delete or copy them apart from it), `path.lock` and `path.head`. All are readable by their owner
    /// only; a missing directory is made, also for its owner only.
    public static func sqlite(_ path: String) -> EngineSource {
        EngineSource { options in SQLiteEngine(path: path, options: options) }
    }

    /// The same in a directory that is there, and isn't made: somebody may be about to remove it.
    package static func sqlite(inExistingDirectory path: String) -> EngineSource {
        EngineSource { options in SQLiteEngine(path: path, options: options, makesDirectory: false) }
    }

    /// A private database in memory, gone when it is closed.
    public static func inMemory() -> EngineSource {
        EngineSource { options in MemoryEngine(options: options) }
    }
}
