public import MetastoreModel

/// How an archiver stands.
public struct ArchiverStatus: Sendable, Hashable {
    /// What it does.
    public enum State: Sendable, Hashable {
        /// It doesn't run.
        case stopped
        /// It looks where the archive ends.
        case opening
        /// It archives.
        case following
        /// The archive, or the store, didn't answer as it should. It is asked again.
        case retrying(reason: String)
        /// Nothing is archived any more, for good.
        case alarm(ArchiveError)
    }

    /// What clients' writes feel of it.
    public enum Pressure: Int, Sendable, Hashable, Comparable {
        /// Nothing.
        case none
        /// Nothing; a line was logged.
        case warned
        /// They are slowed down.
        case throttled
        /// They are refused.
        case refused

        /// By how much they feel of it.
        public static func < (left: Pressure, right: Pressure) -> Bool { left.rawValue < right.rawValue }
    }

    /// What it does.
    public internal(set) var state = State.stopped
    /// The last revision that is archived; nil while that isn't known yet.
    public internal(set) var archived: Revision?
    /// The last revision that was archived when it began; nil while that isn't known yet.
    package internal(set) var began: Revision?
    /// By how much the archive is behind, as it was measured last; nil before.
    public internal(set) var lag: ArchiveLag?
    /// What clients' writes feel of it.
    public internal(set) var pressure = Pressure.none
    /// Segments that this archiver has written, …
    public internal(set) var segments = 0
    /// … and their records' bytes, before compression.
    public internal(set) var bytes = 0
    /// How often a call of the archive failed and was tried again.
    public internal(set) var retries = 0
}

/// By how much an archive is behind its store.
public struct ArchiveLag: Sendable, Hashable {
    /// Revisions that are not archived.
    public let revisions: Int
    /// Bytes they take in the store's log.
    public let bytes: Int
    /// How long ago the oldest of them was committed, by the store's clock.
    public let age: Duration

    package init(revisions: Int, bytes: Int, age: Duration) {
        self.revisions = revisions
        self.bytes = bytes
        self.age = age
    }
}

extension ArchivePolicy {
    /// What a lag does to writes. It is let go of only at half of what brought it about, so that it doesn't flicker.
    package func pressure(_ lag: ArchiveLag, now: ArchiverStatus.Pressure) -> ArchiverStatus.Pressure {
        let levels: [(ArchiverStatus.Pressure, Bound)] = [(.refused, refuse), (.throttled, throttle), (.warned, warn)]
        for (level, bound) in levels where bound.isPassed(by: lag, halved: level <= now) { return level }
        return .none
    }
}

extension ArchivePolicy.Bound {
    fileprivate func isPassed(by lag: ArchiveLag, halved: Bool) -> Bool {
        let share = halved ? 2 : 1
        return bytes.map { lag.bytes > $0 / share } == true || age.map { lag.age > $0 / share } == true
    }
}
