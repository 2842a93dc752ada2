internal import Metastore
package import MetastoreEngine
internal import MetastoreSQLite

/// A store in a file.
package struct SQLitePlace: UpgradePlace {
    package let url: StoreURL
    private let path: String

    package init(_ url: StoreURL, path: String) {
        self.url = url
        self.path = path
    }

    package var name: String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return file.hasSuffix(".db") ? String(file.dropLast(3)) : file
    }

    package var backupDirectory: String? {
        let slash = path.lastIndex(of: "/")
        return slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    package func look() throws -> PlaceSight {
        guard let files = try DatabaseFiles(at: path) else { return PlaceSight(isThere: false, bytes: 0) }
        return PlaceSight(
            isThere: files.isThere, bytes: files.bytes,
            freeBytes: try DatabaseFiles.freeBytes(in: backupDirectory ?? "."), holder: files.holder,
            isBeingRestored: files.isBeingReplaced)
    }

    package func engine(isReadOnly: Bool) throws -> any Engine { sqlite(isReadOnly: isReadOnly) }

    private func sqlite(isReadOnly: Bool = false) -> SQLiteEngine {
        var options = EngineOptions()
        options.isReadOnly = isReadOnly
        return SQLiteEngine(path: path, options: options)
    }

    package func integrity(_ connection: any Connection) throws -> [String] {
        let damage = try connection.all("PRAGMA integrity_check(100)") { try $0.text(0) }.filter { $0 != "ok" }
        let orphans = try connection.all("PRAGMA foreign_key_check") { row in
            "\(try row.text(0)): a row refers to one of \(try row.text(2)) that isn't there"
        }
        return damage + orphans.prefix(100)
    }

    package func lockHolder(_ sight: PlaceSight) throws -> LockHolder? {
        sight.holder.map { LockHolder(holder: $0, isAlive: true) }
    }

    package func breakLock() throws -> LockHolder? {
        guard let holder = try look().holder else { return nil }
        throw CommandFailure(
            .tryLater,
            """
            \(path) is held by \(holder), which is alive: the lock of a file dies with its holder, and there is \
            nothing to break. Stop that process, or wait for it. Don't delete the lock file: it doesn't free the lock.
            """)
    }

    package func copy(to file: String, held: HeldStore?, _ progress: @escaping CopyWatch) async throws {
        let engine = try held?.engine ?? engine(isReadOnly: true)
        if held == nil { _ = try engine.prepare() }
        let reader = try engine.openReader()
        defer {
            reader.close()
            if held == nil { engine.close() }
        }
        let target = SQLiteEngine(path: file, options: EngineOptions())
        defer { target.close() }
        if try target.prepare() != .nothing {
            try DatabaseFiles.removeCopy(file)
            target.close()
            _ = try target.prepare()
        }
        let pageBytes = Int(try reader.first("PRAGMA page_size") { try $0.integer(0) } ?? 4096)
        try target.create(imageOf: reader) { pages, of in
            progress("copying", pages * pageBytes >> 10, of * pageBytes >> 10, "KiB")
            try Task.checkCancellation()
        } _: { connection in
            // What was committed is in it as a whole, whether or not a process still writes.
            try ClosedStore(connection).markClosed()
        }
    }

    package func scratch(_ suffix: String, in directory: String?) throws -> any UpgradePlace {
        let path = (directory ?? backupDirectory ?? ".") + "/\(name).\(suffix).db"
        return SQLitePlace(try StoreURL("sqlite:" + path), path: path)
    }

    package func fill(from source: any UpgradePlace, _ progress: @escaping CopyWatch) async throws {
        try await source.copy(to: path, held: nil, progress)
    }

    package func remove() throws { try DatabaseFiles.removeCopy(path) }

    package func restore(
        _ backup: String, suffix: String, _ progress: @escaping CopyWatch
    ) async throws -> RestoreOutcome {
        let replacement = try DatabaseReplacement(path: path)
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let aside = try replacement.replace(byImageAt: backup, keepingAs: "\(file).\(suffix)") { connection in
            try ClosedStore(connection).beginEpoch(.ofTools)
        }
        return RestoreOutcome(aside: aside)
    }

    package func finishRestore() throws -> RestoreOutcome? {
        guard try look().isBeingRestored else { return nil }
        return try DatabaseReplacement(path: path).resume().map { RestoreOutcome(aside: $0) }
    }
}

extension StoreOptions {
    /// What an operator's tool writes is written in its name.
    static var ofTools: StoreOptions {
        var options = StoreOptions()
        options.actor = "metastore-migrate"
        return options
    }
}
