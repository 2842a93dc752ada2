#if PostgreSQL
    internal import CPostgreSQL
    internal import MetastoreEngine
    internal import Synchronization

    /// Asks a connection's running call to end. Only the thread that runs the call acts on it, so that no cancel
    /// request ever reaches a later statement.
    final class Interruption: Sendable {
        private struct State {
            var isRunning = false
            var isAsked = false
        }

        let signal: Signal
        private let state = Mutex(State())

        init() throws(EngineError) { signal = try Signal() }

        /// From any thread. Does nothing while nothing runs.
        func interrupt() {
            state.withLock { state in
                guard state.isRunning else { return }
                state.isAsked = true
                signal.raise()
            }
        }

        var isAsked: Bool { state.withLock { $0.isAsked } }

        func begin() {
            state.withLock { $0 = State(isRunning: true) }
            signal.lower()
        }

        func end() { state.withLock { $0 = State() } }
    }

    /// A cancel request on its way. libpq sends it over a connection of its own and blocks, so a thread does it.
    final class CancelRequest: Sendable {
        private let isOver = Atomic(false)
        private let signal: Signal

        private init(_ signal: Signal) { self.signal = signal }

        /// - Parameter signal: raised when it is over.
        static func send(to connection: OpaquePointer, _ signal: Signal) -> CancelRequest? {
            guard let cancel = PQgetCancel(connection) else { return nil }
            let request = CancelRequest(signal)
            let handed = Handed(cancel)
            let isStarted = BlockingThread.tryStart {
                var words = [CChar](repeating: 0, count: 256)
                PQcancel(handed.pointer, &words, Int32(words.count))
                PQfreeCancel(handed.pointer)
                request.finish()
            }
            guard isStarted else {
                PQfreeCancel(cancel)
                return nil
            }
            return request
        }

        var hasEnded: Bool { isOver.load(ordering: .acquiring) }

        private func finish() {
            isOver.store(true, ordering: .releasing)
            signal.raise()
        }
    }
#endif
