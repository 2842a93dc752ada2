internal import Synchronization

/// What requests wait for, so that it ends with the server: a handler isn't told that its connection is closed.
final class OngoingWork: Sendable {
    private struct State {
        var isOver = false
        var next = 0
        var cancellations: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    /// - Throws: what the body throws; `CancellationError` once the work is over.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = Task { try await body() }
        let number = state.withLock { state -> Int? in
            guard !state.isOver else { return nil }
            state.next += 1
            state.cancellations[state.next] = { task.cancel() }
            return state.next
        }
        defer { if let number { state.withLock { $0.cancellations[number] = nil } } }
        if number == nil { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Cancels what goes on, and whatever comes later.
    func end() {
        let cancellations = state.withLock { state in
            state.isOver = true
            return Array(state.cancellations.values)
        }
        for cancel in cancellations { cancel() }
    }
}
