internal import Glibc
internal import MetastoreEngine

extension DatabasePath {
    /// Replaces the orders as a whole. Any number of processes may do so at once: the last one counts.
    func keepControl(_ orders: [UInt8]) throws(EngineError) {
        guard orders.count <= SQLiteLimits.noteBytes else {
            throw EngineError(.tooBig, operation: "keep orders", message: "orders have at most 64 KiB")
        }
        // A file of this process' own: two that write one would mix their orders.
        let unfinished = "\(control).\(getpid())"
        do throws(EngineError) {
            try write(orders, to: unfinished)
            guard rename(unfinished, control) == 0 else { throw systemError("keep orders", control) }
        } catch {
            unlink(unfinished)
            throw error
        }
        try flushDirectory(directory, operation: "keep orders")
    }

    /// The orders last kept, or nil.
    func readControl() throws(EngineError) -> [UInt8]? {
        guard let status = try fileStatus(control, operation: "read orders") else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw EngineError(
                .permissionDenied, operation: "read orders", message: "\(control) is not a file. Remove it")
        }
        return try OpenFile(control, O_RDONLY, operation: "read orders")
            .read(SQLiteLimits.noteBytes, at: 0, operation: "read orders")
    }

    /// Readable by whoever owns the database, also when an administrator gives the orders.
    private func write(_ orders: [UInt8], to path: String) throws(EngineError) {
        let file = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, operation: "keep orders")
        try file.restrictToOwner()
        if let owned = try fileStatus(database, operation: "keep orders"), owned.st_uid != geteuid() {
            guard fchown(file.descriptor, owned.st_uid, owned.st_gid) == 0 else {
                throw systemError("keep orders", path)
            }
        }
        try file.write(orders, at: 0, operation: "keep orders")
        try file.flush(operation: "keep orders")
    }
}
