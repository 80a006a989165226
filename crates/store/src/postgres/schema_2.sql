-- A node reads the log on from a position, many times a second: that has to cost what is new, not a block range of each
-- partition.
CREATE INDEX entry_position ON entry (pos);
DROP INDEX entry_arrival;
