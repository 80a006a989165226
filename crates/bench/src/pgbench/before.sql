-- 500 conversations of two, for append.sql.
INSERT INTO conversation (id, low, high)
SELECT 'pgbench-' || n, 'pgbench-low-' || n, 'pgbench-high-' || n FROM generate_series(1, 500) AS n;
INSERT INTO member (conversation, user_id)
SELECT 'pgbench-' || n, side || n FROM generate_series(1, 500) AS n, unnest(ARRAY['pgbench-low-', 'pgbench-high-']) AS side;
