internal import Glibc
internal import MetastoreEngine

/// What a database file says of itself in its first 100 bytes, looked at before SQLite opens it.
package enum DatabaseHeader {
    /// "MetS": what tells a store from other programs' databases. Copies of any kind keep it.
    static let applicationID = 0x4D65_7453
    /// What every one begins with.
    package static let magic = Array("SQLite format 3\0".utf8)

    /// Refuses what isn't a whole SQLite database, with words for the one who has to act. `logBytes` is the size of the
    /// write-ahead log beside it, which may hold the end of the file.
    static func check(_ path: String, fileBytes: Int, logBytes: Int) throws(EngineError) {
        let header = try OpenFile(path, O_RDONLY, operation: "open").read(100, at: 0, operation: "open")
        try check(path, header, fileBytes: fileBytes, logBytes: logBytes)
    }

    /// The same for a header that was read already.
    static func check(_ path: String, _ header: [UInt8], fileBytes: Int, logBytes: Int) throws(EngineError) {
        guard fileBytes > 0 else {
            throw EngineError(
                .emptyFile, operation: "open",
                message: "\(path) has 0 bytes. Metastore never leaves an empty file behind: a copy was cut short, or "
                    + "another program made it. Restore a backup, or move the file away to begin anew. "
                    + "Don't delete a -wal file beside it: it may hold the only copy of recent changes")
        }
        guard header.starts(with: magic) else {
            throw EngineError(
                .notADatabase, operation: "open",
                message:
                    "\(path) is not an SQLite database, or its first bytes are destroyed. If it should be one, copy "
                    + "it and its -wal file away and restore a backup. Don't delete it before you know what it is")
        }
        guard header.count == 100 else { throw damage(path, "only \(fileBytes) bytes are left of it") }
        guard let pageBytes = pageBytes(header) else {
            throw damage(path, "its header gives an impossible page size, \(header[16]) and \(header[17])")
        }
        guard (1...2).contains(header[18]), (1...2).contains(header[19]) else {
            throw damage(path, "its header gives an unknown format, \(header[18]) and \(header[19])")
        }
        guard header[21...23].elementsEqual([64, 32, 32]), header[20] <= 32 else {
            throw damage(path, "its header holds impossible fractions")
        }
        guard header.bigEndian(68) == applicationID else {
            throw EngineError(
                .notADatabase, operation: "open",
                message:
                    "\(path) is an SQLite database, but not a Metastore store: another program made it. It was left "
                    + "as it is. Give another path. Don't delete it before you know what it is")
        }
        guard header.bigEndian(56) <= 1 else {
            throw damage(path, "its text is not UTF-8, so it was not made by Metastore")
        }
        if logBytes == 0, let pages = pages(header), fileBytes < pages * pageBytes {
            throw damage(path, "it was cut short: \(fileBytes) of \(pages * pageBytes) bytes are there")
        }
    }

    /// The page size it tells; nil where it tells none that can be.
    package static func pageBytes(_ header: [UInt8]) -> Int? {
        guard header.count >= 18 else { return nil }
        let stated = Int(header[16]) << 8 | Int(header[17])
        let bytes = stated == 1 ? 65_536 : stated
        return (512...65_536).contains(bytes) && bytes & (bytes - 1) == 0 ? bytes : nil
    }

    /// How many pages it tells; nil where nobody kept that up to date: whoever does keeps two counters equal.
    package static func pages(_ header: [UInt8]) -> Int? {
        guard header.count == 100, header.bigEndian(24) == header.bigEndian(92), header.bigEndian(28) > 0 else {
            return nil
        }
        return Int(header.bigEndian(28))
    }

    private static func damage(_ path: String, _ what: String) -> EngineError {
        EngineError(
            .damaged, operation: "open",
            message: "\(path) is damaged: \(what). Copy it and its -wal file away, then restore a backup or copy it "
                + "again from where it came. Don't delete it: most of it may be readable")
    }
}
