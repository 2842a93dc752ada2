// Invariants
// 1. Nothing of it is left when the inspector ends: in memory there is nothing to leave; a folder goes as soon as what
//    lies in it is open, and before that a signal removes it.
// 2. Images are opened in files only: SQLite reads the whole of one.

internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite

/// Where a state is rebuilt.
enum RebuildPlace: Sendable {
    case memory(HeldMemory)
    case folder(ScratchFolder)

    /// What is read of an archive, several times unpacked, may take so much memory.
    static let memoryBytes = 16 << 20

    /// - Parameters:
    ///   - bytes: that the archive has, of what is read.
    ///   - hasImages: the archive has snapshots of SQLite's pages.
    init(forArchiveBytes bytes: Int, hasImages: Bool, most: Int = memoryBytes) throws(CommandFailure) {
        guard bytes > most || hasImages else {
            self = .memory(HeldMemory())
            return
        }
        let folder = try ScratchFolder(
            in: FileManager.default.temporaryDirectory.path, for: "inspect",
            "Name a folder with room for the whole store in the environment variable TMPDIR.")
        self = .folder(folder)
    }

    var isMemory: Bool { if case .memory = self { true } else { false } }

    /// Where the state is made.
    var source: EngineSource {
        switch self {
        case .memory(let engine): engine.source
        case .folder(let folder): folder.store("rebuilt")
        }
    }

    /// Where something is made that nobody keeps.
    var discarded: EngineSource {
        switch self {
        case .memory: .inMemory()
        case .folder(let folder): folder.store("discarded")
        }
    }

    /// What was made, ready to be read.
    func made() throws -> any Engine {
        switch self {
        case .memory(let engine): return engine
        case .folder(let folder):
            let engine = FrozenEngine(path: folder.file("rebuilt"), options: EngineOptions())
            guard try engine.prepare() != .nothing else {
                throw EngineError(.missing, operation: "open", message: "\(folder.path) was removed meanwhile")
            }
            return engine
        }
    }

    func remove() { if case .folder(let folder) = self { folder.remove() } }

    /// Runs work in it; SIGINT, SIGTERM and SIGHUP remove it and end the process, as they end it at other times.
    ///
    /// - Parameter isWatching: false where signals are somebody else's business.
    func removed<Value>(bySignals isWatching: Bool, _ body: () throws -> Value) rethrows -> Value {
        guard isWatching, case .folder(let folder) = self else { return try body() }
        var (signals, before) = (sigset_t(), sigset_t())
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        // The threads that are started from here on have them blocked, too: one alone waits for them.
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let awaited = signals
        _ = BlockingThread.tryStart {
            var (signals, number) = (awaited, Int32(0))
            while sigwait(&signals, &number) != 0 {}
            // Whoever is filling it may have made a file meanwhile; in a folder that is gone nobody can.
            for _ in 0..<100 where access(folder.path, F_OK) == 0 { folder.remove() }
            if isatty(2) == 1 { _ = "\r\u{1B}[K".withCString { write(2, $0, strlen($0)) } }
            _exit(128 + number)
        }
        return try body()
    }
}
