// Invariants
// 1. Nothing is opened through it but a FrozenFile that was put here: neither a log nor a journal nor a temporary file.
// 2. Every call that would write, cut, lock or share fails or does nothing.

internal import CSQLite
internal import Synchronization

/// A file layer for SQLite whose files are ``FrozenFile``s.
enum FrozenVFS {
    /// The layer's name, or nil where SQLite has no layer to build on. Registered once a process, never the default.
    static let name: String? = register()

    private static let files = Mutex<(next: Int, open: [String: FrozenFile])>((1, [:]))

    /// Makes a file known to SQLite.
    ///
    /// - Returns: what SQLite is to open.
    static func add(_ file: FrozenFile) -> String {
        files.withLock { files in
            let path = "\(place)\(files.next)"
            files.next += 1
            files.open[path] = file
            return path
        }
    }

    private static let place = "/frozen/"

    /// Whether a connection reads one of them.
    static func serves(_ handle: OpaquePointer) -> Bool {
        sqlite3_db_filename(handle, "main").map { String(cString: $0).hasPrefix(place) } ?? false
    }

    private static func find(_ path: String) -> FrozenFile? { files.withLock { $0.open[path] } }

    static func remove(_ path: String) { files.withLock { _ = $0.open.removeValue(forKey: path) } }

    private static func register() -> String? {
        guard let base = sqlite3_vfs_find(nil) else { return nil }
        // For as long as the process: connections point to it.
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: base.pointee)
        layer.pointee.pNext = nil
        layer.pointee.zName = UnsafePointer(name(of: "metastore-frozen"))
        layer.pointee.szOsFile = Int32(MemoryLayout<OpenFrozenFile>.size)
        layer.pointee.xOpen = { _, path, file, flags, outFlags in
            guard let path, let file, flags & SQLITE_OPEN_MAIN_DB != 0 else {
                file?.pointee.pMethods = nil
                return SQLITE_CANTOPEN
            }
            return OpenFrozenFile.open(FrozenVFS.find(String(cString: path)), file, outFlags)
        }
        layer.pointee.xDelete = { _, _, _ in SQLITE_READONLY }
        layer.pointee.xAccess = { _, _, _, isThere in
            isThere?.pointee = 0
            return SQLITE_OK
        }
        layer.pointee.xFullPathname = { _, path, count, full in
            guard let path, let full else { return SQLITE_CANTOPEN }
            let text = String(cString: path).utf8CString
            guard text.count <= Int(count) else { return SQLITE_CANTOPEN }
            for (index, byte) in text.enumerated() { full[index] = byte }
            return SQLITE_OK
        }
        // No code is loaded through a database that somebody else may have made.
        layer.pointee.xDlOpen = { _, _ in nil }
        return sqlite3_vfs_register(layer, 0) == SQLITE_OK ? "metastore-frozen" : nil
    }

    private static func name(of text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
        return copy
    }
}

/// What stands in the memory that SQLite keeps for an open file.
private struct OpenFrozenFile {
    /// SQLite's part; must come first.
    var base = sqlite3_file()
    let file: Unmanaged<FrozenFile>

    static func open(
        _ frozen: FrozenFile?, _ file: UnsafeMutablePointer<sqlite3_file>, _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        // Without methods SQLite doesn't close what could not be opened.
        file.pointee.pMethods = nil
        guard let frozen else { return SQLITE_CANTOPEN }
        UnsafeMutableRawPointer(file).bindMemory(to: OpenFrozenFile.self, capacity: 1)
            .initialize(to: OpenFrozenFile(file: .passRetained(frozen)))
        file.pointee.pMethods = methods
        outFlags?.pointee = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB
        return SQLITE_OK
    }

    static func frozen(_ file: UnsafeMutablePointer<sqlite3_file>) -> Unmanaged<FrozenFile> {
        UnsafeMutableRawPointer(file).assumingMemoryBound(to: OpenFrozenFile.self).pointee.file
    }

    static func read(
        _ file: UnsafeMutablePointer<sqlite3_file>, _ bytes: UnsafeMutableRawPointer, _ count: Int, _ offset: Int
    ) -> Int32 {
        let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: count)
        return frozen(file)._withUnsafeGuaranteedRef { frozen in
            guard let got = try? frozen.read(into: buffer, at: offset) else { return SQLITE_IOERR }
            guard got < count else { return SQLITE_OK }
            for index in got..<count { buffer[index] = 0 }
            return METASTORE_IOERR_SHORT_READ
        }
    }

    /// For as long as the process.
    nonisolated(unsafe) static let methods: UnsafePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: sqlite3_io_methods())
        methods.pointee.iVersion = 1
        methods.pointee.xRead = { file, bytes, count, offset in
            guard let file, let bytes else { return SQLITE_MISUSE }
            return OpenFrozenFile.read(file, bytes, Int(count), Int(offset))
        }
        methods.pointee.xFileSize = { file, size in
            guard let file, let size else { return SQLITE_MISUSE }
            size.pointee = sqlite3_int64(OpenFrozenFile.frozen(file)._withUnsafeGuaranteedRef { $0.bytes })
            return SQLITE_OK
        }
        methods.pointee.xWrite = { _, _, _, _ in SQLITE_READONLY }
        methods.pointee.xTruncate = { _, _ in SQLITE_READONLY }
        methods.pointee.xSync = { _, _ in SQLITE_OK }
        methods.pointee.xLock = { _, _ in SQLITE_OK }
        methods.pointee.xUnlock = { _, _ in SQLITE_OK }
        methods.pointee.xCheckReservedLock = { _, isLocked in
            isLocked?.pointee = 0
            return SQLITE_OK
        }
        methods.pointee.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
        methods.pointee.xSectorSize = { _ in 4_096 }
        methods.pointee.xDeviceCharacteristics = { _ in SQLITE_IOCAP_IMMUTABLE }
        methods.pointee.xClose = { file in
            guard let file else { return SQLITE_MISUSE }
            OpenFrozenFile.frozen(file).release()
            return SQLITE_OK
        }
        return UnsafePointer(methods)
    }()
}
