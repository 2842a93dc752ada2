/// Every bound of the product, in one place. Sizes are bytes unless the name says otherwise.
public enum Limits {
    // MARK: Writing

    /// A transaction that would log more than this fails with `transactionTooLarge` and is rolled back.
    public static let transactionLogBytes = 64 << 20
    /// A batch of queued writes is committed when it has this many closures.
    public static let batchClosures = 256
    /// After a batch had to be undone for one closure's failure, so many batches make a savepoint for each closure.
    public static let batchesWithSavepoints = 16
    /// A batch is committed when it has run this long.
    public static let batchDuration: Duration = .milliseconds(50)
    /// A write that finds this many others waiting fails with `overloaded` at once, before it has run.
    public static let writeQueue = 100_000
    /// A write whose closure ran longer than this is logged as a warning with its call site.
    public static let slowClosure: Duration = .seconds(1)
    /// A result of a write with an operation id that encodes to more than this makes the write fail.
    public static let operationResultBytes = 64 << 10
    /// An operation id is remembered this long unless set otherwise; an older one is refused as
    /// `operationExpired`.
    public static let operationRetention: Duration = .seconds(24 * 3600)
    /// A deletion of an experiment proceeds in revisions that log about this much each.
    public static let deletionStepBytes = 4 << 20

    // MARK: Reading

    /// A page holds at most this many records; a greater limit asked for is lowered to it, and the page has
    /// a next one.
    public static let pageLimit = 1_000
    /// A page holds this many records when no limit is asked for.
    public static let pageLimitDefault = 100
    /// A read that is open longer than this may end with `snapshotExpired` when the write-ahead log has
    /// grown too far.
    public static let protectedReadDuration: Duration = .seconds(30)
    /// A read on a connection of its own that was told to end is waited for so long.
    public static let outsideReadEnd: Duration = .seconds(10)
    /// Above this the writer tries to truncate the write-ahead log between batches.
    public static let writeAheadLogTruncateBytes = 64 << 20
    /// Above this our own old reads are ended with `snapshotExpired`.
    public static let writeAheadLogExpireBytes = 256 << 20
    /// Above this writes fail with `writeAheadLogFull`, naming the holder.
    public static let writeAheadLogRefuseBytes = 1 << 30

    // MARK: Values

    /// JSON nested deeper than this is refused; the outermost object is depth 1.
    public static let jsonDepth = 64
    /// JSON longer than this in canonical form is refused; it leaves room for the rest of a transaction.
    public static let jsonBytes = 48 << 20
    /// Metrics longer than this are kept as a document, and the workload holds its hash.
    public static let inlineMetricsBytes = 8 << 20
    /// A trial has summaries of at most so many metrics; values under further names are only counted.
    public static let summarisedMetrics = 1_000
    /// So many trials' summaries the writer remembers, to read none of them again, …
    public static let rememberedSummaries = 256
    /// … of those that have no more than so many names.
    public static let rememberedNames = 64
    /// A document longer than this is refused.
    public static let documentBytes = 48 << 20
    /// A name (of an experiment, pool, agent, host, consumer, label, token, …) longer than this is refused.
    public static let nameBytes = 256
    /// A free text (notes, an exit reason) longer than this is refused.
    public static let textBytes = 64 << 10
    /// More labels than this on one experiment are refused.
    public static let labels = 128
    /// A key-value namespace or key longer than this is refused.
    public static let keyBytes = 1_024
    /// A key-value value longer than this is refused.
    public static let valueBytes = 8 << 20
    /// More slots than this on one agent or in one container are refused.
    public static let slots = 1_024
    /// A retention policy that keeps more checkpoints than this in one place is refused.
    public static let retainedCheckpoints = 1_000_000

    // MARK: The log and its readers

    /// A batch of the feed ends when it holds this much; it always holds at least one whole revision.
    public static let feedBatchBytes = 1 << 20
    /// How often the feed looks for commits of other processes on a server, if no wake-up tells of one.
    public static let feedPolling = Duration.milliseconds(250)
    /// The process keeps this much of the log's tail for all its readers; who is behind it reads from the
    /// database.
    public static let feedCacheBytes = 16 << 20
    /// A filtered reader gets a bookmark after at most this many revisions that it doesn't see.
    public static let bookmarkRevisions = 10_000
    /// The log keeps revisions this long; older ones are compacted, and resuming before them fails with
    /// `compacted`.
    public static let logRetention: Duration = .seconds(7 * 24 * 3600)
    /// The log keeps at most this much; beyond it the slowest consumers are expired, visibly, before
    /// anything is removed.
    public static let logRetentionBytes = 1 << 30
    /// More named consumers than this are refused.
    public static let consumers = 1_000

    /// A document or log record of fewer bytes is kept as it is: LZ4 gains nothing there.
    public static let compressionThreshold = 1 << 10
    /// What the body of one log record may take, counters and an operation's result included; at the bound the
    /// transaction is refused as too large.
    public static let logBodyBytes = transactionLogBytes + (2 << 20)
    /// A batch of writes ends when it has logged this much.
    public static let batchBytes = 64 << 20
    /// What a log record takes beside its body, about; counted against the retention's bytes.
    public static let logRowOverhead = 120
    /// How many records of the log one step of retention removes.
    public static let retentionStep = 1_000
    /// Revisions that one step of rewinding a replica undoes.
    public static let rewindStep: Int64 = 1_000
    /// While retention is behind it takes one part in so many of the writer's time; as much as it needs when the log
    /// grows nevertheless and has over `consumerLagFactor` times the bytes it may have.
    public static let retentionShare = 32
    /// A consumer that needs history beyond this many times the retention's bytes is expired, visibly.
    public static let consumerLagFactor = 2
    /// How many reads may wait for a reader's thread; one more is refused.
    public static let readQueue = 100_000

    // MARK: Copying

    /// A copy commits when it has written so many rows …
    public static let copyBatchRows = 2_000
    /// … or so many bytes; it holds no more in memory than this and one row.
    public static let copyBatchBytes = 4 << 20
    /// One statement of a copy reads at most so many rows.
    public static let copyPageRows = 1_000
    /// One statement of a copy writes about this much, and at least one row.
    public static let copyStatementBytes = 1 << 20
    /// A copy counts the rows of a table up to so many; of a larger one it tells the most there can be.
    public static let copyCountedRows = 1_000_000

    // MARK: Backfills

    /// One step of a backfill reads at most so many rows …
    public static let backfillRows = 500
    /// … and, beyond its first, no row after so many bytes.
    public static let backfillBytes = 1 << 20
    /// A backfill takes at most one part in so many of the writer's time.
    public static let backfillShare = 4
    /// How often orders to a backfill are looked for, and what others do about it.
    public static let backfillLook = Duration.seconds(1)
    /// Where several processes write, another takes a backfill over when it hasn't moved for so long.
    public static let backfillTakeover = Duration.seconds(5)
    /// The rate of a backfill is measured over at least so long; before that there is none, and no time left.
    public static let backfillRateWindow = Duration.seconds(5)
    /// Where a process is there for the backfill alone, it ends when a server hasn't let it take a step for so long.
    public static let backfillPatience = Duration.seconds(30)

    // MARK: Leases

    /// A shorter time to live is refused: a slow disk would lose the lease.
    public static let leaseTimeToLiveMinimum: Duration = .seconds(1)
    /// A longer time to live is refused: what a dead holder held would be held for too long.
    public static let leaseTimeToLiveMaximum: Duration = .seconds(24 * 3600)
    /// The time to live of the leadership unless set otherwise.
    public static let leadershipTimeToLive: Duration = .seconds(15)
    /// A clock further than this behind the last commit is reported.
    public static let clockStepBack: Duration = .seconds(60)

    // MARK: Replication

    /// A committed write waits so long for the archive or for followers, unless set otherwise.
    public static let durabilityTimeout: Duration = .seconds(30)
    /// While writes are throttled, a batch with clients' writes begins at most this much later.
    public static let admissionPause: Duration = .milliseconds(100)
    /// A segment is sealed once its records take so many bytes …
    public static let segmentBytes = 1 << 20
    /// … or its first record is so old.
    public static let segmentAge: Duration = .seconds(1)
    /// After a call of an archive that failed, the next comes after this pause; each time it is twice as long …
    public static let archiveRetryShortest: Duration = .milliseconds(100)
    /// … up to this.
    public static let archiveRetryLongest: Duration = .seconds(30)
    /// How often an archiver measures its lag, and moves its consumer on.
    public static let archiveLagInterval: Duration = .seconds(1)
    /// An archive that is behind by so many bytes of the log …
    public static let archiveLagWarnBytes = 256 << 20
    /// … or whose oldest missing commit is so old, is reported.
    public static let archiveLagWarnAge: Duration = .seconds(60)
    /// How many names of an archive are asked for at once.
    public static let archiveListing = 1_000
    /// The records of a segment are cut into blocks of so many bytes, each compressed for itself.
    public static let segmentBlockBytes = 256 << 10
    /// The records of a segment never take more: one of the largest transactions, and what came before it. What
    /// declares more is damaged.
    public static let segmentContentBytes = logBodyBytes + (2 << 20)
    /// Nor does a segment: its records, uncompressed, and what stands around them.
    public static let segmentObjectBytes = segmentContentBytes + (1 << 20)
    /// Old segments are merged into ones whose records take at most so many bytes.
    public static let mergedBytes = 4 << 20
    /// A record of merging names at most so many merged segments: what they were made of is removed once it is there.
    public static let mergedRanges = 256

    // MARK: Followers

    /// A comparison of a follower with its source names so many rows that differ; of more it tells that there are.
    public static let comparedRows = 1_000
    /// Of a kind that differs, a comparison lists at most so many rows, those in the parts that differ.
    public static let comparedPartRows = 100_000
    /// A replica that is to take another's place tries so often where somebody reads there; each time as long as a lock
    /// is waited for.
    public static let successionAttempts = 20
    /// A snapshot that this process takes of a store of its own ends after this.
    public static let snapshotDuration: Duration = .seconds(3_600)
    /// A part of a snapshot is closed once its rows take so many bytes …
    public static let snapshotPartBytes = 4 << 20
    /// … and never has more: so much, and one row. What declares more is damaged.
    public static let snapshotPartContentBytes = snapshotPartBytes + documentBytes + (4 << 20)
    /// Nor does the part itself.
    public static let snapshotPartObjectBytes = snapshotPartContentBytes + (1 << 20)
    /// A snapshot has at most so many parts; a larger store is refused.
    public static let snapshotParts = 1_000_000
    /// A manifest of more than so many bytes is none.
    public static let manifestBytes = 64 << 20
    /// A label's name that is longer is refused.
    public static let labelNameBytes = 100
    /// A label's text that is longer is refused.
    public static let labelTextBytes = 1 << 10
    /// How many names are asked for at once where an archive is listed.
    public static let listedNames = 10_000
}
