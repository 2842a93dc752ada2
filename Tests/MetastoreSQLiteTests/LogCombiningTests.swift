internal import CSQLite
internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

/// The file layer itself, called as SQLite calls it, and in ways that it seldom does.
@Suite struct `What is held back of the write-ahead log` {
    let place: TemporaryPlace
    let log: String

    init() throws {
        place = try TemporaryPlace()
        log = place.path + "-wal"
        // The layer is registered by the first writer.
        try place.makeDatabase()
        let engine = place.engine()
        _ = try engine.prepare()
        try engine.openWriter().close()
        engine.close()
        unlink(log)
    }

    @Test func `comes to the file at the flush and not before`() throws {
        let file = try LogFile(log)
        for frame in 0..<4 {
            try file.write(Array(repeating: UInt8(frame), count: 24), at: frame * 1024)
            try file.write(Array(repeating: UInt8(frame), count: 1000), at: frame * 1024 + 24)
            #expect(size(log) == 0)
        }
        #expect(file.sync() == SQLITE_OK)
        #expect(try contents(log) == (0..<4).flatMap { Array(repeating: UInt8($0), count: 1024) })
    }

    /// Closing belongs to no commit: what was never flushed is not written then.
    @Test func `and was never flushed is gone when it is closed`() throws {
        do {
            let file = try LogFile(log)
            try file.write([1, 2, 3], at: 0)
        }
        #expect(size(log) == 0)
    }

    /// Any offset, in any order, up to more than is ever held back: the file is what the calls say.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `is found by whatever looks at the file`(_ seed: UInt64) throws {
        var random = Dice(state: seed)
        let file = try LogFile(log)
        var model: [UInt8] = []
        var next = 0
        for step in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                // Also back into what is held, as when a page is written twice in a transaction.
                let isNext = Bool.random(using: &random) && next <= model.count
                let offset = isNext ? next : Int.random(in: 0...model.count, using: &random)
                // SQLite itself writes a page at most; its own layer takes less than 128 KiB.
                let most = step % 10 == 0 ? 127 << 10 : 5_000
                let count = Int.random(in: 1...most, using: &random)
                let content = [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: count)
                try file.write(content, at: offset)
                let end = max(model.count, offset + count)
                model += Array(repeating: 0, count: end - model.count)
                model.replaceSubrange(offset..<offset + count, with: content)
                next = offset + count
            case 6:
                guard !model.isEmpty else { continue }
                let offset = Int.random(in: 0..<model.count, using: &random)
                let count = Int.random(in: 1...min(5_000, model.count - offset), using: &random)
                #expect(try file.read(count, at: offset) == Array(model[offset..<offset + count]))
            case 7: #expect(file.size() == model.count)
            case 8:
                let size = Int.random(in: 0...model.count, using: &random)
                try file.truncate(size)
                model.removeSubrange(size...)
            default:
                #expect(file.sync() == SQLITE_OK)
                let isSame = try contents(log) == model
                try #require(isSame, "after \(step) calls")
            }
        }
    }

    @Test func `and can't be written fails the flush, and is not tried again`() throws {
        let file = try LogFile("/dev/full", creates: false)
        try file.write([1, 2, 3], at: 0)
        #expect(file.sync() == SQLITE_FULL)
        #expect(file.sync() != SQLITE_FULL, "the commit it belonged to has failed")
        try file.write([1, 2, 3], at: 0)
        // Elsewhere: what is held has to go first.
        #expect(throws: LogFile.Failed(code: SQLITE_FULL)) { try file.write([1], at: 100) }
        try file.write([1, 2, 3], at: 0)
        #expect(throws: LogFile.Failed(code: SQLITE_FULL)) { _ = try file.read(1, at: 0) }
        try file.write([1, 2, 3], at: 0)
        #expect(throws: LogFile.Failed(code: SQLITE_FULL)) { try file.truncate(0) }
    }

    @Test func `is of the log alone`() throws {
        let file = try LogFile(place.path + "-other", flags: SQLITE_OPEN_MAIN_DB)
        try file.write([1, 2, 3], at: 0)
        #expect(try contents(place.path + "-other") == [1, 2, 3])
    }
}

/// A file opened through the layer as SQLite opens a log.
private final class LogFile {
    struct Failed: Error, Equatable {
        let code: Int32
    }

    private let file: UnsafeMutablePointer<sqlite3_file>
    private let path: UnsafeMutablePointer<CChar>
    private var methods: sqlite3_io_methods { file.pointee.pMethods.pointee }

    init(_ path: String, flags: Int32 = SQLITE_OPEN_WAL, creates: Bool = true) throws {
        let layer = try #require(sqlite3_vfs_find("metastore-unix"))
        file = UnsafeMutableRawPointer.allocate(byteCount: Int(layer.pointee.szOsFile), alignment: 16)
            .bindMemory(to: sqlite3_file.self, capacity: 1)
        self.path = strdup(path)
        let all = flags | SQLITE_OPEN_READWRITE | (creates ? SQLITE_OPEN_CREATE : 0)
        let result = layer.pointee.xOpen(layer, self.path, file, all, nil)
        guard result == SQLITE_OK else { throw Failed(code: result) }
    }

    deinit {
        if file.pointee.pMethods != nil { _ = methods.xClose(file) }
        file.deallocate()
        free(path)
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try check(methods.xWrite(file, bytes, Int32(bytes.count), sqlite3_int64(offset)))
    }

    func read(_ count: Int, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try check(methods.xRead(file, &bytes, Int32(count), sqlite3_int64(offset)))
        return bytes
    }

    func truncate(_ size: Int) throws { try check(methods.xTruncate(file, sqlite3_int64(size))) }

    func size() -> Int? {
        var size: sqlite3_int64 = -1
        return methods.xFileSize(file, &size) == SQLITE_OK ? Int(size) : nil
    }

    func sync() -> Int32 { methods.xSync(file, SQLITE_SYNC_NORMAL) }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw Failed(code: code) }
    }
}

/// The same calls each time.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
