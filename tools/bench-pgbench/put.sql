\set key random(1, 9000000000000000000)
\set revision random(1, 9000000000000000000)
BEGIN;
INSERT INTO plain.key_value (namespace, key, value, lease, created_revision, revision, row_hash)
    VALUES ('bench', :key::text, decode(repeat('78', 250), 'hex'), NULL, :revision, :revision, :key);
INSERT INTO plain.log (revision, epoch, epoch_nonce, time, schema_version, actor, operation, consumer,
    consumer_revision, kinds, encoding, body, chain)
    VALUES (:revision, 1, 1, now(), 1, 'bench', NULL, NULL, NULL, 32768, 0, decode(repeat('78', 330), 'hex'),
    decode(repeat('78', 32), 'hex'));
COMMIT;
