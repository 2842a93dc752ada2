internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport

/// Stretches of history for segments.
struct History {
    let cluster: UUID
    let records: [LogRecord]

    /// Of a store with a row of every kind, and then entries of all sizes.
    static func make(_ random: inout Seeded, entries: Int, largest: Int) async throws -> History {
        try await withScratch { root in
            let source = EngineSource.sqlite(root + "/store.db")
            try await FullStore.make(in: source)
            let store = try await Metastore.open(source)
            for number in 0..<entries {
                let size = Int.random(in: 0...largest, using: &random)
                let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                try await store.write(actor: "actor \(number % 3)") { tx in
                    try tx.keyValue.put(EntryKey(namespace: "n", key: "\(number % 7)"), bytes)
                }
            }
            var records: [LogRecord] = []
            while true {
                let next = try await store.logRecords(after: records.last?.revision ?? .absent)
                if next.isEmpty { break }
                records += next
            }
            let cluster = try await store.info().cluster
            await store.close()
            return History(cluster: cluster, records: records)
        }
    }

    /// A segment of these records; all of one epoch.
    func segment(_ range: Range<Int>) -> Segment {
        let part = Array(records[range])
        let kinds = part.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
        var digests: [RecordKind: UInt128] = [:]
        for kind in RecordKind.allCases where kinds.contains(kind) { digests[kind] = UInt128(kind.rawValue) << 99 + 7 }
        let previous = range.lowerBound == 0 ? LogRecord.genesis(cluster: cluster) : records[range.lowerBound - 1].chain
        return Segment(cluster: cluster, part, after: previous, digests: digests)
    }

    /// Some that are in one epoch.
    func stretch(_ random: inout Seeded, most: Int) -> Range<Int> {
        let first = Int.random(in: records.indices, using: &random)
        let end = records[first...].prefix { $0.epoch == records[first].epoch }.endIndex
        return first..<min(end, first + Int.random(in: 1...most, using: &random))
    }
}

extension Segment {
    /// Everything that a reader gets is the same.
    func isSame(as other: Segment) -> Bool {
        header == other.header && footer == other.footer && records.count == other.records.count
            && zip(records, other.records).allSatisfy { one, other in
                one.header == other.header && one.body == other.body && one.chain == other.chain
            }
    }
}

extension LogRecord {
    /// The next record of a history: its body is noise, its link is right.
    static func made(
        after last: LogRecord?, in epoch: Epoch, of cluster: UUID, by actor: String, _ random: inout Seeded
    ) -> LogRecord {
        let body = (0..<Int.random(in: 1...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        var record = LogRecord(
            revision: Revision(rawValue: (last?.revision.rawValue ?? 0) + 1), epoch: epoch,
            time: Timestamp(microseconds: (last?.time.microseconds ?? 0) + 1), schema: 2, actor: actor, operation: nil,
            consumer: nil, kinds: .keyValue, body: body, chain: [])
        record.chain = record.link(after: last?.chain ?? LogRecord.genesis(cluster: cluster))
        return record
    }
}

extension EpochRecord {
    /// What an archive begins with that has a cluster's whole history.
    static func beginning(of cluster: UUID, in epoch: Epoch) -> EpochRecord {
        EpochRecord(
            cluster: cluster, epoch: epoch, parent: nil, fork: .absent, chain: LogRecord.genesis(cluster: cluster),
            holder: "master-0", time: Timestamp(microseconds: 0))
    }
}

extension ArchiveWriter {
    /// Takes for archived what the archive has of a history. What comes then is another's, which it finds out itself.
    mutating func follow(_ records: [LogRecord]) async throws(ArchiveError) {
        while case .segment(let segment) = try await line.object(after: end), segment.follows(end),
            records.first(where: { $0.revision == segment.header.last })?.chain == segment.footer.chain
        {
            self = ArchiveWriter(line, after: segment.end)
        }
    }
}

/// All objects of a cluster in an archive.
func names(_ line: ArchiveLine) async throws -> [ArchiveName] {
    try await line.target.list(under: name("\(line.cluster)".lowercased()), after: nil, limit: 10_000)
}
