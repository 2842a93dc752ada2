package import FoundationEssentials
package import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

/// What the operators' tools do with a store that they don't open as one, because its schema may be an older one.
///
/// Whoever writes through it holds the right to write, and nobody has the store open.
package struct ClosedStore {
    let connection: any Connection

    package init(_ connection: any Connection) {
        self.connection = connection
    }

    /// Refuses an unfinished copy, with what it is and what to do about it: it is no store, and not a damaged one.
    package func refuseUnfinishedCopy(at place: String) throws(StoreError) {
        try caught {
            if case .unfinishedCopy(let mark) = try StoreSight.look(connection) { throw mark.error(place) }
        }
    }

    /// What the head row says.
    package struct Summary: Sendable, Hashable {
        package let cluster: UUID
        package let epoch: Int64
        package let revision: Revision
        package let schema: Int64
        /// The digests of all kinds and the last link of the log: two stores with the same are equal.
        package let state: [UInt8]
        /// The log goes back to the revision after this.
        package let compactedRevision: Revision
    }

    package func summary() throws(StoreError) -> Summary {
        try caught {
            let head = try Head.load(connection, locking: false)
            return Summary(
                cluster: head.cluster, epoch: head.epoch.number, revision: head.revision, schema: head.schema,
                state: head.digests.bytes + head.chain, compactedRevision: head.compactedRevision)
        }
    }

    /// What ``Metastore/verify()`` does, in the open transaction or in a snapshot of its own.
    ///
    /// - Parameter progress: told now and then how many rows and log records were looked at.
    package func verify(progress: @escaping (Int) throws -> Void = { _ in }) throws(StoreError) -> VerificationReport {
        try caught {
            let isOurs = !connection.isInTransaction
            if isOurs { try connection.begin(.read) }
            defer { if isOurs { connection.rollback() } }
            let session = Session(connection, control: nil)
            var verification = Verification(session, try Head.load(connection, locking: false), progress: progress)
            try verification.run()
            return verification.report
        }
    }

    /// Looks at the log alone, after a revision whose link is taken on trust.
    package func verifyLog(after revision: Revision) throws(StoreError) -> VerificationReport {
        try caught {
            let session = Session(connection, control: nil)
            var verification = Verification(session, try Head.load(connection, locking: false))
            try verification.checkLog(after: revision)
            return verification.report
        }
    }

    /// Refuses what opening it as a store would refuse: commits that were durable and are not there.
    package func checkWhole(_ engine: any Engine, _ found: Found) throws(StoreError) {
        let lack = try caught {
            try Head.load(connection, locking: false).lack(found, note: try engine.readNote(), place: engine.place)
        }
        if let lack { throw lack }
    }

    /// Marks it as closed cleanly: everything committed will be in the main file before the log goes.
    package func markClosed() throws(StoreError) {
        try caught { _ = try connection.execute("UPDATE head SET clean = 1 WHERE id = 1") }
    }

    /// Begins a new epoch in a store that was put back to an earlier state: whoever followed what came after is told
    /// that histories part here. The file that it is in is the store from now on.
    ///
    /// - Parameters:
    ///   - earlier: the newest epoch there ever was of this history, if that is another than the store's: the new
    ///     one's number is larger.
    ///   - role: whose writes it takes; as before unless given.
    /// - Returns: the note to keep beside it (``Engine/keepNote(_:)``).
    package func beginEpoch(
        _ options: StoreOptions, above earlier: Int64 = 0, as role: StoreRole? = nil
    ) throws(StoreError) -> [UInt8] {
        try caught {
            let isOurs = !connection.isInTransaction
            if isOurs { try connection.begin(.write) }
            do {
                let session = WriteSession(
                    connection, head: try Head.load(connection, locking: true), now: options.time.now(),
                    randomness: options.time.random, texts: StatementTexts())
                session.begin(actor: options.actor)
                try session.openEpoch(holder: options.actor, above: earlier)
                let schema = try Migrator.ofThisLibrary.status(connection).found
                try StoreIdentity.settle(connection, schema: schema, as: role)
                try session.tellSchema(schema)
                session.head.isClean = true
                session.head.batches += 1
                try session.head.save(connection)
                if isOurs { try connection.commit() } else { try connection.flush() }
                return HeadNote(session.head).bytes
            } catch {
                if isOurs { connection.rollback() }
                throw error
            }
        }
    }

    /// Which file it is and whose writes it takes; nil where its schema doesn't say.
    package func identity() throws(StoreError) -> StoreIdentity? {
        try caught {
            guard try Migrator.ofThisLibrary.status(connection).found >= StoreIdentity.schema else { return nil }
            return try StoreIdentity.load(connection)
        }
    }

    /// Refuses to change a copy: it is not the store before it is adopted.
    package func refuseCopy(at place: String) throws(StoreError) {
        guard let known = try identity()?.file, let file = try caught({ try connection.fileMark() }) else { return }
        guard known.isSameFile(as: file) else { throw .copied(place: place) }
    }

    /// The note of the newest durable head, to keep beside it.
    package func note() throws(StoreError) -> [UInt8] {
        try caught { HeadNote(try Head.load(connection, locking: false)).bytes }
    }

    func caught<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error)
        }
    }
}
