// Invariants
// 1. Nothing outside the object is read, and no length is believed before it was compared with what is left.
// 2. What is wrong is told with the object's name and the byte.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

/// Takes an object of an archive apart, from its first byte to its last.
struct ObjectReader {
    let object: String
    private let bytes: UnsafeRawBufferPointer
    private var reader: CanonicalReader
    /// Where the bytes begin in the object.
    private let start: Int

    init(_ bytes: UnsafeRawBufferPointer, of object: String, at start: Int = 0) {
        self.object = object
        self.bytes = bytes
        self.start = start
        reader = CanonicalReader(bytes)
    }

    /// The byte that comes next.
    var offset: Int { start + reader.position }
    var isAtEnd: Bool { reader.isAtEnd }
    var left: Int { bytes.count - reader.position }

    func damage(_ reason: String, at offset: Int? = nil) -> ArchiveError {
        .damaged(object: object, offset: offset ?? self.offset, reason: reason)
    }

    private mutating func take<Result>(
        _ read: (inout CanonicalReader) throws(StoreError) -> Result
    ) throws(ArchiveError) -> Result {
        let offset = offset
        do throws(StoreError) {
            return try read(&reader)
        } catch {
            guard case .damaged(_, let reason) = error else { throw damage("\(error)", at: offset) }
            throw damage(reason, at: offset)
        }
    }

    mutating func byte() throws(ArchiveError) -> UInt8 {
        try take { (reader) throws(StoreError) in try reader.byte() }
    }

    mutating func number() throws(ArchiveError) -> UInt64 {
        try take { (reader) throws(StoreError) in try reader.number() }
    }

    /// A number that counts or numbers something, as one.
    mutating func count(_ what: String, in range: ClosedRange<Int>) throws(ArchiveError) -> Int {
        let offset = offset
        let number = try number()
        guard let count = Int(exactly: number), range.contains(count) else {
            throw damage("\(what) can't be \(number)", at: offset)
        }
        return count
    }

    /// A revision, an epoch's number, a schema: positive and of 63 bits.
    mutating func positive(_ what: String) throws(ArchiveError) -> Int64 {
        Int64(try count(what, in: 1...Int(Int64.max)))
    }

    mutating func fixed() throws(ArchiveError) -> UInt64 {
        try take { (reader) throws(StoreError) in try reader.fixed() }
    }

    mutating func slice(_ count: Int) throws(ArchiveError) -> UnsafeRawBufferPointer {
        try take { (reader) throws(StoreError) in try reader.slice(count) }
    }

    mutating func bytes(_ count: Int) throws(ArchiveError) -> [UInt8] { Array(try slice(count)) }

    mutating func sized() throws(ArchiveError) -> UnsafeRawBufferPointer {
        try take { (reader) throws(StoreError) in try reader.sized() }
    }

    mutating func text(_ what: String, most: Int) throws(ArchiveError) -> String {
        let offset = offset
        let text = try take { (reader) throws(StoreError) in try reader.text() }
        guard text.utf8.count <= most else { throw damage("\(what) is too long", at: offset) }
        return text
    }

    mutating func value() throws(ArchiveError) -> Value {
        try take { (reader) throws(StoreError) in try reader.value() }
    }

    mutating func uuid() throws(ArchiveError) -> UUID {
        try take { (reader) throws(StoreError) in try reader.uuid() }
    }

    /// What every object begins with.
    ///
    /// - Parameter version: the newest that this release can read.
    mutating func begin(_ magic: [UInt8], version: UInt8, of what: String) throws(ArchiveError) {
        guard try bytes(magic.count) == magic else { throw damage("it doesn't begin as \(what) does", at: 0) }
        let found = try byte()
        guard found == version else { throw .newer(object: object, version: Int(found)) }
    }

    /// The checksum of all that was taken since a place.
    mutating func checksum(since start: Int, of what: String) throws(ArchiveError) {
        let range = start - self.start..<reader.position
        let offset = offset
        let expected = try slice(4).loadUnaligned(as: UInt32.self).bigEndian
        guard Checksum.isIgnored || expected == Checksum.of(UnsafeRawBufferPointer(rebasing: bytes[range])) else {
            throw damage("\(what) fails its checksum", at: offset)
        }
    }
}

extension CanonicalWriter {
    /// The checksum of all that was written since a place.
    mutating func checksum(since start: Int) {
        let sum = Checksum.of(bytes, start..<bytes.count)
        withUnsafeBytes(of: sum.bigEndian) { raw($0) }
    }
}
