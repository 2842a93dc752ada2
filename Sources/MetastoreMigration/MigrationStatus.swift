public import MetastoreEngine
public import Migrations

/// What a database's schema is, beside what this binary knows. A value: every decision follows from it without looking
/// again.
public struct MigrationStatus: Sendable, Hashable {
    /// Which database it is.
    public let database: Dialect.Name
    /// The steps this binary knows, in order.
    public let steps: [MigrationText]
    /// The steps the database has, in order of their numbers, with who applied them.
    public let applied: [AppliedMigration]
    /// The oldest schema whose readers can read it, as the head row says; nil where there is no head row yet.
    public let minReader: Int64?
    /// The oldest schema whose writers can write it, as the head row says.
    public let minWriter: Int64?

    /// What a database was found to be.
    public init(
        database: Dialect.Name, steps: [MigrationText], applied: [AppliedMigration], minReader: Int64?,
        minWriter: Int64?
    ) {
        self.database = database
        self.steps = steps
        self.applied = applied
        self.minReader = minReader
        self.minWriter = minWriter
    }

    /// The schema in the database; 0 where none was applied.
    public var found: Int64 { applied.last?.number ?? 0 }
    /// The newest schema this binary knows.
    public var known: Int64 { steps.last?.number ?? 0 }
    /// The steps that are still to be applied, in order.
    public var pending: [MigrationText] { steps.filter { $0.number > found } }
    /// Who brought the database to its schema: with its release, host and time.
    public var lastWriter: AppliedMigration? { applied.last }

    /// In what the applied steps aren't this binary's; nil when they agree as far as both know them.
    public var disagreement: MigrationError? {
        let numbers = Set(applied.map(\.number))
        let missing = steps.map(\.number).filter { $0 < found && !numbers.contains($0) }
        guard missing.isEmpty else { return .gap(missing: missing) }
        for row in applied {
            guard let step = steps.first(where: { $0.number == row.number }),
                let checksum = step.checksum(for: database)
            else { continue }
            if checksum != row.checksum { return .edited(number: row.number, name: step.name) }
        }
        return nil
    }

    /// Why this binary may not read, or write, the database; nil when it may.
    public func refusal(forWriting: Bool) -> MigrationError? {
        if found > known {
            let mayRead = minReader.map { $0 <= known } ?? false
            let mayWrite = minWriter.map { $0 <= known } ?? false
            guard mayRead, mayWrite || !forWriting else {
                return .newer(
                    found: found, known: known, writtenBy: lastWriter?.appliedBy ?? "another release",
                    mayRead: mayRead)
            }
        }
        if let disagreement { return disagreement }
        return found < known ? .pending(found: found, known: known) : nil
    }

    /// What a run to schema `target` (nil: the newest) has to do next: the step after the present schema; nil when
    /// nothing is left.
    ///
    /// - Throws: what keeps this binary from changing the schema at all.
    public func next(to target: Int64?) throws(MigrationError) -> MigrationText? {
        if let disagreement { throw disagreement }
        if let target {
            guard (1...max(1, known)).contains(target) else { throw .unknownTarget(target: target, known: known) }
            guard found <= target else { throw .beyondTarget(found: found, target: target) }
        } else if found > known, let refusal = refusal(forWriting: true) {
            throw refusal
        }
        guard let step = pending.first, step.number <= target ?? known else { return nil }
        guard step.number == found + 1 else { throw .gap(missing: Array(found + 1..<step.number)) }
        return step
    }
}
