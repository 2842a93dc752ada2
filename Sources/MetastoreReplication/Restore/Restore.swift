// Invariants
// 1. What is restored is the archive's history at one revision, or nothing: rows, digests and links are computed anew
//    before anybody can open the store (see RestoredStore).
// 2. A snapshot counts only if the line leads to its link: one of a history that was left behind, or that the archive
//    has not reached, is passed over.
// 3. A damaged snapshot ends the restore unless it was told to take an earlier one, and the report says which were not
//    taken.

package import Metastore
package import MetastoreEngine
package import MetastoreModel

/// Makes a store from an archive, as it was.
///
/// ```swift
/// let report = try await Restore(line).run(to: .sqlite("/var/lib/master/metastore.db"), at: .newest)
/// ```
/// Nothing is overwritten: the place must be empty. Until everything is verified there is nothing there either; a
/// process that is killed meanwhile leaves nothing that opens as a store, and the next restore removes what it left.
package struct Restore: Sendable {
    /// Which state.
    package enum Point: Sendable, Hashable {
        /// The last that is archived.
        case newest
        case revision(Revision)
        /// The last revision that was committed at or before a time.
        case time(Timestamp)
        case label(String)
    }

    /// What the restored store is.
    package enum Purpose: Sendable, Hashable {
        /// A store of its own: it begins a new epoch.
        case store
        /// A replica, which goes on with the same history: see ``Metastore/openReplica(_:of:_:)``.
        case replica
    }

    /// What to do about a snapshot that is damaged.
    package enum DamagedSnapshot: Sendable, Hashable {
        /// End with its error.
        case end
        /// Begin with an earlier one, or with the first revision. What the log tells of comes out the same, and is
        /// verified; what it doesn't (heartbeats, positions of consumers that moved alone) is older.
        case takeEarlier
    }

    /// How it is done.
    package struct Options: Sendable {
        package var purpose = Purpose.store
        package var damagedSnapshot = DamagedSnapshot.end
        /// The restored store's log goes back as far as its source's did, if the archive has it; else it begins with
        /// the snapshot, and what is before is in the archive alone.
        package var keepsLog = true
        /// The forms of snapshots that may be taken. Images only where the place is SQLite's; of two of one revision
        /// the image, which is quicker.
        package var forms = Set(SnapshotForm.allCases)
        /// The engine's settings, the clock and who opens the epoch.
        package var store = StoreOptions()

        /// The defaults.
        package init() {}
    }

    private let line: ArchiveLine
    private let options: Options

    package init(_ line: ArchiveLine, _ options: Options = Options()) {
        self.line = line
        self.options = options
    }

    /// Restores. Cancelling the task ends it, and leaves nothing.
    ///
    /// - Parameter progress: called now and then, on any thread.
    /// - Throws: ``ArchiveError``: `missing` for a point that is not in the archive, `expired` for one that is no
    ///   longer kept, `forked` for a label of another history, `damaged` naming the object; ``StoreError``:
    ///   `targetNotEmpty`.
    package func run(
        to target: EngineSource, at point: Point, _ progress: @escaping @Sendable (RestoreProgress) -> Void = { _ in }
    ) async throws -> RestoreReport {
        let began = options.store.time.monotonic()
        let takesImages = try RestoredStore.takesImages(target, options.store)
        guard let history = try await ArchiveHistory(line) else {
            throw ArchiveError.missing(what: "cluster \(line.cluster)", reason: "nothing of it was archived")
        }
        let forms = options.forms.filter { form in form == .portable || takesImages }
        var candidates = SnapshotCandidates(
            history, line, ids: try await line.snapshots().filter { forms.contains($0.form) })
        let revision = try await revision(point, history, &candidates)
        while true {
            let beginning = try await candidates.next(upTo: revision, passingOverDamaged: takesEarlier)
            do {
                let plan = RestorePlan(
                    line: line, history: history, snapshot: beginning, revision: revision, options: options)
                let made = try await plan.run(to: target, progress)
                return RestoreReport(
                    made, beginning, through: revision, passedOver: candidates.passedOver,
                    duration: options.store.time.monotonic() - began)
            } catch let error as ArchiveError {
                guard takesEarlier, let beginning, error.isAbout(beginning.id, line.names) else { throw error }
                candidates.passOver(beginning.id, "\(error)")
            }
        }
    }

    /// Restores what a snapshot has, and nothing after it: where the line doesn't lead to it, or not any more. Its rows
    /// are verified as always; of what history they are, only its manifest says.
    ///
    /// - Parameter history: of the same archive.
    /// - Throws: ``ArchiveError``: `damaged` naming the object; ``StoreError``: `targetNotEmpty`.
    package func run(
        to target: EngineSource, from snapshot: SnapshotManifest, beside history: ArchiveHistory,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void = { _ in }
    ) async throws -> RestoreReport {
        let began = options.store.time.monotonic()
        var plan = RestorePlan(
            line: line, history: history, snapshot: snapshot, revision: snapshot.head.revision, options: options)
        // An image has its log in it; of rows there is none that leads to them.
        if snapshot.form == .portable { plan.options.keepsLog = false }
        let made = try await plan.run(to: target, progress)
        return RestoreReport(
            made, snapshot, through: snapshot.head.revision, passedOver: [:],
            duration: options.store.time.monotonic() - began)
    }

    private var takesEarlier: Bool { options.damagedSnapshot == .takeEarlier }

    /// The revision that is meant.
    private func revision(
        _ point: Point, _ history: ArchiveHistory, _ candidates: inout SnapshotCandidates
    ) async throws -> Revision {
        switch point {
        case .newest: return history.end.revision
        case .revision(let revision):
            guard revision >= history.start.revision else { throw ArchiveError.expired(before: history.start.revision) }
            guard revision <= history.end.revision else {
                throw ArchiveError.missing(
                    what: "revision \(revision)", reason: "the archive ends at revision \(history.end.revision)")
            }
            return revision
        case .label(let name): return try await Labels(line).revision(of: name, in: history)
        case .time(let time):
            let snapshot = try await candidates.newest(before: time)
            guard
                let revision = try await history.last(
                    at: time, from: snapshot.map { ($0.head.revision, $0.head.time) })
            else {
                throw ArchiveError.missing(
                    what: "a revision at or before that time", reason: "the history that is kept begins later")
            }
            return revision
        }
    }
}

/// How far a restore is.
package enum RestoreProgress: Sendable, Hashable {
    /// Rows of the snapshot, and parts of so many, where that is known.
    case rows(Int64, parts: Int, of: Int?)
    /// The log's records, through that revision of so many.
    case revisions(Revision, of: Revision)
}

/// What was restored.
package struct RestoreReport: Sendable {
    /// The restored state's revision, digests and link.
    package let state: SnapshotHead
    /// Where the restored store stands: in a new epoch, or in the old one.
    package let position: Position
    /// What it began with; nil for the first revision.
    package let snapshot: SnapshotID?
    /// How many revisions were applied after it.
    package let revisions: Int64
    /// Snapshots that were not taken, and why.
    package let passedOver: [SnapshotID: String]
    package let duration: Duration

    init(
        _ made: RestoredStore.Made, _ snapshot: SnapshotManifest?, through revision: Revision,
        passedOver: [SnapshotID: String], duration: Duration
    ) {
        state = made.head
        position = made.position
        self.snapshot = snapshot?.id
        revisions = revision.rawValue - (snapshot?.head.revision.rawValue ?? 0)
        self.passedOver = passedOver
        self.duration = duration
    }
}

extension ArchiveError {
    /// The object that is damaged belongs to a snapshot.
    fileprivate func isAbout(_ id: SnapshotID, _ names: ArchiveNames) -> Bool {
        let object: String
        switch self {
        case .damaged(let name, _, _), .tooLarge(let name, _, _), .newer(let name, _): object = name
        default: return false
        }
        // A part's rows are told of in words that have its name in them.
        return object.contains("\(names.manifest(id))")
    }
}

extension ArchiveHistory {
    /// The last revision at or before a time; nil where the first that is kept came later.
    ///
    /// - Parameter known: a revision that is not later, and its time.
    func last(at time: Timestamp, from known: (revision: Revision, time: Timestamp)?) async throws -> Revision? {
        struct Found: Error {}
        var last = known?.revision
        do {
            try await forEachPart(after: known?.revision ?? start.revision) { part in
                for record in part.records {
                    guard record.time <= time else { throw Found() }
                    last = record.revision
                }
            }
        } catch is Found {}
        return last
    }
}
