internal import MetastoreEngine
internal import MetastoreModel

extension CopiedTable {
    /// Every table whose rows are copied. What is belonged to stands before what belongs to it, so that no foreign key
    /// is ever open; the log comes last.
    ///
    /// A table that a later schema adds is one more line. A test compares the list with the tables there are.
    private static let all: [CopiedTable] = [
        CopiedTable(
            "documents", key: ["hash"],
            [
                ("hash", .bytes), ("encoding", .integer), ("content", .bytes), ("size", .integer),
                ("created_revision", .integer), ("holders", .integer), ("row_hash", .integer),
            ], proof: .document),
        CopiedTable(Experiment.self),
        CopiedTable("experiment_labels", key: ["label", "experiment"], [("label", .text), ("experiment", .integer)]),
        CopiedTable(ExperimentSnapshot.self),
        CopiedTable(Trial.self, local: [("best_order", .real)]),
        CopiedTable(Workload.self),
        CopiedTable(
            "trial_summaries", since: Backfill.schema, key: ["trial"],
            [("trial", .integer), ("through_step", .integer), ("through_kind", .integer), ("content", .bytes)]),
        CopiedTable(
            "backfills", since: Backfill.schema, key: ["name"],
            [
                ("name", .text), ("state", .integer), ("trial", .integer), ("first_new_trial", .integer),
                ("filling_trial", .integer), ("filling_step", .integer), ("filling_kind", .integer),
                ("filling_generation", .integer), ("filling_rows", .integer), ("rows_done", .integer),
                ("rows_total", .integer), ("rows_per_second", .integer), ("rate", .real), ("worker", .integer),
                ("steps", .integer), ("started_time", .timestamp), ("changed_time", .timestamp),
            ]),
        CopiedTable(Checkpoint.self),
        CopiedTable(ResourcePool.self),
        CopiedTable(Agent.self),
        CopiedTable(ClusterTask.self),
        CopiedTable(Allocation.self),
        CopiedTable(Container.self),
        CopiedTable(Slot.self),
        CopiedTable(PortReservation.self),
        CopiedTable(Instance.self),
        CopiedTable(SpotRequest.self),
        CopiedTable(Lease.self, local: [("renewals", .integer)]),
        CopiedTable(KeyValueEntry.self),
        CopiedTable(
            Consumer.self,
            local: [
                ("position_epoch", .integer), ("position_nonce", .integer), ("position_revision", .integer),
                ("position_chain", .bytes), ("position_time", .timestamp),
            ]),
        CopiedTable(Leadership.self),
        CopiedTable(
            "epochs", key: ["epoch", "epoch_nonce"],
            [
                ("epoch", .integer), ("epoch_nonce", .integer), ("parent", .integer), ("parent_nonce", .integer),
                ("fork_revision", .integer), ("fork_chain", .bytes), ("holder", .text), ("time", .timestamp),
            ]),
        CopiedTable(
            "operations", key: ["id"],
            [
                ("id", .uuid), ("fingerprint", .bytes), ("result", .bytes), ("revision", .integer),
                ("time", .timestamp),
            ]),
        CopiedTable(
            "log", key: ["revision"],
            [
                ("revision", .integer), ("epoch", .integer), ("epoch_nonce", .integer), ("time", .timestamp),
                ("schema_version", .integer), ("actor", .text), ("operation", .uuid), ("consumer", .text),
                ("consumer_revision", .integer), ("kinds", .integer), ("encoding", .integer), ("body", .bytes),
                ("chain", .bytes),
            ], proof: .log),
    ]

    /// The tables of a schema.
    static func all(of schema: Int64) -> [CopiedTable] { all.filter { $0.since <= schema } }

    /// The head row: read first, written last.
    static let head = CopiedTable(
        "head", key: ["id"],
        [
            ("id", .integer), ("cluster", .uuid), ("epoch", .integer), ("epoch_nonce", .integer),
            ("revision", .integer), ("compacted_revision", .integer), ("chain", .bytes), ("time", .timestamp),
            ("schema_version", .integer), ("min_reader", .integer), ("min_writer", .integer),
            ("next_experiment", .integer), ("next_trial", .integer), ("next_workload", .integer),
            ("next_checkpoint", .integer), ("next_task", .integer), ("next_allocation", .integer),
            ("next_container", .integer), ("next_lease", .integer), ("digests", .bytes), ("clean", .integer),
            ("compacted_chain", .bytes), ("log_bytes", .integer), ("batches", .integer),
        ])

    /// The head row's place of `clean`: what a closed store says of itself, and not a part of what it holds.
    static let clean = head.columns.firstIndex { $0.name == "clean" }!
}
