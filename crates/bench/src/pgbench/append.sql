-- A message of 100 bytes between two users, as an app would write it by itself into the tables that Parlor has: the same
-- locks, the same rules looked up, the same rows written.
\set n random(1, 500)
\set key random(1, 1000000000000)
\set ts 1700000000000 + :client_id
BEGIN;
SELECT pg_advisory_xact_lock(:n), pg_advisory_xact_lock_shared(1000000 + :n), pg_advisory_xact_lock_shared(2000000 + :n), pg_advisory_xact_lock_shared(0);
SELECT head + 1 AS seq, said + 1 AS said, low_said + 1 AS low_said FROM conversation WHERE id = 'pgbench-' || :n \gset
SELECT EXISTS (SELECT 1 FROM suspension WHERE user_id = 'pgbench-low-' || :n), EXISTS (SELECT 1 FROM block WHERE user_id = 'pgbench-high-' || :n AND other = 'pgbench-low-' || :n AND active), (SELECT value FROM own WHERE user_id = 'pgbench-high-' || :n AND kind = 8 AND key = 'messages'), (SELECT value FROM own WHERE user_id = 'pgbench-high-' || :n AND kind = 8 AND key = 'messageRequests'), EXISTS (SELECT 1 FROM own WHERE user_id = 'pgbench-high-' || :n AND kind = 7 AND key = 'pgbench-low-' || :n AND value IS NOT NULL), (SELECT request FROM member WHERE conversation = 'pgbench-' || :n AND user_id = 'pgbench-high-' || :n), (SELECT request FROM member WHERE conversation = 'pgbench-' || :n AND user_id = 'pgbench-low-' || :n), (SELECT live FROM own_kind WHERE user_id = 'pgbench-high-' || :n AND kind = 10), (SELECT seq FROM idempotency WHERE conversation = 'pgbench-' || :n AND sender = 'pgbench-low-' || :n AND client_id = 'key-' || :key);
UPDATE counter SET position = position + 1 RETURNING position \gset
INSERT INTO entry (conversation, seq, pos, epoch, ts, sender, client_id, kind, content, said, low_said, shadow, moderated) VALUES ('pgbench-' || :n, :seq, :position, 1, :ts, 'pgbench-low-' || :n, 'key-' || :key, 0, '"' || repeat('x', 100) || '"', :said, :low_said, false, false);
INSERT INTO idempotency (conversation, sender, client_id, seq, ts, digest) VALUES ('pgbench-' || :n, 'pgbench-low-' || :n, 'key-' || :key, :seq, :ts, decode('00112233445566778899aabbccddeeff', 'hex'));
INSERT INTO message_words (conversation, seq, pos, words) VALUES ('pgbench-' || :n, :seq, :position, array_to_tsvector(ARRAY[repeat('x', 100)]));
UPDATE conversation SET head = :seq, head_ts = :ts, said = :said, low_said = :low_said WHERE id = 'pgbench-' || :n;
COMMIT;
