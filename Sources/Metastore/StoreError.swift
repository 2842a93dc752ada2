public import MetastoreEngine
public import MetastoreModel
internal import MetastoreMigration

/// Everything a store can refuse or fail with. Its text says what is, why, what to do and what not to do, and never
/// holds a stored value.
public enum StoreError: Error, Sendable, Hashable {
    // What was asked for
    /// There is no such record. `path` is its key, or what it was looked for by.
    case notFound(path: String)
    /// A record with this key, or with this unique property, is already there.
    case exists(path: String, reason: String)
    /// The record moved on since `expected` was read. Read it again and retry.
    case conflict(path: String, expected: Revision, found: Revision)
    /// The record is in another state than the caller expected. Read it again and decide anew.
    case unexpectedState(path: String, expected: [String], found: String)
    /// DOMAIN doesn't list this transition.
    case transitionRefused(path: String, from: String, to: String, allowed: [String])
    /// The report comes from an older run of the trial's process. End that process; don't retry.
    case staleGeneration(path: String, reported: Int64, current: Int64)
    /// Another result is already stored under this key. Results are set once.
    case reportConflict(path: String, field: String)
    /// An invariant of the domain forbids it.
    case refused(path: String, reason: String)
    /// A value that can't be stored.
    case invalid(field: String, reason: String)
    /// A port, slot or client token belongs to another live holder.
    case held(path: String, by: String)
    /// Nothing is left of what was asked for (free ports of a range, slots of an agent).
    case exhausted(what: String)
    /// The snapshot was written by a newer program than the caller can read.
    case newerSnapshot(path: String, found: Int64, known: Int64)
    /// A cursor that this query did not make.
    case invalidCursor

    // The log and the feed
    /// The changes after this position are no longer kept. Read the present state and follow from its position.
    case compacted(oldest: Position)
    /// The position is on a history that was cut. `lastCommon` is where both agree; read anew from there.
    case forked(lastCommon: Position)
    /// The position is ahead of this store: it was cut back, or it is a copy that lags behind.
    case futureRevision(asked: Revision, head: Revision)
    /// The position belongs to another cluster.
    case otherCluster
    /// The consumer lagged beyond the hard limit of the log and was expired; register it anew.
    case consumerExpired(name: String)
    /// Another reader moved the consumer on: two processes use one name.
    case consumerMoved(name: String, expected: Revision, found: Revision)

    // Writing
    /// Another master leads. Stop acting on this store; `lead` to take it back.
    case fenced(reason: String)
    /// The transaction logs more than the limit and was rolled back. Do it in steps.
    case transactionTooLarge(bytes: Int, limit: Int)
    /// The operation id is older than results are kept, so that it can't be told whether it was applied.
    case operationExpired(keptFor: Duration)
    /// The operation id was used for another request.
    case operationReused
    /// The result is larger than a remembered result may be.
    case operationResultTooLarge(bytes: Int, limit: Int)
    /// Too many writes wait. Nothing was done; slow down and retry.
    case queueFull(limit: Int)
    /// No room on the device. Nothing of the write is kept; make room and retry.
    case diskFull
    /// The device failed and the write is *not* applied; the store has recovered.
    case notApplied(reason: String)
    /// The device or the server failed and it can't be told whether the write is applied. A store in a file is closed;
    /// repeat the write with its operation id once the store opens, or the server answers, again.
    case outcomeUnknown(reason: String)
    /// The server can't be reached, or doesn't answer within the bound of a call. Nothing was done; retry.
    case unavailable(place: String, reason: String)
    /// A reader (named) keeps SQLite's log from shrinking.
    case writeAheadLogFull(holder: String)

    // Replication
    /// The write *is* committed here, at this position, but it is not where it was to be before it is answered. Repeat
    /// it with its operation id to wait again.
    case notReplicated(position: Position, reason: String)
    /// Nobody could bring the write where it was to be before it is answered. Nothing was done.
    case notReplicating(reason: String)
    /// Replication is too far behind for new writes. Nothing was done; retry later.
    case notAdmitted(reason: String)
    /// History that only the archive still has can't be read. Mend the archive, and go on from the same position.
    case historyUnreadable(place: String, reason: String)

    // Reading
    /// The read ran longer than its age limit while the log was over its bound. Read again, in smaller pieces.
    case snapshotExpired

    // The store itself
    /// Another process or handle has the store open for writing.
    case locked(holder: String)
    /// The store was opened without the right to write.
    case readOnly
    /// The file is a copy of the store: it opens for reading only until it is adopted.
    case copied(place: String)
    /// The store follows another one, and takes no writes but that one's until it is promoted.
    case follower(place: String)
    /// The store is closed.
    case closed
    /// Something about the place or the file; the data was not touched.
    case unusable(place: String, reason: String)
    /// The file contradicts itself. Nothing was changed.
    case damaged(place: String, reason: String)
    /// A newer release wrote the store, or an older one did and nobody migrated it. The data is intact.
    case schema(reason: String)
    /// The store is behind what is known to have been durable: part of its history is missing.
    case historyCut(expected: Revision, found: Revision)
    /// The store was not closed cleanly and its write-ahead log is missing: commits may be lost.
    case writeAheadLogMissing(place: String)
    /// A copy was begun here and not finished: it is no store yet. `of` says what it is a copy of.
    case unfinishedCopy(place: String, of: String)
    /// The target of a copy holds something already, which was left as it is.
    case targetNotEmpty(place: String, holds: String)
    /// The engine failed in a way the store can't act on.
    case engine(EngineError)
    /// A defect of the store or of a caller against its contract.
    case misuse(reason: String)
}

extension StoreError: CustomStringConvertible {
    /// What is, why, what to do and what not to do; never a value or a record's content.
    public var description: String {
        switch self {
        case .notFound(let path): "there is no \(path)."
        case .exists(let path, let reason): "\(path) exists already: \(reason)."
        case .conflict(let path, let expected, let found):
            """
            \(path) is at revision \(found.rawValue), not \(expected.rawValue): somebody changed it since it was read. \
            Read it again and retry.
            """
        case .unexpectedState(let path, let expected, let found):
            "\(path) is \(found), not \(expected.joined(separator: " or ")). Read it again and decide anew."
        case .transitionRefused(let path, let from, let to, let allowed):
            """
            \(path) is \(from) and can't become \(to); from \(from) it may become \
            \(allowed.isEmpty ? "nothing else" : allowed.joined(separator: ", ")).
            """
        case .staleGeneration(let path, let reported, let current):
            """
            \(path) runs in generation \(current); a report of generation \(reported) comes from a process that was \
            replaced. End that process; don't repeat the report.
            """
        case .reportConflict(let path, let field):
            "\(path) has another \(field) already. Results are set once; nothing was changed."
        case .refused(let path, let reason): "\(path): \(reason)"
        case .invalid(_, let reason): reason
        case .held(let path, let holder): "\(path) belongs to \(holder). Take another, or release it there first."
        case .exhausted(let what): "no \(what) is free. Release one, or widen the range."
        case .newerSnapshot(let path, let found, let known):
            """
            \(path) has version \(found); this program reads up to \(known). The snapshot is intact: run the newer \
            program, do not start the search anew.
            """
        case .invalidCursor: "this cursor belongs to another query. Pass `next` of the same query's last page."
        default: storeDescription
        }
    }

    private var storeDescription: String {
        switch self {
        case .compacted(let oldest):
            """
            changes before revision \(oldest.revision.rawValue) are no longer kept. Read the present state, then \
            follow from its position; nothing is lost but the history.
            """
        case .forked(let common):
            """
            this position lies on a history that was cut at revision \(common.revision.rawValue). Discard what you \
            learned after it and follow from `lastCommon`.
            """
        case .futureRevision(let asked, let head):
            """
            revision \(asked.rawValue) is ahead of this store, which ends at \(head.rawValue): the store was cut \
            back or is a copy that lags. Don't write to it before you know which.
            """
        case .otherCluster: "this position belongs to another cluster. Check which store you opened."
        case .consumerExpired(let name):
            """
            consumer \(name) lagged beyond the hard limit of the log and was expired. Read the present state and \
            register it anew.
            """
        case .consumerMoved(let name, let expected, let found):
            """
            consumer \(name) stands at revision \(found.rawValue), not \(expected.rawValue): another process uses \
            the same name. Give each its own.
            """
        case .fenced(let reason):
            "\(reason). Nothing was written. Stop acting on this store, or take the lead again."
        case .transactionTooLarge(let bytes, let limit):
            "the transaction logs \(bytes) bytes, more than \(limit), and was rolled back. Do it in several."
        case .operationExpired(let kept):
            """
            the operation id is older than \(kept), for which results are kept: whether it was applied can't be told. \
            Read the state and decide; don't repeat it blindly.
            """
        case .operationReused: "the operation id was used for a different request. Make a new id for each request."
        case .operationResultTooLarge(let bytes, let limit):
            "the result is \(bytes) bytes, more than the \(limit) that are remembered. Return less, or read it again."
        case .queueFull(let limit): "\(limit) writes wait already. Nothing was done; slow down and retry."
        case .diskFull: "the device is full. Nothing of this write is kept. Make room and retry; delete no store files."
        case .notApplied(let reason): "the device failed (\(reason)); the write is not applied. You may repeat it."
        case .outcomeUnknown(let reason):
            """
            the device or the server failed (\(reason)), and whether the write is applied can't be told yet. A store \
            in a file is closed now: mend the device and open it. Then repeat the write with its operation id; \
            without one, look whether it is there, and don't repeat it blindly.
            """
        case .unavailable(let place, let reason):
            """
            \(place) doesn't answer: \(reason). Nothing of this call is applied. Retry once the server answers; the \
            store connects again by itself.
            """
        case .writeAheadLogFull(let holder):
            "the write-ahead log is full because \(holder) reads an old snapshot. End that read; don't delete the log."
        case .notReplicated(let position, let reason):
            """
            the write is committed here, at revision \(position.revision.rawValue), but not where it was to be before \
            it is answered: \(reason). Repeat it with its operation id to wait again; don't repeat it without one.
            """
        case .notReplicating(let reason):
            """
            the write can't be made as durable as it asks for: \(reason). Nothing was written. Mend that, or ask for \
            less.
            """
        case .notAdmitted(let reason):
            "replication is too far behind: \(reason). Nothing was written; slow down and retry."
        case .historyUnreadable(let place, let reason):
            """
            history that the store's own log has no longer can't be read from \(place): \(reason). The store itself is \
            intact. Mend the archive, and go on from the same position; don't delete it.
            """
        case .snapshotExpired: "the read took too long while the log was full. Read again, in smaller pieces."
        case .locked(let holder):
            "the store is open for writing by \(holder). Stop it, or open read-only; don't delete the lock file."
        case .readOnly: "the store was opened read-only."
        case .copied(let place):
            """
            \(place) is a copy: the store was last written in another file. Nothing was changed; it opens for reading \
            only. Where the original is gone, or nobody will write to it again, open this one with `copies = .adopt` \
            (metastore-replicate adopt): it goes on in a new epoch. Don't adopt it while the original is in use: two \
            histories would begin. To keep it up to date with the original, follow that instead.
            """
        case .follower(let place):
            """
            \(place) follows another store, and takes its writes from there alone. Nothing was written. Write to the \
            store that it follows; or, once nobody writes there any more, promote this one (Metastore.promote, \
            metastore-replicate promote). Don't promote it while the other is in use: two histories would begin.
            """
        case .closed: "the store is closed."
        case .unusable(let place, let reason): reason.hasPrefix(place) ? reason : "\(place): \(reason)"
        case .damaged(let place, let reason):
            """
            \(place) is damaged: \(reason). Nothing was changed. Copy the files before anything else; do not delete \
            them. Restore a backup, or inspect the copy.
            """
        case .schema(let reason): reason
        case .historyCut(let expected, let found):
            """
            this store ends at revision \(found.rawValue), but revision \(expected.rawValue) was durable here: \
            part of its history is missing. Look for the right volume or a backup; open read-only to look, or \
            adopt the shorter history.
            """
        case .writeAheadLogMissing(let place):
            """
            \(place) was not closed cleanly and its -wal file is missing, so that the last commits may be lost. \
            Look for \(place)-wal where the file was copied from; open read-only to look, or adopt what is here.
            """
        case .unfinishedCopy(let place, let source):
            """
            \(place) holds an unfinished copy of \(source): it is no store yet. Run the same copy again, and it goes \
            on where it stopped; or delete this unfinished copy, and begin another. Do not delete the store it was \
            made from.
            """
        case .targetNotEmpty(let place, let found):
            "\(place) holds \(found), which was left as it is. Copy to an empty place; don't make room by deleting."
        case .engine(let error): "the database failed to \(error)"
        case .misuse(let reason): reason
        default: "unknown"
        }
    }
}

extension StoreError {
    /// Gives an error of any of the layers below its meaning for the store's caller.
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as EngineError: self.init(engine: error, place: "the store")
        case let error as ModelError: self = .invalid(field: error.field, reason: error.description)
        case MigrationError.locked(let holder): self = .locked(holder: holder)
        case let error as MigrationError: self = .schema(reason: error.description)
        case is CancellationError: self = .engine(EngineError(.interrupted, operation: "wait", message: "cancelled"))
        default: self = .misuse(reason: "unexpected error: \(type(of: error))")
        }
    }

    init(engine error: EngineError, place: String) {
        switch error.code {
        case .full: self = .diskFull
        case .locked(let holder): self = .locked(holder: holder)
        case .holdLost: self = .fenced(reason: error.message)
        case .writeAheadLogFull(let holder): self = .writeAheadLogFull(holder: holder)
        case .readOnly: self = .unusable(place: place, reason: error.message)
        case .unreachable, .disconnected, .timedOut: self = .unavailable(place: place, reason: error.message)
        case .damaged: self = .damaged(place: place, reason: error.message)
        // Every statement is ours, and its schema was checked at opening: it can only fail on tables that were changed.
        case .misuse where error.isAboutMissingTable:
            self = .damaged(place: place, reason: "its tables differ from what its schema says: \(error.words)")
        case .notADatabase, .emptyFile, .missing, .permissionDenied, .unsuitableFileSystem, .untrusted, .unsupported,
            .olderLineage:
            self = .unusable(place: place, reason: error.message)
        default: self = .engine(error)
        }
    }
}
