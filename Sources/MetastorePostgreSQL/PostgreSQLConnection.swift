#if PostgreSQL
    // Invariants
    // 1. Everything that is sent goes through `exchange` or `startRows`, which first send what is queued: the order on
    //    the server is the order of the calls.
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
            /// What ended it was queued before the latest savepoint, or before the commit.
            var hasFailedEarlier = false
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
        var names: StatementNames
        var parameters = Parameters()
        var queue: [Message] = []
        var queuedBytes = 0
        /// Statements nobody waits for are among those queued.
        var queueHasStatements: Bool { queue.contains(where: \.isStatement) }
        var sent: [Message] = []
        var position = 0
        var failure: EngineError?
        var changed = 0
        /// Why nothing may be written where the transaction has come to.
        var refusal: EngineError?
        var wasInTransaction = false
        /// How often the server was waited for.
        package internal(set) var roundTrips = 0
        /// A rollback was sent, and its answer wasn't read yet.
        var hasUnread = false
        /// The rows being read, until their statement has ended.
        var rows: Rows?
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

        /// Behind a pooler each transaction may come to another server: asked about it before anything is written.
        /// Nil where the server doesn't tell.
        var confirmServer: ((_ system: String, _ timeline: UInt32?) throws(EngineError) -> Void)?

        package var keepsSession: Bool { way == .direct }

        /// Which files a server keeps a database in is its own business.
        package func fileMark() -> FileMark? { nil }

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

        package func flush() throws(EngineError) {
            try check("execute")
            try exchange([])
        }

        package var hasFailedEarlier: Bool { transaction?.hasFailedEarlier ?? false }

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
            try runScript(local + before + text, operation: "execute script")
        }

        package func executeAlone(_ text: String) throws(EngineError) {
            try check("execute alone")
            guard transaction == nil, way == .direct else {
                throw EngineError(
                    .misuse, operation: "execute alone", message: "it takes a session of its own, without a transaction"
                )
            }
            // What is built while others write waits for the transactions that were there before.
            try execute(SQL(trusted: settings.ofLongStatement))
            defer {
                // A session that isn't as it was is of no use.
                do { try execute(SQL(trusted: settings.ofSession)) } catch { close() }
            }
            try runScript(text, operation: "execute alone")
        }

        private func runScript(_ text: String, operation: String) throws(EngineError) {
            let hadTransaction = transaction != nil
            var failure: EngineError?
            link.beginCall(bound: PostgreSQLLimits.script)
            do {
                try link.runScript(text) { result in
                    guard PQresultStatus(result) == PGRES_FATAL_ERROR, failure == nil else { return }
                    failure = EngineError(result: result, operation: operation, wasCancelled: link.wasCancelled)
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
    }
#endif
