// Invariants
// 1. Rows are only taken out here, never changed: each one goes out with the reason.
// 2. Afterwards no foreign key is open but those that SalvageTarget+Corrections.swift sets right, in a revision of its
//    own.

internal import MetastoreEngine
internal import MetastoreModel

/// Rows that can't stay without another one.
private struct Dependence {
    let table: String
    /// True for those.
    let condition: String
    let why: String

    init(_ table: String, _ condition: String, _ why: String) {
        (self.table, self.condition, self.why) = (table, condition, why)
    }

    private static func without(_ parent: String, _ condition: String) -> String {
        "NOT EXISTS (SELECT 1 FROM \(parent) WHERE \(condition))"
    }

    /// An experiment that is being deleted loses its rows one after the other: what is missing there is no loss.
    private static let isKept = """
        NOT EXISTS (SELECT 1 FROM experiments WHERE experiments.id = workloads.experiment AND experiments.state >= 10)
        """

    /// What is belonged to stands before what belongs to it: mostly one pass is enough.
    static let all: [Dependence] = [
        Dependence("experiments", without("documents", "hash = config"), "the document of its config is lost"),
        Dependence(
            "trials", without("experiments", "experiments.id = trials.experiment"), "its experiment is lost"),
        Dependence(
            "workloads",
            without("trials", "trials.id = workloads.trial AND trials.experiment = workloads.experiment"),
            "its trial is lost"),
        Dependence(
            "workloads",
            """
            \(isKept) AND is_rolled_back = 0 AND EXISTS (SELECT 1 FROM workloads AS other \
            WHERE other.trial = workloads.trial \
            AND other.step = workloads.step AND other.kind = workloads.kind AND other.is_rolled_back = 0 \
            AND other.generation > workloads.generation)
            """, "a later generation has its step: it was rolled back since"),
        Dependence(
            "workloads",
            """
            \(isKept) AND is_rolled_back = 0 AND state = 1 \
            AND generation < (SELECT max(generation) FROM (SELECT generation FROM \
            trials WHERE trials.id = workloads.trial UNION ALL SELECT max(generation) FROM workloads AS other \
            WHERE other.trial = workloads.trial))
            """, "its trial was restarted since: it was rolled back"),
        Dependence(
            "workloads",
            "\(isKept) AND kind IN (2, 3) AND is_rolled_back = 0 AND "
                + without(
                    "workloads AS run",
                    """
                    run.trial = workloads.trial AND run.step = workloads.step AND run.kind = 1 AND \
                    run.is_rolled_back = 0 AND run.state = 2 AND run.total_batches = workloads.total_batches
                    """), "the RUN_STEP of its step is lost"),
        Dependence(
            "checkpoints",
            without("trials", "trials.id = checkpoints.trial AND trials.experiment = checkpoints.experiment"),
            "its trial is lost"),
        Dependence(
            "snapshots", without("experiments", "experiments.id = snapshots.experiment"), "its experiment is lost"),
        Dependence("agents", without("pools", "name = pool"), "its pool is lost"),
        Dependence("allocations", without("tasks", "tasks.id = allocations.task"), "its task is lost"),
        Dependence("allocations", without("pools", "name = pool"), "its pool is lost"),
        Dependence(
            "containers",
            without("allocations", "allocations.id = containers.allocation AND allocations.task = containers.task"),
            "its allocation is lost"),
        Dependence("containers", without("agents", "agents.id = containers.agent"), "its agent is lost"),
        Dependence(
            "containers",
            """
            state <= 4 AND EXISTS (SELECT 1 FROM allocations JOIN tasks ON tasks.id = allocations.task WHERE \
            allocations.id = containers.allocation AND (allocations.state = 8 OR tasks.end_time IS NOT NULL))
            """, "its allocation ended since"),
        Dependence("slots", without("agents", "agents.id = slots.agent"), "its agent is lost"),
        Dependence(
            "ports",
            without(
                "allocations JOIN tasks ON tasks.id = allocations.task",
                """
                allocations.id = ports.allocation AND allocations.task = ports.task AND allocations.state <= 7 \
                AND tasks.end_time IS NULL
                """), "its allocation is lost, or ended since"),
        Dependence("instances", without("pools", "name = pool"), "its pool is lost"),
        Dependence("spot_requests", without("pools", "name = pool"), "its pool is lost"),
        Dependence(
            "key_value", "lease IS NOT NULL AND " + without("leases", "leases.id = key_value.lease"),
            "its lease is lost, and would have ended with it"),
        Dependence(
            "documents",
            without("experiments", "config = hash") + " AND " + without("experiments", "model_definition = hash")
                + " AND " + without("workloads", "metrics_document = hash"), "nothing that names it is left"),
    ]
}

extension SalvageTarget {
    /// Takes out what can't stay without a row that is lost, and what can't stay without that.
    func takeOutDependents() throws {
        // Each pass takes out at least one row, and chains are short: more passes than rules would mean a defect.
        for _ in 0...Dependence.all.count {
            var count = 0
            for dependence in Dependence.all {
                count += try takeOut(dependence.table, where: dependence.condition, dependence.why)
            }
            count += try takeOutContainersWithoutSlots()
            try endBatch()
            if count == 0 { return }
        }
    }

    /// A live container has all its slots, or it can't stay.
    private func takeOutContainersWithoutSlots() throws -> Int {
        var lost: [Int64] = []
        let containers = SQL(
            trusted: "SELECT \(Container.table.columnList) FROM containers WHERE state <= 4 ORDER BY id")
        try connection.forEachRow(containers) { row in
            let container = try Container(image: try row.image(of: Container.table))
            for index in container.slots {
                let holder = try connection.first(
                    "SELECT container FROM slots WHERE agent = \(container.agent) AND slot = \(index)"
                ) { row in row.isNull(0) ? 0 : try row.integer(0) }
                guard holder == container.id.rawValue else {
                    lost.append(container.id.rawValue)
                    break
                }
            }
            return true
        }
        var count = 0
        for id in lost {
            count += try takeOut("containers", where: "id = \(id)", "a slot it was on is lost, or was given away since")
        }
        return count
    }
}
