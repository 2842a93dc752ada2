\set id random(1, :trials)
SELECT created_revision, revision, id, experiment, request_id, state, hparams, seed, warm_start, restarts, generation,
    total_batches, best_validation, latest_validation, best_metric, best_total_batches, start_time, end_time,
    last_activity FROM metastore.trials WHERE id = :id;
