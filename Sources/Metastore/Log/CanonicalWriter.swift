// Invariants (docs/FORMAT.md says the same, byte by byte)
// 1. One value has one encoding: numbers are minimal LEB128, reals have one zero, fields ascend, nulls are left out.
// 2. The encoding depends on no engine, no platform and no schema but the field numbers.

package import FoundationEssentials
package import MetastoreEngine

/// Appends canonical bytes.
package struct CanonicalWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    package mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    /// An unsigned number: seven bits a byte, least significant first, minimal (LEB128).
    package mutating func number(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A signed number: zigzag (0, −1, 1, −2, …), then as an unsigned one.
    package mutating func signed(_ number: Int64) {
        self.number(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// Eight bytes, most significant first.
    package mutating func fixed(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func raw(_ raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }

    /// The length in bytes, then the bytes.
    package mutating func text(_ text: String) {
        var text = text
        text.withUTF8 {
            number(UInt64($0.count))
            bytes.append(contentsOf: $0)
        }
    }

    /// The length, then the bytes.
    package mutating func blob(_ blob: [UInt8]) {
        number(UInt64(blob.count))
        bytes.append(contentsOf: blob)
    }

    package mutating func uuid(_ uuid: UUID) {
        withUnsafeBytes(of: uuid.uuid) { bytes.append(contentsOf: $0) }
    }

    /// A field: its number, the tag of its type, its value. A null has only the tag.
    package mutating func field(_ number: UInt8, _ value: Value) {
        bytes.append(number)
        self.value(value)
    }

    /// The tag of its type, its value. A null has only the tag.
    package mutating func value(_ value: Value) {
        switch value {
        case .null:
            byte(FieldTag.null)
        case .integer(let integer):
            byte(FieldTag.integer)
            signed(integer)
        case .real(let real):
            byte(FieldTag.real)
            fixed(real == 0 ? 0 : real.bitPattern)
        case .text(let text):
            byte(FieldTag.text)
            self.text(text)
        case .bytes(let blob):
            byte(FieldTag.bytes)
            self.blob(blob)
        case .uuid(let uuid):
            byte(FieldTag.uuid)
            self.uuid(uuid)
        case .timestamp(let time):
            byte(FieldTag.timestamp)
            fixed(UInt64(bitPattern: time))
        }
    }

    /// A row: every logged field that isn't null.
    package mutating func row(_ table: Table, _ image: [Value]) {
        for index in 0..<table.loggedCount {
            if case .null = image[index] { continue }
            field(UInt8(index + 1), image[index])
        }
    }
}

/// The byte after a field's number. Never reused.
enum FieldTag {
    static let null: UInt8 = 0
    static let integer: UInt8 = 1
    static let real: UInt8 = 2
    static let text: UInt8 = 3
    static let bytes: UInt8 = 4
    static let uuid: UInt8 = 5
    static let timestamp: UInt8 = 6
}
