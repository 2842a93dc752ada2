public import Metastore
public import MetastoreModel

/// Where a follower stands.
public enum FollowerState: Sendable, Hashable {
    /// It applies what its source has; it is not known to have all of it.
    case catchingUp
    /// It has everything that its source is known to have.
    case following
    /// Nothing came forward for a while. It goes on trying.
    case stalled(FollowerStall, since: Timestamp)
    /// Its history is another than its source's after this position. It goes on when it is told to rewind, or when the
    /// source has its history again.
    case forked(lastCommon: Position)
    /// What comes next was written by a newer release. It is readable up to where it is.
    case needsNewerRelease(reason: String)
    /// Its source has no history before this position any more. It is readable up to where it is, and goes on when it
    /// is told to replace what it has: ``Follower/resnapshot()``.
    case needsSnapshot(oldest: Position)
    /// It was told to replace what it has by a snapshot of its source, which comes in now. Until it is there, and
    /// proven, what was here is readable.
    case takingSnapshot
    /// It was closed.
    case closed
}

/// Why a follower doesn't come forward.
public enum FollowerStall: Sendable, Hashable {
    /// The source doesn't answer, or says that it can't.
    case unavailable(reason: String)
    /// The source refuses this follower.
    case refused(reason: String)
    /// What the source gave is not what was written. Nothing of it was applied.
    case damaged(reason: String)
    /// The source ends before what is here: it is a copy that lags, or was cut back without a new epoch.
    case ahead(source: Revision)
    /// The source is of another cluster.
    case otherCluster
    /// The source says that it has more, and doesn't give it, or hasn't said anything for longer than it may.
    case silent
    /// The store that is written to fails.
    case store(reason: String)
}

/// What a follower tells of itself.
public struct FollowerStatus: Sendable, Hashable {
    /// What it does.
    public package(set) var state: FollowerState
    /// The exact place that it can be read at.
    public package(set) var position: Position
    /// The newest revision that its source is known to have; nil before the source said anything.
    public package(set) var source: Revision?
    /// How long it has been known to be behind, or has heard nothing; zero while it has everything.
    public package(set) var lag: Duration
    /// What the last comparison with the source found, and of which revision it was.
    public package(set) var comparison: ReplicaComparison?
    /// What was here before a snapshot took its place is kept there: a file, or a schema. It is nobody's but yours.
    public package(set) var replaced: String?
    /// The source was asked for what comes after this position, and had nothing. A follower that has everything that
    /// its source is known to have may yet be about to learn of more.
    package internal(set) var isAtEnd = false

    /// How many revisions it is known to be behind; nil before the source said anything.
    public var lagRevisions: Int64? { source.map { max(0, $0.rawValue - position.revision.rawValue) } }
}

extension FollowerState: CustomStringConvertible {
    /// What is, why, and what to do.
    public var description: String {
        switch self {
        case .catchingUp: "catching up"
        case .following: "following"
        case .stalled(let stall, _): "stalled: \(stall)"
        case .forked(let common):
            """
            forked: the source has another history after revision \(common.revision). Nothing was applied. Tell it to \
            rewind, or to replace what it has by a snapshot of the source (follow --rewind, --resnapshot); what it has \
            after that revision is not in the source.
            """
        case .needsNewerRelease(let reason): "needs a newer release: \(reason)"
        case .needsSnapshot(let oldest):
            """
            needs a snapshot: the source's history begins after revision \(oldest.revision). This follower stays \
            readable as it is. Tell it to replace what it has by a snapshot of the source (follow --resnapshot), or \
            follow into an empty place.
            """
        case .takingSnapshot:
            """
            taking a snapshot of its source, which replaces what is here once it is proven; until then it is readable \
            as it was
            """
        case .closed: "closed"
        }
    }
}

extension FollowerStall: CustomStringConvertible {
    /// What is, why, and what to do.
    public var description: String {
        switch self {
        case .unavailable(let reason): "the source doesn't answer (\(reason)). It is asked again"
        case .refused(let reason): "the source refuses (\(reason)). Look at the certificate, the token and its role"
        case .damaged(let reason):
            "what the source gave fails its proof (\(reason)). Nothing of it was applied; it is asked again"
        case .ahead(let source):
            """
            the source ends at revision \(source), before this follower: it is a copy that lags, or was cut back. \
            Look which of the two is right before anything is deleted; if the source is, tell this follower to replace \
            what it has by a snapshot (follow --resnapshot)
            """
        case .otherCluster: "the source is of another cluster. Follow the right one; this one was left alone"
        case .silent: "the source gives nothing, though it should. It is asked again"
        case .store(let reason): "the store of this follower fails (\(reason)). It is tried again"
        }
    }
}

/// What a follower does when its source has another history.
public enum ForkPolicy: Sendable, Hashable {
    /// Stays as it is, readable, in the state ``FollowerState/forked(lastCommon:)``, until ``Follower/rewind()``.
    case wait
    /// Goes back to the last revision that both have, and follows on from there. What it has after it is lost here.
    case rewind
}

/// What a follower does when its source's history doesn't lead on from what it has.
public enum SnapshotPolicy: Sendable, Hashable {
    /// Stays as it is, readable, until ``Follower/resnapshot()``.
    case whenTold
    /// Replaces what it has by a snapshot of its source: where the source's history begins later, and where it is
    /// another one and the follower doesn't rewind, or can't. What was there is kept under another name, and takes its
    /// room until somebody deletes it. A source that only ends before it is waited for.
    case whenNeeded
}

/// What an empty place begins with.
public enum FollowerBeginning: Sendable, Hashable {
    /// The source's newest state: one pass over its rows, whatever came before, also where its history is no longer
    /// kept. The replica's log begins there, or where the slowest live consumer stands; what is before has the source,
    /// or its archive. From an archive the log goes back as far as the source's did. A place in memory begins with the
    /// log.
    case snapshot
    /// The first revision: the replica has the whole log, and needs a source that has it.
    case wholeLog
}

/// How a follower follows.
public struct FollowerOptions: Sendable {
    /// How its store is opened.
    public var store = StoreOptions()
    /// How long the source may wait for news before it answers that there are none.
    public var waiting: Duration = .seconds(10)
    /// After so long without coming forward it counts as stalled; added to `waiting` where the source may wait.
    public var stallAfter: Duration = .seconds(4)
    /// The pause after a failure: the first, doubled with each, up to the longest.
    public var pauses: ClosedRange<Duration> = .milliseconds(100)...(.seconds(30))
    /// How often the rows are compared with the source's; never unless given.
    public var comparing: Duration? = .seconds(3_600)
    /// What to do when the source has another history.
    public var onFork = ForkPolicy.wait
    /// What an empty place begins with.
    public var beginning = FollowerBeginning.snapshot
    /// What to do when the source's history doesn't lead on from what is here.
    public var resnapshots = SnapshotPolicy.whenTold

    /// The defaults.
    public init() {}
}
