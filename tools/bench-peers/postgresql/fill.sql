-- What is read: 200 experiments with configs of 2 KB, 10,000 trials with hyperparameters of 300 bytes, 1,000 workloads
-- of the first trial with metrics of 250.
SET search_path = plain;
INSERT INTO documents (hash, encoding, content, size, created_revision, row_hash, holders)
    SELECT sha256(i::text::bytea), 0, decode(repeat('78', 2048), 'hex'), 2048, 1, i, 1
    FROM generate_series(1, 200) AS i;
INSERT INTO experiments (id, state, name, config, labels, notes, owner, is_archived, parent, priority, pool, progress,
    metric, smaller_is_better, keep_experiment_best, keep_trial_best, keep_trial_latest, external_id, model_definition,
    start_time, end_time, created_revision, revision, row_hash)
    SELECT i, 1, 'bench', sha256(i::text::bytea), '[]', '', 'bench', 0, NULL, 42, 'gpu', NULL, 'validation_loss', 1, 0,
    1, 1, NULL, NULL, now(), NULL, 1, 1, i FROM generate_series(1, 200) AS i;
INSERT INTO trials (id, experiment, request_id, state, hparams, seed, restarts, generation, total_batches, start_time,
    created_revision, revision, row_hash)
    SELECT i, 1, gen_random_uuid(), 1, '{"activation":"gelu","batch_size":256,"beta1":0.9,"beta2":0.999,"dropout":0.1,'
    '"epsilon":1e-08,"gradient_clipping":1,"hidden":768,"layers":12,"learning_rate":0.001,"optimizer":"adamw",'
    '"precision":"bf16","schedule":"cosine","sequence_length":1024,"vocabulary":50257,"warmup_steps":1000,'
    '"weight_decay":0.01}', i, 0, 0, 0, now(), 1, 1, i FROM generate_series(1, 10000) AS i;
INSERT INTO workloads (id, experiment, trial, generation, step, kind, state, total_batches, metrics, is_rolled_back,
    start_time, created_revision, revision, row_hash)
    SELECT i, 1, 1, 0, i, 1, 2, i, '{"accuracy":0.987654321,"epoch":12,"gpu_utilization":0.97,'
    '"gradient_norm":1.2345678,"learning_rate":0.0001234,"memory_bytes":17179869184,'
    '"perplexity":3.14159,"samples_per_second":12345.678,'
    '"training_loss":0.123,"validation_loss":0.1353}', 0, now(), 1, 1, i FROM generate_series(1, 1000) AS i;
VACUUM ANALYZE;
