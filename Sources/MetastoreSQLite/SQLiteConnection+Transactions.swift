package import MetastoreEngine

extension SQLiteConnection {
    package func begin(_ mode: TransactionMode) throws(EngineError) {
        switch mode {
        case .write:
            // On a read-only file BEGIN IMMEDIATE would quietly begin a read.
            guard role != .reader, role != .frozen else {
                throw EngineError(.readOnly, operation: "begin", message: "this connection is open for reading only")
            }
            try run(.beginWrite, operation: "begin")
        case .read, .scratch:
            if mode == .scratch { try executeScript("PRAGMA query_only = OFF") }
            try run(.beginRead, operation: "begin")
            do {
                // BEGIN alone holds nothing; the first read takes the snapshot.
                try run(.takeSnapshot, operation: "begin")
            } catch {
                rollback()
                throw error
            }
        }
    }

    package func endScratch() throws(EngineError) { try executeScript("PRAGMA query_only = ON") }

    package func commit() throws(EngineError) {
        log.willCommit()
        try run(.commit, operation: "commit")
    }

    package func rollback() {
        guard isInTransaction else { return }
        try? run(.rollback, operation: "roll back")
        // An interrupt that was meant for the statement before it may have hit the rollback; it hits once only.
        if isInTransaction { try? run(.rollback, operation: "roll back") }
        if isInTransaction { close() }
    }

    package func savepoint() throws(EngineError) {
        try run(.savepoint, operation: "open a savepoint")
    }

    package func releaseSavepoint() throws(EngineError) {
        try run(.release, operation: "release a savepoint")
    }

    package func rollbackToSavepoint() throws(EngineError) {
        try run(.rollbackToSavepoint, operation: "roll back to a savepoint")
        try run(.release, operation: "roll back to a savepoint")
    }
}
