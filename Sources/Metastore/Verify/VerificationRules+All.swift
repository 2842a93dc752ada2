internal import MetastoreEngine

extension Rule {
    /// Every rule that one query can tell, by the sections of DOMAIN.
    static let all: [Rule] = orphans + work + states + cluster
    /// Those that don't hold while an experiment is being deleted, trial by trial.
    static let whileKept = Set(work.map(\.name))

    private static let orphans: [Rule] = [
        Rule(
            "a trial has an experiment", .trial,
            """
            SELECT experiment, id FROM trials WHERE NOT EXISTS (SELECT 1 FROM experiments \
            WHERE experiments.id = trials.experiment) ORDER BY id
            """),
        Rule(
            "a workload has a trial, of its experiment", .workload,
            """
            SELECT experiment, trial, id FROM workloads WHERE NOT EXISTS (SELECT 1 FROM trials \
            WHERE trials.id = workloads.trial AND trials.experiment = workloads.experiment) ORDER BY id
            """),
        Rule(
            "a checkpoint has a trial, of its experiment", .checkpoint,
            """
            SELECT experiment, trial, uuid FROM checkpoints WHERE NOT EXISTS (SELECT 1 FROM trials \
            WHERE trials.id = checkpoints.trial AND trials.experiment = checkpoints.experiment) ORDER BY number
            """),
        Rule(
            "a checkpoint's workload is one of its trial", .checkpoint,
            """
            SELECT experiment, trial, uuid FROM checkpoints WHERE workload IS NOT NULL AND NOT EXISTS (SELECT 1 \
            FROM workloads WHERE workloads.id = checkpoints.workload AND workloads.trial = checkpoints.trial \
            AND workloads.kind = 3) ORDER BY number
            """),
        Rule(
            "a snapshot has an experiment", .experiment,
            """
            SELECT experiment FROM snapshots WHERE NOT EXISTS (SELECT 1 FROM experiments \
            WHERE experiments.id = snapshots.experiment) ORDER BY experiment
            """),
        Rule(
            "what an experiment or a workload names is stored", .experiment,
            """
            SELECT id FROM experiments WHERE NOT EXISTS (SELECT 1 FROM documents WHERE hash = config) \
            OR (model_definition IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents WHERE hash = model_definition)) \
            UNION SELECT experiment FROM workloads WHERE metrics_document IS NOT NULL AND NOT EXISTS \
            (SELECT 1 FROM documents WHERE hash = metrics_document) ORDER BY 1
            """),
        Rule(
            "an entry's lease runs", .other("kv"),
            """
            SELECT namespace FROM key_value WHERE lease IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leases \
            WHERE leases.id = key_value.lease) ORDER BY namespace, key
            """),
    ]

    /// DOMAIN 3.1–3.3.
    private static let work: [Rule] = [
        Rule(
            "one live workload a trial, step and kind", .workload,
            """
            SELECT min(experiment), trial, max(id) FROM workloads WHERE is_rolled_back = 0 GROUP BY trial, step, kind \
            HAVING count(*) > 1 ORDER BY trial
            """),
        Rule(
            "a live validation or checkpoint has its step's live COMPLETED RUN_STEP", .workload,
            """
            SELECT experiment, trial, id FROM workloads AS one WHERE kind IN (2, 3) AND is_rolled_back = 0 \
            AND NOT EXISTS (SELECT 1 FROM workloads AS step WHERE step.trial = one.trial AND step.step = one.step \
            AND step.kind = 1 AND step.is_rolled_back = 0 AND step.state = 2 \
            AND step.total_batches = one.total_batches) ORDER BY id
            """),
        Rule(
            "a live ACTIVE workload is of its trial's generation", .workload,
            """
            SELECT workloads.experiment, trial, workloads.id FROM workloads JOIN trials ON trials.id = trial \
            WHERE workloads.generation > trials.generation OR (workloads.state = 1 AND is_rolled_back = 0 \
            AND workloads.generation <> trials.generation) ORDER BY workloads.id
            """),
        Rule(
            "a trial has run what is live of it", .trial,
            """
            SELECT experiment, id FROM trials WHERE total_batches < (SELECT coalesce(max(total_batches), 0) \
            FROM workloads WHERE workloads.trial = trials.id AND is_rolled_back = 0 AND workloads.state = 2) ORDER BY id
            """),
        Rule(
            "a trial's best validation is the best of what is live", .trial,
            """
            SELECT trials.experiment, trials.id FROM trials JOIN experiments ON experiments.id = trials.experiment \
            WHERE best_validation IS DISTINCT FROM CASE WHEN smaller_is_better = 1 THEN (SELECT workloads.id \
            FROM workloads WHERE trial = trials.id AND kind = 2 AND workloads.state = 2 AND is_rolled_back = 0 \
            AND searcher_metric IS NOT NULL ORDER BY searcher_metric, workloads.total_batches, step LIMIT 1) \
            ELSE (SELECT workloads.id FROM workloads WHERE trial = trials.id AND kind = 2 AND workloads.state = 2 \
            AND is_rolled_back = 0 AND searcher_metric IS NOT NULL ORDER BY searcher_metric DESC, \
            workloads.total_batches, step LIMIT 1) END ORDER BY trials.id
            """),
        Rule(
            "a trial's best metric is its best validation's", .trial,
            """
            SELECT trials.experiment, trials.id FROM trials LEFT JOIN workloads ON workloads.id = best_validation \
            WHERE best_metric IS DISTINCT FROM searcher_metric OR best_total_batches IS DISTINCT FROM \
            workloads.total_batches ORDER BY trials.id
            """),
        Rule(
            "a trial's place in the order is its best metric's", .trial,
            """
            SELECT trials.experiment, trials.id FROM trials JOIN experiments ON experiments.id = trials.experiment \
            WHERE best_order IS DISTINCT FROM CASE \
            WHEN smaller_is_better = 1 THEN best_metric ELSE 0 - best_metric END ORDER BY trials.id
            """),
        Rule(
            "a trial's latest validation is the latest of what is live", .trial,
            """
            SELECT trials.experiment, trials.id FROM trials WHERE latest_validation IS DISTINCT FROM (SELECT \
            workloads.id FROM workloads WHERE trial = trials.id AND kind = 2 AND workloads.state = 2 \
            AND is_rolled_back = 0 ORDER BY workloads.total_batches DESC, step DESC, workloads.id DESC LIMIT 1) \
            ORDER BY trials.id
            """),
        Rule(
            "a COMPLETED checkpoint lies within what its trial has run", .checkpoint,
            """
            SELECT checkpoints.experiment, trial, uuid FROM checkpoints JOIN trials ON trials.id = trial \
            WHERE checkpoints.state = 2 AND checkpoints.total_batches > trials.total_batches ORDER BY number
            """),
        Rule(
            "a checkpoint that a live trial starts from is not DELETED", .trial,
            """
            SELECT experiment, id FROM trials WHERE warm_start IS NOT NULL AND state <= 6 AND EXISTS (SELECT 1 \
            FROM checkpoints WHERE uuid = warm_start AND checkpoints.state = 5) ORDER BY id
            """),
    ]

    private static let states: [Rule] = [
        Rule(
            "an experiment has an end exactly when it has ended", .experiment,
            "SELECT id FROM experiments WHERE (end_time IS NOT NULL) <> (state >= 7) ORDER BY id"),
        Rule(
            "an ended experiment has no live trial", .experiment,
            """
            SELECT DISTINCT experiments.id FROM experiments JOIN trials ON trials.experiment = experiments.id \
            WHERE experiments.state >= 7 AND trials.state <= 6 ORDER BY experiments.id
            """),
        Rule(
            "a trial has an end exactly when it has ended", .trial,
            "SELECT experiment, id FROM trials WHERE (end_time IS NOT NULL) <> (state >= 7) ORDER BY id"),
        Rule(
            "a workload has an end exactly when it has ended", .workload,
            "SELECT experiment, trial, id FROM workloads WHERE (end_time IS NOT NULL) <> (state >= 2) ORDER BY id"),
        Rule(
            "an allocation has an end exactly when it has ended", .allocation,
            "SELECT task, id FROM allocations WHERE (end_time IS NOT NULL) <> (state = 8) ORDER BY id"),
        Rule(
            "an ended task has no live allocation", .allocation,
            """
            SELECT task, allocations.id FROM allocations JOIN tasks ON tasks.id = task \
            WHERE tasks.end_time IS NOT NULL AND state <= 7 ORDER BY allocations.id
            """),
        Rule(
            "an instance has an end exactly when it has ended", .other("instances"),
            "SELECT client_token FROM instances WHERE (ended_time IS NOT NULL) <> (state = 5) ORDER BY client_token"),
    ]

    /// DOMAIN 3.5 and what surrounds it.
    private static let cluster: [Rule] = [
        Rule(
            "a slot's container lives, on the slot's agent", .slot,
            """
            SELECT agent, slot FROM slots WHERE container IS NOT NULL AND NOT EXISTS (SELECT 1 FROM containers \
            WHERE containers.id = slots.container AND state <= 4 AND containers.agent = slots.agent) \
            ORDER BY agent, slot
            """),
        Rule(
            "a slot has an agent", .slot,
            """
            SELECT agent, slot FROM slots WHERE NOT EXISTS (SELECT 1 FROM agents WHERE id = agent) \
            ORDER BY agent, slot
            """
        ),
        Rule(
            "a live container has a live allocation, of its task", .container,
            """
            SELECT task, allocation, id FROM containers WHERE NOT EXISTS (SELECT 1 FROM allocations \
            WHERE allocations.id = containers.allocation AND allocations.task = containers.task \
            AND (allocations.state <= 7 OR containers.state = 5)) ORDER BY id
            """),
        Rule(
            "a port's holder lives", .port,
            """
            SELECT host, port FROM ports WHERE NOT EXISTS (SELECT 1 FROM allocations \
            WHERE allocations.id = ports.allocation AND allocations.task = ports.task AND state <= 7) \
            ORDER BY host, port
            """),
        Rule(
            "an ephemeral reservation takes no fixed port", .port,
            """
            SELECT host, port FROM ports WHERE purpose >= 10 AND (port IN (1734, 1750, 12350, 12355, 29500, 29400) \
            OR (port >= 2600 AND port <= 3599)) ORDER BY host, port
            """),
        Rule(
            "an instance's spot request is stored", .other("instances"),
            """
            SELECT client_token FROM instances WHERE spot_request IS NOT NULL AND NOT EXISTS (SELECT 1 \
            FROM spot_requests WHERE spot_requests.client_token = spot_request) ORDER BY client_token
            """),
        Rule(
            "a consumer stands inside the history", .other("consumers"),
            """
            SELECT name FROM consumers WHERE position_revision > (SELECT revision FROM head WHERE id = 1) \
            OR (is_expired = 0 AND position_revision < (SELECT compacted_revision FROM head WHERE id = 1)) ORDER BY name
            """),
        Rule(
            "the head's epoch is in the table of epochs", .other("head"),
            """
            SELECT holder FROM (SELECT 'epoch' AS holder) AS missing WHERE NOT EXISTS (SELECT 1 FROM epochs JOIN head \
            ON head.epoch = epochs.epoch AND head.epoch_nonce = epochs.epoch_nonce)
            """),
    ]
}
