internal import Crypto
internal import MetastoreEngine
package import MetastoreModel

/// The hash of one row under its key: what a digest sums up, and what each row carries the first 64 bits of.
package struct RowHash: Hashable, Sendable {
    package let sum: UInt128

    /// SHA-256(kind ‖ length of the key ‖ key ‖ fields), its first 128 bits.
    package init(kind: RecordKind, key: String, fields: [UInt8]) {
        var row = CanonicalWriter(capacity: 96 + fields.count)
        row.rowName(kind, key)
        row.raw(fields)
        self.init(named: row.bytes)
    }

    /// The same, of a row's fields that stand behind its ``CanonicalWriter/rowName(_:_:)``.
    init(named row: [UInt8]) {
        var hash = SHA256()
        row.withUnsafeBytes { hash.update(bufferPointer: $0) }
        sum = hash.finalize().withUnsafeBytes { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
    }

    /// The bits a row carries.
    package var column: Int64 { Int64(truncatingIfNeeded: sum >> 64) }
}

extension CanonicalWriter {
    /// What a row's hash begins with: the kind, the length of the key, the key.
    mutating func rowName(_ kind: RecordKind, _ key: String) {
        byte(kind.rawValue)
        text(key)
    }
}

/// One sum per record kind over the hashes of its rows, modulo 2^128: equal exactly when the stores are (DESIGN D8).
package struct StateDigests: Hashable, Sendable {
    private var sums: [UInt128]

    init() {
        sums = Array(repeating: 0, count: RecordKind.allCases.count)
    }

    /// From the 16-byte numbers of the head row, most significant byte first, in order of the kinds' codes.
    package init?(bytes: [UInt8]) {
        guard bytes.count.isMultiple(of: 16), bytes.count <= 16 * RecordKind.allCases.count else { return nil }
        self.init()
        bytes.withUnsafeBytes { raw in
            for index in 0..<(bytes.count / 16) {
                sums[index] = UInt128(bigEndian: raw.loadUnaligned(fromByteOffset: index * 16, as: UInt128.self))
            }
        }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sums.count * 16)
        for sum in sums { withUnsafeBytes(of: sum.bigEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// True when these are the bytes of the same digests.
    func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == 16 * sums.count
            && sums.indices.allSatisfy {
                UInt128(bigEndian: bytes.loadUnaligned(fromByteOffset: $0 * 16, as: UInt128.self)) == sums[$0]
            }
    }

    package subscript(kind: RecordKind) -> UInt128 {
        get { sums[Int(kind.rawValue) - 1] }
        set { sums[Int(kind.rawValue) - 1] = newValue }
    }

    mutating func replace(_ before: RowHash?, by after: RowHash?, of kind: RecordKind) {
        self[kind] = self[kind] &- (before?.sum ?? 0) &+ (after?.sum ?? 0)
    }
}
