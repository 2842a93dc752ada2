internal import MetastoreModel

/// How an archiver works.
public struct ArchiverOptions: Sendable {
    /// A segment is sealed once its records take so many bytes …
    public var segmentBytes = Limits.segmentBytes
    /// … or once so much time has passed since its first. A write that waits for the archive has it sealed at once.
    public var segmentAge = Limits.segmentAge
    /// What to do when the archive is behind, or can't be archived to any more.
    public var policy = ArchivePolicy()
    /// What to do when the archive has more than this store.
    public var ahead = ArchiveAheadPolicy.refuse
    /// The pause after a call of the archive that failed; it grows twofold …
    public var shortestPause = Limits.archiveRetryShortest
    /// … up to this.
    public var longestPause = Limits.archiveRetryLongest
    /// How often the lag is measured.
    public var lagInterval = Limits.archiveLagInterval
    /// The consumer that keeps the store's log until it is archived.
    public var consumer = "archiver"

    /// The defaults.
    public init() {}
}

/// What to do when the archive goes on after the last revision that is this store's: it is a copy that lags, or its
/// newest commits were lost and it was told to go on without them.
public enum ArchiveAheadPolicy: Sendable, Hashable {
    /// Raise the alarm, and archive nothing.
    case refuse
    /// Go on in the store's newer epoch, from where the store does. What the archive has after it stays in it, and is
    /// no longer part of the history: commits that were answered as archived are given up.
    case leaveBehind
}

/// What an archiver does when it is behind.
public struct ArchivePolicy: Sendable, Hashable {
    /// A lag that is too large: in either of the two. None where both are nil.
    public struct Bound: Sendable, Hashable {
        /// Bytes of the store's log that are not archived.
        public var bytes: Int?
        /// How long ago the oldest commit was that isn't archived.
        public var age: Duration?

        /// From one or both.
        public init(bytes: Int? = nil, age: Duration? = nil) {
            self.bytes = bytes
            self.age = age
        }
    }

    /// Beyond it a line is logged.
    public var warn = Bound(bytes: Limits.archiveLagWarnBytes, age: Limits.archiveLagWarnAge)
    /// Beyond it clients' writes are slowed down, by ``pause`` a batch.
    public var throttle = Bound()
    /// Beyond it clients' writes are refused with `StoreError.notAdmitted(reason:)`.
    public var refuse = Bound()
    /// How much later a batch begins while writes are slowed down.
    public var pause = Duration.milliseconds(20)
    /// What is refused after an alarm.
    public var alarm = Alarm.refuseArchived

    /// What is refused once nothing can be archived any more.
    public enum Alarm: Sendable, Hashable {
        /// Writes that want to be archived before they are answered.
        case refuseArchived
        /// Every client's write.
        case refuseWrites
    }

    /// The defaults.
    public init() {}
}
