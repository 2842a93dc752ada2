internal import MetastoreEngine
internal import Synchronization

/// Which database files have an SQLite connection in this process.
///
/// Closing any plain descriptor of such a file drops the locks of all its connections in the process, and the next
/// writer then damages it (DESIGN D2). So a plain look happens under this lock, and only at files nobody has open.
enum OpenDatabases {
    private static let counts = Mutex<[FileIdentity: Int]>([:])

    static func add(_ file: FileIdentity) {
        counts.withLock { $0[file, default: 0] += 1 }
    }

    static func remove(_ file: FileIdentity) {
        counts.withLock { counts in
            let left = counts[file, default: 1] - 1
            counts[file] = left == 0 ? nil : left
        }
    }

    static func isOpen(_ file: FileIdentity) -> Bool {
        counts.withLock { $0[file] != nil }
    }

    /// Runs `body` while nobody here can open the file; returns false, without running it, when somebody has.
    static func whileClosed(
        _ file: FileIdentity, _ body: () throws(EngineError) -> Void
    ) throws(EngineError) -> Bool {
        let result = counts.withLock { counts -> Result<Bool, EngineError> in
            guard counts[file] == nil else { return .success(false) }
            do throws(EngineError) {
                try body()
                return .success(true)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
