// Invariants
// 1. Pure: events in, states out. No clock but the one it is given, no source, no store.
// 2. Whoever comes forward is never stalled; whoever doesn't is, after a bounded time, whatever the reason.
// 3. A failure is followed by a pause that grows up to its bound, and then by another try: nothing ends the following.

internal import Metastore
package import MetastoreModel

/// Decides what state a follower is in.
package struct Following: Sendable {
    package enum Event: Sendable {
        /// The source is asked: it may wait so long.
        case asked(waiting: Duration)
        /// The source answered, and has at least this revision.
        case answered(newest: Revision)
        /// What it gave is being applied.
        case applying
        /// Records up to a place are applied.
        case applied(Position)
        /// The source failed, or what it gave was refused.
        case failed(LogSourceError)
        /// This follower's own store failed.
        case storeFailed(reason: String)
        /// The follower went back to a place.
        case rewound(Position)
        /// A snapshot of the source is asked for.
        case taking
        /// It has taken the place of what was here, which is kept under another name.
        case replaced(Position, kept: String?)
        /// Time went by.
        case tick
        case closed
    }

    package private(set) var status: FollowerStatus
    private let stallAfter: Duration
    private let pauses: ClosedRange<Duration>
    private(set) var pause: Duration
    /// When it last came forward, or was known to have everything.
    private var lastProgress: Duration
    /// By when the source must have answered.
    private var deadline: Duration?
    private var behindSince: Duration?
    private var isApplying = false

    package init(at position: Position, _ options: FollowerOptions, now: Duration) {
        status = FollowerStatus(state: .catchingUp, position: position, source: nil, lag: .zero, comparison: nil)
        stallAfter = options.stallAfter
        pauses = options.pauses
        pause = options.pauses.lowerBound
        lastProgress = now
        behindSince = now
    }

    /// - Parameters:
    ///   - now: of a clock that never goes back.
    ///   - time: of the wall clock, for people.
    package mutating func note(_ event: Event, now: Duration, time: Timestamp) {
        guard status.state != .closed else { return }
        switch event {
        case .applying: isApplying = true
        case .asked(let waiting): deadline = now + waiting + stallAfter
        case .answered(let newest): answered(newest, now)
        case .applied(let position): applied(position, now)
        case .rewound(let position):
            (status.position, status.source, status.isAtEnd) = (position, nil, false)
            (status.state, lastProgress) = (.catchingUp, now)
        case .taking: (status.state, deadline, isApplying) = (.takingSnapshot, nil, false)
        case .replaced(let position, let kept):
            (status.position, status.source, status.isAtEnd, status.replaced) = (position, nil, false, kept)
            (status.state, lastProgress, pause) = (.catchingUp, now, pauses.lowerBound)
        case .failed(let error): failed(Self.state(of: error, time), now)
        case .storeFailed(let reason): failed(.stalled(.store(reason: reason), since: time), now)
        case .tick: tick(now, time)
        case .closed: status.state = .closed
        }
        status.lag = behindSince.map { now - $0 } ?? .zero
    }

    mutating func compared(_ comparison: ReplicaComparison) { status.comparison = comparison }

    private mutating func answered(_ newest: Revision, _ now: Duration) {
        deadline = nil
        status.source = max(newest, status.source ?? .absent)
        status.isAtEnd = newest <= status.position.revision
        if newest <= status.position.revision { hasEverything(now) } else if behindSince == nil { behindSince = now }
    }

    private mutating func applied(_ position: Position, _ now: Duration) {
        (status.position, status.isAtEnd) = (position, false)
        (lastProgress, pause, deadline, isApplying) = (now, pauses.lowerBound, nil, false)
        if let source = status.source, source <= position.revision {
            hasEverything(now)
        } else {
            status.state = .catchingUp
        }
    }

    private mutating func hasEverything(_ now: Duration) {
        status.state = .following
        (lastProgress, pause, behindSince) = (now, pauses.lowerBound, nil)
    }

    private mutating func failed(_ state: FollowerState, _ now: Duration) {
        (deadline, isApplying) = (nil, false)
        if behindSince == nil { behindSince = lastProgress }
        // Since when is told of the first of several failures alike.
        if case .stalled(let stall, _) = state, case .stalled(stall, _) = status.state { return }
        status.state = state
    }

    /// The next pause after a failure.
    package mutating func takePause() -> Duration {
        defer { pause = min(pause * 2, pauses.upperBound) }
        return pause
    }

    private mutating func tick(_ now: Duration, _ time: Timestamp) {
        switch status.state {
        case .following, .catchingUp: break
        default: return
        }
        let isOverdue = deadline.map { now > $0 } ?? false
        let isStuck = behindSince != nil && deadline == nil && now - lastProgress > stallAfter
        let isStarved = (status.lagRevisions ?? 0) > 0 && now - lastProgress > stallAfter
        guard isOverdue || isStuck || isStarved else { return }
        let slow = FollowerStall.store(reason: "it takes long to apply what came")
        status.state = .stalled(isApplying ? slow : .silent, since: time)
        if behindSince == nil { behindSince = lastProgress }
    }

    /// What a follower is in after a failure of its source.
    package static func state(of error: LogSourceError, _ time: Timestamp) -> FollowerState {
        switch error {
        case .unavailable(let reason): .stalled(.unavailable(reason: reason), since: time)
        case .refused(let reason): .stalled(.refused(reason: reason), since: time)
        case .damaged(let reason): .stalled(.damaged(reason: reason), since: time)
        case .behind(let newest): .stalled(.ahead(source: newest), since: time)
        case .otherCluster: .stalled(.otherCluster, since: time)
        case .newer(let reason): .needsNewerRelease(reason: reason)
        case .compacted(let oldest): .needsSnapshot(oldest: oldest)
        case .forked(let common): .forked(lastCommon: common)
        }
    }
}
