internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import Testing

/// The state of a follower, without a source and without a clock.
@Suite struct `A follower's state` {
    private static let cluster = UUID()
    private static let time = Timestamp(microseconds: 7)

    private static func position(_ revision: Int64) -> Position {
        Position(
            cluster: cluster, epoch: Epoch(number: 1, nonce: 1), revision: Revision(rawValue: revision), chainPrefix: []
        )
    }

    /// The machine after some events, each at a second.
    private static func after(_ events: [(Int, Following.Event)]) -> Following {
        var options = FollowerOptions()
        options.waiting = .seconds(10)
        options.stallAfter = .seconds(4)
        options.pauses = .seconds(1)...(.seconds(5))
        var following = Following(at: position(1), options, now: .zero)
        for (second, event) in events { following.note(event, now: .seconds(second), time: time) }
        return following
    }

    @Test func `is following once it has what the source is known to have`() {
        let known: [(Int, Following.Event)] = [(0, .asked(waiting: .seconds(10))), (1, .answered(newest: 3))]
        #expect(Self.after(known).status.state == .catchingUp && Self.after(known).status.lagRevisions == 2)
        let half = known + [(2, .applied(Self.position(2)))]
        #expect(Self.after(half).status.state == .catchingUp && Self.after(half).status.lag == .seconds(2))
        let all = half + [(3, .applied(Self.position(3)))]
        #expect(Self.after(all).status.state == .following && Self.after(all).status.lag == .zero)
        #expect(Self.after([(0, .answered(newest: 1))]).status.state == .following)
    }

    @Test func `is stalled when a source gives nothing for longer than it may`() {
        let asked: [(Int, Following.Event)] = [
            (0, .answered(newest: 1)), (0, .asked(waiting: .seconds(10))), (14, .tick),
        ]
        #expect(Self.after(asked).status.state == .following, "it may wait so long")
        let late = Self.after(asked + [(15, .tick)])
        #expect(late.status.state == .stalled(.silent, since: Self.time) && late.status.lag == .seconds(15))
        #expect(Self.after(asked + [(15, .tick), (16, .answered(newest: 1))]).status.state == .following)
        // One that has more must not wait.
        let starved: [(Int, Following.Event)] = [
            (0, .asked(waiting: .seconds(10))), (0, .answered(newest: 9)), (0, .asked(waiting: .seconds(10))),
            (5, .tick),
        ]
        #expect(Self.after(starved).status.state == .stalled(.silent, since: Self.time))
    }

    @Test func `is stalled when its own store takes long`() {
        let slow: [(Int, Following.Event)] = [(0, .answered(newest: 9)), (0, .applying), (5, .tick)]
        guard case .stalled(.store, _) = Self.after(slow).status.state else {
            Issue.record("\(Self.after(slow).status.state)")
            return
        }
        #expect(Self.after(slow + [(6, .applied(Self.position(9)))]).status.state == .following)
    }

    @Test func `tells each failure, and goes on from it`() {
        let failures: [(LogSourceError, FollowerState)] = [
            (.unavailable(reason: "r"), .stalled(.unavailable(reason: "r"), since: Self.time)),
            (.refused(reason: "r"), .stalled(.refused(reason: "r"), since: Self.time)),
            (.damaged(reason: "r"), .stalled(.damaged(reason: "r"), since: Self.time)),
            (.behind(newest: 4), .stalled(.ahead(source: 4), since: Self.time)),
            (.otherCluster, .stalled(.otherCluster, since: Self.time)),
            (.newer(reason: "r"), .needsNewerRelease(reason: "r")),
            (.compacted(oldest: Self.position(9)), .needsSnapshot(oldest: Self.position(9))),
            (.forked(lastCommon: Self.position(1)), .forked(lastCommon: Self.position(1))),
        ]
        for (error, state) in failures {
            #expect(Self.after([(1, .failed(error))]).status.state == state)
            let again = Self.after([(1, .failed(error)), (2, .answered(newest: 2)), (3, .applied(Self.position(2)))])
            #expect(again.status.state == .following)
            #expect(!state.description.isEmpty)
        }
        #expect(Self.after([(1, .closed), (2, .answered(newest: 1))]).status.state == .closed)
    }

    @Test func `pauses longer after each failure, up to a bound, and anew once it came forward`() {
        var following = Self.after([])
        #expect((0..<5).map { _ in following.takePause() } == [1, 2, 4, 5, 5].map { .seconds($0) })
        following.note(.applied(Self.position(2)), now: .seconds(1), time: Self.time)
        #expect(following.takePause() == .seconds(1))
    }
}
