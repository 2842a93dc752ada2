internal import Metastore
package import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreSQLite

extension Inspection {
    /// Opens a store in a file, wherever and in whatever state it lies, without changing anything.
    ///
    /// - Parameters:
    ///   - path: the file, or a directory or mount point that it is looked for in.
    ///   - log: which of the commits in its write-ahead log are shown.
    /// - Throws: ``InspectionError``; `StoreError` `damaged`, `unusable`, `schema` or `unfinishedCopy`, each with what
    ///   to do; `EngineError` `busy` when it is in use and no state of it can be had here.
    package static func open(
        path: String, wal log: FrozenFile.LogChoice = .last, _ options: InspectionOptions = InspectionOptions()
    ) throws -> Inspection {
        try open(StoreFinder.find(at: path), at: path, wal: log, options)
    }

    /// The same of what was found at a path.
    package static func open(
        _ found: StoreFinder.Found, at path: String, wal log: FrozenFile.LogChoice = .last,
        _ options: InspectionOptions = InspectionOptions()
    ) throws -> Inspection {
        switch found {
        case .database(let path), .otherFile(let path):
            return try FileOpening(path: path, log: log, options: options).open()
        case .several(let paths): throw InspectionError.several(place: path, paths: paths)
        case .archive(let archive): throw InspectionError.archive(archive)
        case .archives(let archives): throw InspectionError.severalArchives(place: path, archives: archives)
        case .serverData(let data): throw InspectionError.serverData(data)
        case .tooMany(let entries): throw InspectionError.tooMany(place: path, entries: entries)
        case .nothing:
            throw EngineError(
                .missing, operation: "open",
                message:
                    "there is no store at \(path), nor below it: no database file, no PostgreSQL server's data "
                    + "directory, and no archive (a folder called by a cluster's id, with \(FoundArchive.object), "
                    + "\(FoundArchive.folders.joined(separator: ", ")) in it). Check the path; a volume may not be "
                    + "mounted, or its directories may not be readable for this user")
        }
    }

    /// Opens a store on a server: one snapshot, held until the inspection goes.
    ///
    /// - Throws: `StoreError` `unusable`, `schema` or `unfinishedCopy`; or an `EngineError`.
    package static func open(
        server: EngineSource, _ options: InspectionOptions = InspectionOptions()
    ) throws -> Inspection {
        var settings = options.engine
        settings.isReadOnly = true
        let engine = try server.makeEngine(settings)
        guard try engine.prepare() != .nothing else {
            engine.close()
            throw EngineError(.missing, operation: "open", message: "there is no store at \(engine.place)")
        }
        let connection = try engine.openReader()
        do {
            let sight = try SchemaSight(connection, options.migrator, place: engine.place)
            try ClosedStore(connection).refuseAllButStores(at: engine.place)
            try connection.begin(.read)
            let status = try status(connection, options.migrator)
            return Inspection(
                place: engine.place, connection: connection, verdict: .live,
                notices: engine.notices + sight.notices(status), log: nil, schema: status, isLive: true,
                reading: .held)
        } catch {
            connection.close()
            engine.close()
            throw error
        }
    }

    /// Opens a state that was rebuilt elsewhere, and that nobody else knows.
    ///
    /// - Parameters:
    ///   - engine: prepared; it gives a reader, which goes when the inspection does.
    ///   - place: what it was rebuilt from, as it is shown.
    /// - Throws: `StoreError` `damaged`, `unusable` or `schema`; or an `EngineError`.
    package static func open(
        rebuilt engine: any Engine, from place: String, _ verdict: Verdict, notices: [String],
        _ options: InspectionOptions = InspectionOptions()
    ) throws -> Inspection {
        let connection = BoundedConnection(
            try engine.openReader(), limit: options.statementLimit, advice: "Ask for less at a time")
        do {
            let sight = try SchemaSight(connection, options.migrator, place: place)
            try ClosedStore(connection).refuseAllButStores(at: place)
            try connection.begin(.read)
            let status = try status(connection, options.migrator)
            return Inspection(
                place: place, connection: connection, verdict: verdict, notices: notices + sight.notices(status),
                log: nil, schema: status, isLive: false, isRebuilt: true, reading: .held)
        } catch {
            connection.close()
            throw error
        }
    }

    /// The schema, where this program can read it.
    fileprivate static func status(_ connection: any Connection, _ migrator: Migrator) throws -> MigrationStatus {
        let status = try migrator.status(connection)
        if case .newer = status.refusal(forWriting: false), let refusal = status.refusal(forWriting: false) {
            throw StoreError.schema(reason: "\(refusal)")
        }
        return status
    }
}

/// The steps from a file to an inspection.
private struct FileOpening {
    let path: String
    let log: FrozenFile.LogChoice
    let options: InspectionOptions

    func open() throws -> Inspection {
        do {
            switch WriterSight(path) {
            case .nobody:
                let engine = try prepared(path)
                // Whoever opened it meanwhile may have changed it since.
                guard case .nobody = WriterSight(path) else { return try openInUse("somebody just opened it") }
                do {
                    return try open(engine, notices: [])
                } catch {
                    throw explained(error, engine)
                }
            case .held(let holder): return try openInUse("it is open in \(holder)")
            case .untestable(let reason):
                return try openInUse("whether somebody has it open can't be found out here (\(reason))")
            }
        } catch {
            throw explained(error)
        }
    }

    // MARK: At rest

    private func prepared(_ path: String, _ log: FrozenFile.LogChoice? = nil) throws -> FrozenEngine {
        let engine = FrozenEngine(path: path, log: log ?? self.log, options: options.engine)
        guard try engine.prepare() != .nothing else {
            throw EngineError(.missing, operation: "open", message: "there is no database at \(path)")
        }
        return engine
    }

    /// - Parameter isCopy: nobody else knows these files.
    private func open(_ engine: FrozenEngine, notices: [String], isCopy: Bool = false) throws -> Inspection {
        guard let file = engine.file else { throw EngineError(.missing, operation: "open", message: path) }
        let connection = bounded(try engine.openReader())
        do {
            let sight = try SchemaSight(connection, options.migrator, place: path)
            try ClosedStore(connection).refuseAllButStores(at: path)
            try connection.begin(.read)
            let status = try Inspection.status(connection, options.migrator)
            let evidence = Evidence(
                ends: try ClosedStore(connection).ends(note: try? engine.readNote()), log: LogReport(file),
                isEarlier: file.log.map { file.shownCommits < $0.commits.count } ?? false,
                isRolledBack: file.isRolledBack, missingPages: file.missingPages,
                pages: file.bytes / file.pageBytes,
                fileAlone: file.shownCommits > 0 ? ends(engine.place, .fileAlone) : nil)
            let warnings = MountTable().warning(for: path).map { [$0] } ?? []
            return Inspection(
                place: path, connection: connection, verdict: evidence.verdict,
                notices: warnings + notices + evidence.notices + sight.notices(status), log: evidence.log,
                schema: status, isLive: false, reading: isCopy ? .held : .atRest(file))
        } catch {
            connection.close()
            throw error
        }
    }

    /// What the database says with another choice of its log; nil where that can't be read.
    private func ends(_ path: String, _ choice: FrozenFile.LogChoice) -> ClosedStore.Ends? {
        guard let engine = try? prepared(path, choice), let reader = try? engine.openReader() else { return nil }
        let connection = bounded(reader)
        defer { connection.close() }
        return try? ClosedStore(connection).ends(note: nil)
    }

    private func bounded(_ connection: any Connection) -> BoundedConnection {
        BoundedConnection(
            connection, limit: options.statementLimit,
            advice: "A file can be damaged, or made, so that reading it never ends. Ask for less at a time")
    }

    // MARK: In use

    private func openInUse(_ why: String) throws -> Inspection {
        guard log == .last else { return try openCopy(why) }
        let connection: BoundedConnection
        do {
            var settings = options.engine
            settings.isReadOnly = true
            let engine = SQLiteEngine(path: path, options: settings)
            guard try engine.prepare() != .nothing else {
                throw EngineError(.missing, operation: "open", message: "there is no database at \(path)")
            }
            connection = BoundedConnection(
                try engine.openReader(), limit: options.liveLimit,
                advice: "The store is in use, and its write-ahead log can't shrink while it is read. Ask for less at a "
                    + "time, or look at a snapshot of its volume")
        } catch  where error.isOfThisPlace {
            return try openCopy(why)
        }
        do {
            return try connection.read {
                let sight = try SchemaSight(connection, options.migrator, place: path)
                try ClosedStore(connection).refuseAllButStores(at: path)
                let status = try Inspection.status(connection, options.migrator)
                return Inspection(
                    place: path, connection: connection, verdict: .live,
                    notices: ["\(why): it is read through its own locks"] + sight.notices(status), log: nil,
                    schema: status, isLive: true, reading: .live(connection))
            }
        } catch {
            connection.close()
            throw error
        }
    }

    private func openCopy(_ why: String) throws -> Inspection {
        // Gone when this returns: what was opened of it stays.
        let copy = try FrozenCopy(of: path, in: options.copies)
        defer { withExtendedLifetime(copy) {} }
        return try open(
            try prepared(copy.path),
            notices: ["\(why), and SQLite can't open it here: a copy of its files at one moment is shown"], isCopy: true
        )
    }

    // MARK: Errors

    /// Damage is told with what to do about it, and under the file's own name.
    private func explained(_ error: any Error) -> any Error {
        switch error {
        case StoreError.damaged(_, let reason): return reason.contains(Self.salvage) ? error : damaged(reason)
        case StoreError.unusable("the store", let reason): return StoreError.unusable(place: path, reason: reason)
        case let error as EngineError where error.code == .damaged: return damaged(error.words)
        case let error as EngineError where error.code == .notADatabase || error.code == .emptyFile:
            return wasStore ? damaged(error.words) : error
        case let error as EngineError where error.isAboutMissingTable:
            return damaged("its tables differ from what its schema says: \(error.words)")
        default: return error
        }
    }

    /// The same of files at rest: it may be the log that doesn't fit.
    private func explained(_ error: any Error, _ engine: FrozenEngine) -> any Error {
        let error = explained(error)
        guard case StoreError.damaged(_, let reason) = error, engine.file?.shownCommits ?? 0 > 0,
            let ends = ends(path, .none)
        else { return error }
        return StoreError.damaged(
            place: path,
            reason:
                "its write-ahead log doesn't fit it, or is damaged as well. Without it, with --wal ignore, it can be "
                + "read up to revision \(ends.revision). With it: \(reason)")
    }

    /// Nobody but a store has these beside it.
    private var wasStore: Bool { [".head", ".lock"].contains { (try? FrozenBytes(path + $0)) != nil } }

    private func damaged(_ reason: String) -> StoreError {
        .damaged(
            place: path,
            reason: "\(reason). \(Self.salvage)")
    }

    private static let salvage = "What can still be read of it metastore-inspect takes out with its command salvage"
}

extension Error {
    /// SQLite may open it elsewhere, or as another user.
    fileprivate var isOfThisPlace: Bool {
        guard let error = self as? EngineError else { return false }
        switch error.code {
        case .readOnly, .permissionDenied, .unsuitableFileSystem: return true
        // SQLite's "unable to open": of its log or the log's index, as the database was read before.
        default: return error.engineCode & 0xff == 14
        }
    }
}
