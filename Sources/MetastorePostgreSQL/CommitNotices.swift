#if PostgreSQL
    // Invariants
    // 1. Nobody who announces a commit waits for the server.
    // 2. A notification is sent after the commits it stands for; those that come meanwhile are told by one more.
    // 3. Whenever a notification may have been missed (after connecting anew), the watchers are woken.

    internal import Glibc
    internal import MetastoreEngine
    internal import Synchronization

    /// Tells other processes of commits, and hears of theirs, on a thread and a connection of its own.
    final class CommitNotices: Sendable {
        private struct State {
            var isPending = false
            var isStarted = false
            var isClosed = false
            var watchers: [@Sendable () -> Void] = []
        }

        private let channel: String
        private let signal: Signal
        private let state = Mutex(State())
        private let connect: @Sendable () throws(EngineError) -> PostgreSQLConnection

        /// Nil when the process has no descriptor left for it: silence only costs latency.
        init?(channel: String, connect: @escaping @Sendable () throws(EngineError) -> PostgreSQLConnection) {
            guard let signal = try? Signal() else { return nil }
            self.channel = channel
            self.signal = signal
            self.connect = connect
        }

        func announce() { change { $0.isPending = true } }

        func watch(_ wake: @escaping @Sendable () -> Void) { change { $0.watchers.append(wake) } }

        func close() {
            state.withLock { state in
                state.isClosed = true
                state.watchers = []
            }
            signal.raise()
        }

        private func change(_ body: (inout sending State) -> Void) {
            let mustStart = state.withLock { state in
                guard !state.isClosed else { return false }
                body(&state)
                defer { state.isStarted = true }
                return !state.isStarted
            }
            if mustStart, !BlockingThread.tryStart({ [self] in serve() }) { state.withLock { $0.isStarted = false } }
            signal.raise()
        }

        private var isClosed: Bool { state.withLock { $0.isClosed } }

        private func wake() {
            for watcher in state.withLock({ $0.watchers }) { watcher() }
        }

        private func serve() {
            var pause = PostgreSQLLimits.firstPause
            while !isClosed {
                do {
                    let connection = try connect()
                    defer { connection.close() }
                    pause = PostgreSQLLimits.firstPause
                    try serve(connection)
                } catch {
                    // Its loss only costs latency; there is nobody to tell.
                    let end = ContinuousClock.now + pause
                    while !isClosed, signal.wait(until: end) {}
                    pause = min(pause * 2, PostgreSQLLimits.noticesPause)
                }
            }
        }

        private func serve(_ connection: PostgreSQLConnection) throws(EngineError) {
            var isListening = false
            // Losing one costs nothing, waiting for the device would.
            if connection.way == .direct { try connection.execute("SET synchronous_commit = off") }
            while !isClosed {
                if !isListening, connection.way == .direct, state.withLock({ !$0.watchers.isEmpty }) {
                    try connection.execute(SQL(trusted: "LISTEN \(SessionSettings.identifier(channel))"))
                    isListening = true
                    wake()
                }
                let isPending = state.withLock { state in
                    defer { state.isPending = false }
                    return state.isPending
                }
                if isPending {
                    do {
                        try connection.execute("SELECT pg_catalog.pg_notify(\(channel), '')")
                    } catch {
                        state.withLock { $0.isPending = true }
                        throw error
                    }
                    usleep(UInt32(PostgreSQLLimits.betweenNotices / .microseconds(1)))
                } else {
                    try connection.link.waitForNotice(signal, until: .now + .seconds(30))
                }
                if connection.link.takeNotices() { wake() }
            }
        }
    }
#endif
