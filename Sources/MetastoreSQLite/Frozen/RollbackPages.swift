// Invariants
// 1. A record counts when its checksum is right; the first that isn't ends the segment, as when SQLite rolls back.
// 2. Nothing is applied to a file: the pages are served from the journal instead.

package import MetastoreEngine

/// What a rollback journal that was left behind would put back (SQLite's file format, section 3).
package struct RollbackPages: Sendable {
    /// Where each page's content stands in the journal.
    package let pages: [UInt32: Int]
    /// How many pages the database had before the transaction that was cut off.
    package let pageCount: UInt32
    package let pageBytes: Int

    private static let magic: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]

    /// Nil for a journal that is empty, was finished (its header is zeros), or never had a whole header.
    package init?(_ file: FrozenBytes) throws(EngineError) {
        var pages: [UInt32: Int] = [:]
        var first: (pageCount: UInt32, pageBytes: Int, sectorBytes: Int)?
        var place = 0
        while let header = try Self.header(file, at: place) {
            let layout = first ?? (header.bigEndian(16), Int(header.bigEndian(24)), Int(header.bigEndian(20)))
            guard (512...65_536).contains(layout.pageBytes), layout.pageBytes & (layout.pageBytes - 1) == 0,
                (32...65_536).contains(layout.sectorBytes), layout.sectorBytes & (layout.sectorBytes - 1) == 0
            else { break }
            first = layout
            let recordBytes = layout.pageBytes + 8
            let start = place + layout.sectorBytes
            let most = max(0, (file.count - start) / recordBytes)
            let stated = header.bigEndian(8)
            let count = stated == .max ? most : min(Int(stated), most)
            var isWhole = true
            for index in 0..<count {
                let record = try file.read(recordBytes, at: start + index * recordBytes)
                guard record.count == recordBytes,
                    Self.checksum(record, layout.pageBytes, header.bigEndian(12))
                        == record.bigEndian(recordBytes - 4)
                else {
                    isWhole = false
                    break
                }
                let number = record.bigEndian(0)
                if number > 0, pages[number] == nil { pages[number] = start + index * recordBytes + 4 }
            }
            guard isWhole, stated != .max else { break }
            let end = start + count * recordBytes
            place = (end + layout.sectorBytes - 1) / layout.sectorBytes * layout.sectorBytes
        }
        guard let first else { return nil }
        self.pages = pages
        pageCount = first.pageCount
        pageBytes = first.pageBytes
    }

    private static func header(_ file: FrozenBytes, at place: Int) throws(EngineError) -> [UInt8]? {
        let header = try file.read(28, at: place)
        return header.count == 28 && header.starts(with: magic) ? header : nil
    }

    private static func checksum(_ record: [UInt8], _ pageBytes: Int, _ nonce: UInt32) -> UInt32 {
        var sum = nonce
        var place = pageBytes - 200
        while place > 0 {
            sum &+= UInt32(record[4 + place])
            place -= 200
        }
        return sum
    }
}
