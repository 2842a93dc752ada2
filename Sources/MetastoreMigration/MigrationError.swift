public import MetastoreEngine

/// Why a schema can't be used or changed. In every case the data is intact.
public enum MigrationError: Error, Sendable, Hashable {
    /// There is no store in this database.
    case noStore
    /// A newer release wrote this schema, and says that this one can't work with it. `mayRead` tells whether it can
    /// still read.
    case newer(found: Int64, known: Int64, writtenBy: String, mayRead: Bool)
    /// The schema is older than this binary's; opening never migrates unless asked to.
    case pending(found: Int64, known: Int64)
    /// An applied step's text differs from the one compiled in.
    case edited(number: Int64, name: String)
    /// A later step was applied, and these, lower ones, weren't.
    case gap(missing: [Int64])
    /// There is no such step for this database.
    case missingText(number: Int64, database: String)
    /// There is no list of what a store of this schema has.
    case missingCatalogue(number: Int64, database: String)
    /// The schema is already past the one that was asked for.
    case beyondTarget(found: Int64, target: Int64)
    /// This binary has no such schema.
    case unknownTarget(target: Int64, known: Int64)
    /// Another migrator is at work.
    case locked(holder: String)
    /// Another migrator took over: this one changes nothing any more.
    case lockLost(number: Int64, name: String, holder: String)
    /// The lock can't be broken, because its holder may be alive.
    case holderAlive(holder: String)
    /// The database failed between two steps, or after the last. `applied` are the steps that this run had applied.
    case interrupted(applied: [Int64], EngineError)
    /// The database refused a step, which was rolled back. `applied` are the steps that this run had applied before.
    case failed(number: Int64, name: String, applied: [Int64], EngineError)
    /// The connection or the device failed while a step was committed.
    case outcomeUnknown(number: Int64, name: String, applied: [Int64], EngineError)
}

extension MigrationError: CustomStringConvertible {
    /// What is, why, what to do and what not to do.
    public var description: String {
        switch self {
        case .noStore:
            "there is no store in this database: another program made it, or nobody did. Nothing was changed."
        case .newer(let found, let known, let writer, let mayRead):
            """
            schema \(found) was written by \(writer); this binary \(mayRead ? "writes" : "reads") up to schema \
            \(known). The data is intact: do not delete it. Run \(writer) or newer\
            \(mayRead ? ", or open it read-only" : "").
            """
        case .pending(let found, let known):
            """
            the store has schema \(found), this binary schema \(known). The data is intact: do not delete it. Run \
            metastore-migrate up, or open with schema: .automatically. The release that wrote it opens it as it is.
            """
        case .edited(let number, let name):
            """
            migration \(number) (\(name)) was applied with another text than this binary has. The data is intact: \
            do not delete it. Use the binary that applied it; metastore-migrate history names it.
            """
        case .gap(let missing):
            """
            \(Self.steps(missing)) not applied, though a later one was: the two come from different lines of \
            releases. The data is intact: do not delete it, and do not apply \(missing.count == 1 ? "it" : "them") \
            by hand. Use the binary that applied the last one; metastore-migrate history names it.
            """
        case .missingText(let number, let database):
            "migration \(number) has no statements for \(database): this binary is incomplete. Nothing was changed."
        case .missingCatalogue(let number, let database):
            """
            this binary has no list of what schema \(number) contains on \(database), and can't compare. Nothing was \
            changed. Use the release that wrote it.
            """
        case .beyondTarget(let found, let target):
            """
            the store has schema \(found) already, and steps are never undone one by one. Nothing was changed. To go \
            back to schema \(target) run metastore-migrate rollback, which restores the backup made before.
            """
        case .unknownTarget(let target, let known):
            "this binary knows schemas 1 to \(known), not \(target). Nothing was changed; run a newer release."
        default: runDescription
        }
    }

    private var runDescription: String {
        switch self {
        case .locked(let holder):
            """
            the store is being migrated by \(holder). Nothing was changed. Wait for it, and run this again; if that \
            process is dead, run metastore-migrate lock break.
            """
        case .lockLost(let number, let name, let holder):
            """
            the migration lock was taken over by \(holder), and migration \(number) (\(name)) was not begun. Nothing \
            was changed since. Leave the work to that one.
            """
        case .holderAlive(let holder):
            """
            the migration lock is held by \(holder), whose connection is still there. Nothing was changed. End that \
            process; if its host is gone, an administrator ends its connection on the server (pg_terminate_backend).
            """
        case .failed(let number, let name, let applied, let error):
            """
            migration \(number) (\(name)) failed and was rolled back: \(error)\(Self.end(error)) \
            \(Self.soFar(applied)) The data is intact: do not delete it. Mend the cause and run it again.
            """
        case .interrupted(let applied, let error):
            """
            the run was cut off: \(error)\(Self.end(error)) \(Self.soFar(applied)) No step is half done, and the data \
            is intact: do not delete it. Run it again: it goes on from there.
            """
        case .outcomeUnknown(let number, let name, let applied, let error):
            """
            the answer to the commit of migration \(number) (\(name)) was lost: \(error)\(Self.end(error)) It is \
            there as a whole or not at all. \(Self.soFar(applied)) The data is intact: do not delete it. Run it \
            again: it finds out, and goes on from there.
            """
        default: "unknown"
        }
    }

    private static func steps(_ numbers: [Int64]) -> String {
        let list = numbers.map(String.init).joined(separator: ", ")
        return numbers.count == 1 ? "migration \(list) was" : "migrations \(list) were"
    }

    private static func soFar(_ applied: [Int64]) -> String {
        guard let last = applied.last else { return "Nothing was applied before it." }
        let stay = applied.count == 1 ? "stays" : "stay"
        return "\(steps(applied)) applied before it and \(stay): the store has schema \(last)."
            .replacing("migration", with: "Migration", maxReplacements: 1)
    }

    private static func end(_ error: EngineError) -> String { error.description.hasSuffix(".") ? "" : "." }
}
