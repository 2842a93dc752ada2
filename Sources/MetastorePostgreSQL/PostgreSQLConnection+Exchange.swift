#if PostgreSQL
    internal import CPostgreSQL
    internal import MetastoreEngine

    /// What goes to the server, and what comes back.
    extension PostgreSQLConnection {
        /// Sends what is queued and these, and waits for all of it. Returns how many rows the last changed.
        @discardableResult
        func exchange(_ messages: [Message], isCommit: Bool = false) throws(EngineError) -> Int {
            rows?.keepAll()
            guard !(messages.isEmpty && queue.isEmpty) || hasUnread else { return 0 }
            do {
                try send(messages, isCommit: isCommit)
                while position < sent.count { try readReply() }
                try finishGroup()
            } catch {
                link.endCall()
                throw lost(error)
            }
            return try answer()
        }

        func startRows(_ messages: [Message]) throws(EngineError) -> Rows {
            rows?.keepAll()
            do {
                try send(messages, isCommit: false)
                while position < sent.count - 1, failure == nil { try readReply() }
            } catch {
                link.endCall()
                throw lost(error)
            }
            let rows = Rows(self)
            self.rows = rows
            link.readRowByRow()
            return rows
        }

        /// The next row of the running statement, or nil once it has ended and all is well.
        func nextRow() throws(EngineError) -> OpaquePointer? {
            do {
                link.extendCall()
                while position < sent.count {
                    guard let result = try link.next(sent[position].operation) else {
                        position += 1
                        continue
                    }
                    if PQresultStatus(result) == PGRES_SINGLE_TUPLE { return result }
                    note(result)
                    PQclear(result)
                }
                rows = nil
                try finishGroup()
            } catch {
                rows = nil
                link.endCall()
                throw lost(error)
            }
            try answer()
            return nil
        }

        /// The caller wants no more of them.
        func discard(_ discarded: Rows) throws(EngineError) {
            guard rows === discarded else { return }
            let limit = discarded.bytesRead + PostgreSQLLimits.discardedBytes
            do {
                while rows === discarded, try discarded.next() {
                    // A cancelled statement ends its transaction: there the rest is read to its end.
                    if discarded.bytesRead > limit, transaction == nil, !link.wasCancelled { link.cancel() }
                }
            } catch {
                guard error.code == .interrupted, link.isOpen, transaction == nil else { throw error }
            }
        }

        private func send(_ messages: [Message], isCommit: Bool) throws(EngineError) {
            (failure, changed, position) = (nil, 0, 0)
            wasInTransaction = transaction != nil
            sent = queue + messages
            clearQueue()
            link.beginCall(isInterruptible: !isCommit)
            if hasUnread {
                hasUnread = false
                while let result = try link.next("roll back") {
                    let isEnd = PQresultStatus(result) == PGRES_PIPELINE_SYNC
                    PQclear(result)
                    if isEnd { break }
                    // After each statement's results comes nil; the group ends with the mark.
                    if try link.next("roll back") != nil { break }
                }
            }
            for message in sent {
                switch message.content {
                case .prepare(let statement): try link.prepare(statement)
                case .named(let name, let values):
                    parameters.encode(values)
                    try link.run(named: name, parameters)
                case .text(let text, let values):
                    parameters.encode(values)
                    try link.run(text: text, parameters)
                }
            }
            parameters.shrink()
            try link.endGroup()
            try link.flush()
            roundTrips += 1
        }

        func clearQueue() {
            queue.removeAll(keepingCapacity: true)
            queuedBytes = 0
            transaction?.isQueued = false
        }

        /// Reads all results of one message.
        private func readReply() throws(EngineError) {
            while let result = try link.next(sent[position].operation) {
                note(result)
                PQclear(result)
            }
            position += 1
        }

        private func note(_ result: OpaquePointer) {
            let message = sent[position]
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                changed = Self.changedRows(result)
                apply(message.effect, result)
            case PGRES_SINGLE_TUPLE, PGRES_NONFATAL_ERROR: break
            default:
                if failure == nil { noteFailure(result, message) }
                if case .prepared(let statement) = message.effect { statement.state = .absent }
            }
        }

        private func apply(_ effect: Message.Effect, _ result: OpaquePointer) {
            switch effect {
            case .none: break
            case .prepared(let statement): statement.state = .ready
            case .arrived: confirm(result)
            case .savepoint: transaction?.serverHasSavepoint = true
            case .savepointReleased: transaction?.serverHasSavepoint = false
            case .commit:
                // A transaction that failed before is "committed" by rolling it back, without an error.
                guard cText(PQcmdStatus(result)) != "COMMIT" else { return }
                failure = EngineError(
                    .busy, operation: "commit", message: "the server rolled the transaction back. Nothing was done")
            }
        }

        /// The transaction ends here when it came to a server that is not to be written to.
        private func confirm(_ result: OpaquePointer) {
            let (system, file) = (cText(PQgetvalue(result, 0, 0)), cText(PQgetvalue(result, 0, 1)))
            do {
                try confirmServer?(system, UInt32(file.prefix(8), radix: 16))
            } catch {
                failure = failure ?? error
                refusal = error
            }
        }

        private func noteFailure(_ result: OpaquePointer, _ message: Message) {
            let error = EngineError(result: result, operation: message.operation, wasCancelled: link.wasCancelled)
            failure = error
            // Prepared for a table that was changed since, or forgotten by the server: next time it is prepared anew.
            if case .named = message.content, ["26000", "0A000"].contains(error.sqlState) {
                names.removeAll()
                failure = EngineError(
                    .busy, operation: error.operation, message: "\(error.message). Nothing was done; try again",
                    sqlState: error.sqlState)
            }
            // The savepoint that is there belongs to an earlier closure: going back to it would undo that one too.
            let opensLater = sent[position...].contains {
                if case .savepoint = $0.effect { true } else { false }
            }
            if opensLater { transaction?.serverHasSavepoint = false }
            let commitsLater = sent[(position + 1)...].contains { if case .commit = $0.effect { true } else { false } }
            if opensLater || commitsLater { transaction?.hasFailedEarlier = true }
        }

        /// "INSERT 0 3" and "UPDATE 3" changed 3 rows; "SELECT 3" none.
        private static func changedRows(_ result: OpaquePointer) -> Int {
            let status = cText(PQcmdStatus(result))
            guard !status.hasPrefix("SELECT") else { return 0 }
            return Int(cText(PQcmdTuples(result))) ?? 0
        }

        private func finishGroup() throws(EngineError) {
            while let result = try link.next("end") {
                let isEnd = PQresultStatus(result) == PGRES_PIPELINE_SYNC
                PQclear(result)
                if isEnd { break }
            }
            link.endCall()
            noteStatus()
        }

        func noteStatus() {
            transaction?.hasFailed = link.transactionStatus == PQTRANS_INERROR || refusal != nil
            if refusal != nil { transaction?.serverHasSavepoint = false }
            refusal = nil
            // A script, or the server, ended it.
            if link.transactionStatus == PQTRANS_IDLE, transaction?.isQueued == false, !isNested { transaction = nil }
        }

        @discardableResult
        private func answer() throws(EngineError) -> Int {
            guard let failure else { return changed }
            self.failure = nil
            throw ended(failure, wasInTransaction: wasInTransaction)
        }

        func ended(_ error: EngineError, wasInTransaction: Bool) -> EngineError {
            wasInTransaction && !isInTransaction ? error.endingTransaction : error
        }

        /// The connection can't go on. Says what is known of what was sent.
        func lost(_ error: EngineError) -> EngineError {
            let wasInTransaction = transaction != nil
            if link.isOpen { return ended(error, wasInTransaction: wasInTransaction) }
            rows = nil
            transaction = nil
            var said = error
            // An error that came before was decided, and the server skipped what followed it.
            if let failure { said = failure }
            let isCommit = sent.contains { if case .commit = $0.effect { true } else { false } }
            if isCommit, failure == nil, said.code == .timedOut {
                said = EngineError(
                    .disconnected, operation: "commit",
                    message: "the server didn't answer the commit in time. It may have happened: look before repeating "
                        + "it", sqlState: said.sqlState)
            }
            failure = nil
            return wasInTransaction ? said.endingTransaction : said
        }

        /// Sends a rollback and doesn't wait for its answer: it is read before the next one.
        func sendRollback() throws(EngineError) {
            rows?.keepAll()
            guard !hasUnread else { return }
            try link.runUnanswered("ROLLBACK")
            hasUnread = true
        }
    }
#endif
