-- A checksum of each entry: see sums.rs. Entries of older versions have none.
ALTER TABLE entry ADD COLUMN sum INTEGER;

-- Up to this position an entry may lack its checksum.
INSERT INTO meta (key, value) VALUES ('sums_after', (SELECT coalesce(max(pos), 0) FROM entry));

-- The seq of the first entry that is kept: those before it were removed for their age.
ALTER TABLE conversation ADD COLUMN first INTEGER NOT NULL DEFAULT 1;

-- The time of a key's entry, once the entry is removed; else NULL.
ALTER TABLE idempotency ADD COLUMN ts INTEGER;
CREATE INDEX key_left ON idempotency (ts) WHERE ts IS NOT NULL;

-- The content of an entry, encrypted: see cipher.rs. Then `content` is empty.
ALTER TABLE entry ADD COLUMN sealed BLOB;

-- The master keys that data keys are sealed by, by their public names.
CREATE TABLE master_key (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The key of each conversation that has sealed entries, sealed by a master key.
CREATE TABLE data_key (
    conversation INTEGER PRIMARY KEY,
    master       INTEGER NOT NULL,
    sealed       BLOB NOT NULL
) STRICT;
