internal import Glibc

/// The rules every text of a record obeys, whatever the engine.
///
/// 1. No NUL: PostgreSQL can't hold it and SQLite's functions end at it.
/// 2. Nothing longer than its bound in ``Limits``, counted in bytes of UTF-8.
/// 3. A name is never empty: it is a segment of a key.
package enum FieldValidation {
    /// Refuses NUL and more than `limit` bytes; empty is allowed.
    package static func text(
        _ text: String, field: String, limit: Int = Limits.textBytes
    ) throws(ModelError) {
        let length = text.utf8.count
        guard length <= limit else {
            throw .tooLarge(field: field, limit: limit, found: length, unit: "bytes")
        }
        guard !containsNUL(text) else {
            throw .invalid(
                field: field, reason: "a NUL character in text isn't kept unchanged by every engine")
        }
    }

    /// Refuses NUL and more than `limit` bytes, if there is a text.
    package static func text(
        _ text: String?, field: String, limit: Int = Limits.textBytes
    ) throws(ModelError) {
        guard let text else { return }
        try self.text(text, field: field, limit: limit)
    }

    /// Refuses what ``text(_:field:limit:)-(String,_,_)`` refuses, and an empty name.
    package static func name(
        _ name: String, field: String, limit: Int = Limits.nameBytes
    ) throws(ModelError) {
        guard !name.isEmpty else { throw .invalid(field: field, reason: "it is empty") }
        try text(name, field: field, limit: limit)
    }

    /// Refuses more labels than the bound, and every label that isn't a name; gives them sorted by bytes and
    /// once each.
    package static func labels(_ labels: [String], field: String = "labels") throws(ModelError) -> [String] {
        guard labels.count <= Limits.labels else {
            throw .tooLarge(field: field, limit: Limits.labels, found: labels.count, unit: "labels")
        }
        for (index, label) in labels.enumerated() {
            try name(label, field: "\(field)[\(index)]")
        }
        let sorted = labels.sorted { $0.precedesByBytes($1) }
        return sorted.enumerated().filter { index, label in
            index == 0 || !sorted[index - 1].equalsByBytes(label)
        }.map(\.element)
    }

    /// Refuses a number outside its range.
    package static func range(
        _ number: Int64, field: String, in range: ClosedRange<Int64>
    ) throws(ModelError) {
        guard range.contains(number) else {
            throw .invalid(field: field, reason: "it must lie in \(range.lowerBound)…\(range.upperBound)")
        }
    }

    /// Refuses a NaN or an infinity, and gives 0.0 for −0.0, which the engines don't agree on.
    package static func finite(_ number: Double, field: String) throws(ModelError) -> Double {
        guard number.isFinite else { throw .invalid(field: field, reason: "it must be a finite number") }
        return number == 0 ? 0 : number
    }

    private static func containsNUL(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { $0.contains(0) }
    }
}

extension String {
    /// Whether both hold the same bytes. `==` also holds for different spellings of the same characters.
    package func equalsByBytes(_ other: String) -> Bool {
        let found = utf8.withContiguousStorageIfAvailable { own in
            other.utf8.withContiguousStorageIfAvailable { own.hasSameBytes(as: $0) }
        }
        return (found ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// Feeds what ``equalsByBytes(_:)`` compares.
    package func hashBytes(into hasher: inout Hasher) {
        hasher.combine(utf8.count)
        var text = self
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Whether this text comes first by its bytes of UTF-8, which is how every engine orders it.
    package func precedesByBytes(_ other: String) -> Bool {
        let found = utf8.withContiguousStorageIfAvailable { own in
            other.utf8.withContiguousStorageIfAvailable { own.precedes($0) }
        }
        return (found ?? nil) ?? utf8.lexicographicallyPrecedes(other.utf8)
    }
}

extension UnsafeBufferPointer<UInt8> {
    func precedes(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = baseAddress, let otherStart = other.baseAddress else { return count < other.count }
        let order = memcmp(start, otherStart, Swift.min(count, other.count))
        return order < 0 || order == 0 && count < other.count
    }

    func hasSameBytes(as other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, count) == 0
    }
}
