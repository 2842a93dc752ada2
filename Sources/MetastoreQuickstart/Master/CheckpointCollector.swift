internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel

/// Removes the checkpoints that the experiment's retention policy doesn't keep.
///
/// Invariants
/// 1. Files go first, then the row says so: a row never promises less than there is.
/// 2. What may be collected stays so, since a restart never goes back behind a checkpoint that is kept. So
///    whoever dies in between is followed by one who removes nothing more and says what the first one didn't.
struct CheckpointCollector: Sendable {
    static let name = "collector"

    let context: ExperimentContext
    let observer: @Sendable (MasterNews) -> Void

    /// Runs until the experiment has ended and nothing is left to collect.
    func run() async throws {
        let store = context.store
        let id = context.experiment
        for try await batch in store.changes(as: Self.name, of: .experiments, .trials, .checkpoints) {
            let (found, isOver) = try await store.read { tx in
                (try tx.checkpoints.collectable(id), try tx.experiments.get(id).state.isTerminal)
            }
            for checkpoint in found { try context.folder.remove(checkpoint.uuid) }
            try await batch.commit { _, tx in
                for checkpoint in found { try tx.checkpoints.delete(checkpoint.uuid) }
                try Collected.add(found, to: id, tx)
            }
            let bytes = found.reduce(0) { $0 + Int($1.size) }
            if !found.isEmpty { observer(.collected(found.count, bytes: bytes)) }
            if isOver { return }
        }
    }
}

/// How much was collected of an experiment: the rows of deleted checkpoints no longer know their size.
package struct Collected: Codable, Hashable, Sendable {
    package var count = 0
    package var bytes = 0

    static func entry(of experiment: ID<Experiment>) -> EntryKey {
        EntryKey(namespace: "quickstart-collected", key: "\(experiment)")
    }

    init(_ entry: KeyValueEntry?) throws {
        guard let entry else { return }
        self = try JSONDecoder().decode(Self.self, from: Data(entry.value))
    }

    fileprivate static func add(
        _ checkpoints: [Checkpoint], to experiment: ID<Experiment>, _ tx: borrowing Transaction
    ) throws {
        guard !checkpoints.isEmpty else { return }
        var collected = try Collected(try tx.keyValue.get(entry(of: experiment)))
        collected.count += checkpoints.count
        collected.bytes += checkpoints.reduce(0) { $0 + Int($1.size) }
        try tx.keyValue.put(entry(of: experiment), Array(try JSONEncoder().encode(collected)))
    }
}
