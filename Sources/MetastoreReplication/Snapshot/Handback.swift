// Invariants
// 1. A thread waits here for room, and a task for what comes: neither works ahead of the other by more than two
//    elements.
// 2. Whoever stops first ends the other's work, and says why.

internal import Dispatch
internal import Synchronization

/// Hands elements from a thread that blocks to a task: what a store gives, to whoever sends it on.
final class Handback<Element: Sendable>: Sendable {
    private typealias Taker = CheckedContinuation<Element?, any Error>

    private struct State {
        var waiting: [Element] = []
        var taker: Taker?
        var outcome: Result<Void, any Error>?
    }

    private let state = Mutex(State())
    private let room = DispatchSemaphore(value: 0)

    /// At most so many elements wait.
    init(most: Int = 2) { for _ in 0..<most { room.signal() } }

    /// Blocks until there is room.
    ///
    /// - Throws: why nothing is taken any more.
    func give(_ element: Element) throws {
        room.wait()
        let taker = try state.withLock { state -> Taker? in
            try state.outcome?.get()
            guard state.outcome == nil else { throw CancellationError() }
            guard let taker = state.taker else {
                state.waiting.append(element)
                return nil
            }
            state.taker = nil
            return taker
        }
        guard let taker else { return }
        room.signal()
        taker.resume(returning: element)
    }

    /// Nothing more comes, or an error instead, once what waits was taken. The first word counts.
    func end(_ outcome: Result<Void, any Error>) {
        let taker = state.withLock { state -> Taker? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.taker = nil }
            return state.taker
        }
        // Whoever waits for room is told.
        room.signal()
        switch outcome {
        case .success: taker?.resume(returning: nil)
        case .failure(let error): taker?.resume(throwing: error)
        }
    }

    /// The next one; nil after the last. One task takes.
    ///
    /// - Throws: what it ended with; `CancellationError`.
    func take() async throws -> Element? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (taker: Taker) in
                let answer = state.withLock { state -> Result<Element?, any Error>? in
                    if !state.waiting.isEmpty { return .success(state.waiting.removeFirst()) }
                    if let outcome = state.outcome { return outcome.map { nil } }
                    state.taker = taker
                    return nil
                }
                guard let answer else { return }
                room.signal()
                taker.resume(with: answer)
            }
        } onCancel: {
            end(.failure(CancellationError()))
        }
    }
}
