-- A trial's state, if it still is what it was, and the log row. The caller sets from and to; total_batches counts, so
-- that it can be seen that every one of them met its state.
\set revision random(1, 9000000000000000000)
BEGIN;
UPDATE plain.trials SET state = :to, revision = :revision, total_batches = total_batches + 1, row_hash = :revision
    WHERE id = 1 AND state = :from;
INSERT INTO plain.log (revision, epoch, epoch_nonce, time, schema_version, actor, operation, consumer,
    consumer_revision, kinds, encoding, body, chain)
    VALUES (:revision, 1, 1, now(), 1, 'bench', NULL, NULL, NULL, 4, 0, decode(repeat('78', 400), 'hex'),
    decode(repeat('78', 32), 'hex'));
COMMIT;
\set swapped :from
\set from :to
\set to :swapped
