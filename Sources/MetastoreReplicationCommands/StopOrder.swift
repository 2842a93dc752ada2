internal import Synchronization

/// Tells work that has to end orderly that it should: it isn't cancelled, since it has things to do yet.
final class StopOrder: Sendable {
    private let isGiven = Atomic(false)

    var isStopping: Bool { isGiven.load(ordering: .relaxed) }

    /// Runs work in a task of its own; where this task is cancelled, the work is told, and awaited.
    static func running<Result: Sendable>(
        _ body: @escaping @Sendable (StopOrder) async throws -> Result
    ) async throws -> Result {
        let order = StopOrder()
        let work = Task.detached { try await body(order) }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            order.isGiven.store(true, ordering: .relaxed)
        }
    }
}
