-- The rows of one message in one transaction, as the store writes them, for `pgbench` to set beside
-- postgres_bench.rs. The rules are left out, and so is the index of words.
\set n random(0, 9999)
BEGIN;
SELECT pg_advisory_xact_lock(:n);
SELECT head, head_ts, said, low_said FROM conversation WHERE id = 'dm:from-' || :n || ':to-' || :n;
SELECT seq FROM idempotency WHERE conversation = 'dm:from-' || :n || ':to-' || :n
    AND sender = 'from-' || :n AND client_id = md5(random()::text);
UPDATE conversation SET head = head + 1, head_ts = extract(epoch FROM now()) * 1000, said = said + 1,
    low_said = low_said + 1 WHERE id = 'dm:from-' || :n || ':to-' || :n RETURNING head AS seq \gset
UPDATE counter SET position = position + 1 RETURNING position \gset
INSERT INTO entry (conversation, seq, pos, epoch, ts, sender, client_id, kind, content, said, low_said,
    shadow, moderated)
VALUES ('dm:from-' || :n || ':to-' || :n, :seq, :position, 1, extract(epoch FROM now()) * 1000,
    'from-' || :n, md5(random()::text), 0, '"' || repeat('words of it ', 25) || '"', :seq, :seq, false, false);
INSERT INTO idempotency (conversation, sender, client_id, seq, ts, digest)
VALUES ('dm:from-' || :n || ':to-' || :n, 'from-' || :n, md5(random()::text), :seq,
    extract(epoch FROM now()) * 1000, decode(md5('x'), 'hex'));
COMMIT;
