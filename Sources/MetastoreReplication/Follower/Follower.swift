// Invariants
// 1. Nothing is visible before it is proven: links, bodies and row hashes of what is applied, in the transaction that
//    applies it.
// 2. What is applied and how far it got commit together: the store's own head is the position, and nothing else says
//    where to go on. So a follower that was killed goes on where it stood.
// 3. It is readable the whole time, its feed too, each read at one revision of its source's history.

public import FoundationEssentials
public import Metastore
public import MetastoreEngine
public import MetastoreModel

/// A store that follows another, on either engine: from a live master, or from its archive.
///
/// ```swift
/// let archive = FollowedSource.archive(try DirectoryTarget(path: "/mnt/archive/training"), of: cluster)
/// let follower = try await Follower.open(.sqlite("/var/lib/metastore/replica.db"), following: archive, of: cluster)
/// try await follower.waitFor(revision, timeout: .seconds(5))
/// let page = try await follower.store.experiments.list(.state(.active))
/// ```
/// Once it is open it never gives up: after a failure it tries again, in growing pauses, and says why in ``status``, in
/// the log, and in the metrics `metastore_follower_…`.
public final class Follower: Sendable {
    private let progress: FollowerProgress
    private let run: FollowerRun
    private let tasks: [Task<Void, Never>]

    private init(_ run: FollowerRun) {
        self.run = run
        progress = run.progress
        tasks = run.start()
    }

    /// Opens a follower's store, which is new or was opened like this before, and follows.
    ///
    /// A place with nothing in it first gets a snapshot of the source (see ``FollowerBeginning``), verified, in one
    /// step: until then there is nothing to read, and a process that is killed leaves nothing.
    ///
    /// - Parameters:
    ///   - place: the store; where there is none, it is made.
    ///   - source: whom it follows.
    ///   - cluster: whose history it is; the source is asked unless it is given, and then it must answer.
    /// - Throws: ``StoreError/otherCluster`` when a store of another cluster is there;
    ///   ``FollowerError/noAnswer(reason:)`` when the source was asked in vain for its cluster, or for the snapshot
    ///   that an empty place begins with; as `Metastore.open`.
    public static func open(
        _ place: EngineSource, following source: FollowedSource, of cluster: UUID? = nil,
        _ options: FollowerOptions = FollowerOptions()
    ) async throws -> Follower {
        let found: UUID
        if let cluster {
            found = cluster
        } else {
            do {
                found = try await source.source.cluster()
            } catch {
                throw FollowerError.noAnswer(reason: "\(error)")
            }
        }
        if try await FollowedPlace(place, options).isEmpty, options.beginning == .snapshot {
            do {
                _ = try await source.source.fill(place, of: found, options.store) { _ in }
            } catch let error as LogSourceError {
                throw FollowerError.noAnswer(reason: "\(Following.state(of: error, options.store.time.now()))")
            }
        }
        let store = try await Metastore.openReplica(place, of: found, options.store)
        let head = try await store.logHead()
        return Follower(
            FollowerRun(
                place: place, cluster: found, source: source.source, options: options,
                progress: FollowerProgress(store, at: head.position, options)))
    }

    /// The store: for reads, and for its feed. It refuses writes with ``StoreError/readOnly``.
    ///
    /// After a failed device it is another handle; the old one throws ``StoreError/closed``.
    public var store: Metastore { progress.store }

    /// Where it stands now.
    public var status: FollowerStatus { progress.status }

    /// Where it stands, now and from now on. Whoever is slow gets the newest. It ends with ``close()``.
    public var statuses: AsyncStream<FollowerStatus> { progress.statuses() }

    /// Returns once a revision can be read here, in the history that is here: of a forked follower it says nothing
    /// about its source's.
    ///
    /// - Throws: ``FollowerError/notReached(revision:status:)`` after the time-out, with what holds it up;
    ///   ``StoreError/closed``; `CancellationError`.
    public func waitFor(_ revision: Revision, timeout: Duration) async throws {
        try await progress.wait(for: revision, timeout)
    }

    /// Compares all rows with the source's at one revision, and finds those that differ. Neither side stops.
    ///
    /// - Throws: ``FollowerError/noAnswer(reason:)`` when the source can't be compared with now; ``StoreError``.
    @discardableResult
    public func compare() async throws -> ReplicaComparison {
        do {
            let comparison = try await ReplicaComparison.compare(store, with: run.source)
            progress.compared(comparison)
            return comparison
        } catch let error as LogSourceError {
            throw FollowerError.noAnswer(reason: "\(error)")
        }
    }

    /// Lets it go back to the last revision that it shares with its source, once, if it is, or is found, forked. What
    /// it has after it is lost here.
    public func rewind() { progress.mayRewind = true }

    /// Lets it replace what it has by a snapshot of its source, once, if it can't go on, or can't once it asks: where
    /// the source's history begins later, or is another one, or ends before what is here.
    ///
    /// What is here stays readable until the snapshot is there as a whole, and proven; ``store`` is another handle
    /// then, and the old one throws ``StoreError/closed``. Afterwards what was here is kept under another name, which
    /// ``FollowerStatus/replaced`` says: it may be the only copy of what the source doesn't have.
    public func resnapshot() { progress.mayReplace = true }

    /// Ends the following, and closes the store. Closing twice is harmless.
    public func close() async {
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        progress.note(.closed)
        await store.close()
    }

    deinit { for task in tasks { task.cancel() } }
}

/// Why a follower doesn't answer.
public enum FollowerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The revision isn't here yet; the status says what holds it up.
    case notReached(revision: Revision, status: FollowerStatus)
    /// The source was asked for something that the follower can't do without it.
    case noAnswer(reason: String)

    /// What is, why, and what to do.
    public var description: String {
        switch self {
        case .notReached(let revision, let status):
            """
            revision \(revision) is not here yet: the follower is at \(status.position.revision), and is \
            \(status.state). Read here what is here, read at the source, or wait longer.
            """
        case .noAnswer(let reason): "the source doesn't answer: \(reason). Try again once it does."
        }
    }
}
