// Invariants
// 1. Both sides are read at one position, each in snapshots of its own: neither stops.
// 2. A row is in the same part on both sides, whatever the engine: that follows from its key. Where the sum of a part
//    is the same, its rows are, but for one chance in 2^128.
// 3. No more than Limits.comparedRows keys are named; beyond them it is told that there are more.

package import Metastore
public import MetastoreModel

/// A row that isn't the same here and at the source.
public struct ReplicaDifference: Sendable, Hashable, CustomStringConvertible {
    /// How it differs.
    public enum Manner: Sendable, Hashable {
        /// It is at the source only.
        case missing
        /// It is here only.
        case surplus
        /// It is on both sides, with other content.
        case different
    }

    /// The kind of the row.
    public let kind: RecordKind
    /// Its key.
    public let key: String
    /// How it differs.
    public let manner: Manner

    /// One line.
    public var description: String {
        switch manner {
        case .missing: "\(key) is missing here"
        case .surplus: "\(key) is not at the source"
        case .different: "\(key) has another content than at the source"
        }
    }
}

/// What a comparison of a follower's rows with its source's found.
public struct ReplicaComparison: Sendable, Hashable {
    /// Where both were compared.
    public let position: Position
    /// The kinds whose rows differ.
    public let kinds: [RecordKind]
    /// The rows that differ, ordered by kind and key.
    public let differences: [ReplicaDifference]
    /// True when more rows differ than are named.
    public let hasMore: Bool
    /// True when only this follower's rows were compared with its own digests, because the source has no rows: what
    /// differs is then told by kind.
    public let isLocal: Bool

    /// True when nothing differs.
    public var isEqual: Bool { kinds.isEmpty }
}

extension ReplicaComparison {
    /// Compares a store with a source, where the store stands now.
    package static func compare(_ store: Metastore, with source: any LogSource) async throws -> ReplicaComparison {
        let own = try await store.digestsOfRows()
        let position = own.head.position
        guard let theirs = try await source.rowDigests(at: position) else {
            let kinds = RecordKind.allCases.filter { own.rows[$0] != own.head.digests[$0] }
            return ReplicaComparison(position: position, kinds: kinds, differences: [], hasMore: false, isLocal: true)
        }
        let kinds = RecordKind.allCases.filter { $0 != .cluster && theirs[$0] != own.rows[$0] }
        var (found, hasMore) = ([ReplicaDifference](), false)
        for kind in kinds {
            let most = Limits.comparedRows - found.count
            guard most > 0, let differences = try await rows(of: kind, at: position, store, source, most: most) else {
                hasMore = true
                continue
            }
            found += differences
        }
        return ReplicaComparison(
            position: position, kinds: kinds, differences: found, hasMore: hasMore, isLocal: false)
    }

    /// The rows of a kind that differ; nil where there are too many.
    private static func rows(
        of kind: RecordKind, at position: Position, _ store: Metastore, _ source: any LogSource, most: Int
    ) async throws -> [ReplicaDifference]? {
        let (ours, theirs) = (
            try await store.sums(of: kind, at: position), try await source.sums(of: kind, at: position)
        )
        guard theirs.count == ours.count else { throw LogSourceError.damaged(reason: "its sums are not so many") }
        let parts = Set(ours.indices.filter { ours[$0] != theirs[$0] })
        let inParts = Limits.comparedPartRows
        guard let here = try await store.hashes(of: kind, in: parts, at: position, most: inParts),
            let there = try await source.hashes(of: kind, in: parts, at: position, most: inParts)
        else { return nil }
        let found = Set(here.keys).union(there.keys).sorted().compactMap { key -> ReplicaDifference? in
            switch (here[key], there[key]) {
            case (nil, _?): ReplicaDifference(kind: kind, key: key, manner: .missing)
            case (_?, nil): ReplicaDifference(kind: kind, key: key, manner: .surplus)
            case (let own, let other):
                own == other ? nil : ReplicaDifference(kind: kind, key: key, manner: .different)
            }
        }
        return found.count <= most ? found : nil
    }
}
