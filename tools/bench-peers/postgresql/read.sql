\set id random(1, 10000)
SELECT id, experiment, request_id, state, hparams, seed, warm_start, restarts, generation, total_batches,
    best_validation, latest_validation, best_metric, best_total_batches, start_time, end_time, created_revision,
    revision, row_hash
    FROM plain.trials WHERE id = :id;
