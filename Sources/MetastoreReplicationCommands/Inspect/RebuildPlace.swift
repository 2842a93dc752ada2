// Invariants
// 1. Nothing of it is left when the inspector ends: in memory there is nothing to leave; a folder goes as soon as what
//    lies in it is open, and before that a signal removes it.
// 2. Images are opened in files only: SQLite reads the whole of one.

internal import FoundationEssentials
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

    /// Lends one; it is gone afterwards.
    ///
    /// - Parameters:
    ///   - bytes: that are read of the archive.
    ///   - hasImages: the archive has snapshots of SQLite's pages.
    ///   - options: how much may be in memory, and whether signals end the process.
    static func lend<Value>(
        forArchiveBytes bytes: Int, hasImages: Bool, _ options: ArchiveInspector, _ body: (RebuildPlace) throws -> Value
    ) throws -> Value {
        guard bytes > options.memoryBytes || hasImages else { return try body(.memory(HeldMemory())) }
        return try SignalRemoval.lending(options.endsOnSignals) {
            try ScratchFolder(
                in: FileManager.default.temporaryDirectory.path, for: "inspect",
                "Name a folder with room for the whole store in the environment variable TMPDIR.")
        } _: { folder in
            try body(.folder(folder))
        }
    }

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
}
