import Metastore
import MetastoreModel

/// Everything a store answers to questions about what it holds, in full.
enum Answers {
    static func all(_ store: Metastore, _ plain: PlainStore) async throws -> [String] {
        let experiments = plain.experiments.keys.sorted().map { ID<Experiment>(rawValue: $0) }
        let trials = plain.trials.keys.sorted().map { ID<Trial>(rawValue: $0) }
        let pools = plain.pools.keys.sorted()
        let agents = plain.agents.keys.sorted()
        let allocations = plain.allocations.keys.sorted().map { ID<Allocation>(rawValue: $0) }
        let tasks = plain.tasks.keys.sorted().map { ID<ClusterTask>(rawValue: $0) }
        return try await store.read { snapshot in
            var answers: [String] = []
            func add(_ answer: some Any) { answers.append("\(answer)") }
            try Self.pages { try snapshot.experiments.list(after: $0, limit: 2) }.forEach(add)
            for label in ["a", "b"] { add(try snapshot.experiments.list(.label(label), .notArchived).records) }
            for state in ExperimentState.allCases { add(try snapshot.experiments.list(.state(state)).records) }
            for id in experiments {
                add(try snapshot.experiments.config(id))
                add(try snapshot.experiments.bestTrial(id) as Any)
                add(try snapshot.experiments.checkpointTotals(id))
                add(try snapshot.checkpoints.collectable(id))
                add(try snapshot.trials.unfinished(id))
                try Self.pages { try snapshot.trials.list(of: id, after: $0, limit: 3) }.forEach(add)
                try Self.pages { try snapshot.checkpoints.list(of: id, after: $0, limit: 3) }.forEach(add)
            }
            for id in trials {
                try Self.pages { try snapshot.workloads.list(of: id, after: $0, limit: 5) }.forEach(add)
                try Self.pages { try snapshot.checkpoints.list(of: id, after: $0, limit: 2) }.forEach(add)
                add(try snapshot.checkpoints.latest(of: id) as Any)
                add(try snapshot.tasks.list(of: id))
            }
            add(try snapshot.workloads.series(of: trials))
            add(try snapshot.pools.all())
            add(try snapshot.agents.all())
            for pool in pools {
                add(try snapshot.agents.list(in: pool))
                add(try snapshot.slots.free(in: pool))
                add(try snapshot.allocations.waiting(in: pool))
                add(try snapshot.instances.unfinished(in: pool))
                add(try snapshot.spotRequests.unfinished(in: pool))
            }
            for agent in agents {
                add(try snapshot.slots.list(of: agent))
                add(try snapshot.containers.unfinished(on: agent))
            }
            add(try snapshot.tasks.unfinished())
            add(try snapshot.allocations.unfinished())
            for id in tasks { add(try snapshot.allocations.list(of: id)) }
            for id in allocations {
                add(try snapshot.containers.list(of: id))
                add(try snapshot.ports.list(of: id))
            }
            for namespace in ["n", "m"] {
                try Self.pages { try snapshot.keyValue.list(namespace, prefix: "k", after: $0, limit: 2) }.forEach(add)
            }
            return answers
        }
    }

    /// Every page, cursors included.
    private static func pages<Element>(_ page: (Cursor?) throws -> Page<Element>) throws -> [String] {
        var found: [String] = []
        var cursor: Cursor?
        repeat {
            let next = try page(cursor)
            found.append("\(next.records) \(next.next.map { "\($0)" } ?? "-")")
            cursor = next.next
        } while cursor != nil
        return found
    }
}
