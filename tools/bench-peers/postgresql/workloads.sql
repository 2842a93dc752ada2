SELECT id, experiment, trial, generation, step, kind, state, total_batches, metrics, searcher_metric, is_rolled_back,
    start_time, end_time, created_revision, revision, row_hash
    FROM plain.workloads WHERE trial = 1 ORDER BY step, kind, generation;
