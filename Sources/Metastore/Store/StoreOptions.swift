public import MetastoreEngine
public import MetastoreModel
package import FoundationEssentials
internal import Glibc

/// Where times and random numbers come from; tests inject their own.
public struct TimeSource: Sendable {
    /// The wall clock: times of records and commits. Never used for order.
    public var now: @Sendable () -> Timestamp
    /// A clock that never goes back: leases and time-outs.
    public var monotonic: @Sendable () -> Duration
    /// 64 random bits: ids of clusters and trials, nonces.
    public var random: @Sendable () -> UInt64

    /// From three closures; each may be called from any thread.
    public init(
        now: @escaping @Sendable () -> Timestamp, monotonic: @escaping @Sendable () -> Duration,
        random: @escaping @Sendable () -> UInt64
    ) {
        self.now = now
        self.monotonic = monotonic
        self.random = random
    }

    /// The machine's clocks and its random number generator.
    public static let system = TimeSource(
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
        },
        monotonic: {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        },
        random: { UInt64.random(in: .min ... .max) })
}

/// What to do about a store whose schema is older than this binary's.
public enum SchemaPolicy: Sendable, Hashable {
    /// Refuse, saying which command migrates it.
    case never
    /// Apply what is missing, then open.
    case automatically
}

/// What to do about a store whose history is shorter than what is known to have been durable.
public enum HistoryPolicy: Sendable, Hashable {
    /// Refuse with ``StoreError/historyCut(expected:found:)`` or ``StoreError/writeAheadLogMissing(place:)``.
    case refuseCut
    /// Go on from what is there, in a new epoch: whoever followed the lost part is told `forked`.
    case adopt
}

/// What to do about a file that is a copy: another one than the store was last written in.
public enum CopyPolicy: Sendable, Hashable {
    /// Refuse with ``StoreError/copied(place:)``; it opens for reading only.
    case refuse
    /// The copy is the store from now on, in a new epoch. Nobody writes to the original any more, or its history and
    /// this one part here.
    case adopt
}

/// What to do about a store of its own that is opened to follow another.
public enum DemotionPolicy: Sendable, Hashable {
    /// Refuse with ``StoreError/unusable(place:reason:)``: it may have been promoted.
    case refuse
    /// It is a follower from now on.
    case demote
}

/// How a store is opened.
public struct StoreOptions: Sendable {
    /// Settings of the engine.
    public var engine = EngineOptions()
    /// Who writes, as the log names it where a write doesn't say otherwise; at most 255 bytes.
    public var actor = "master"
    /// What to do about an older schema.
    public var schema = SchemaPolicy.never
    /// What to do about a history that was cut short.
    public var history = HistoryPolicy.refuseCut
    /// What to do about a copy.
    public var copies = CopyPolicy.refuse
    /// What to do about a store of its own that is opened to follow another.
    public var demotion = DemotionPolicy.refuse
    /// Threads that read. More than there are cores doesn't help.
    public var readerThreads = 2
    /// How many writes may wait; one more is refused with ``StoreError/queueFull(limit:)``.
    public var writeQueueCapacity = Limits.writeQueue
    /// How long the log is kept …
    public var logRetention = Limits.logRetention
    /// … and at most how many bytes of it.
    public var logRetentionBytes = Limits.logRetentionBytes
    /// How long a write waits for the archive or for followers, once it is committed, before it is answered with
    /// ``StoreError/notReplicated(position:reason:)``. Looked at every ``housekeepingInterval``.
    public var durabilityTimeout = Limits.durabilityTimeout
    /// How long results of operations are kept.
    public var operationRetention = Limits.operationRetention
    /// A read older than this ends with ``StoreError/snapshotExpired`` when the write-ahead log is over its bound.
    public var snapshotAge = Limits.protectedReadDuration
    /// How often the store looks after leases, retention and checkpoints while it is idle.
    public var housekeepingInterval = Duration.milliseconds(500)
    /// Clocks and randomness.
    public var time = TimeSource.system
    /// The cluster whose log this store replays; nil for a store of its own. See `Metastore.openReplica`.
    package var replicaOf: UUID?
    /// A follower becomes a store of its own. See `Metastore.promote`.
    var isPromotion = false
    /// What tells this machine from others; nil where nothing does.
    package var machine = Machine.ofThisOne
    /// The store is open for its backfill alone: told of each look and each step, by the writer's thread. See
    /// ``BackfillRun``.
    var fillingIn: (@Sendable (Result<Backfill, StoreError>) -> Void)?

    /// The defaults.
    public init() {}
}
