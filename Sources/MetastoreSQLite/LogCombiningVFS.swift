// Invariants
// 1. Only the write-ahead log's file is wrapped, and only by a connection with synchronous=FULL: there SQLite flushes
//    the log in every commit before it tells anybody of the new frames, and flushing writes what is held back here.
// 2. Whatever looks at the file (reading, size, cutting, flushing) finds everything that was written to it.
// 3. What was written but never flushed may be lost by closing: it belongs to no commit.
// 4. A flush is left out only when nothing was written or cut since the last one that succeeded.

internal import CSQLite

/// A file layer over SQLite's own that writes the frames of a commit to the log in one system call.
///
/// SQLite writes each page of a commit in two calls, a header of 24 bytes and the page; on a commit of three pages
/// that costs more than everything else it does before the flush.
enum LogCombiningVFS {
    /// The layer's name, or nil where SQLite has no layer to build on. Registered once a process, never the default.
    static let name: String? = register()

    /// How much is held back at most. SQLite's layer for Unix takes less than 128 KiB a call.
    static let capacity = 127 << 10

    /// SQLite's own layer. Found once: another may become the default later, and would not fit the files' size.
    private nonisolated(unsafe) static let base: UnsafeMutablePointer<sqlite3_vfs>? = sqlite3_vfs_find(nil)

    private static func register() -> String? {
        guard let base else { return nil }
        let name = "metastore-\(String(cString: base.pointee.zName))"
        // For as long as the process: connections point to it.
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: base.pointee)
        layer.pointee.pNext = nil
        layer.pointee.zName = UnsafePointer(copied(name))
        layer.pointee.szOsFile = Int32(CombinedLog.headerBytes) + base.pointee.szOsFile
        layer.pointee.xOpen = { _, path, file, flags, outFlags in
            guard let base = LogCombiningVFS.base, let file else { return SQLITE_CANTOPEN }
            guard flags & SQLITE_OPEN_WAL != 0 else { return base.pointee.xOpen(base, path, file, flags, outFlags) }
            return CombinedLog.open(path, file, flags, outFlags, on: base)
        }
        return sqlite3_vfs_register(layer, 0) == SQLITE_OK ? name : nil
    }

    private static func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return copy
    }
}

/// What stands in the memory that SQLite keeps for an open log; the file of the layer below lies right after it.
private struct CombinedLog {
    /// SQLite's part; must come first.
    var base = sqlite3_file()
    /// What is held back: `count` bytes that belong at `start`.
    var held: UnsafeMutableRawPointer
    var start: sqlite3_int64 = 0
    var count = 0
    /// Everything in the file was flushed. Each checkpoint asks for it once more, and a disk takes as long as before.
    var isFlushed = false

    static let headerBytes = (MemoryLayout<CombinedLog>.size + 15) & ~15

    static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?, on layer: UnsafeMutablePointer<sqlite3_vfs>
    ) -> Int32 {
        // Without methods SQLite doesn't close what could not be opened.
        file.pointee.pMethods = nil
        let below = self.below(file)
        let result = layer.pointee.xOpen(layer, path, below, flags, outFlags)
        guard result == SQLITE_OK else { return result }
        let log = UnsafeMutableRawPointer(file).bindMemory(to: CombinedLog.self, capacity: 1)
        log.initialize(
            to: CombinedLog(held: .allocate(byteCount: LogCombiningVFS.capacity, alignment: 16)))
        file.pointee.pMethods = methods
        return SQLITE_OK
    }

    static func below(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<sqlite3_file> {
        (UnsafeMutableRawPointer(file) + headerBytes).assumingMemoryBound(to: sqlite3_file.self)
    }

    static func log(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<CombinedLog> {
        UnsafeMutableRawPointer(file).assumingMemoryBound(to: CombinedLog.self)
    }

    /// Writes what is held back. What fails is forgotten: the commit it belongs to fails.
    static func writeHeld(_ file: UnsafeMutablePointer<sqlite3_file>) -> Int32 {
        let log = log(file)
        let count = log.pointee.count
        guard count > 0 else { return SQLITE_OK }
        log.pointee.count = 0
        let below = below(file)
        return below.pointee.pMethods.pointee.xWrite(below, log.pointee.held, Int32(count), log.pointee.start)
    }

    static func write(
        _ file: UnsafeMutablePointer<sqlite3_file>, _ bytes: UnsafeRawPointer, _ count: Int, at offset: sqlite3_int64
    ) -> Int32 {
        let log = log(file)
        log.pointee.isFlushed = false
        let isNext = log.pointee.count > 0 && offset == log.pointee.start + sqlite3_int64(log.pointee.count)
        if !isNext || log.pointee.count + count > LogCombiningVFS.capacity {
            let result = writeHeld(file)
            guard result == SQLITE_OK else { return result }
            log.pointee.start = offset
        }
        guard count <= LogCombiningVFS.capacity else {
            let below = below(file)
            return below.pointee.pMethods.pointee.xWrite(below, bytes, Int32(count), offset)
        }
        (log.pointee.held + log.pointee.count).copyMemory(from: bytes, byteCount: count)
        log.pointee.count += count
        return SQLITE_OK
    }

    static func flush(_ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32) -> Int32 {
        guard !log(file).pointee.isFlushed else { return SQLITE_OK }
        let result = whole(file) { $0.pointee.xSync($1, flags) }
        log(file).pointee.isFlushed = result == SQLITE_OK
        return result
    }

    /// Runs a call of the layer below once the file holds everything.
    @inline(__always)
    static func whole(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ body: (UnsafePointer<sqlite3_io_methods>, UnsafeMutablePointer<sqlite3_file>) -> Int32
    ) -> Int32 {
        guard let file else { return SQLITE_MISUSE }
        let result = writeHeld(file)
        guard result == SQLITE_OK else { return result }
        let below = below(file)
        return body(below.pointee.pMethods, below)
    }

    /// For as long as the process. A log is neither locked nor mapped nor shared through its own file: version 1 has
    /// everything it needs.
    nonisolated(unsafe) static let methods: UnsafePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 1
        methods.pointee.xWrite = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_MISUSE }
            return CombinedLog.write(file, bytes, Int(count), at: offset)
        }
        methods.pointee.xRead = { file, bytes, count, offset in
            CombinedLog.whole(file) { $0.pointee.xRead($1, bytes, count, offset) }
        }
        methods.pointee.xSync = { file, flags in
            guard let file else { return SQLITE_MISUSE }
            return CombinedLog.flush(file, flags)
        }
        methods.pointee.xTruncate = { file, size in
            guard let file else { return SQLITE_MISUSE }
            CombinedLog.log(file).pointee.isFlushed = false
            return CombinedLog.whole(file) { $0.pointee.xTruncate($1, size) }
        }
        methods.pointee.xFileSize = { file, size in CombinedLog.whole(file) { $0.pointee.xFileSize($1, size) } }
        methods.pointee.xFileControl = { file, code, argument in
            CombinedLog.whole(file) { $0.pointee.xFileControl($1, code, argument) }
        }
        methods.pointee.xLock = { file, level in CombinedLog.whole(file) { $0.pointee.xLock($1, level) } }
        methods.pointee.xUnlock = { file, level in CombinedLog.whole(file) { $0.pointee.xUnlock($1, level) } }
        methods.pointee.xCheckReservedLock = { file, isLocked in
            CombinedLog.whole(file) { $0.pointee.xCheckReservedLock($1, isLocked) }
        }
        methods.pointee.xSectorSize = { file in
            let below = CombinedLog.below(file!)
            return below.pointee.pMethods.pointee.xSectorSize(below)
        }
        methods.pointee.xDeviceCharacteristics = { file in
            let below = CombinedLog.below(file!)
            return below.pointee.pMethods.pointee.xDeviceCharacteristics(below)
        }
        methods.pointee.xClose = { file in
            guard let file else { return SQLITE_MISUSE }
            CombinedLog.log(file).pointee.held.deallocate()
            let below = CombinedLog.below(file)
            return below.pointee.pMethods.pointee.xClose(below)
        }
        return UnsafePointer(methods)
    }()
}
