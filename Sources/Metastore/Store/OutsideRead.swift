// Invariants
// 1. It ends as the pool's reads do: when the store is closed, when every connection of this process has to go, and, if
//    it yields, when it is old and the write-ahead log is full. Whoever reads is told with the same error.
// 2. Once it was told, every further look fails, and whoever waits for something else is woken.

internal import MetastoreEngine
internal import Synchronization

/// A read on a connection of its own, as a snapshot of the whole store is: what it is told from outside.
final class OutsideRead: Sendable {
    private struct State {
        var interrupt: (@Sendable () -> Void)?
        var wake: (@Sendable (StoreError) -> Void)?
        var error: StoreError?
    }

    /// Whether it ends when it keeps the write-ahead log from shrinking.
    let yields: Bool
    private let state = Mutex(State())

    init(yields: Bool) { self.yields = yields }

    /// What runs on this connection is interrupted when it is told to end.
    func reads(on connection: any Connection) {
        let interrupt = connection.interrupter()
        state.withLock { $0.interrupt = interrupt }
    }

    /// Called, from any thread, when it is told to end; at once if it was.
    func whenTold(_ wake: @escaping @Sendable (StoreError) -> Void) {
        let error = state.withLock { state in
            state.wake = wake
            return state.error
        }
        if let error { wake(error) }
    }

    /// Tells it to end. The first word counts.
    func end(_ order: ReadControl.Order) {
        let error: StoreError = order == .closed ? .closed : .snapshotExpired
        let told = state.withLock { state -> State? in
            guard state.error == nil else { return nil }
            state.error = error
            return state
        }
        told?.interrupt?()
        told?.wake?(error)
    }

    /// What it was told; nil while it may go on.
    var told: StoreError? { state.withLock { $0.error } }
}
