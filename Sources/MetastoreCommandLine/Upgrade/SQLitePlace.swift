internal import Metastore
package import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreSQLite
internal import MetastoreTerminal

/// A store in a file.
package struct SQLitePlace: UpgradePlace {
    package let url: StoreURL
    private let path: String
    /// A copy that is thrown away, and says so in its header.
    private let isScratch: Bool

    package init(_ url: StoreURL, path: String, isScratch: Bool = false) {
        self.url = url
        self.path = path
        self.isScratch = isScratch
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
        try await SQLitePlace(url, path: file).image(of: self, held, progress)
    }

    /// Becomes an image of the source.
    private func image(of source: SQLitePlace, _ held: HeldStore?, _ progress: @escaping CopyWatch) async throws {
        let engine = try held?.engine ?? source.engine(isReadOnly: true)
        if held == nil { _ = try engine.prepare() }
        let reader = try engine.openReader()
        defer {
            reader.close()
            if held == nil { engine.close() }
        }
        let target = sqlite()
        defer { target.close() }
        if try target.prepare() != .nothing {
            try refuseForeign()
            try DatabaseFiles.removeCopy(path)
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
            if isScratch { try connection.executeScript("PRAGMA user_version = \(Self.scratchVersion)") }
        }
    }

    /// "copy": what a copy that may be thrown away has in its header, and nothing else has.
    private static let scratchVersion: Int64 = 0x636F_7079

    /// Such a name may be somebody else's for a copy of his own.
    private func refuseForeign() throws {
        guard isScratch else { return }
        guard try DatabaseFiles.userVersion(at: path) == Self.scratchVersion else {
            throw CommandFailure(
                .cannotCreate,
                "\(path) is there, and no copy of metastore-migrate's. It was left as it is, and nothing else was "
                    + "changed. Move it away, or rehearse in another directory: --in DIRECTORY.")
        }
    }

    package func scratch(_ suffix: String, in directory: String?, isKept: Bool) throws -> any UpgradePlace {
        let path = (directory ?? backupDirectory ?? ".") + "/\(name).\(suffix).db"
        return SQLitePlace(try StoreURL("sqlite:" + path), path: path, isScratch: !isKept)
    }

    package func fill(from source: any UpgradePlace, _ progress: @escaping CopyWatch) async throws {
        guard let source = source as? SQLitePlace else { return try await source.copy(to: path, held: nil, progress) }
        try await image(of: source, nil, progress)
    }

    package func remove() throws {
        let engine = sqlite()
        defer { engine.close() }
        if try engine.prepare() != .nothing { try refuseForeign() }
        try DatabaseFiles.removeCopy(path)
    }

    package func restore(
        _ backup: String, _ how: Restoring, _ progress: @escaping CopyWatch
    ) async throws -> RestoreOutcome {
        // Before the lock, whose file takes room too. Carrying another one through takes none.
        if try !look().isBeingRestored { try refuseNarrow(backup) }
        let replacement = try await replacement(waiting: how.timeout)
        // One that was cut off while this one waited.
        if let aside = try replacement.resume() { return RestoreOutcome(aside: aside, isEarlier: true) }
        try how.confirm()
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let aside = try replacement.replace(byImageAt: backup, keepingAs: "\(file).\(how.suffix)") { connection in
            try ClosedStore(connection).beginEpoch(.ofTools)
        }
        return RestoreOutcome(aside: aside)
    }

    private func refuseNarrow(_ backup: String) throws {
        let needed = (try DatabaseFiles(at: backup)?.bytes ?? 0) + UpgradeLimits.spareBytes
        let free = try DatabaseFiles.freeBytes(in: backupDirectory ?? ".")
        guard free < needed else { return }
        throw CommandFailure(
            .inputOutput,
            "\(path): restoring \(backup) takes up to \(Shown.bytes(needed)) beside the database, and "
                + "\(Shown.bytes(free)) are free. Nothing was changed. Make room on its device. Don't delete the "
                + "database, its -wal or a backup for it.")
    }

    package func finishRestore(waiting timeout: Duration) async throws -> RestoreOutcome? {
        guard try look().isBeingRestored else { return nil }
        return try await replacement(waiting: timeout).resume().map { RestoreOutcome(aside: $0, isEarlier: true) }
    }

    private func replacement(waiting timeout: Duration) async throws -> DatabaseReplacement {
        let deadline = ContinuousClock.now + timeout
        while true {
            do {
                return try DatabaseReplacement(path: path)
            } catch {
                guard case .locked = error.code, ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
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
