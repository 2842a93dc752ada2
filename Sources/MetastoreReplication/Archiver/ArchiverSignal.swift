internal import Synchronization

/// Lets one task sleep until its time, or until somebody needs it.
final class ArchiverSignal: Sendable {
    private struct State {
        var isWoken = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Ends the sleep, or the next one.
    func wake() {
        let sleeper = state.withLock { state in
            state.isWoken = state.sleeper == nil
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Returns when the time has passed, or when it was woken since the last sleep.
    ///
    /// - Throws: `CancellationError`.
    func sleep(for duration: Duration) async throws {
        await withTaskGroup { group in
            group.addTask { await self.sleepUntilWoken() }
            group.addTask { try? await Task.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    private func sleepUntilWoken() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isWoken || Task.isCancelled {
                        state.isWoken = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                defer { state.sleeper = nil }
                return state.sleeper
            }
            sleeper?.resume()
        }
    }
}
