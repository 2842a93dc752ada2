// Invariants
// 1. A part ends at the end of an epoch, or of the log as it was in one snapshot; at the log's end the digests are
//    those of the same snapshot.
// 2. A store in an earlier epoch than whoever asks only lags, as far as it knows: it calls nobody forked.

package import FoundationEssentials
package import Metastore
package import MetastoreModel

/// A store's own log as a source.
package struct StoreLogSource: LogSource {
    package let store: Metastore

    package init(_ store: Metastore) { self.store = store }

    package var place: String { "a store of this process" }

    package func cluster() async throws(LogSourceError) -> UUID {
        try await sourced { try await store.info().cluster }
    }

    package func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        let found = try await sourced { try await segments(after: place.position, waiting: waiting) }
        return SourceAnswer(parts: found.segments.map { LogPart($0) }, newest: found.head.position.revision)
    }

    /// Segments of what follows a position; none when nothing came while it waited.
    package func segments(
        after position: Position, waiting: Duration, bytes: Int = Limits.segmentBytes
    ) async throws -> (segments: [Segment], head: LogHead) {
        let end = ContinuousClock.now + waiting
        while true {
            let stretch = try await stretch(after: position, bytes)
            guard stretch.records.isEmpty else { return (stretch.segments, stretch.head) }
            let left = end - .now
            guard left > .zero, try await waitForCommit(after: stretch.head.position.revision, left) else {
                return ([], stretch.head)
            }
        }
    }

    private func stretch(after position: Position, _ bytes: Int) async throws -> LogStretch {
        do {
            return try await store.logStretch(after: position, bytes: bytes)
        } catch StoreError.forked(let common) {
            let head = try await store.logHead()
            guard position.epoch.number <= head.epoch.number else {
                throw StoreError.futureRevision(asked: position.revision, head: head.revision)
            }
            throw StoreError.forked(lastCommon: common)
        }
    }

    /// False when nothing was committed for so long.
    private func waitForCommit(after revision: Revision, _ patience: Duration) async throws -> Bool {
        let store = store
        return try await withThrowingTaskGroup { group in
            group.addTask {
                try await store.waitForCommit(after: revision)
                return true
            }
            group.addTask {
                try await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }

    package func bringSnapshot(into intake: SnapshotIntake) async throws {
        let snapshot = SentSnapshot(of: store, within: Limits.snapshotDuration)
        defer { snapshot.end() }
        do {
            while let frame = try await snapshot.next() { try await intake.add(FrameCutter.frame(frame)) }
        } catch {
            throw LogSourceError(error)
        }
    }

    package func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]? {
        try await sourced { try await store.rowDigests(at: position) }
    }

    package func sums(of kind: RecordKind, at position: Position) async throws(LogSourceError) -> [UInt128] {
        try await sourced { try await store.sums(of: kind, at: position) }
    }

    package func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]? {
        try await sourced { try await store.hashes(of: kind, in: parts, at: position, most: most) }
    }

    private func sourced<Value: Sendable>(_ body: () async throws -> Value) async throws(LogSourceError) -> Value {
        do {
            return try await body()
        } catch {
            throw LogSourceError(error)
        }
    }
}

extension LogStretch {
    /// One for each epoch. Only the last knows digests, and only where the log ends with it.
    fileprivate var segments: [Segment] {
        var segments: [Segment] = []
        var (rest, previous) = (records[...], previous)
        while let first = rest.first, let end = Optional(rest.prefix { $0.epoch == first.epoch }.endIndex) {
            let part = Array(rest[..<end])
            let last = part[part.count - 1]
            var digests: [RecordKind: UInt128] = [:]
            if last.revision == head.position.revision {
                let kinds = part.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
                for kind in kinds.kinds { digests[kind] = head.digests[kind] }
            }
            segments.append(Segment(cluster: head.position.cluster, part, after: previous, digests: digests))
            (rest, previous) = (rest[end...], last.chain)
        }
        return segments
    }
}
