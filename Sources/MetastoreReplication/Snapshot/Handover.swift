internal import Dispatch
internal import Metastore
internal import MetastoreEngine
internal import Synchronization

// Invariants
// 1. A thread waits here, and no task: the giver is suspended, the taker is a thread of its own.
// 2. At most two elements wait; whoever stops first ends the other's work.

/// Hands elements from a task to a thread that blocks: what an archive gives, to the store that is made of it.
final class Handover<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [Element] = []
        var giver: CheckedContinuation<Void, any Error>?
        var outcome: Result<Void, any Error>?
        var isAbandoned = false
    }

    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)
    private static var most: Int { 2 }

    /// Waits until there is room.
    ///
    /// - Throws: `CancellationError` once nobody takes anything any more.
    func give(_ element: Element) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let answer: Result<Void, any Error>? = state.withLock { state in
                guard !state.isAbandoned else { return .failure(CancellationError()) }
                state.waiting.append(element)
                if state.waiting.count < Self.most { return .success(()) }
                state.giver = continuation
                return nil
            }
            arrivals.signal()
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// Nothing more comes, or an error instead.
    func end(_ outcome: Result<Void, any Error>) {
        state.withLock { $0.outcome = $0.outcome ?? outcome }
        arrivals.signal()
    }

    /// Blocks until there is one; nil after the last.
    func take() throws -> Element? {
        while true {
            arrivals.wait()
            let (element, giver, outcome) = state.withLock { state in
                let element = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
                defer { state.giver = nil }
                return (element, state.giver, state.outcome)
            }
            giver?.resume()
            if let element { return element }
            if let outcome {
                try outcome.get()
                return nil
            }
        }
    }

    /// Reads in a task, and makes something of it on a thread. A failure on either side ends both, as a cancelled task
    /// does.
    ///
    /// - Parameters:
    ///   - name: the thread's.
    ///   - read: gives what it reads; what it throws is thrown where it is taken.
    ///   - make: takes, and blocks.
    static func run<Made: Sendable>(
        named name: String, _ read: @escaping @Sendable (Handover) async throws -> Void,
        _ make: @escaping @Sendable (Handover) throws -> Made
    ) async throws -> Made {
        let pieces = Handover()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await read(pieces)
                    pieces.end(.success(()))
                } catch {
                    pieces.end(.failure(error))
                }
            }
            do {
                let made = try await withTaskCancellationHandler {
                    try await BlockingThread.run(named: name) {
                        defer { pieces.abandon() }
                        return try make(pieces)
                    }
                } onCancel: {
                    pieces.end(.failure(CancellationError()))
                }
                try await group.waitForAll()
                return made
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }

    /// Nothing more is taken.
    func abandon() {
        let giver = state.withLock { state in
            state.isAbandoned = true
            state.waiting = []
            defer { state.giver = nil }
            return state.giver
        }
        giver?.resume(throwing: CancellationError())
    }
}

/// A flag that a cancelled task sets, for the thread that works for it.
final class Cancellation: Sendable {
    private let flag = Atomic(false)

    func cancel() { flag.store(true, ordering: .relaxed) }

    /// - Throws: `CancellationError`.
    func check() throws {
        if flag.load(ordering: .relaxed) { throw CancellationError() }
    }
}

extension BlockingThread {
    /// Waits, on a thread of its own, for what a task does.
    static func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = Box<Result<Value, any Error>>()
        let arrival = DispatchSemaphore(value: 0)
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.put(result)
            arrival.signal()
        }
        arrival.wait()
        guard let result = box.take() else { throw CancellationError() }
        return try result.get()
    }
}

/// One value on its way from a task to a thread.
private final class Box<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func put(_ new: Value) { value.withLock { $0 = new } }
    func take() -> Value? { value.withLock { $0 } }
}
