-- Schema 1, SQLite. Kinds and states are small integers (the codes are fixed by MetastoreModel); the views at the end
-- show them as names. Times are microseconds since 1970 in UTC, UUIDs are 16 bytes. Every record's table ends in
-- created_revision, revision and row_hash: the first 64 bits of the row's own hash (docs/FORMAT.md).
-- Columns after row_hash are local: neither logged nor digested.

CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cluster BLOB NOT NULL CHECK (length(cluster) = 16),
    epoch INTEGER NOT NULL,
    epoch_nonce INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    compacted_revision INTEGER NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 32),
    time INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    min_reader INTEGER NOT NULL,
    min_writer INTEGER NOT NULL,
    next_experiment INTEGER NOT NULL,
    next_trial INTEGER NOT NULL,
    next_workload INTEGER NOT NULL,
    next_checkpoint INTEGER NOT NULL,
    next_task INTEGER NOT NULL,
    next_allocation INTEGER NOT NULL,
    next_container INTEGER NOT NULL,
    next_lease INTEGER NOT NULL,
    digests BLOB NOT NULL,
    clean INTEGER NOT NULL,
    compacted_chain BLOB NOT NULL,
    log_bytes INTEGER NOT NULL,
    batches INTEGER NOT NULL
) STRICT;

CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    epoch_nonce INTEGER NOT NULL,
    time INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    actor TEXT NOT NULL,
    operation BLOB,
    consumer TEXT,
    consumer_revision INTEGER,
    kinds INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    body BLOB NOT NULL,
    chain BLOB NOT NULL
) STRICT;

CREATE TABLE epochs (
    epoch INTEGER NOT NULL,
    epoch_nonce INTEGER NOT NULL,
    parent INTEGER,
    parent_nonce INTEGER,
    fork_revision INTEGER NOT NULL,
    fork_chain BLOB NOT NULL,
    holder TEXT NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (epoch, epoch_nonce)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    fingerprint BLOB NOT NULL,
    result BLOB NOT NULL,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_by_time ON operations (time);

CREATE TABLE documents (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    encoding INTEGER NOT NULL,
    content BLOB NOT NULL,
    size INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    holders INTEGER NOT NULL
) STRICT;

CREATE TABLE experiments (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 11),
    name TEXT NOT NULL,
    config BLOB NOT NULL REFERENCES documents (hash),
    labels TEXT NOT NULL,
    notes TEXT NOT NULL,
    owner TEXT NOT NULL,
    is_archived INTEGER NOT NULL,
    parent INTEGER,
    priority INTEGER NOT NULL,
    pool TEXT NOT NULL,
    progress REAL,
    metric TEXT NOT NULL,
    smaller_is_better INTEGER NOT NULL,
    keep_experiment_best INTEGER NOT NULL,
    keep_trial_best INTEGER NOT NULL,
    keep_trial_latest INTEGER NOT NULL,
    external_id TEXT,
    model_definition BLOB REFERENCES documents (hash),
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX experiments_by_external_id ON experiments (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX experiments_by_state ON experiments (state, id);
CREATE INDEX experiments_by_owner ON experiments (owner, id);
CREATE INDEX experiments_by_pool ON experiments (pool, id);
CREATE INDEX experiments_archived ON experiments (id) WHERE is_archived = 1;
CREATE INDEX experiments_by_config ON experiments (config);
CREATE INDEX experiments_by_model_definition ON experiments (model_definition) WHERE model_definition IS NOT NULL;

-- Derived from experiments.labels.
CREATE TABLE experiment_labels (
    label TEXT NOT NULL,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    PRIMARY KEY (label, experiment)
) STRICT, WITHOUT ROWID;
CREATE INDEX experiment_labels_by_experiment ON experiment_labels (experiment);

CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiments (id),
    request_id BLOB NOT NULL CHECK (length(request_id) = 16),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 9),
    hparams TEXT NOT NULL,
    seed INTEGER NOT NULL,
    warm_start BLOB,
    restarts INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    total_batches INTEGER NOT NULL,
    best_validation INTEGER,
    latest_validation INTEGER,
    best_metric REAL,
    best_total_batches INTEGER,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    last_activity INTEGER,
    best_order REAL
) STRICT;
CREATE UNIQUE INDEX trials_by_request_id ON trials (experiment, request_id);
CREATE INDEX trials_by_best ON trials (experiment, best_order, best_total_batches, request_id);
CREATE INDEX trials_unfinished ON trials (experiment, id) WHERE state <= 6;
CREATE INDEX trials_warm_started ON trials (warm_start) WHERE warm_start IS NOT NULL;

CREATE TABLE workloads (
    id INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL,
    trial INTEGER NOT NULL REFERENCES trials (id),
    generation INTEGER NOT NULL,
    step INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    total_batches INTEGER NOT NULL,
    metrics TEXT,
    metrics_document BLOB REFERENCES documents (hash),
    searcher_metric REAL,
    is_rolled_back INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX workloads_by_trial ON workloads (trial, step, kind, generation);
CREATE INDEX workloads_validations ON workloads (trial, total_batches) WHERE kind = 2;
CREATE INDEX workloads_unfinished ON workloads (trial, id) WHERE state = 1;
CREATE INDEX workloads_by_document ON workloads (metrics_document) WHERE metrics_document IS NOT NULL;

CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    experiment INTEGER NOT NULL,
    trial INTEGER NOT NULL REFERENCES trials (id),
    workload INTEGER REFERENCES workloads (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
    total_batches INTEGER NOT NULL,
    storage_id TEXT NOT NULL,
    resources TEXT NOT NULL,
    size INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    is_pinned INTEGER NOT NULL,
    report_time INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_trial ON checkpoints (trial, total_batches, number);
CREATE INDEX checkpoints_by_experiment ON checkpoints (experiment, number);
CREATE INDEX checkpoints_by_workload ON checkpoints (workload) WHERE workload IS NOT NULL;

CREATE TABLE snapshots (
    experiment INTEGER PRIMARY KEY REFERENCES experiments (id),
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;

CREATE TABLE pools (
    name TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    provider TEXT,
    instance_type TEXT,
    tag_key TEXT,
    tag_value TEXT,
    min_instances INTEGER NOT NULL,
    max_instances INTEGER NOT NULL,
    is_spot INTEGER NOT NULL,
    max_price REAL,
    idle_period INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pools_by_tag ON pools (tag_key, tag_value) WHERE tag_key IS NOT NULL;

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    pool TEXT NOT NULL REFERENCES pools (name),
    address TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    version TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    last_heartbeat INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_by_pool ON agents (pool, id);

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 6),
    trial INTEGER,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_trial ON tasks (trial, id) WHERE trial IS NOT NULL;
CREATE INDEX tasks_unfinished ON tasks (id) WHERE end_time IS NULL;

CREATE TABLE allocations (
    id INTEGER PRIMARY KEY,
    task INTEGER NOT NULL REFERENCES tasks (id),
    pool TEXT NOT NULL REFERENCES pools (name),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 8),
    slots INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    exit_reason TEXT,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE INDEX allocations_by_task ON allocations (task, id);
CREATE INDEX allocations_waiting ON allocations (pool, priority, id) WHERE state = 1;
CREATE INDEX allocations_unfinished ON allocations (id) WHERE state <= 7;

CREATE TABLE containers (
    id INTEGER PRIMARY KEY,
    task INTEGER NOT NULL,
    allocation INTEGER NOT NULL REFERENCES allocations (id),
    agent TEXT NOT NULL REFERENCES agents (id),
    slots TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT;
CREATE INDEX containers_by_allocation ON containers (allocation, id);
CREATE INDEX containers_unfinished ON containers (agent, id) WHERE state <= 4;

-- One row per slot, one container per row: a slot can't be given twice.
CREATE TABLE slots (
    agent TEXT NOT NULL REFERENCES agents (id),
    slot INTEGER NOT NULL,
    device INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    brand TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    container INTEGER REFERENCES containers (id),
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    PRIMARY KEY (agent, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX slots_by_container ON slots (container) WHERE container IS NOT NULL;

CREATE TABLE ports (
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    allocation INTEGER NOT NULL REFERENCES allocations (id),
    task INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    PRIMARY KEY (host, port)
) STRICT, WITHOUT ROWID;
CREATE INDEX ports_by_allocation ON ports (allocation);

CREATE TABLE instances (
    client_token TEXT PRIMARY KEY,
    instance_id TEXT,
    pool TEXT NOT NULL REFERENCES pools (name),
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    type TEXT NOT NULL,
    spot_request TEXT,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
    agent TEXT,
    requested_time INTEGER NOT NULL,
    started_time INTEGER,
    ended_time INTEGER,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX instances_by_instance_id ON instances (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX instances_unfinished ON instances (pool, client_token) WHERE state <= 4;

CREATE TABLE spot_requests (
    client_token TEXT PRIMARY KEY,
    request_id TEXT,
    pool TEXT NOT NULL REFERENCES pools (name),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    max_price REAL,
    instance TEXT,
    requested_time INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spot_requests_unfinished ON spot_requests (pool, client_token) WHERE state <= 2;

CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    time_to_live INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    renewals INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE key_value (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    lease INTEGER REFERENCES leases (id),
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_value_by_lease ON key_value (lease, namespace, key) WHERE lease IS NOT NULL;

CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    kinds INTEGER NOT NULL,
    under TEXT,
    is_expired INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    position_epoch INTEGER NOT NULL DEFAULT 0,
    position_nonce INTEGER NOT NULL DEFAULT 0,
    position_revision INTEGER NOT NULL DEFAULT 0,
    position_chain BLOB NOT NULL DEFAULT (zeroblob(32)),
    position_time INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE leadership (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    epoch_nonce INTEGER NOT NULL,
    time_to_live INTEGER NOT NULL,
    taken_time INTEGER NOT NULL,
    created_revision INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    row_hash INTEGER NOT NULL,
    renewed_time INTEGER NOT NULL
) STRICT;

-- For people with an SQL shell: codes as names.
CREATE VIEW experiment_names AS SELECT id, CASE state WHEN 1 THEN 'ACTIVE' WHEN 2 THEN 'PAUSED'
    WHEN 3 THEN 'STOPPING_CANCELED' WHEN 4 THEN 'STOPPING_KILLED' WHEN 5 THEN 'STOPPING_COMPLETED'
    WHEN 6 THEN 'STOPPING_ERROR' WHEN 7 THEN 'CANCELED' WHEN 8 THEN 'COMPLETED' WHEN 9 THEN 'ERROR'
    WHEN 10 THEN 'DELETING' WHEN 11 THEN 'DELETE_FAILED' END AS state, name, owner, pool FROM experiments;
CREATE VIEW trial_names AS SELECT id, experiment, CASE state WHEN 1 THEN 'ACTIVE' WHEN 2 THEN 'PAUSED'
    WHEN 3 THEN 'STOPPING_CANCELED' WHEN 4 THEN 'STOPPING_KILLED' WHEN 5 THEN 'STOPPING_COMPLETED'
    WHEN 6 THEN 'STOPPING_ERROR' WHEN 7 THEN 'CANCELED' WHEN 8 THEN 'COMPLETED' WHEN 9 THEN 'ERROR' END AS state,
    restarts, generation, total_batches, best_metric FROM trials;
CREATE VIEW workload_names AS SELECT id, trial, generation, step, CASE kind WHEN 1 THEN 'RUN_STEP'
    WHEN 2 THEN 'COMPUTE_VALIDATION_METRICS' WHEN 3 THEN 'CHECKPOINT_MODEL' WHEN 4 THEN 'TERMINATE' END AS kind,
    CASE state WHEN 1 THEN 'ACTIVE' WHEN 2 THEN 'COMPLETED' WHEN 3 THEN 'ERROR' END AS state,
    total_batches, searcher_metric, is_rolled_back FROM workloads;
CREATE VIEW checkpoint_names AS SELECT number, lower(hex(uuid)) AS uuid, trial, CASE state WHEN 1 THEN 'ACTIVE'
    WHEN 2 THEN 'COMPLETED' WHEN 3 THEN 'ERROR' WHEN 4 THEN 'PARTIALLY_DELETED' WHEN 5 THEN 'DELETED' END AS state,
    total_batches, size, is_pinned FROM checkpoints;
