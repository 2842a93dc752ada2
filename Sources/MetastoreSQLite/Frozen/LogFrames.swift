// Invariants
// 1. A frame counts when its salts are those of the header and its checksum, which covers every frame before it, is
//    right: exactly what SQLite takes in when it recovers a log (SQLite's file format, section 4).
// 2. Pages of a transaction count with its last frame, the one that carries the size of the database, or not at all.
// 3. Nothing that stands in the file is believed before it was checked; memory is 12 bytes a frame.

package import MetastoreEngine

/// What a write-ahead log holds, found by walking its frames.
package struct LogFrames: Sendable {
    /// A transaction that is in the log as a whole.
    package struct Commit: Sendable, Hashable {
        /// The last of its frames, counted from 1.
        package let frame: Int
        /// How many pages the database has after it.
        package let pages: UInt32
    }

    /// Why the walk ended before the end of the file.
    package enum Flaw: Sendable, Hashable {
        /// The header is not one of a log: nothing after it can be read.
        case header(reason: String)
        /// A frame that belongs to this log, and is not as it was written.
        case checksum(frame: Int)
        /// The file ends inside a frame that may have belonged to this log.
        case cut(frame: Int)
    }

    /// Every frame that counts holds this page of the database.
    private let numbers: [UInt32]
    package let pageBytes: Int
    package let commits: [Commit]
    package let flaw: Flaw?
    /// Frames after the flaw that carry this log's salts, and how many of them end a transaction.
    package let framesAfterFlaw: Int
    package let commitsAfterFlaw: Int
    /// Identify this run of the log: the header's salts.
    package let salts: [UInt8]

    /// Frames that are whole, of transactions that have an end or not.
    package var frameCount: Int { numbers.count }

    package static let headerBytes = 32
    package static let frameHeaderBytes = 24

    /// Walks the log. Nil for a file with nothing in it.
    package init?(_ file: FrozenBytes) throws(EngineError) {
        guard file.count > 0 else { return nil }
        let header = try file.read(Self.headerBytes, at: 0)
        guard let begin = Header(header) else {
            self.init(flaw: .header(reason: Header.fault(header)))
            return
        }
        let frameBytes = Self.frameHeaderBytes + begin.pageBytes
        let most = (file.count - Self.headerBytes) / frameBytes
        var sum = begin.sum
        var numbers: [UInt32] = []
        var commits: [Commit] = []
        var flaw: Flaw?
        var after = (frames: 0, commits: 0)
        for index in 0..<most {
            let frame = try file.read(frameBytes, at: Self.headerBytes + index * frameBytes)
            guard frame.count == frameBytes else { break }
            let isOurs = frame[8..<16].elementsEqual(begin.salts)
            if flaw != nil {
                if isOurs { after = (after.frames + 1, after.commits + (frame.bigEndian(4) > 0 ? 1 : 0)) }
                continue
            }
            // An older run of the log was longer: its frames lie behind the end of this one.
            guard isOurs else { break }
            let number = frame.bigEndian(0)
            begin.add(frame, 0..<8, to: &sum)
            begin.add(frame, Self.frameHeaderBytes..<frameBytes, to: &sum)
            guard number > 0, frame.bigEndian(16) == sum.0, frame.bigEndian(20) == sum.1 else {
                flaw = .checksum(frame: index + 1)
                after = (1, frame.bigEndian(4) > 0 ? 1 : 0)
                continue
            }
            numbers.append(number)
            if frame.bigEndian(4) > 0 { commits.append(Commit(frame: index + 1, pages: frame.bigEndian(4))) }
        }
        let left = file.count - Self.headerBytes - most * frameBytes
        if flaw == nil, numbers.count == most, left >= 16 {
            let head = try file.read(16, at: Self.headerBytes + most * frameBytes)
            if head.count == 16, head[8..<16].elementsEqual(begin.salts) { flaw = .cut(frame: most + 1) }
        }
        self.init(begin, numbers, commits, flaw, after)
    }

    private init(
        _ header: Header, _ numbers: [UInt32], _ commits: [Commit], _ flaw: Flaw?, _ after: (frames: Int, commits: Int)
    ) {
        self.numbers = numbers
        pageBytes = header.pageBytes
        self.commits = commits
        self.flaw = flaw
        framesAfterFlaw = after.frames
        commitsAfterFlaw = after.commits
        salts = header.salts
    }

    /// Of which nothing can be read.
    private init(flaw: Flaw) {
        numbers = []
        pageBytes = 0
        commits = []
        self.flaw = flaw
        framesAfterFlaw = 0
        commitsAfterFlaw = 0
        salts = []
    }

    /// Where each page stands in the file, as of the first `count` commits.
    package func pages(through count: Int) -> [UInt32: Int] {
        guard count > 0, let last = commits.prefix(count).last else { return [:] }
        var found: [UInt32: Int] = [:]
        for (index, number) in numbers.prefix(last.frame).enumerated() { found[number] = place(of: index) }
        return found
    }

    /// The page that a frame holds, counted from 0.
    func number(at index: Int) -> UInt32 { numbers[index] }

    /// Where a frame's page stands in the file.
    func place(of index: Int) -> Int {
        Self.headerBytes + index * (Self.frameHeaderBytes + pageBytes) + Self.frameHeaderBytes
    }

    /// The header of a log.
    private struct Header {
        let pageBytes: Int
        let salts: [UInt8]
        var sum: (UInt32, UInt32) = (0, 0)
        private let isBigEndian: Bool

        init?(_ bytes: [UInt8]) {
            guard Self.fault(bytes).isEmpty else { return nil }
            isBigEndian = bytes[3] == 0x83
            pageBytes = Self.pageBytes(bytes)
            salts = Array(bytes[16..<24])
            add(bytes, 0..<24, to: &sum)
            guard sum.0 == bytes.bigEndian(24), sum.1 == bytes.bigEndian(28) else { return nil }
        }

        static func fault(_ bytes: [UInt8]) -> String {
            guard bytes.count == LogFrames.headerBytes else { return "it ends inside its header" }
            guard bytes.starts(with: [0x37, 0x7F, 0x06]), bytes[3] & 0xFE == 0x82 else {
                return "it doesn't begin as a write-ahead log does"
            }
            guard bytes.bigEndian(4) == 3_007_000 else { return "its format is \(bytes.bigEndian(4))" }
            let size = Self.pageBytes(bytes)
            guard (512...65_536).contains(size), size & (size - 1) == 0 else { return "its page size is \(size)" }
            return ""
        }

        private static func pageBytes(_ bytes: [UInt8]) -> Int { Int(bytes.bigEndian(8)) }

        /// SQLite's checksum: two sums over pairs of 32-bit words.
        func add(_ bytes: [UInt8], _ range: Range<Int>, to sum: inout (UInt32, UInt32)) {
            bytes.withUnsafeBytes { buffer in
                for place in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
                    let first = buffer.loadUnaligned(fromByteOffset: place, as: UInt32.self)
                    let second = buffer.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
                    sum.0 &+= (isBigEndian ? first.bigEndian : first.littleEndian) &+ sum.1
                    sum.1 &+= (isBigEndian ? second.bigEndian : second.littleEndian) &+ sum.0
                }
            }
        }
    }
}
