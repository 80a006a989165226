-- What users and content rules brought before the moderators: see reports.rs.
CREATE TABLE report (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL, -- milliseconds since 1970, UTC
    reporter     INTEGER,          -- the user; NULL for a content rule
    client_id    TEXT,             -- the reporter's idempotency key
    conversation INTEGER,          -- of the message; NULL for a user
    seq          INTEGER,
    accused      INTEGER NOT NULL,
    reason       TEXT NOT NULL,    -- a word; the rule's id, if a rule reported it
    comment      TEXT,
    content      TEXT,             -- the message as it was then
    sealed       BLOB,             -- the same, encrypted; then `content` is NULL
    state        INTEGER NOT NULL, -- 0 open, 1 taken, 2 resolved, 3 dismissed
    moderator    INTEGER,          -- who took or closed it
    moved        INTEGER,          -- when
    outcome      TEXT,
    note         TEXT
) STRICT;

CREATE INDEX report_state ON report (state, id);
CREATE UNIQUE INDEX report_key ON report (reporter, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX report_on ON report (conversation, seq) WHERE reporter IS NULL;
CREATE INDEX report_by ON report (reporter, accused) WHERE state < 2;

-- Who may neither connect nor send.
CREATE TABLE suspension (
    user   INTEGER PRIMARY KEY,
    until  INTEGER,                -- NULL until it is ended
    reason TEXT NOT NULL
) STRICT;

-- What users are told and have not confirmed.
CREATE TABLE notice (
    id   INTEGER PRIMARY KEY,      -- the number of the audit log's entry that says so
    user INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX notice_of ON notice (user, id);

-- What moderators did, never changed: each entry's hash is over it and the hash before it.
CREATE TABLE audit (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    moderator INTEGER NOT NULL,
    deed      TEXT NOT NULL,
    user      INTEGER NOT NULL,
    report    INTEGER,
    until     INTEGER,
    text      TEXT,
    note      TEXT,
    client_id TEXT,                -- the moderator's idempotency key
    hash      BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX audit_key ON audit (moderator, client_id) WHERE client_id IS NOT NULL;

CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;

-- How many entries the audit log has and the hash of the last, so that a lost end shows.
INSERT INTO meta (key, value) VALUES ('audit_head', zeroblob(40));
