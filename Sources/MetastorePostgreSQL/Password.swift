#if PostgreSQL
    internal import MetastoreEngine
    internal import Synchronization

    /// Asks an asynchronous provider from a thread that blocks.
    final class PasswordRequest: Sendable {
        private let answer = Mutex<Result<String, EngineError>?>(nil)
        private let signal: Signal

        private init() throws(EngineError) { signal = try Signal() }

        /// - Throws: ``EngineError/Code/permissionDenied`` when the provider fails, without its words, which may hold
        ///   what it knows; `timedOut` when it doesn't answer in time.
        static func ask(
            _ provider: @escaping @Sendable () async throws -> String, until deadline: ContinuousClock.Instant
        ) throws(EngineError) -> String {
            let request = try PasswordRequest()
            let task = Task.detached {
                do {
                    request.give(.success(try await provider()))
                } catch {
                    request.give(
                        .failure(
                            EngineError(
                                .permissionDenied, operation: "connect",
                                message: "the provider of the password failed with an error of type "
                                    + "\(type(of: error)). Nothing was sent to the server")))
                }
            }
            guard request.signal.wait(until: deadline), let answer = request.answer.withLock({ $0 }) else {
                task.cancel()
                throw EngineError(
                    .timedOut, operation: "connect",
                    message: "the provider of the password didn't answer in time. Nothing was sent to the server")
            }
            return try answer.get()
        }

        private func give(_ result: Result<String, EngineError>) {
            answer.withLock { $0 = result }
            signal.raise()
        }
    }
#endif
