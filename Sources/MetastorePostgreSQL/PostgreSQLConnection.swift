#if PostgreSQL
    // Invariants
    // 1. Everything that is sent goes through `exchange` or `startRows`, which first send what is queued: the order on the
    //    server is the order of the calls.
    // 2. What is sent in one go is one group: after an error in it the server skips the rest of the group.
    // 3. Nothing is sent in a transaction that failed, but what revives or ends it.
    // 4. A connection that was lost, or whose answer came too late, is closed, and every later call says so.

    internal import CPostgreSQL
    package import MetastoreEngine

    /// One PostgreSQL connection: blocking, used by one thread at a time.
    package final class PostgreSQLConnection: Connection {
        /// What stands between us and the server.
        enum Way {
            /// Not known yet: nothing may be left behind in the session.
            case unknown
            case direct
            /// A pooler: another session may serve each transaction.
            case pooled
        }

        /// What the caller began, or thinks it began.
        struct Transaction {
            let mode: TransactionMode
            /// Opened by the caller, perhaps not sent yet.
            var hasSavepoint = false
            /// Opened on the server.
            var serverHasSavepoint = false
            /// The server takes nothing more in it.
            var hasFailed = false
            /// The beginning is still queued.
            var isQueued = true
        }

        package let dialect = Dialect.postgresql
        let link: Link
        let settings: SessionSettings
        private(set) var way = Way.unknown
        var transaction: Transaction?
        /// Set while the one transaction around a creation is open: transactions in it are savepoints of it.
        var isNested = false
        private var names: StatementNames
        private var parameters = Parameters()
        var queue: [Message] = []
        private var queuedBytes = 0
        /// Statements nobody waits for are among those queued.
        var queueHasStatements: Bool { queue.contains(where: \.isStatement) }
        private var sent: [Message] = []
        private var position = 0
        private var failure: EngineError?
        private var changed = 0
        private var wasInTransaction = false
        /// A rollback was sent, and its answer wasn't read yet.
        private var hasUnread = false
        /// The rows being read, until their statement has ended.
        private var rows: Rows?
        private var isClosed = false
        private let whenClosed: () -> Void

        init(
            _ link: Link, _ settings: SessionSettings, capacity: Int, whenClosed: @escaping () -> Void = {}
        ) {
            self.link = link
            self.settings = settings
            self.whenClosed = whenClosed
            names = StatementNames(capacity: capacity)
        }

        deinit { close() }

        func setWay(_ way: Way) { self.way = way }

        package var isUsable: Bool { !isClosed && link.isOpen }

        package var isInTransaction: Bool {
            guard let transaction, !isClosed, link.isOpen else { return false }
            if !transaction.hasFailed { return true }
            return transaction.serverHasSavepoint && transaction.hasSavepoint
        }

        // MARK: Statements

        @discardableResult
        package func execute(_ statement: SQL) throws(EngineError) -> Int {
            try check("execute")
            return try exchange(wrapped(try messages(statement)))
        }

        package func enqueue(_ statement: SQL) throws(EngineError) {
            try check("execute")
            guard transaction != nil else {
                try execute(statement)
                return
            }
            let added = try messages(statement)
            queue += added
            queuedBytes += added.reduce(0) { $0 + $1.bytes }
            if queue.count >= PostgreSQLLimits.queuedStatements || queuedBytes >= PostgreSQLLimits.queuedBytes {
                try exchange([])
            }
        }

        package func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
            try check("query")
            let rows = try startRows(wrapped(try messages(statement, operation: "query")))
            do {
                while try rows.next() {
                    let goesOn = try body(Row(rows))
                    if isClosed { try check("query") }
                    if !goesOn { break }
                }
            } catch {
                try? discard(rows)
                throw error
            }
            try discard(rows)
        }

        package func executeScript(_ text: String) throws(EngineError) {
            try check("execute script")
            guard !text.utf8.contains(0) else {
                throw EngineError(.misuse, operation: "execute script", message: "the script contains a NUL")
            }
            try exchange([])
            let hadTransaction = transaction != nil
            let limit = PostgreSQLLimits.script.settingMilliseconds
            let before = "SELECT pg_catalog.set_config('statement_timeout', '\(limit)', true);"
            let local = way == .pooled && !hadTransaction ? settings.ofTransaction + ";" : ""
            var failure: EngineError?
            link.beginCall(bound: PostgreSQLLimits.script)
            do {
                try link.runScript(local + before + text) { result in
                    guard PQresultStatus(result) == PGRES_FATAL_ERROR, failure == nil else { return }
                    failure = EngineError(
                        result: result, operation: "execute script", wasCancelled: link.wasCancelled)
                }
            } catch {
                link.endCall()
                throw lost(error)
            }
            link.endCall()
            noteStatus()
            if let failure { throw ended(failure, wasInTransaction: hadTransaction) }
        }

        package func interrupter() -> @Sendable () -> Void {
            let interruption = link.interruption
            return { interruption.interrupt() }
        }

        package func changeToken() throws(EngineError) -> Int64 {
            do {
                let token = try first("SELECT CAST(pg_catalog.pg_current_snapshot() AS text)") { row in
                    try row.withBytes(0) { Self.hash($0) }
                }
                return token ?? 0
            } catch let error as EngineError {
                throw error
            } catch {
                throw EngineError(.misuse, operation: "change token", message: "\(error)")
            }
        }

        /// FNV-1a: the snapshot's text has any length, and two that follow each other differ in it.
        private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int64 {
            Int64(bitPattern: bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
        }

        package func close() {
            guard !isClosed else { return }
            isClosed = true
            transaction = nil
            queue = []
            rows = nil
            link.close()
            whenClosed()
        }

        // MARK: Messages

        /// Throws unless a statement may be sent now.
        func check(_ operation: String) throws(EngineError) {
            try checkOpen(operation)
            guard transaction?.hasFailed != true else {
                throw EngineError(
                    .misuse, operation: operation,
                    message: "an earlier statement of the transaction failed. Roll it back, or back to its savepoint",
                    endedTransaction: !isInTransaction)
            }
        }

        func checkOpen(_ operation: String) throws(EngineError) {
            guard !isClosed else {
                throw EngineError(.misuse, operation: operation, message: "the connection is closed")
            }
            guard link.isOpen else {
                throw EngineError(
                    .disconnected, operation: operation, message: "the connection to the server was lost. Connect again"
                )
            }
        }

        /// What a statement takes: where names are kept, preparing it first if it is new there.
        private func messages(_ statement: SQL, operation: String = "execute") throws(EngineError) -> [Message] {
            try Parameters.check(statement.values)
            let (known, leaving) = try names.find(statement)
            guard way == .direct else {
                return [Message(.text(known.rendered, statement.values), operation: operation, isStatement: true)]
            }
            var needed: [Message] = []
            if let leaving { needed.append(Message(.text("DEALLOCATE \(leaving)", []), operation: operation)) }
            if known.state == .absent {
                known.state = .queued
                needed.append(Message(.prepare(known), .prepared(known), operation: operation))
            }
            needed.append(Message(.named(known.name, statement.values), operation: operation, isStatement: true))
            return needed
        }

        /// Outside a transaction behind a pooler, a statement brings its settings along; the group is a transaction.
        func wrapped(_ messages: [Message]) -> [Message] {
            guard way == .pooled, transaction == nil else { return messages }
            return [Message(.text(settings.ofTransaction, []), operation: "begin")] + messages
        }

        // MARK: Exchanges

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

        private func startRows(_ messages: [Message]) throws(EngineError) -> Rows {
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
        private func discard(_ discarded: Rows) throws(EngineError) {
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
            case .savepoint: transaction?.serverHasSavepoint = true
            case .savepointReleased: transaction?.serverHasSavepoint = false
            case .commit:
                // A transaction that failed before is "committed" by rolling it back, without an error.
                guard cText(PQcmdStatus(result)) != "COMMIT" else { return }
                failure = EngineError(
                    .busy, operation: "commit", message: "the server rolled the transaction back. Nothing was done")
            }
        }

        private func noteFailure(_ result: OpaquePointer, _ message: Message) {
            failure = EngineError(result: result, operation: message.operation, wasCancelled: link.wasCancelled)
            if ["26000", "0A000"].contains(failure?.sqlState) { names.removeAll() }
            // The savepoint that is there belongs to an earlier closure: going back to it would undo that one too.
            let opensLater = sent[position...].contains {
                if case .savepoint = $0.effect { true } else { false }
            }
            if opensLater { transaction?.serverHasSavepoint = false }
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

        private func noteStatus() {
            transaction?.hasFailed = link.transactionStatus == PQTRANS_INERROR
            // A script, or the server, ended it.
            if link.transactionStatus == PQTRANS_IDLE, transaction?.isQueued == false, !isNested { transaction = nil }
        }

        @discardableResult
        private func answer() throws(EngineError) -> Int {
            guard let failure else { return changed }
            self.failure = nil
            throw ended(failure, wasInTransaction: wasInTransaction)
        }

        private func ended(_ error: EngineError, wasInTransaction: Bool) -> EngineError {
            wasInTransaction && !isInTransaction ? error.endingTransaction : error
        }

        /// The connection can't go on. Says what is known of what was sent.
        private func lost(_ error: EngineError) -> EngineError {
            let wasInTransaction = transaction != nil
            if link.isOpen { return ended(error, wasInTransaction: wasInTransaction) }
            rows = nil
            transaction = nil
            var said = error
            // An error that came before was decided, and the server skipped what followed it.
            if let failure, !failure.leavesCommitUnknown { said = failure }
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
    }

    extension PostgreSQLConnection {
        /// Sends a rollback and doesn't wait for its answer: it is read before the next one.
        func sendRollback() throws(EngineError) {
            rows?.keepAll()
            guard !hasUnread else { return }
            try link.runUnanswered("ROLLBACK")
            hasUnread = true
        }
    }
#endif
