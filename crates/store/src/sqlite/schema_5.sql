-- The position of the newest entry when a member's read watermark last moved; `moved` is that of the
-- delivered one. Those who have no read receipts tell the one and not the other.
ALTER TABLE member ADD COLUMN read_moved INTEGER NOT NULL DEFAULT 0;

-- What is private to a user: see own.rs. A removed record stays for a while, without a value, so
-- that others of the user's devices learn of it.
CREATE TABLE own (
    user   INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT,             -- JSON
    sealed BLOB,             -- the value, encrypted: see own_keys.rs. Then `value` is empty
    at     INTEGER NOT NULL, -- milliseconds since 1970, UTC; grows with each change of the record
    moved  INTEGER NOT NULL, -- the position of the newest entry when it last changed
    PRIMARY KEY (user, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX own_at ON own (user, kind, at);
CREATE INDEX own_moved ON own (user, kind, moved);

-- How many records of a kind a user has, and how many removed ones are remembered; time and position
-- of the newest removed one that is not remembered any more.
CREATE TABLE own_kind (
    user            INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    live            INTEGER NOT NULL,
    removed         INTEGER NOT NULL,
    forgotten_at    INTEGER NOT NULL DEFAULT -1,
    forgotten_moved INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (user, kind)
) STRICT, WITHOUT ROWID;

-- The key of each user who has sealed records, sealed by a master key.
CREATE TABLE own_key (
    user   INTEGER PRIMARY KEY,
    master INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Who users say they are. `token_name` counts while there is no `name`.
CREATE TABLE profile (
    user       INTEGER PRIMARY KEY,
    name       TEXT,
    token_name TEXT,
    avatar     TEXT,
    about      TEXT
) STRICT;

-- The words by which they are found.
CREATE TABLE profile_word (
    word TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (word, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_word_of ON profile_word (user, word);
