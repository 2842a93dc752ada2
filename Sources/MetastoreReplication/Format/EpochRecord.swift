// Invariants
// 1. It has the name that the next segment of the epoch before would have, which ends that epoch for good.
// 2. Whoever takes that name decides: one history goes on, and everybody else is told.

internal import Metastore
package import FoundationEssentials
package import MetastoreModel

/// The end of one epoch and the beginning of the next, as it lies in an archive.
package struct EpochRecord: Sendable, Hashable {
    package var cluster: UUID
    package var epoch: Epoch
    /// The one before; nil for the first of a cluster.
    package var parent: Epoch?
    /// The last revision of the epoch before that is part of this history, and its link.
    package var fork: Revision
    package var chain: [UInt8]
    /// Who opened it, and when.
    package var holder: String
    package var time: Timestamp

    static let magic = Array("MSEP".utf8)
    static let version: UInt8 = 1
    /// A name of a holder is at most so long.
    static let longestHolder = 255

    package init(
        cluster: UUID, epoch: Epoch, parent: Epoch?, fork: Revision, chain: [UInt8], holder: String, time: Timestamp
    ) {
        self.cluster = cluster
        self.epoch = epoch
        self.parent = parent
        self.fork = fork
        self.chain = chain
        self.holder = holder
        self.time = time
    }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter()
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.uuid(cluster)
        bytes.number(UInt64(epoch.number))
        bytes.fixed(epoch.nonce)
        bytes.byte(parent == nil ? 0 : 1)
        if let parent {
            bytes.number(UInt64(parent.number))
            bytes.fixed(parent.nonce)
        }
        bytes.number(UInt64(fork.rawValue))
        bytes.raw(chain)
        bytes.text(holder)
        bytes.fixed(UInt64(bitPattern: time.microseconds))
        bytes.checksum(since: 0)
        return bytes.bytes
    }

    /// Reads one.
    ///
    /// - Parameter name: of the object, for errors.
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(_ bytes: [UInt8], named name: String) throws(ArchiveError) {
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: name)
            return try EpochRecord(&reader)
        }
    }

    private init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "the record of an epoch")
        let cluster = try reader.uuid()
        let epoch = Epoch(number: try reader.positive("an epoch"), nonce: try reader.fixed())
        let parent = try Self.parent(of: epoch, &reader)
        self.init(
            cluster: cluster, epoch: epoch, parent: parent,
            fork: Revision(rawValue: Int64(try reader.count("a revision", in: 0...Int(Int64.max)))),
            chain: try reader.bytes(32), holder: try reader.text("a holder", most: Self.longestHolder),
            time: Timestamp(microseconds: Int64(bitPattern: try reader.fixed())))
        try reader.checksum(since: 0, of: "it")
        guard reader.isAtEnd else { throw reader.damage("something follows its end") }
    }

    private static func parent(of epoch: Epoch, _ reader: inout ObjectReader) throws(ArchiveError) -> Epoch? {
        let offset = reader.offset
        switch try reader.byte() {
        case 0: return nil
        case 1:
            let parent = Epoch(number: try reader.positive("an epoch"), nonce: try reader.fixed())
            guard parent.number < epoch.number else {
                throw reader.damage("an epoch doesn't come after its parent", at: offset)
            }
            return parent
        default: throw reader.damage("a flag is neither 0 nor 1", at: offset)
        }
    }
}
