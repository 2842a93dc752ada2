#if PostgreSQL
    package import MetastoreEngine

    extension PostgreSQLConnection {
        package func endScratch() throws {
            try execute("SET TRANSACTION READ ONLY")
            _ = try first("SELECT set_config('search_path', \("pg_temp, " + settings.searchPath), true)") { _ in true }
        }

        package func begin(_ mode: TransactionMode) throws(EngineError) {
            try checkOpen("begin")
            guard mode != .write || settings.isWriter else {
                throw EngineError(.readOnly, operation: "begin", message: "this connection is open for reading only")
            }
            if transaction != nil, !isInTransaction { rollback() }
            try checkOpen("begin")
            guard transaction == nil else {
                throw EngineError(.misuse, operation: "begin", message: "a transaction is open already")
            }
            transaction = Transaction(mode: mode)
            if isNested {
                queue.append(Message("SAVEPOINT creation", operation: "begin"))
                return
            }
            switch mode {
            case .write: queue.append(.beginWrite)
            case .read: queue.append(.beginRead)
            case .scratch: queue.append(.beginScratch)
            }
            if way == .pooled {
                let asks = mode == .write && confirmServer != nil
                let text = asks ? settings.ofTransactionAndServer : settings.ofTransaction
                queue.append(Message(.text(text, []), asks ? .arrived : .none, operation: "begin"))
            }
            guard mode != .write else { return }
            // BEGIN alone holds nothing; the first statement takes the snapshot.
            do {
                try exchange(way == .pooled ? [] : [Message("SELECT 1", operation: "begin")])
            } catch {
                rollback()
                throw error
            }
        }

        package func commit() throws(EngineError) {
            try checkOpen("commit")
            guard let open = transaction else {
                throw EngineError(.misuse, operation: "commit", message: "no transaction is open")
            }
            guard !open.hasFailed else {
                throw EngineError(
                    .misuse, operation: "commit", message: "a statement of the transaction failed. Roll it back",
                    endedTransaction: !isInTransaction)
            }
            if open.isQueued, !queueHasStatements { return forget() }
            // Nothing is committed before it is known where.
            if open.isQueued, way == .pooled { try exchange([]) }
            if isNested {
                try exchange([Message("RELEASE SAVEPOINT creation", operation: "commit")])
            } else {
                try exchange([.commit], isCommit: true)
                guard !link.wasWarned else { return try warned() }
            }
            transaction = nil
        }

        /// A server that stops waiting for its standby says so in a warning, and answers the commit all the same.
        private func warned() throws(EngineError) {
            close()
            throw EngineError(
                .disconnected, operation: "commit",
                message: "the server committed without its standby, or with another warning. Whether a failover keeps "
                    + "the commit isn't known: connect again and look", endedTransaction: true)
        }

        package func rollback() {
            guard let open = transaction else { return }
            guard link.isOpen else { return forget() }
            if open.isQueued { return forget() }
            forget()
            do {
                if isNested {
                    try exchange([
                        Message("ROLLBACK TO SAVEPOINT creation", operation: "roll back"),
                        Message("RELEASE SAVEPOINT creation", operation: "roll back"),
                    ])
                } else {
                    try sendRollback()
                }
            } catch {
                close()
            }
        }

        /// Forgets what is queued: it never reached the server.
        private func forget() {
            forgetQueued(from: 0)
            transaction = nil
        }

        private func forgetQueued(from index: Int) {
            let kept = Array(queue[..<index])
            for message in queue[index...] {
                if case .prepared(let statement) = message.effect { statement.state = .absent }
            }
            let isQueued = transaction?.isQueued ?? false
            clearQueue()
            queue = kept
            transaction?.isQueued = isQueued
        }

        private var queuedSavepoint: Int? {
            queue.lastIndex { if case .savepoint = $0.effect { true } else { false } }
        }

        package func savepoint() throws(EngineError) {
            try check("open a savepoint")
            guard transaction != nil, transaction?.hasSavepoint == false else {
                throw EngineError(
                    .misuse, operation: "open a savepoint", message: "it takes a transaction without a savepoint")
            }
            transaction?.hasSavepoint = true
            queue.append(.savepoint)
        }

        package func releaseSavepoint() throws(EngineError) {
            try check("release a savepoint")
            try checkSavepoint("release a savepoint")
            if let queuedSavepoint, !queue[queuedSavepoint...].contains(where: \.isStatement) {
                queue.removeSubrange(queuedSavepoint...)
            } else {
                queue.append(.release)
            }
            transaction?.hasSavepoint = false
        }

        package func rollbackToSavepoint() throws(EngineError) {
            try checkOpen("roll back to a savepoint")
            try checkSavepoint("roll back to a savepoint")
            if let queuedSavepoint {
                forgetQueued(from: queuedSavepoint)
            } else {
                forgetQueued(from: 0)
                try exchange([.rollbackToSavepoint, .release])
            }
            transaction?.hasSavepoint = false
        }

        private func checkSavepoint(_ operation: String) throws(EngineError) {
            guard isInTransaction, transaction?.hasSavepoint == true else {
                throw EngineError(.misuse, operation: operation, message: "there is no savepoint")
            }
        }
    }
#endif
