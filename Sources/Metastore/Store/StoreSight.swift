internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

/// What a database that is there holds, before anything in it is believed.
enum StoreSight {
    case store
    case unfinishedCopy(CopyMark)
    /// A store's tables, and neither a head row nor the mark of a copy: damaged.
    case headless
    /// No store: another program made it.
    case foreign

    /// Looks outside a transaction: where there is no store, a statement fails.
    static func look(_ connection: any Connection) throws -> StoreSight {
        let heads: Int64?
        do {
            heads = try connection.first("SELECT (SELECT count(*) FROM head) FROM schema_migrations LIMIT 1") { row in
                try row.integer(0)
            }
        } catch let error as EngineError where error.code == .misuse {
            return .foreign
        }
        if heads == 1 { return .store }
        do {
            return try CopyMark.load(connection).map { .unfinishedCopy($0) } ?? .headless
        } catch let error as EngineError where error.code == .misuse {
            return .headless
        }
    }
}

extension Head {
    /// What says that commits are missing which were durable; nil when nothing does.
    ///
    /// - Parameter note: what was kept beside the database of its newest durable head.
    func lack(_ found: Found, note: [UInt8]?, place: String) -> StoreError? {
        if case .database(hasWriteAheadLog: false) = found, !isClean { return .writeAheadLogMissing(place: place) }
        guard let note = note.flatMap(HeadNote.init), note.cluster == cluster, note.revision > revision else {
            return nil
        }
        return .historyCut(expected: note.revision, found: revision)
    }
}

extension Migrator {
    /// The steps of this library up to a schema.
    static func ofThisLibrary(upTo schema: Int64) -> Migrator {
        let all = ofThisLibrary
        return Migrator(steps: Array(all.steps.prefix(Int(schema))), appliedBy: all.appliedBy, host: all.host)
    }
}

extension StoreError {
    /// As ``init(engine:place:)`` where an engine failed, also inside a migration's step.
    init(_ error: any Error, at place: String) {
        switch error {
        case let error as EngineError: self = StoreError(engine: error, place: place)
        case MigrationError.failed(_, _, _, let error), MigrationError.interrupted(_, let error):
            self = StoreError(engine: error, place: place)
        default: self = StoreError(error)
        }
    }
}
