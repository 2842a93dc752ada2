package import FoundationEssentials

/// The name the searcher gives a trial, and its idempotency key: creating a trial twice under one is creating
/// it once.
///
/// It is derived from the experiment's seed and the trial's ordinal, so that a run that was killed and one
/// that was not name their trials alike.
package struct RequestID: Hashable, Sendable {
    /// The identifier as stored.
    package let uuid: UUID

    /// A request that was read back.
    package init(_ uuid: UUID) { self.uuid = uuid }

    /// The request of the `ordinal`-th trial (from 0) of a search with this seed: a UUID of version 8 (RFC
    /// 9562: "the bits are yours"), because these bits are computed, not drawn.
    package init(seed: UInt64, ordinal: Int) {
        self.init(.derived(Randomness(seed: seed, "request", .number(ordinal))))
    }

    /// The sixteen bytes.
    package var bytes: [UInt8] { withUnsafeBytes(of: uuid.uuid) { Array($0) } }

    /// The first eight hexadecimal digits: enough for a person to tell the trials of one experiment apart.
    package var short: String { String(description.prefix(8)) }
}

extension RequestID: CustomStringConvertible {
    package var description: String { uuid.uuidString.lowercased() }
}

extension RequestID: Comparable {
    /// The order of the bytes, which is also the order of the text: what "by request id" means everywhere.
    package static func < (left: RequestID, right: RequestID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension RequestID: Codable, CodingKeyRepresentable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let uuid = UUID(uuidString: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a request id must be a UUID"))
        }
        self.init(uuid)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var codingKey: any CodingKey { Key(stringValue: description) }

    package init?<Other: CodingKey>(codingKey: Other) {
        guard let uuid = UUID(uuidString: codingKey.stringValue) else { return nil }
        self.init(uuid)
    }

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension UUID {
    /// A UUID of version 8 from the next 128 bits of a stream, of which six are given away for version and
    /// variant.
    package static func derived(_ stream: Randomness) -> UUID {
        var stream = stream
        var bytes = [stream.next(), stream.next()].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
