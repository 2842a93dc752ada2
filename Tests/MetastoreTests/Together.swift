import Metastore
import MetastoreEngine
import MetastoreTestSupport

extension Bench {
    /// Queues the closures in their order while the writer is held, so that they run in one batch, and gives what
    /// became of each.
    func inOneBatch<Value: Sendable>(
        _ bodies: [@Sendable (borrowing Transaction) throws -> Value]
    ) async -> [Result<Committed<Value>, any Error>] {
        let tasks = await holdingTheWriter { store in
            var tasks: [Task<Committed<Value>, any Error>] = []
            for body in bodies {
                tasks.append(Task { try await store.committed(body) })
                await settled()
            }
            return tasks
        }
        var results: [Result<Committed<Value>, any Error>] = []
        for task in tasks { results.append(await task.result) }
        return results
    }

    /// Starts tasks while the writer is held by a closure of ours, then lets it go on.
    func holdingTheWriter<Value>(
        _ start: (Metastore) async -> [Task<Value, any Error>]
    ) async -> [Task<Value, any Error>] {
        let (gate, store) = (Gate(), store)
        let holder = Task { try await store.write { _ in gate.pass() } }
        _ = await eventually { gate.arrivals > 0 }
        let tasks = await start(store)
        try? await Task.sleep(for: .milliseconds(20))
        gate.open()
        _ = await holder.result
        return tasks
    }

    /// A moment for what was started to reach the writer's queue.
    func settled() async { try? await Task.sleep(for: .milliseconds(10)) }
}
