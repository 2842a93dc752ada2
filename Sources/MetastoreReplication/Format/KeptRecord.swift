// Invariants
// 1. It says where the history that the archive keeps begins: nothing before is needed by anybody who reads it.
// 2. The next one has the next number, and begins no earlier. None is ever removed: whoever has one finds the newest.

internal import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// Where the kept history of an archive begins, after retention removed what was before.
package struct KeptRecord: Sendable, Hashable {
    package var number: Int64
    /// The epoch that it begins in.
    package var epoch: EpochRecord
    /// The last revision before, and its link: the first object that is kept has the name that follows.
    package var revision: Revision
    package var chain: [UInt8]

    static let magic = Array("MSKB".utf8)
    static let version: UInt8 = 1

    package init(number: Int64, epoch: EpochRecord, revision: Revision, chain: [UInt8]) {
        self.number = number
        self.epoch = epoch
        self.revision = revision
        self.chain = chain
    }

    /// From here on the line is read.
    package var start: ArchivePlace { ArchivePlace(epoch: epoch.epoch, revision: revision, chain: chain) }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter()
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.number(UInt64(number))
        bytes.number(UInt64(revision.rawValue))
        bytes.raw(chain)
        bytes.blob(epoch.bytes)
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
            return try KeptRecord(&reader)
        }
    }

    private init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "a record of where history begins")
        let number = try reader.positive("a number")
        let revision = Revision(rawValue: Int64(try reader.count("a revision", in: 0...Int(Int64.max - 1))))
        let chain = try reader.bytes(32)
        let offset = reader.offset
        let epoch = try EpochRecord(Array(try reader.sized()), named: "\(reader.object), the epoch in it,")
        guard epoch.fork <= revision else { throw reader.damage("it begins before its epoch does", at: offset) }
        self.init(number: number, epoch: epoch, revision: revision, chain: chain)
        try reader.checksum(since: 0, of: "it")
        guard reader.isAtEnd else { throw reader.damage("something follows its end") }
    }
}
