\set after 50 * random(0, 3)
SELECT e.id, e.state, e.name, e.labels, e.notes, e.owner, e.is_archived, e.parent, e.priority, e.pool, e.progress,
    e.metric, e.smaller_is_better, e.keep_experiment_best, e.keep_trial_best, e.keep_trial_latest, e.external_id,
    e.model_definition, e.start_time, e.end_time, e.created_revision, e.revision, e.row_hash, d.encoding, d.content
    FROM plain.experiments AS e JOIN plain.documents AS d ON d.hash = e.config WHERE e.id > :after
    ORDER BY e.id LIMIT 50;
