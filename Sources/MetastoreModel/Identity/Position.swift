public import FoundationEssentials

/// A place in one history: everything up to and including a revision, of one epoch, of one cluster.
///
/// It is one short text, so that it can be kept anywhere. The first bytes of the log's chain tell whether
/// the history that is resumed is the one that was read.
public struct Position: Sendable, Hashable {
    /// The cluster whose history it is.
    public let cluster: UUID
    /// The epoch in which the revision was committed.
    public let epoch: Epoch
    /// The last revision read.
    public let revision: Revision
    /// Eight bytes of the chain as one word, so that a position owns no memory.
    private let chainWord: UInt64

    /// How many bytes of the chain a position carries.
    public static let chainPrefixLength = 8

    /// What a position keeps of a record's link.
    package static func prefix(of chain: [UInt8]) -> [UInt8] { Array(chain.prefix(chainPrefixLength)) }

    /// The position after `revision`; of the chain it takes the first eight bytes (missing ones count as
    /// zero).
    public init(cluster: UUID, epoch: Epoch, revision: Revision, chainPrefix: [UInt8]) {
        self.cluster = cluster
        self.epoch = epoch
        self.revision = revision
        chainWord = Position.word(chainPrefix)
    }

    /// The position after a record, from the bytes of its link where they lie.
    package init(cluster: UUID, epoch: Epoch, revision: Revision, link: UnsafeRawBufferPointer) {
        self.cluster = cluster
        self.epoch = epoch
        self.revision = revision
        chainWord = Position.word(link)
    }

    private static func word(_ chain: some RandomAccessCollection<UInt8>) -> UInt64 {
        var word: UInt64 = 0
        for byte in chain.prefix(chainPrefixLength) { word = word << 8 | UInt64(byte) }
        return word << UInt64(8 * max(0, chainPrefixLength - chain.count))
    }

    /// The first eight bytes of the chain at the revision.
    public var chainPrefix: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: chainWord >> (56 - 8 * UInt64($0))) }
    }
}

extension Position: LosslessStringConvertible {
    /// `cluster:epoch:revision:chain`, such as `4f8e…-…:3-9f86d081884c7d65:1207:00ff12ab34cd56ef`.
    public var description: String {
        "\(cluster.lowercaseText):\(epoch):\(revision):\(Hexadecimal.text(of: chainWord))"
    }

    /// Reads what ``description`` gives; `nil` for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4,
            let cluster = UUID(uuidString: parts[0]), cluster.lowercaseText == parts[0],
            let epoch = Epoch(parts[1]),
            let revision = Revision(parts[2]),
            let word = Hexadecimal.word(parts[3].utf8)
        else { return nil }
        self.cluster = cluster
        self.epoch = epoch
        self.revision = revision
        chainWord = word
    }
}

extension Position: Codable {
    /// Reads the text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        self = try decoder.lossless("a position: cluster:epoch:revision:chain")
    }

    /// Writes ``description``.
    public func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
    }
}
