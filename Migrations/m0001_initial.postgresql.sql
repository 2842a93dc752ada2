-- Schema 1, PostgreSQL: the tables, columns and names of the SQLite text, in the same order, with PostgreSQL's types.
-- Names are unqualified: it runs with search_path set to the store's own schema, and makes nothing outside of it. No
-- sequence and no extension: ids come from the counters of the head row.
--
-- Integers and flags are bigint: the store binds and reads 64-bit integers, and none is out of range on one engine
-- only. Times are timestamptz; durations are microseconds in a bigint. Text is COLLATE "C": it compares by bytes, as on
-- SQLite, whatever the database's own collation. JSON documents are text, not json: the store has made them canonical,
-- they come back byte for byte, and a text parameter is neither stored in nor compared with a json column.
-- Constraints have names of their own, primary keys end in _pkey; none is deferred, so that a commit never fails.
-- Kinds, states and row_hash: as the SQLite text says. Columns after row_hash are local.

-- One row, updated by every batch. No index but the key's: each update stays on its page, which keeps room for it.
CREATE TABLE head (
    id bigint CONSTRAINT head_pkey PRIMARY KEY CONSTRAINT head_id_check CHECK (id = 1),
    cluster uuid NOT NULL,
    epoch bigint NOT NULL,
    epoch_nonce bigint NOT NULL,
    revision bigint NOT NULL,
    compacted_revision bigint NOT NULL,
    chain bytea NOT NULL CONSTRAINT head_chain_check CHECK (octet_length(chain) = 32),
    time timestamptz NOT NULL,
    schema_version bigint NOT NULL,
    min_reader bigint NOT NULL,
    min_writer bigint NOT NULL,
    next_experiment bigint NOT NULL,
    next_trial bigint NOT NULL,
    next_workload bigint NOT NULL,
    next_checkpoint bigint NOT NULL,
    next_task bigint NOT NULL,
    next_allocation bigint NOT NULL,
    next_container bigint NOT NULL,
    next_lease bigint NOT NULL,
    digests bytea NOT NULL,
    clean bigint NOT NULL CONSTRAINT head_clean_check CHECK (clean IN (0, 1)),
    compacted_chain bytea NOT NULL,
    log_bytes bigint NOT NULL,
    batches bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0);

-- Grows at one end, is cut at the other.
CREATE TABLE log (
    revision bigint CONSTRAINT log_pkey PRIMARY KEY,
    epoch bigint NOT NULL,
    epoch_nonce bigint NOT NULL,
    time timestamptz NOT NULL,
    schema_version bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    operation uuid,
    consumer text COLLATE "C",
    consumer_revision bigint,
    kinds bigint NOT NULL,
    encoding bigint NOT NULL,
    body bytea NOT NULL,
    chain bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1,
    toast.autovacuum_vacuum_scale_factor = 0.05);
-- The store has compressed what gains by it.
ALTER TABLE log ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE epochs (
    epoch bigint NOT NULL,
    epoch_nonce bigint NOT NULL,
    parent bigint,
    parent_nonce bigint,
    fork_revision bigint NOT NULL,
    fork_chain bytea NOT NULL,
    holder text COLLATE "C" NOT NULL,
    time timestamptz NOT NULL,
    CONSTRAINT epochs_pkey PRIMARY KEY (epoch, epoch_nonce)
);

CREATE TABLE operations (
    id uuid CONSTRAINT operations_pkey PRIMARY KEY,
    fingerprint bytea NOT NULL,
    result bytea NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL
);
CREATE INDEX operations_by_time ON operations (time);

CREATE TABLE documents (
    hash bytea CONSTRAINT documents_pkey PRIMARY KEY CONSTRAINT documents_hash_check CHECK (octet_length(hash) = 32),
    encoding bigint NOT NULL,
    content bytea NOT NULL,
    size bigint NOT NULL,
    created_revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    holders bigint NOT NULL
);
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE experiments (
    id bigint CONSTRAINT experiments_pkey PRIMARY KEY,
    state bigint NOT NULL CONSTRAINT experiments_state_check CHECK (state BETWEEN 1 AND 11),
    name text COLLATE "C" NOT NULL,
    config bytea NOT NULL CONSTRAINT experiments_config_fkey REFERENCES documents (hash),
    labels text COLLATE "C" NOT NULL,
    notes text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    is_archived bigint NOT NULL CONSTRAINT experiments_is_archived_check CHECK (is_archived IN (0, 1)),
    parent bigint,
    priority bigint NOT NULL,
    pool text COLLATE "C" NOT NULL,
    progress double precision,
    metric text COLLATE "C" NOT NULL,
    smaller_is_better bigint NOT NULL
        CONSTRAINT experiments_smaller_is_better_check CHECK (smaller_is_better IN (0, 1)),
    keep_experiment_best bigint NOT NULL,
    keep_trial_best bigint NOT NULL,
    keep_trial_latest bigint NOT NULL,
    external_id text COLLATE "C",
    model_definition bytea CONSTRAINT experiments_model_definition_fkey REFERENCES documents (hash),
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE UNIQUE INDEX experiments_by_external_id ON experiments (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX experiments_by_state ON experiments (state, id);
CREATE INDEX experiments_by_owner ON experiments (owner, id);
CREATE INDEX experiments_by_pool ON experiments (pool, id);
CREATE INDEX experiments_archived ON experiments (id) WHERE is_archived = 1;
CREATE INDEX experiments_by_config ON experiments (config);
CREATE INDEX experiments_by_model_definition ON experiments (model_definition) WHERE model_definition IS NOT NULL;

-- Derived from experiments.labels.
CREATE TABLE experiment_labels (
    label text COLLATE "C" NOT NULL,
    experiment bigint NOT NULL CONSTRAINT experiment_labels_experiment_fkey REFERENCES experiments (id),
    CONSTRAINT experiment_labels_pkey PRIMARY KEY (label, experiment)
);
CREATE INDEX experiment_labels_by_experiment ON experiment_labels (experiment);

CREATE TABLE trials (
    id bigint CONSTRAINT trials_pkey PRIMARY KEY,
    experiment bigint NOT NULL CONSTRAINT trials_experiment_fkey REFERENCES experiments (id),
    request_id uuid NOT NULL,
    state bigint NOT NULL CONSTRAINT trials_state_check CHECK (state BETWEEN 1 AND 9),
    hparams text COLLATE "C" NOT NULL,
    seed bigint NOT NULL,
    warm_start uuid,
    restarts bigint NOT NULL,
    generation bigint NOT NULL,
    total_batches bigint NOT NULL,
    best_validation bigint,
    latest_validation bigint,
    best_metric double precision,
    best_total_batches bigint,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    last_activity timestamptz,
    best_order double precision
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX trials_by_request_id ON trials (experiment, request_id);
CREATE INDEX trials_by_best ON trials (experiment, best_order, best_total_batches, request_id);
CREATE INDEX trials_unfinished ON trials (experiment, id) WHERE state <= 6;
CREATE INDEX trials_warm_started ON trials (warm_start) WHERE warm_start IS NOT NULL;

CREATE TABLE workloads (
    id bigint CONSTRAINT workloads_pkey PRIMARY KEY,
    experiment bigint NOT NULL,
    trial bigint NOT NULL CONSTRAINT workloads_trial_fkey REFERENCES trials (id),
    generation bigint NOT NULL,
    step bigint NOT NULL,
    kind bigint NOT NULL CONSTRAINT workloads_kind_check CHECK (kind BETWEEN 1 AND 4),
    state bigint NOT NULL CONSTRAINT workloads_state_check CHECK (state BETWEEN 1 AND 3),
    total_batches bigint NOT NULL,
    metrics text COLLATE "C",
    metrics_document bytea CONSTRAINT workloads_metrics_document_fkey REFERENCES documents (hash),
    searcher_metric double precision,
    is_rolled_back bigint NOT NULL CONSTRAINT workloads_is_rolled_back_check CHECK (is_rolled_back IN (0, 1)),
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE UNIQUE INDEX workloads_by_trial ON workloads (trial, step, kind, generation);
CREATE INDEX workloads_validations ON workloads (trial, total_batches) WHERE kind = 2;
CREATE INDEX workloads_unfinished ON workloads (trial, id) WHERE state = 1;
CREATE INDEX workloads_by_document ON workloads (metrics_document) WHERE metrics_document IS NOT NULL;

CREATE TABLE checkpoints (
    number bigint CONSTRAINT checkpoints_pkey PRIMARY KEY,
    uuid uuid NOT NULL CONSTRAINT checkpoints_uuid_key UNIQUE,
    experiment bigint NOT NULL,
    trial bigint NOT NULL CONSTRAINT checkpoints_trial_fkey REFERENCES trials (id),
    workload bigint CONSTRAINT checkpoints_workload_fkey REFERENCES workloads (id),
    state bigint NOT NULL CONSTRAINT checkpoints_state_check CHECK (state BETWEEN 1 AND 5),
    total_batches bigint NOT NULL,
    storage_id text COLLATE "C" NOT NULL,
    resources text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    metadata text COLLATE "C" NOT NULL,
    is_pinned bigint NOT NULL CONSTRAINT checkpoints_is_pinned_check CHECK (is_pinned IN (0, 1)),
    report_time timestamptz NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE INDEX checkpoints_by_trial ON checkpoints (trial, total_batches, number);
CREATE INDEX checkpoints_by_experiment ON checkpoints (experiment, number);
CREATE INDEX checkpoints_by_workload ON checkpoints (workload) WHERE workload IS NOT NULL;

CREATE TABLE snapshots (
    experiment bigint CONSTRAINT snapshots_pkey PRIMARY KEY
        CONSTRAINT snapshots_experiment_fkey REFERENCES experiments (id),
    version bigint NOT NULL,
    content text COLLATE "C" NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);

CREATE TABLE pools (
    name text COLLATE "C" CONSTRAINT pools_pkey PRIMARY KEY,
    kind bigint NOT NULL,
    provider text COLLATE "C",
    instance_type text COLLATE "C",
    tag_key text COLLATE "C",
    tag_value text COLLATE "C",
    min_instances bigint NOT NULL,
    max_instances bigint NOT NULL,
    is_spot bigint NOT NULL CONSTRAINT pools_is_spot_check CHECK (is_spot IN (0, 1)),
    max_price double precision,
    idle_period bigint,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE UNIQUE INDEX pools_by_tag ON pools (tag_key, tag_value) WHERE tag_key IS NOT NULL;

CREATE TABLE agents (
    id text COLLATE "C" CONSTRAINT agents_pkey PRIMARY KEY,
    pool text COLLATE "C" NOT NULL CONSTRAINT agents_pool_fkey REFERENCES pools (name),
    address text COLLATE "C" NOT NULL,
    is_enabled bigint NOT NULL CONSTRAINT agents_is_enabled_check CHECK (is_enabled IN (0, 1)),
    version text COLLATE "C" NOT NULL,
    state bigint NOT NULL CONSTRAINT agents_state_check CHECK (state BETWEEN 1 AND 3),
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    last_heartbeat timestamptz
) WITH (fillfactor = 50);
CREATE INDEX agents_by_pool ON agents (pool, id);

CREATE TABLE tasks (
    id bigint CONSTRAINT tasks_pkey PRIMARY KEY,
    kind bigint NOT NULL CONSTRAINT tasks_kind_check CHECK (kind BETWEEN 1 AND 6),
    trial bigint,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE INDEX tasks_by_trial ON tasks (trial, id) WHERE trial IS NOT NULL;
CREATE INDEX tasks_unfinished ON tasks (id) WHERE end_time IS NULL;

CREATE TABLE allocations (
    id bigint CONSTRAINT allocations_pkey PRIMARY KEY,
    task bigint NOT NULL CONSTRAINT allocations_task_fkey REFERENCES tasks (id),
    pool text COLLATE "C" NOT NULL CONSTRAINT allocations_pool_fkey REFERENCES pools (name),
    state bigint NOT NULL CONSTRAINT allocations_state_check CHECK (state BETWEEN 1 AND 8),
    slots bigint NOT NULL,
    priority bigint NOT NULL,
    exit_reason text COLLATE "C",
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE INDEX allocations_by_task ON allocations (task, id);
CREATE INDEX allocations_waiting ON allocations (pool, priority, id) WHERE state = 1;
CREATE INDEX allocations_unfinished ON allocations (id) WHERE state <= 7;

CREATE TABLE containers (
    id bigint CONSTRAINT containers_pkey PRIMARY KEY,
    task bigint NOT NULL,
    allocation bigint NOT NULL CONSTRAINT containers_allocation_fkey REFERENCES allocations (id),
    agent text COLLATE "C" NOT NULL CONSTRAINT containers_agent_fkey REFERENCES agents (id),
    slots text COLLATE "C" NOT NULL,
    state bigint NOT NULL CONSTRAINT containers_state_check CHECK (state BETWEEN 1 AND 5),
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE INDEX containers_by_allocation ON containers (allocation, id);
CREATE INDEX containers_unfinished ON containers (agent, id) WHERE state <= 4;

-- One row per slot, one container per row: a slot can't be given twice.
CREATE TABLE slots (
    agent text COLLATE "C" NOT NULL CONSTRAINT slots_agent_fkey REFERENCES agents (id),
    slot bigint NOT NULL,
    device bigint NOT NULL,
    uuid text COLLATE "C" NOT NULL,
    brand text COLLATE "C" NOT NULL,
    is_enabled bigint NOT NULL CONSTRAINT slots_is_enabled_check CHECK (is_enabled IN (0, 1)),
    container bigint CONSTRAINT slots_container_fkey REFERENCES containers (id),
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    CONSTRAINT slots_pkey PRIMARY KEY (agent, slot)
);
CREATE INDEX slots_by_container ON slots (container) WHERE container IS NOT NULL;

CREATE TABLE ports (
    host text COLLATE "C" NOT NULL,
    port bigint NOT NULL CONSTRAINT ports_port_check CHECK (port BETWEEN 1 AND 65535),
    allocation bigint NOT NULL CONSTRAINT ports_allocation_fkey REFERENCES allocations (id),
    task bigint NOT NULL,
    purpose bigint NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    CONSTRAINT ports_pkey PRIMARY KEY (host, port)
);
CREATE INDEX ports_by_allocation ON ports (allocation);

CREATE TABLE instances (
    client_token text COLLATE "C" CONSTRAINT instances_pkey PRIMARY KEY,
    instance_id text COLLATE "C",
    pool text COLLATE "C" NOT NULL CONSTRAINT instances_pool_fkey REFERENCES pools (name),
    tag_key text COLLATE "C" NOT NULL,
    tag_value text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    spot_request text COLLATE "C",
    state bigint NOT NULL CONSTRAINT instances_state_check CHECK (state BETWEEN 1 AND 5),
    agent text COLLATE "C",
    requested_time timestamptz NOT NULL,
    started_time timestamptz,
    ended_time timestamptz,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE UNIQUE INDEX instances_by_instance_id ON instances (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX instances_unfinished ON instances (pool, client_token) WHERE state <= 4;

CREATE TABLE spot_requests (
    client_token text COLLATE "C" CONSTRAINT spot_requests_pkey PRIMARY KEY,
    request_id text COLLATE "C",
    pool text COLLATE "C" NOT NULL CONSTRAINT spot_requests_pool_fkey REFERENCES pools (name),
    state bigint NOT NULL CONSTRAINT spot_requests_state_check CHECK (state BETWEEN 1 AND 4),
    max_price double precision,
    instance text COLLATE "C",
    requested_time timestamptz NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL
);
CREATE INDEX spot_requests_unfinished ON spot_requests (pool, client_token) WHERE state <= 2;

CREATE TABLE leases (
    id bigint CONSTRAINT leases_pkey PRIMARY KEY,
    time_to_live bigint NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    renewals bigint NOT NULL DEFAULT 0
);

CREATE TABLE key_value (
    namespace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    lease bigint CONSTRAINT key_value_lease_fkey REFERENCES leases (id),
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    CONSTRAINT key_value_pkey PRIMARY KEY (namespace, key)
);
CREATE INDEX key_value_by_lease ON key_value (lease, namespace, key) WHERE lease IS NOT NULL;

CREATE TABLE consumers (
    name text COLLATE "C" CONSTRAINT consumers_pkey PRIMARY KEY,
    kinds bigint NOT NULL,
    under text COLLATE "C",
    is_expired bigint NOT NULL CONSTRAINT consumers_is_expired_check CHECK (is_expired IN (0, 1)),
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    position_epoch bigint NOT NULL DEFAULT 0,
    position_nonce bigint NOT NULL DEFAULT 0,
    position_revision bigint NOT NULL DEFAULT 0,
    position_chain bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    position_time timestamptz NOT NULL DEFAULT 'epoch'
) WITH (fillfactor = 50);

CREATE TABLE leadership (
    id bigint CONSTRAINT leadership_pkey PRIMARY KEY CONSTRAINT leadership_id_check CHECK (id = 1),
    holder text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    epoch_nonce bigint NOT NULL,
    time_to_live bigint NOT NULL,
    taken_time timestamptz NOT NULL,
    created_revision bigint NOT NULL,
    revision bigint NOT NULL,
    row_hash bigint NOT NULL,
    renewed_time timestamptz NOT NULL
) WITH (fillfactor = 50);

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
CREATE VIEW checkpoint_names AS SELECT number, uuid, trial, CASE state WHEN 1 THEN 'ACTIVE'
    WHEN 2 THEN 'COMPLETED' WHEN 3 THEN 'ERROR' WHEN 4 THEN 'PARTIALLY_DELETED' WHEN 5 THEN 'DELETED' END AS state,
    total_batches, size, is_pinned FROM checkpoints;
