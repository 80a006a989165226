-- The position of the newest entry when a member's watermarks last moved, so that it can be
-- computed what moved since a position.
ALTER TABLE member ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;

-- Whom a user keeps from writing to them. A block that was lifted stays, so that others of the
-- user's devices learn of it.
CREATE TABLE block (
    user   INTEGER NOT NULL,
    other  INTEGER NOT NULL,
    active INTEGER NOT NULL,
    at     INTEGER NOT NULL, -- milliseconds since 1970, UTC
    moved  INTEGER NOT NULL, -- the position of the newest entry when it last changed
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

-- The secret of which recovery tokens are made.
INSERT INTO meta (key, value) VALUES ('seal_key', randomblob(32));
