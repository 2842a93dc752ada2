internal import MetastoreModel

/// When a write is answered: what it survives from then on.
///
/// ```swift
/// try await store.write(until: .archived) { tx in try tx.experiments.create(new) }
/// ```
/// Every write is durable in its store before it is answered. The others are answered later, and never less: where the
/// archive or the followers don't get it in time, ``StoreError/notReplicated(position:reason:)`` says that it is
/// committed here, and what it lacks.
public enum Durability: Sendable, Hashable {
    /// Once it is durable in this store.
    case local
    /// Once it is durable in the archive, too: it survives the loss of this store. Needs an archiver.
    case archived
    /// Once it is durable at so many followers, too: it survives the loss of this host.
    case replicas(Int)
}

/// What the writer does with clients' writes while replication is behind. What the store does by itself, the lead and
/// positions of consumers go on.
package enum Admission: Sendable, Hashable {
    case open
    /// A batch with such writes begins this much later, at most ``Limits/admissionPause``.
    case throttled(Duration)
    /// They fail with ``StoreError/notAdmitted(reason:)`` before they run.
    case refused(reason: String)
}

extension Metastore {
    /// Before a write runs: could it be answered at all?
    func check(_ durability: Durability) throws(StoreError) {
        guard durability != .local else { return }
        try replication.check(durability)
    }

    /// After a write committed: waits for the rest of what it asked for.
    func confirm(_ durability: Durability, _ position: Position) async throws {
        guard durability != .local else { return }
        let deadline = options.time.monotonic() + options.durabilityTimeout
        try await replication.wait(for: durability, at: position, until: deadline)
    }
}
