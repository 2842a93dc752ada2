internal import Glibc
internal import MetastoreEngine

extension DatabasePath {
    /// Writes the write-ahead log's bytes back in place and flushes them.
    ///
    /// After a failed flush the kernel may count pages as clean that never reached the disk: what is read then is not
    /// what a crash leaves. Written again they are dirty again, and the flush that follows says the truth (DESIGN D6).
    func writeBackLog() throws(EngineError) {
        let operation = "settle a commit"
        do throws(EngineError) {
            if try fileStatus(writeAheadLog, operation: operation) != nil {
                let log = try OpenFile(writeAheadLog, O_RDWR, operation: operation)
                var offset = 0
                while true {
                    let piece = try log.read(SQLiteLimits.rewriteBytes, at: offset, operation: operation)
                    if piece.isEmpty { break }
                    try log.write(piece, at: offset, operation: operation)
                    offset += piece.count
                }
                try log.flush(operation: operation)
            } else {
                try OpenFile(database, O_RDWR, operation: operation).flush(operation: operation)
            }
            try flushDirectory(directory, operation: operation)
        } catch {
            throw EngineError(
                .inputOutput, operation: operation,
                message:
                    "\(error.message) Whether the last commit is there stays unknown until the device works again. "
                    + "Repair it, then open the database; don't delete its -wal file")
        }
    }
}
