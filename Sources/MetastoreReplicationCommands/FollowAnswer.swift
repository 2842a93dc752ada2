package import MetastoreCommandLine
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// Where `follow` was when it ended.
package struct FollowAnswer: CommandReport {
    /// What the last comparison found.
    package struct Comparison: Encodable, Sendable {
        package let revision: Int64
        package let isEqual: Bool
        package let kinds: [String]
        package let differences: [String]
        package let hasMore: Bool
        /// The source has no rows: these were compared with their own digests.
        package let isLocal: Bool
    }

    package let from: String
    package let into: String
    package let cluster: String
    package let position: String
    package let revision: Int64
    package let state: String
    package let lagRevisions: Int64?
    package let comparison: Comparison?
    /// Where is kept what was there before a snapshot took its place.
    package let replaced: String?
    /// There was nothing before.
    package let isNew: Bool
    package let isInterrupted: Bool
    package let seconds: Double

    package static var isOneLine: Bool { true }
    /// Told to end, it ended as it should.
    package var exitStatus: ExitStatus { comparison?.isEqual == false ? .no : .success }

    init(
        from: String, into: String, _ status: FollowerStatus, isNew: Bool, isInterrupted: Bool, after duration: Duration
    ) {
        (self.from, self.into) = (from, into)
        (cluster, position) = (status.position.cluster.text, status.position.description)
        (revision, state) = (status.position.revision.rawValue, FollowMoment.Sight(status).state)
        replaced = status.replaced
        (lagRevisions, self.isNew, self.isInterrupted) = (status.lagRevisions, isNew, isInterrupted)
        seconds = duration.inSeconds
        comparison = status.comparison.map { found in
            Comparison(
                revision: found.position.revision.rawValue, isEqual: found.isEqual,
                kinds: found.kinds.map(\.name).sorted(), differences: found.differences.map(\.description),
                hasMore: found.hasMore, isLocal: found.isLocal)
        }
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("from", from)
        fields.add("into", into + (isNew ? ", which was empty" : ""))
        fields.add("cluster", cluster)
        let lag = lagRevisions.map { $0 == 0 ? ", nothing behind" : ", \(Shown.grouped(Int($0))) behind" } ?? ""
        fields.add("replica", "revision \(revision)\(lag); \(state)", lagRevisions == 0 ? .green : .yellow)
        if let replaced {
            fields.add("replaced", "what was there is kept in \(replaced): delete it once nobody needs it", .yellow)
        }
        if let comparison {
            let other = comparison.isLocal ? "its own digests" : "the source"
            fields.add(
                comparison.isEqual ? "equal" : "differs",
                comparison.isEqual
                    ? "all rows at revision \(comparison.revision), compared with \(other)"
                    : "\(comparison.kinds.joined(separator: ", ")) at revision \(comparison.revision)",
                comparison.isEqual ? .green : .red)
            for difference in comparison.differences { fields.add("row", difference, .red) }
        }
        if isInterrupted { fields.add("note", "told to end; run it again, and it goes on from there") }
        return fields.lines(style)
    }
}

/// Where `follow` is.
package struct FollowMoment: CommandReport {
    let time: String
    /// `catchingUp`, `following`, `stalled`, `forked`, `needsNewerRelease`, `needsSnapshot`, `takingSnapshot`,
    /// `closed`.
    let state: String
    let revision: Int64
    /// The newest revision that the source is known to have.
    let source: Int64?
    let lagRevisions: Int64?
    let lagSeconds: Double
    let reason: String?

    package static var isOneLine: Bool { true }

    /// What of a status is worth a line when it changes.
    struct Sight: ChangingSight {
        let state: String
        let reason: String?
        let revision: Int64
        let source: Int64?
        let lagRevisions: Int64?
        let lagSeconds: Double

        /// Following and catching up take turns with every commit.
        var key: String { state == "catchingUp" ? "following" : state + (reason ?? "") }

        init(_ status: FollowerStatus) {
            (revision, source) = (status.position.revision.rawValue, status.source?.rawValue)
            (lagRevisions, lagSeconds) = (status.lagRevisions, status.lag.inSeconds)
            let name =
                switch status.state {
                case .catchingUp: "catchingUp"
                // It has learned of more, and is about to take it.
                case .following: (status.lagRevisions ?? 0) > 0 ? "catchingUp" : "following"
                case .stalled: "stalled"
                case .forked: "forked"
                case .needsNewerRelease: "needsNewerRelease"
                case .needsSnapshot: "needsSnapshot"
                case .takingSnapshot: "takingSnapshot"
                case .closed: "closed"
                }
            state = name
            reason = ["catchingUp", "following", "closed"].contains(name) ? nil : "\(status.state)"
        }

        /// How long it has been behind moves by itself.
        static func == (left: Sight, right: Sight) -> Bool {
            left.key == right.key && left.revision == right.revision && left.source == right.source
        }
    }

    init(_ sight: Sight) {
        time = TimeSource.system.now().description
        (state, revision, source, reason) = (sight.state, sight.revision, sight.source, sight.reason)
        (lagRevisions, lagSeconds) = (sight.lagRevisions, sight.lagSeconds)
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var text = "\(time.toTheSecond) revision \(revision)"
        if let lagRevisions, lagRevisions > 0 {
            text +=
                ", \(Shown.count(Int(lagRevisions), "revision")) behind for "
                + Shown.duration(.seconds(lagSeconds))
        }
        return [text + ": " + (reason ?? (state == "catchingUp" ? "catching up" : state))]
    }
}
