package import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// A name for a revision, as it lies in an archive.
package struct LabelRecord: Sendable, Hashable {
    package var name: String
    package var cluster: UUID
    /// The epoch that the revision is of.
    package var epoch: Epoch
    package var revision: Revision
    package var chain: [UInt8]
    /// When the label was made, and what for.
    package var time: Timestamp
    package var text: String

    static let magic = Array("MSLB".utf8)
    static let version: UInt8 = 1

    package init(
        name: String, cluster: UUID, epoch: Epoch, revision: Revision, chain: [UInt8], time: Timestamp, text: String
    ) {
        self.name = name
        self.cluster = cluster
        self.epoch = epoch
        self.revision = revision
        self.chain = chain
        self.time = time
        self.text = text
    }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter()
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.text(name)
        bytes.uuid(cluster)
        bytes.number(UInt64(epoch.number))
        bytes.fixed(epoch.nonce)
        bytes.number(UInt64(revision.rawValue))
        bytes.raw(chain)
        bytes.fixed(UInt64(bitPattern: time.microseconds))
        bytes.text(text)
        bytes.checksum(since: 0)
        return bytes.bytes
    }

    /// Reads one.
    ///
    /// - Parameter name: of the object, for errors.
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(_ bytes: [UInt8], named object: String) throws(ArchiveError) {
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: object)
            return try LabelRecord(&reader)
        }
    }

    private init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "a label")
        let name = try reader.text("a label's name", most: Limits.labelNameBytes)
        let cluster = try reader.uuid()
        let place = try ArchivePlace(&reader)
        self.init(
            name: name, cluster: cluster, epoch: place.epoch, revision: place.revision, chain: place.chain,
            time: Timestamp(microseconds: Int64(bitPattern: try reader.fixed())),
            text: try reader.text("a label's text", most: Limits.labelTextBytes))
        try reader.checksum(since: 0, of: "it")
        guard reader.isAtEnd else { throw reader.damage("something follows its end") }
    }
}
