internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Synchronization

/// A source whose answers arrive as a bad network, or a bad disk, would bring them.
final class FaultySource: DecoratedSource {
    /// What happens to an answer.
    enum Fault: String, CaseIterable, Sendable {
        case truncated, flipped, dropped, doubled, reordered, lost, silent, changed, stale, emptied
    }

    let base: any LogSource

    private struct State {
        var random: Seeded
        var share: Double
        var last: SourceAnswer?
        var counts: [Fault: Int] = [:]
    }

    private let state: Mutex<State>

    init(_ base: any LogSource, _ random: Seeded, share: Double) {
        self.base = base
        state = Mutex(State(random: random, share: share))
    }

    /// From now on it is as good as what it stands before.
    func mend() { state.withLock { $0.share = 0 } }

    var counts: [Fault: Int] { state.withLock { $0.counts } }

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        let fault = state.withLock { state in
            Double.random(in: 0..<1, using: &state.random) < state.share
                ? Fault.allCases.randomElement(using: &state.random) : nil
        }
        let answer = try await base.next(after: place, waiting: waiting)
        guard let fault, !answer.parts.isEmpty else {
            state.withLock { $0.last = answer }
            return answer
        }
        state.withLock { $0.counts[fault, default: 0] += 1 }
        var parts = answer.parts
        switch fault {
        case .lost: throw .unavailable(reason: "injected")
        case .emptied: parts = []
        case .silent:
            try? await Task.sleep(for: .milliseconds(state.withLock { .random(in: 1...60, using: &$0.random) }))
        case .stale: return state.withLock { $0.last } ?? answer
        case .truncated, .flipped: parts = [try damaged(parts[0], fault)]
        case .dropped: remove(from: &parts)
        case .doubled:
            let record = parts[0].records[pick(parts[0].records.count)]
            parts[0].records.insert(record, at: pick(parts[0].records.count + 1))
        case .reordered:
            parts[0].records.swapAt(pick(parts[0].records.count), pick(parts[0].records.count))
            parts.reverse()
        case .changed: change(&parts[0].records[pick(parts[0].records.count)])
        }
        return SourceAnswer(parts: parts, newest: answer.newest)
    }

    private func pick(_ count: Int) -> Int { state.withLock { .random(in: 0..<count, using: &$0.random) } }

    /// Through the bytes that it is sent as.
    private func damaged(_ part: LogPart, _ fault: Fault) throws(LogSourceError) -> LogPart {
        var bytes = Segment(cluster: part.cluster, part.records, after: part.previous, digests: part.digests).bytes
        if fault == .truncated {
            bytes.removeLast(1 + pick(bytes.count))
        } else {
            bytes[pick(bytes.count)] ^= 1 << UInt8(pick(8))
        }
        do {
            return LogPart(try Segment(bytes, named: "an answer"))
        } catch {
            throw LogSourceError(error)
        }
    }

    /// A record that isn't the last.
    private func remove(from parts: inout [LogPart]) {
        if parts[0].records.count > 1 { parts[0].records.remove(at: pick(parts[0].records.count - 1)) }
    }

    /// What no checksum of a segment sees, because it was wrong when that was written.
    private func change(_ record: inout LogRecord) {
        switch pick(5) {
        case 0 where !record.body.isEmpty: record.body[pick(record.body.count)] ^= 1
        case 1: record.time = Timestamp(microseconds: record.time.microseconds + 1)
        case 2: record.actor += "x"
        case 3: record.epoch = Epoch(number: record.epoch.number + 1, nonce: record.epoch.nonce)
        default: record.chain[pick(32)] ^= 1
        }
    }
}

/// A source before another, which answers what isn't said here.
protocol DecoratedSource: LogSource {
    var base: any LogSource { get }
}

extension DecoratedSource {
    var place: String { base.place }

    func cluster() async throws(LogSourceError) -> UUID { try await base.cluster() }

    func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]? {
        try await base.rowDigests(at: position)
    }

    func sums(of kind: RecordKind, at position: Position) async throws(LogSourceError) -> [UInt128] {
        try await base.sums(of: kind, at: position)
    }

    func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]? {
        try await base.hashes(of: kind, in: parts, at: position, most: most)
    }
}
