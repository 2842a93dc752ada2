// Invariants
// 1. No file is written, locked or made; all are opened once, before anything is read, and read through those openings.
// 2. A page is served from the newest transaction that counts and holds it, else from the main file. Nothing else is
//    shown: neither frames that belong to no whole transaction, nor what a transaction that was cut off left in the
//    file.
// 3. What is shown is one database in rollback mode, so that SQLite looks for no other file.

internal import Glibc
package import MetastoreEngine

/// A database as its files hold it, put together in memory: the main file, and over it what its write-ahead log or its
/// rollback journal says.
package final class FrozenFile: Sendable {
    /// Which transactions of the write-ahead log are shown.
    package enum LogChoice: Sendable, Hashable {
        /// All that are whole.
        case last
        /// None.
        case none
        /// The first so many.
        case first(Int)
        /// None, even where a checkpoint has brought some of what they changed into the file.
        case fileAlone
    }

    package let path: String
    /// What the log holds; nil where there is none, or nothing in it.
    package let log: LogFrames?
    /// How many of its transactions are shown.
    package let shownCommits: Int
    /// A transaction was cut off, and is taken back here.
    package let isRolledBack: Bool
    /// Whether a log stood there, if only an empty one.
    package let hasLogFile: Bool
    package let pageBytes: Int
    package let pageCount: Int
    package let mainBytes: Int
    /// So many of the pages lie behind the end of the file, and in no log: it was cut short. They are read as zeros.
    package let missingPages: Int
    private let main: FrozenBytes
    private let over: FrozenBytes?
    /// Where pages stand in `over`.
    private let pages: [UInt32: Int]

    /// Nil when there is no such file.
    package init?(_ path: String, log choice: LogChoice = .last) throws(EngineError) {
        guard let main = try FrozenBytes(path) else { return nil }
        let logFile = try FrozenBytes(path + "-wal")
        let journal = try FrozenBytes(path + "-journal")
        self.path = path
        self.main = main
        mainBytes = main.count
        hasLogFile = logFile != nil
        log = try logFile.flatMap { file throws(EngineError) in try LogFrames(file) }
        let header = try main.read(100, at: 0)
        if let journal, let back = try RollbackPages(journal) {
            (pages, over, isRolledBack, shownCommits) = (back.pages, journal, true, 0)
            (pageBytes, pageCount, missingPages) = (back.pageBytes, Int(back.pageCount), 0)
            return
        }
        isRolledBack = false
        let all = log?.commits.count ?? 0
        shownCommits =
            switch choice {
            case .last: all
            case .none, .fileAlone: 0
            case .first(let count): min(max(0, count), all)
            }
        if shownCommits > 0, let log {
            over = logFile
            pages = log.pages(through: shownCommits)
            pageBytes = log.pageBytes
            pageCount = Int(log.commits[shownCommits - 1].pages)
        } else {
            (over, pages) = (nil, [:])
            pageBytes = DatabaseHeader.pageBytes(header) ?? 4_096
            pageCount = max((main.count + pageBytes - 1) / pageBytes, DatabaseHeader.pages(header) ?? 0)
        }
        let whole = main.count / pageBytes
        let behind = Self.count(pages, in: whole, pageCount)
        missingPages = max(0, pageCount - whole - behind)
        // A checkpoint that had gone further leaves pages in the main file that an earlier state never had.
        if shownCommits < all, choice != .fileAlone { try refuseLaterPages() }
    }

    private static func count(_ pages: [UInt32: Int], in first: Int, _ end: Int) -> Int {
        pages.keys.count { Int($0) > first && Int($0) <= end }
    }

    /// True while nobody has written to any of the files, or put others in their place, since they were opened.
    package var isAsItWas: Bool { main.isAsItWas && (over?.isAsItWas ?? true) }

    /// The first of the transactions in the log, counted from 0, whose state the main file still allows to be shown.
    private func refuseLaterPages() throws(EngineError) {
        guard let log else { return }
        for (number, places) in log.laterVersions(after: shownCommits) where pages[number] == nil {
            let now = try main.read(log.pageBytes, at: (Int(number) - 1) * log.pageBytes)
            guard now.count == log.pageBytes else { continue }
            for place in places {
                guard let logFile = try FrozenBytes(path + "-wal") else { return }
                if try logFile.read(log.pageBytes, at: place) == now {
                    throw EngineError(
                        .missing, operation: "open",
                        message: "\(path): the state after \(shownCommits) of the \(log.commits.count) commits in its "
                            + "write-ahead log can't be shown: a checkpoint had already brought later pages into the "
                            + "database file. Look at the last one, or use --at with a revision")
                }
            }
        }
    }

    package var bytes: Int { pageBytes * pageCount }

    /// The first 100 bytes of what is shown.
    package func header() throws(EngineError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 100)
        let result = bytes.withUnsafeMutableBytes { buffer -> Result<Int, EngineError> in
            do throws(EngineError) { return .success(try read(into: buffer, at: 0)) } catch { return .failure(error) }
        }
        bytes.removeLast(100 - (try result.get()))
        return bytes
    }

    /// Fills `bytes` from `offset` of what is shown.
    ///
    /// - Returns: how many there were.
    package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(EngineError) -> Int {
        var filled = 0
        while filled < bytes.count {
            let at = offset + filled
            guard at < self.bytes else { break }
            let inside = at % pageBytes
            let count = min(bytes.count - filled, pageBytes - inside)
            let part = UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<filled + count])
            let got: Int
            if let place = pages[UInt32(truncatingIfNeeded: at / pageBytes + 1)], let over {
                got = try over.read(into: part, at: place + inside)
            } else {
                got = try main.read(into: part, at: at)
            }
            if at < 20 { Self.hideMode(part, from: at, count: got) }
            filled += got
            if got < count { break }
        }
        return filled
    }

    /// Bytes 18 and 19 say that a write-ahead log belongs to the file. Here it is in what is shown already.
    private static func hideMode(_ bytes: UnsafeMutableRawBufferPointer, from offset: Int, count: Int) {
        for place in 18...19 where place >= offset && place - offset < count && bytes[place - offset] == 2 {
            bytes[place - offset] = 1
        }
    }
}

extension LogFrames {
    /// Where later versions of each page stand that no transaction among the first `count` has.
    fileprivate func laterVersions(after count: Int) -> [UInt32: [Int]] {
        let whole = commits.last?.frame ?? 0
        let first = count == 0 ? 0 : commits[count - 1].frame
        var found: [UInt32: [Int]] = [:]
        for index in first..<whole { found[number(at: index), default: []].append(place(of: index)) }
        return found
    }
}
