// Invariants (docs/FORMAT.md says the same, byte by byte)
// 1. A part says of which snapshot it is, which of its parts, and how much it holds; all of it is under a checksum.
// 2. What it holds doesn't depend on who made it, or when: the same rows give the same bytes.

package import FoundationEssentials
internal import Metastore
internal import MetastoreModel

/// A part of a snapshot: some of its bytes, compressed.
package struct SnapshotPart: Sendable, Hashable {
    package let cluster: UUID
    package let snapshot: SnapshotID
    /// Which part, from 0 on.
    package let number: Int
    package let content: [UInt8]

    static let magic = Array("MSSP".utf8)
    static let version: UInt8 = 1

    package init(cluster: UUID, snapshot: SnapshotID, number: Int, content: [UInt8]) {
        self.cluster = cluster
        self.snapshot = snapshot
        self.number = number
        self.content = content
    }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter(capacity: content.count + 512)
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.uuid(cluster)
        bytes.number(UInt64(snapshot.epoch))
        bytes.number(UInt64(snapshot.revision.rawValue))
        bytes.byte(snapshot.form.rawValue)
        bytes.number(UInt64(number))
        bytes.number(UInt64(content.count))
        bytes.checksum(since: 0)
        SegmentBlocks.write(content, to: &bytes)
        return bytes.bytes
    }

    /// Reads a part of a snapshot that a manifest tells of.
    ///
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(
        _ bytes: [UInt8], named name: String, of manifest: SnapshotManifest, number: Int
    ) throws(ArchiveError) {
        try self.init(bytes, named: name, of: manifest, number: number, content: manifest.parts[number].content)
    }

    /// Reads one before the manifest has told of it.
    ///
    /// - Parameter content: how many bytes it has to hold; nil where nobody knows yet.
    init(
        _ bytes: [UInt8], named name: String, of manifest: SnapshotManifest, number: Int, content: Int?
    ) throws(ArchiveError) {
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: name)
            try reader.begin(Self.magic, version: Self.version, of: "a part of a snapshot")
            guard try reader.uuid() == manifest.head.cluster else { throw reader.damage("it is of another cluster") }
            let start = reader.offset
            let epoch = try reader.positive("an epoch")
            let revision = try reader.count("a revision", in: 0...Int(Int64.max))
            guard let form = SnapshotForm(rawValue: try reader.byte()) else {
                throw reader.damage("its form is unknown")
            }
            let id = SnapshotID(epoch: epoch, revision: Revision(rawValue: Int64(revision)), form: form)
            guard id == manifest.id else { throw reader.damage("it is of another snapshot", at: start) }
            guard try reader.number() == UInt64(number) else { throw reader.damage("it is another part") }
            let count = try reader.count("the content of a part", in: 1...Limits.snapshotPartContentBytes)
            guard count == content ?? count else {
                throw reader.damage("it holds another number of bytes than its manifest says")
            }
            try reader.checksum(since: 0, of: "its header")
            let held = try SegmentBlocks.read(count, &reader)
            guard reader.isAtEnd else { throw reader.damage("something follows its end") }
            return SnapshotPart(cluster: manifest.head.cluster, snapshot: id, number: number, content: held)
        }
    }
}
