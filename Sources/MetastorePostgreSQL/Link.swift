#if PostgreSQL
    // Invariants
    // 1. No call waits for the server beyond the deadline of the running call. What isn't answered by then is never
    //    read: the connection is closed.
    // 2. A cancel request is sent by the thread that runs the call, and the call doesn't end before the request did: it
    //    can't hit a later statement.
    // 3. A commit is never cancelled: a server that waits for its standby would answer it as if it had arrived there.

    internal import CPostgreSQL
    internal import Glibc
    internal import MetastoreEngine

    /// One connection of libpq in pipeline mode, with a deadline on everything that waits.
    final class Link {
        /// What the server said beside its results.
        private final class Heard {
            var warnings: [String] = []
            /// Why the server ended the session while nothing was asked of it.
            var farewell: (state: String, words: String)?
        }

        let interruption: Interruption
        private(set) var handle: OpaquePointer?
        /// A cancel request of ours was sent during this call.
        private(set) var wasCancelled = false
        private var deadline = ContinuousClock.now
        private let bound: Duration
        private var isInterruptible = true
        private var request: CancelRequest?
        private var nextRequest = ContinuousClock.now
        private var mustFlush = false
        private let isEncrypted: Bool
        private let heard = Heard()

        /// Takes over a connection that was just made.
        init(_ handle: OpaquePointer, bound: Duration) throws(EngineError) {
            do {
                interruption = try Interruption()
            } catch {
                PQfinish(handle)
                throw error
            }
            self.handle = handle
            self.bound = bound
            isEncrypted = PQsslInUse(handle) != 0
            PQsetNoticeReceiver(
                handle,
                { heard, result in
                    guard let result else { return }
                    let heard = Unmanaged<Heard>.fromOpaque(heard!).takeUnretainedValue()
                    let severity = cText(PQresultErrorField(result, PostgreSQLField.severity))
                    heard.warnings.append(severity)
                    guard severity == "FATAL" else { return }
                    heard.farewell = (
                        cText(PQresultErrorField(result, PostgreSQLField.sqlState)), EngineError.words(of: result)
                    )
                }, Unmanaged.passUnretained(heard).toOpaque())
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
                close()
                throw lost("connect")
            }
        }

        deinit { close() }

        /// Ends it at once. What was sent may still be done by the server.
        func close() {
            guard let handle else { return }
            self.handle = nil
            PQfinish(handle)
        }

        var isOpen: Bool { handle != nil }

        /// The process that serves it, as the other end said when it was made.
        var backend: Int64 { handle.map { Int64(PQbackendPID($0)) } ?? 0 }

        var transactionStatus: PGTransactionStatusType {
            handle.map { PQtransactionStatus($0) } ?? PQTRANS_UNKNOWN
        }

        /// The server warned of something since the call began: of a commit that its standby doesn't have, for one.
        var wasWarned: Bool { heard.warnings.contains("WARNING") }

        // MARK: Calls

        /// Everything until ``endCall()`` is one call.
        func beginCall(isInterruptible: Bool = true, bound: Duration? = nil) {
            deadline = .now + (bound ?? self.bound)
            self.isInterruptible = isInterruptible
            wasCancelled = false
            heard.warnings.removeAll()
            nextRequest = .now
            if isInterruptible { interruption.begin() }
        }

        /// The server made progress, and the caller asks for more.
        func extendCall() { deadline = .now + bound }

        /// Asks the server to end what it does.
        func cancel() {
            guard let handle, request == nil else { return }
            wasCancelled = true
            request = CancelRequest.send(to: handle, interruption.signal)
            nextRequest = .now + PostgreSQLLimits.cancelAgain
        }

        /// Waits for a cancel request that is still on its way.
        func endCall() {
            interruption.end()
            while let request, !request.hasEnded {
                if !interruption.signal.wait(until: deadline) { return close() }
            }
            request = nil
        }

        // MARK: Sending

        func prepare(_ statement: KnownStatement) throws(EngineError) {
            guard let handle else { throw lost("prepare") }
            let sent = PQsendPrepare(
                handle, statement.name, statement.rendered, Int32(statement.types.count), statement.types)
            guard sent == 1 else { throw lost("prepare") }
        }

        func run(named name: String, _ parameters: borrowing Parameters) throws(EngineError) {
            guard let handle else { throw lost("send") }
            let sent = PQsendQueryPrepared(
                handle, name, parameters.count, parameters.pointers, parameters.lengths, parameters.formats, 1)
            guard sent == 1 else { throw lost("send") }
        }

        func run(text: String, _ parameters: borrowing Parameters) throws(EngineError) {
            guard let handle else { throw lost("send") }
            let sent = PQsendQueryParams(
                handle, text, parameters.count, parameters.types, parameters.pointers, parameters.lengths,
                parameters.formats, 1)
            guard sent == 1 else { throw lost("send") }
        }

        /// Ends a group: after an error in it, the server skips the rest of the group.
        func endGroup() throws(EngineError) {
            guard let handle, PQpipelineSync(handle) == 1 else { throw lost("send") }
            mustFlush = true
        }

        /// Sends what can be sent without waiting.
        func flush() throws(EngineError) {
            guard let handle else { throw lost("send") }
            switch PQflush(handle) {
            case 0: mustFlush = false
            case 1: mustFlush = true
            // What the server said before it hung up is still to be read.
            default: mustFlush = false
            }
        }

        // MARK: Reading

        /// The next result, or nil at the end of a statement's results. The caller frees it.
        func next(_ operation: String) throws(EngineError) -> OpaquePointer? {
            guard let handle else { throw lost(operation) }
            while true {
                if mustFlush { try flush() }
                if PQisBusy(handle) == 0 { break }
                try wait(operation)
                if PQconsumeInput(handle) == 0 { break }
                // libpq may hold decrypted bytes that `poll` knows nothing of.
                if isEncrypted, PQisBusy(handle) == 1, PQconsumeInput(handle) == 0 { break }
            }
            let result = PQgetResult(handle)
            if PQstatus(handle) == CONNECTION_BAD {
                let error = lost(operation, result)
                PQclear(result)
                close()
                throw error
            }
            return result
        }

        /// Rows of the statement whose results come next are lent one by one.
        func readRowByRow() {
            if let handle { PQsetSingleRowMode(handle) }
        }

        private func wait(_ operation: String) throws(EngineError) {
            guard let handle else { throw lost(operation) }
            var end = deadline
            if isInterruptible, interruption.isAsked || wasCancelled {
                if request?.hasEnded == true { request = nil }
                if request == nil, ContinuousClock.now >= nextRequest { cancel() }
                end = min(end, nextRequest)
            }
            var entries = [
                pollfd(fd: PQsocket(handle), events: Int16(POLLIN | (mustFlush ? POLLOUT : 0)), revents: 0),
                pollfd(fd: interruption.signal.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let limit = isEncrypted ? min(end.milliseconds, 50) : end.milliseconds
            var found: Int32 = 0
            let isThere = BlockingThread.lookAround {
                found = poll(&entries, 2, 0)
                return found != 0
            }
            if !isThere { found = poll(&entries, 2, limit) }
            if found > 0, entries[1].revents != 0 { interruption.signal.lower() }
            if found <= 0, ContinuousClock.now >= deadline { throw late(operation) }
        }

        /// Gives up: nobody will read the answer.
        private func late(_ operation: String) -> EngineError {
            if isInterruptible, let handle { _ = CancelRequest.send(to: handle, interruption.signal) }
            close()
            return EngineError(
                .timedOut, operation: operation,
                message: "the server didn't answer within \(bound). The connection was closed. Look whether the server "
                    + "and the network are well; what was asked may still be done there")
        }

        private func lost(_ operation: String, _ result: OpaquePointer? = nil) -> EngineError {
            var words = result.map { EngineError.words(of: $0) } ?? "the connection to the server is closed"
            var state = result.map { cText(PQresultErrorField($0, PostgreSQLField.sqlState)) } ?? ""
            if state.isEmpty, let farewell = heard.farewell { (state, words) = farewell }
            return EngineError(
                .disconnected, operation: operation,
                message: "\(words.isEmpty ? "the connection to the server was lost" : words). Connect again; a commit "
                    + "that was under way may have happened", sqlState: state)
        }
    }

    // MARK: Outside of the pipeline
    extension Link {
        /// Runs several statements in libpq's simple protocol. `each` is given every result.
        func runScript(_ script: String, each: (OpaquePointer) -> Void) throws(EngineError) {
            guard let handle, PQexitPipelineMode(handle) == 1, PQsendQuery(handle, script) == 1 else {
                throw lost("execute script")
            }
            try flush()
            while let result = try next("execute script") {
                each(result)
                PQclear(result)
            }
            guard PQenterPipelineMode(handle) == 1 else { throw lost("execute script") }
        }

        /// Sends a statement whose answer is read later.
        func runUnanswered(_ text: StaticString) throws(EngineError) {
            guard let handle, PQsendQueryParams(handle, text.description, 0, nil, nil, nil, nil, 1) == 1 else {
                throw lost("send")
            }
            try endGroup()
            try flush()
        }

        /// Waits until the server sends something, the signal is raised, or the time is over.
        func waitForNotice(_ signal: Signal, until end: ContinuousClock.Instant) throws(EngineError) {
            guard let handle else { throw lost("listen") }
            var entries = [
                pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0),
                pollfd(fd: signal.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            poll(&entries, 2, end.milliseconds)
            if entries[1].revents != 0 { signal.lower() }
            if entries[0].revents != 0, PQconsumeInput(handle) == 0 {
                close()
                throw lost("listen")
            }
        }

        /// True when somebody else notified since the last call.
        func takeNotices() -> Bool {
            guard let handle else { return false }
            var found = false
            while let notice = PQnotifies(handle) {
                if notice.pointee.be_pid != PQbackendPID(handle) { found = true }
                PQfreemem(notice)
            }
            return found
        }
    }

    /// A text of libpq's, or "".
    func cText(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
#endif
