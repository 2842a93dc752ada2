// Invariants
// 1. Records go into the archive in the order of their revisions, each once, and what was archived before is followed
//    and not written again: the same history gives the same segments' chain, whoever uploads it.
// 2. An epoch's record says what the log says of its beginning: a second upload writes the same bytes.

package import Metastore
package import MetastoreModel
package import MetastoreReplication

/// Brings a store's history into an archive, from its first revision on, in segments of any size: an archiver's are as
/// large as its clock has them.
package struct HistoryUpload: Sendable {
    package private(set) var writer: ArchiveWriter
    /// What the archive had before.
    private let history: ArchiveHistory
    private var cutter: SegmentCutter
    /// The last revision that was taken, and the last that was found in the archive.
    private var taken = Revision.absent
    private var common = Revision.absent

    /// Begins an archive, or goes on with what is there.
    ///
    /// - Parameters:
    ///   - first: the first record of the cluster's history.
    ///   - bound: bytes of records after which a segment is cut.
    /// - Throws: ``ArchiveError``.
    package init(
        _ line: ArchiveLine, from first: LogRecord, bound: Int = Limits.segmentBytes
    ) async throws(ArchiveError) {
        precondition(first.revision.rawValue == 1, "an archive without a snapshot begins with the first revision")
        let beginning = EpochRecord(
            cluster: line.cluster, epoch: first.epoch, parent: nil, fork: .absent,
            chain: LogRecord.genesis(cluster: line.cluster), holder: first.actor, time: first.time)
        (writer, history) = try await ArchiveWriter.begin(line, with: beginning)
        cutter = SegmentCutter(cluster: line.cluster, bound: bound)
    }

    /// Takes the next records, passes over what is archived, and archives what fills segments.
    ///
    /// - Throws: ``ArchiveError``: `forked` where the archive has another history, with the last revision that is known
    ///   to be the same; `StoreError` `damaged` for a record that can't be read.
    package mutating func add(_ records: [LogRecord]) async throws {
        for record in records {
            precondition(record.revision.rawValue == taken.rawValue + 1, "records come without a hole")
            taken = record.revision
            if record.revision > writer.end.revision {
                if let segment = try cutter.add(record) { try await append(segment) }
            } else {
                try cutter.pass(record)
                guard let link = history.link(of: record.revision) else { continue }
                guard link == record.chain else { throw writer.fork(after: common) }
                common = record.revision
            }
        }
    }

    /// Archives all that was taken.
    ///
    /// - Throws: ``ArchiveError``: `behind` where the archive has more than was taken.
    package mutating func flush() async throws(ArchiveError) {
        guard taken >= writer.end.revision else { throw .behind(after: taken) }
        if let segment = cutter.seal() { try await append(segment) }
    }

    private mutating func append(_ segment: Segment) async throws(ArchiveError) {
        if segment.header.epoch != writer.end.epoch {
            let first = segment.records[0]
            try await writer.open(
                EpochRecord(
                    cluster: segment.header.cluster, epoch: segment.header.epoch, parent: writer.end.epoch,
                    fork: writer.end.revision, chain: writer.end.chain, holder: first.actor, time: first.time))
        }
        var rest = segment
        while try await writer.append(rest) < rest.header.count { rest = rest.after(writer.end.revision) }
    }
}

extension ArchiveWriter {
    /// Begins an archive, or goes on where the one that is there ends.
    ///
    /// - Parameter record: the epoch in which the store was, its fork the revision after which the archive begins.
    /// - Throws: ``ArchiveError``: `forked` when the archive begins with another history of the cluster.
    package static func begin(
        _ line: ArchiveLine, with record: EpochRecord
    ) async throws(ArchiveError) -> (writer: ArchiveWriter, history: ArchiveHistory) {
        let name = line.names.beginning
        _ = try await line.target.create(name, record.bytes)
        guard let history = try await ArchiveHistory(line), history.beginning == record else {
            throw .forked(object: "\(name)", after: record.fork)
        }
        return (ArchiveWriter(line, after: history.end), history)
    }
}

extension Metastore {
    /// Brings all of the log into an archive that has the beginning of it.
    ///
    /// - Parameter bound: bytes of records after which a segment is cut.
    /// - Returns: how far the archive goes then.
    @discardableResult
    package func upload(to line: ArchiveLine, bound: Int = Limits.segmentBytes) async throws -> Revision {
        guard let first = try await logRecords(after: .absent, bytes: 1).first else { return .absent }
        var upload = try await HistoryUpload(line, from: first, bound: bound)
        var last = Revision.absent
        while let records = try await Optional(logRecords(after: last, bytes: 20_000)), !records.isEmpty {
            try await upload.add(records)
            last = records[records.count - 1].revision
        }
        try await upload.flush()
        return upload.writer.end.revision
    }
}
