-- A checksum of each entry: see sums.rs. Entries of older versions have none.
ALTER TABLE entry ADD COLUMN sum INTEGER;

-- Up to this position an entry may lack its checksum.
INSERT INTO meta (key, value) VALUES ('sums_after', (SELECT coalesce(max(pos), 0) FROM entry));
