internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
package import MetastoreReplication

/// What takes bytes apart that may come from anywhere: an archive's objects, a server's answers, a log's records.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case segment, frames, snapshot, epoch, kept, merge, label, manifest, part, rows, record

    /// Reads the bytes, as long as they make sense. Whatever they are, it returns; what was read comes out the same
    /// when it is written and read again, or the process ends here.
    ///
    /// - Parameter manifest: of the part.
    /// - Returns: why they were refused; nil when they were not.
    @discardableResult
    package func read(_ bytes: [UInt8], of manifest: SnapshotManifest?) -> (any Error)? {
        do {
            try take(bytes, manifest)
            return nil
        } catch {
            return error
        }
    }

    private func take(_ bytes: [UInt8], _ manifest: SnapshotManifest?) throws {
        switch self {
        case .segment:
            let segment = try Segment(bytes, named: rawValue)
            let again = try Segment(segment.bytes, named: "again")
            check(segment.header, again.header)
            check(segment.footer, again.footer)
            check(segment.records.map(\.chain), again.records.map(\.chain))
            check(segment.records.map(\.body), again.records.map(\.body))
        case .frames: _ = try SegmentFrames.parts(bytes)
        case .snapshot:
            // Cut at other places on the way, it is the same.
            let pieces = Result { try Self.pieces(bytes, at: bytes.count) }
            let others = Result { try Self.pieces(bytes, at: 7) }
            check((try? pieces.get()), (try? others.get()))
            _ = try pieces.get()
        case .epoch:
            let record = try EpochRecord(bytes, named: rawValue)
            check(record, try EpochRecord(record.bytes, named: "again"))
            checkBytes(record.bytes, bytes)
        case .kept:
            let record = try KeptRecord(bytes, named: rawValue)
            check(record, try KeptRecord(record.bytes, named: "again"))
            checkBytes(record.bytes, bytes)
        case .merge:
            let record = try MergeRecord(bytes, named: rawValue)
            check(record, try MergeRecord(record.bytes, named: "again"))
            checkBytes(record.bytes, bytes)
        case .label:
            let record = try LabelRecord(bytes, named: rawValue)
            check(record, try LabelRecord(record.bytes, named: "again"))
            checkBytes(record.bytes, bytes)
        case .manifest:
            let manifest = try SnapshotManifest(bytes, named: rawValue)
            check(manifest, try SnapshotManifest(manifest.bytes, named: "again"))
            checkBytes(manifest.bytes, bytes)
        case .part:
            guard let manifest else { preconditionFailure("a part needs its manifest") }
            let part = try SnapshotPart(bytes, named: rawValue, of: manifest, number: 0)
            check(part, try SnapshotPart(part.bytes, named: "again", of: manifest, number: 0))
            try part.forEachTable(manifest.tables, named: rawValue) { _, _ in }
        case .rows:
            guard let manifest else { preconditionFailure("rows need their manifest") }
            let part = SnapshotPart(
                cluster: manifest.head.cluster, snapshot: manifest.id, number: 0, content: bytes)
            try part.forEachTable(manifest.tables, named: rawValue) { _, _ in }
        case .record:
            let record = LogRecord(
                revision: 2, epoch: Epoch(number: 1, nonce: 1), time: Timestamp(microseconds: 1), schema: 1,
                actor: "a", operation: UUID(), consumer: nil, kinds: .all, body: bytes, chain: [])
            try record.decodeBody { (change) throws(StoreError) in _ = try change.images(change.kind.table) }
        }
    }

    /// How many pieces of a snapshot come over a network that brings so many bytes at a time.
    private static func pieces(_ bytes: [UInt8], at length: Int) throws -> Int {
        var (cutter, frames, pieces) = (FrameCutter(), SnapshotFrames(), 0)
        for first in stride(from: 0, to: bytes.count, by: max(1, length)) {
            cutter.add(bytes[first..<min(first + length, bytes.count)])
            while let frame = try cutter.next() {
                _ = try frames.next(frame)
                pieces += 1
            }
        }
        guard cutter.isEmpty else { throw LogSourceError.damaged(reason: "it ends in the middle of a frame") }
        try frames.finish()
        return pieces
    }

    /// Where checksums aren't looked at, those of the bytes needn't be right.
    private func checkBytes(_ written: [UInt8], _ read: [UInt8]) {
        precondition(Checksum.isIgnored || written == read, "\(self): the same value has other bytes")
    }

    private func check<Value: Equatable>(_ one: Value, _ other: Value) {
        precondition(one == other, "\(self): what was written is read as something else")
    }
}
