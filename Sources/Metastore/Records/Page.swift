internal import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel

/// Some records in order, and where the next ones begin.
public struct Page<Element: Sendable>: Sendable {
    /// At most as many as were asked for.
    public let records: [Element]
    /// Pass it to the same query for the records after these; nil when there are none.
    public let next: Cursor?
    /// Where the store stood: follow the feed from here and nothing is missed, nothing doubled.
    public let position: Position
}

/// A place in the order of a query: after the last record of a page.
///
/// It holds that record's sort key, so that records added or removed meanwhile neither shift nor repeat the rest. It
/// survives a trip through text.
public struct Cursor: Sendable, Hashable, LosslessStringConvertible, Codable {
    let query: String
    let key: [Value]

    init(_ query: String, _ key: [Value]) {
        self.query = query
        self.key = key
    }

    /// Lower-case letters of the query's name, a dot, and hexadecimal digits.
    public var description: String {
        var writer = CanonicalWriter()
        for (index, value) in key.enumerated() { writer.field(UInt8(index + 1), value) }
        return query + "." + writer.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Reads what ``description`` gives; nil for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count.isMultiple(of: 2), parts[1].utf8.count <= 8_192 else { return nil }
        var bytes: [UInt8] = []
        var digits = Array(parts[1].utf8)[...]
        while let high = digits.popFirst(), let low = digits.popFirst() {
            guard let byte = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(byte)
        }
        var values: [Value] = Array(repeating: .null, count: 8)
        let count = bytes.withUnsafeBytes { raw -> Int? in
            var reader = CanonicalReader(raw)
            var count = 0
            while !reader.isAtEnd {
                guard let number = try? reader.byte(), number == count + 1, number <= 8, let value = try? reader.value()
                else { return nil }
                values[count] = value
                count += 1
            }
            return count
        }
        guard let count else { return nil }
        query = String(parts[0])
        key = Array(values[..<count])
        guard self.description == description else { return nil }
    }

    /// From its text.
    ///
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let text = try String(from: decoder)
        guard let cursor = Cursor(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a cursor"))
        }
        self = cursor
    }

    /// As its text.
    public func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
    }

    /// The key, if it was made by this query.
    func key(for query: String, count: Int) throws(StoreError) -> [Value] {
        guard self.query == query, key.count == count else { throw .invalidCursor }
        return key
    }
}

extension Session {
    /// A page of at most `limit` records.
    ///
    /// - Parameters:
    ///   - fetch: reads up to that many records.
    ///   - key: a record's sort key.
    func page<R>(
        _ query: String, limit: Int, key: (R) -> [Value], fetch: (Int) throws(StoreError) -> [R]
    ) throws(StoreError) -> Page<R> {
        guard limit > 0, limit <= Limits.pageLimit else {
            throw .invalid(field: "limit", reason: "a page has 1 to \(Limits.pageLimit) records, not \(limit)")
        }
        var found = try fetch(limit + 1)
        var next: Cursor?
        if found.count > limit {
            found.removeLast()
            next = Cursor(query, key(found[limit - 1]))
        }
        let position: Position
        do {
            position = try Head.position(connection)
        } catch {
            throw StoreError(error)
        }
        return Page(records: found, next: next, position: position)
    }
}
