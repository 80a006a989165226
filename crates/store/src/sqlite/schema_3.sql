-- A checksum of each entry: see sums.rs. Entries of older versions have none.
ALTER TABLE entry ADD COLUMN sum INTEGER;

-- Up to this position an entry may lack its checksum.
INSERT INTO meta (key, value) VALUES ('sums_after', (SELECT coalesce(max(pos), 0) FROM entry));

-- The seq of the first entry that is kept: those before it were removed for their age.
ALTER TABLE conversation ADD COLUMN first INTEGER NOT NULL DEFAULT 1;

-- The time of a key's entry, once the entry is removed; else NULL.
ALTER TABLE idempotency ADD COLUMN ts INTEGER;
CREATE INDEX key_left ON idempotency (ts) WHERE ts IS NOT NULL;
