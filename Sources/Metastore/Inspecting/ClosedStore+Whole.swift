package import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

extension ClosedStore {
    /// Refuses what is no store, with what it is: an unfinished copy, another program's database, one whose head row is
    /// gone. Called outside a transaction: where there is no store, a statement fails.
    package func refuseAllButStores(at place: String) throws(StoreError) {
        try caught {
            switch try StoreSight.look(connection) {
            case .store: return
            case .unfinishedCopy(let mark): throw mark.error(place)
            case .headless: throw StoreError.damaged(place: place, reason: "its head row is missing")
            case .foreign:
                throw StoreError.unusable(
                    place: place,
                    reason: "it is a database, but no store: another program made it. Nothing was changed")
            }
        }
    }

    /// What the head row, the log's last record and the note beside the database say of how whole the store is.
    package struct Ends: Sendable, Hashable {
        /// Closed cleanly, and not opened since.
        package let isMarkedClean: Bool
        package let cluster: UUID
        package let revision: Revision
        /// The log's last record is as it was written, and the one that the head row ends with.
        package let isChained: Bool
        /// What the note knows to have been durable of this store.
        package let noted: Revision?
        /// The note is of this very revision, and of another commit.
        package let isNoteOfOtherHistory: Bool
        /// The note is another store's.
        package let isNoteOfOtherStore: Bool
    }

    /// Reads them.
    ///
    /// - Parameter note: ``Engine/readNote()``.
    package func ends(note: [UInt8]?) throws(StoreError) -> Ends {
        try caught {
            let head = try Head.load(connection, locking: false)
            let note = note.flatMap(HeadNote.init)
            let own = note.flatMap { $0.cluster == head.cluster ? $0 : nil }
            return Ends(
                isMarkedClean: head.isClean, cluster: head.cluster, revision: head.revision,
                isChained: try isChained(head), noted: own?.revision,
                isNoteOfOtherHistory: own.map { $0.revision == head.revision && $0.chain != head.chain } ?? false,
                isNoteOfOtherStore: note != nil && own == nil)
        }
    }

    private func isChained(_ head: Head) throws -> Bool {
        let statement = SQL(trusted: "SELECT \(LogRecord.columns) FROM log ORDER BY revision DESC LIMIT 1")
        let last = try connection.first(statement) { row in try? LogRecord(row) }
        switch last {
        case nil: return head.revision == head.compactedRevision && head.chain == head.compactedChain
        case .some(nil): return false
        case .some(let record?):
            let before = try link(before: record.revision, head)
            return try record.revision == head.revision && record.chain == head.chain && record.time == head.time
                && (record.epoch == head.epoch || hasBegunEpoch(head))
                && record.link(after: before) == head.chain
        }
    }

    /// A store that was put back, rescued or adopted is in an epoch in which nothing was committed yet.
    private func hasBegunEpoch(_ head: Head) throws -> Bool {
        try connection.first(
            """
            SELECT 1 FROM epochs WHERE epoch = \(head.epoch.number) \
            AND epoch_nonce = \(Int64(bitPattern: head.epoch.nonce)) AND fork_revision = \(head.revision.rawValue)
            """
        ) { try $0.integer(0) } != nil
    }
}
