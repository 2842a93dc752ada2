// Invariants
// 1. Files are only read (FrozenBytes): none is locked, made or changed.
// 2. A page is given from the newest whole transaction that has it, else from the main file. Frames behind a flaw of
//    the log are given apart: nothing but what stands in them can prove them.

internal import MetastoreEngine
internal import MetastoreSQLite

/// The pages of a database whose files may be torn, cut or without their header.
struct PageImages {
    /// A page as it stands in a frame behind a flaw of the log.
    struct LaterImage {
        let number: UInt32
        fileprivate let place: Int
    }

    let path: String
    let pageBytes: Int
    /// How many pages there are, counting one that is cut off.
    let pageCount: Int
    /// Bytes at the end of each page that SQLite doesn't use.
    let reserved: Int
    /// The first page says that it is the first page of a database.
    let hasHeader: Bool
    let logFlaw: LogFrames.Flaw?
    let later: [LaterImage]
    private let main: FrozenBytes?
    private let over: FrozenBytes?
    private let places: [UInt32: Int]
    private let logFile: FrozenBytes?

    /// - Throws: `EngineError` when there is neither a database nor a log, or one can't be read at all.
    init(_ path: String) throws(EngineError) {
        self.path = path
        let main = try FrozenBytes(path)
        let logFile = try FrozenBytes(path + "-wal")
        let journalFile = try FrozenBytes(path + "-journal")
        guard main != nil || logFile != nil else {
            throw EngineError(.missing, operation: "salvage", message: "there is no database at \(path)")
        }
        let log = try logFile.flatMap { (file) throws(EngineError) in try LogFrames(file) }
        let journal = try journalFile.flatMap { (file) throws(EngineError) in try RollbackPages(file) }
        let header = try main?.read(100, at: 0) ?? []
        let stated = Self.stated(header)
        let size = log.flatMap { $0.pageBytes > 0 ? $0.pageBytes : nil } ?? journal?.pageBytes ?? stated
        let pageBytes: Int
        if let size { pageBytes = size } else { pageBytes = try Self.guess(main) }
        self.pageBytes = pageBytes
        hasHeader = stated == pageBytes
        // A reserve that is no reserve is a damaged byte.
        reserved = hasHeader && header[20] <= 32 ? Int(header[20]) : 0
        self.main = main
        self.logFile = logFile
        if let journal {
            (over, places) = (journalFile, journal.pages)
        } else {
            (over, places) = (logFile, log?.pages(through: log?.commits.count ?? 0) ?? [:])
        }
        logFlaw = log?.flaw
        let found: [LaterImage]
        if let log, let logFile, log.flaw != nil {
            found = try Self.behind(log, logFile, pageBytes)
        } else {
            found = []
        }
        later = found
        let inFile = ((main?.count ?? 0) + pageBytes - 1) / pageBytes
        pageCount = max(inFile, Int(places.keys.max() ?? 0))
    }

    /// The page size a header tells; nil where there is no header.
    private static func stated(_ header: [UInt8]) -> Int? {
        header.count == 100 && header.starts(with: DatabaseHeader.magic) ? DatabaseHeader.pageBytes(header) : nil
    }

    /// Without a header: the size that fits most pages of trees. Cells fill a page from its end: of a page taken for
    /// twice its size the second half holds none, of one taken for half its size cells lie outside.
    private static func guess(_ main: FrozenBytes?) throws(EngineError) -> Int {
        guard let main else { return 4_096 }
        var best = (size: 4_096, share: 0.0)
        for size in [65_536, 32_768, 16_384, 8_192, 4_096, 2_048, 1_024, 512] where main.count >= 2 * size {
            let count = min(200, main.count / size)
            let distance = max(1, main.count / size / count)
            var trees = 0
            for index in 0..<count {
                let number = index * distance
                let page = try main.read(size, at: number * size)
                if page.count == size, let tree = BTreePage(page, number: UInt32(number + 1)), tree.misplaced == 0,
                    let last = tree.places.max(), last >= size / 2
                {
                    trees += 1
                }
            }
            let share = Double(trees) / Double(count)
            if share > best.share { best = (size, share) }
        }
        return best.size
    }

    /// Frames that belong to the log by its salts, up to the last that ends a transaction.
    private static func behind(
        _ log: LogFrames, _ file: FrozenBytes, _ pageBytes: Int
    ) throws(EngineError) -> [LaterImage] {
        let frameBytes = LogFrames.frameHeaderBytes + pageBytes
        var images: [LaterImage] = []
        var whole = 0
        var salts = log.salts
        var index = log.commits.last?.frame ?? 0
        while LogFrames.headerBytes + (index + 1) * frameBytes <= file.count {
            let place = LogFrames.headerBytes + index * frameBytes
            let head = try file.read(LogFrames.frameHeaderBytes, at: place)
            guard head.count == LogFrames.frameHeaderBytes else { break }
            if salts.isEmpty { salts = Array(head[8..<16]) }
            index += 1
            guard head[8..<16].elementsEqual(salts) else { continue }
            let number = head.bigEndian(0)
            // A page number beyond any file is a damaged one.
            if number > 0, number < UInt32.max / 2 {
                images.append(LaterImage(number: number, place: place + LogFrames.frameHeaderBytes))
            }
            if head.bigEndian(4) > 0 { whole = images.count }
        }
        return Array(images.prefix(whole))
    }

    /// The page, filled up with zeros where the file ends inside it; nil where there is nothing of it.
    func page(_ number: UInt32) throws(EngineError) -> [UInt8]? {
        guard number > 0, Int(number) <= pageCount else { return nil }
        let place = places[number]
        let file = place == nil ? main : over
        guard let file else { return nil }
        let bytes: [UInt8]
        do {
            bytes = try file.read(pageBytes, at: place ?? (Int(number) - 1) * pageBytes)
        } catch {
            // A sector that can't be read: the other pages can.
            guard error.code == .inputOutput else { throw error }
            return nil
        }
        guard !bytes.isEmpty else { return nil }
        return bytes.count == pageBytes ? bytes : bytes + Array(repeating: 0, count: pageBytes - bytes.count)
    }

    /// How many pages the first page says there are; nil where it doesn't say.
    func statedCount() throws(EngineError) -> Int? {
        guard hasHeader, let header = try page(1) else { return nil }
        return DatabaseHeader.pages(Array(header.prefix(100)))
    }

    func page(_ image: LaterImage) throws(EngineError) -> [UInt8]? {
        guard let bytes = try logFile?.read(pageBytes, at: image.place), bytes.count == pageBytes else { return nil }
        return bytes
    }
}
