#if PostgreSQL
    internal import CPostgreSQL
    internal import Glibc
    internal import MetastoreEngine
    internal import Synchronization

    /// One attempt to connect, on a thread of its own: looking up a name blocks, and nobody waits for that longer than
    /// the bound.
    final class Dial: Sendable {
        enum Outcome: Sendable {
            case pending
            case connected(Handed)
            case failed(EngineError)
            /// Nobody waits any more.
            case abandoned
        }

        let host: Host
        private let outcome = Mutex(Outcome.pending)
        private let signal: Signal

        /// - Parameter signal: raised when it has ended.
        init(_ host: Host, _ string: String, until deadline: ContinuousClock.Instant, _ signal: Signal) {
            self.host = host
            self.signal = signal
            let isStarted = BlockingThread.tryStart { [self] in run(string, deadline) }
            if !isStarted {
                finish(.failed(EngineError(.unreachable, operation: "connect", message: "no thread can be started")))
            }
        }

        /// What it came to, once it has ended. A connection is handed over once.
        func take() -> Outcome {
            outcome.withLock { outcome in
                if case .connected = outcome {
                    defer { outcome = .abandoned }
                    return outcome
                }
                return outcome
            }
        }

        func abandon() {
            let last = outcome.withLock { outcome in
                defer { outcome = .abandoned }
                return outcome
            }
            if case .connected(let handed) = last { PQfinish(handed.pointer) }
        }

        private func finish(_ result: Outcome) {
            let isWanted = outcome.withLock { outcome in
                if case .abandoned = outcome { return false }
                outcome = result
                return true
            }
            if !isWanted, case .connected(let handed) = result { PQfinish(handed.pointer) }
            signal.raise()
        }

        private func run(_ string: String, _ deadline: ContinuousClock.Instant) {
            guard let connection = PQconnectStart(string) else {
                return finish(.failed(EngineError(.unreachable, operation: "connect", message: "out of memory")))
            }
            PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
            PQsetNoticeReceiver(connection, { _, _ in }, nil)
            guard PQstatus(connection) != CONNECTION_BAD else { return fail(connection) }
            var wanted = Int16(POLLOUT)
            while true {
                var entry = pollfd(fd: PQsocket(connection), events: wanted, revents: 0)
                if poll(&entry, 1, deadline.milliseconds) <= 0, ContinuousClock.now >= deadline {
                    PQfinish(connection)
                    return finish(.failed(late))
                }
                switch PQconnectPoll(connection) {
                case PGRES_POLLING_READING: wanted = Int16(POLLIN)
                case PGRES_POLLING_WRITING: wanted = Int16(POLLOUT)
                case PGRES_POLLING_OK:
                    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
                    return finish(.connected(Handed(connection)))
                default: return fail(connection)
                }
            }
        }

        var late: EngineError {
            EngineError(
                .unreachable, operation: "connect",
                message: "\(host.description) didn't answer in time. Look whether the server runs and the network lets "
                    + "it through; nothing was done")
        }

        private func fail(_ connection: OpaquePointer) {
            let words = cText(PQerrorMessage(connection))
            PQfinish(connection)
            finish(.failed(EngineError(connecting: words, host)))
        }
    }

    extension EngineError {
        /// What libpq says of a connection that couldn't be made, in its verbose form, where a server's own error is
        /// `FATAL:  28P01: …`.
        init(connecting words: String, _ host: Host) {
            let state = Self.sqlState(in: words)
            let shown = Self.oneLine(
                words.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }.joined(separator: " "))
            var code = Code.unreachable
            var advice = "Look whether the server runs there and takes connections; nothing was done"
            if !state.isEmpty {
                code = Self.code(state)
                if code == .disconnected || code == .misuse { code = .unreachable }
                if code == .permissionDenied {
                    advice = "Look at the role, its password and the server's pg_hba.conf; nothing was done"
                }
            } else if Self.isAboutTrust(words) {
                code = .untrusted
                advice =
                    "The server isn't proven to be the right one, and was told nothing. Look at its certificate and "
                    + "at sslrootcert; don't weaken sslmode"
            }
            self.init(
                code, operation: "connect", message: "\(host.description): \(shown). \(advice)", sqlState: state)
        }

        /// The last one, where several addresses were tried.
        private static func sqlState(in words: String) -> String {
            var found = ""
            for piece in words.split(separator: ":", omittingEmptySubsequences: false) {
                let word = piece.drop { $0 == " " }
                let isState =
                    word.utf8.count == 5 && piece.hasPrefix("  ")
                    && word.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
                if isState { found = String(word) }
            }
            return found
        }

        private static func isAboutTrust(_ words: String) -> Bool {
            ["SSL", "certificate", "private key", "channel binding", "requirepeer"].contains { words.contains($0) }
        }
    }
#endif
