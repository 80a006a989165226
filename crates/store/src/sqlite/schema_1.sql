-- Facts about the store itself: see life.rs and sweep.rs.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- The lives of the log. Entries name theirs by its small id.
CREATE TABLE life (
    id          INTEGER PRIMARY KEY,
    epoch       INTEGER NOT NULL UNIQUE,
    began_after INTEGER NOT NULL -- the position of the last entry before it
) STRICT;

CREATE TABLE user (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A direct conversation: its two members in the byte order of their names, twice the same one
-- for notes to oneself.
CREATE TABLE conversation (
    id   INTEGER PRIMARY KEY,
    low  INTEGER NOT NULL,
    high INTEGER NOT NULL,
    UNIQUE (low, high)
) STRICT;

-- The logs, in the order of arrival.
CREATE TABLE entry (
    pos          INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    life         INTEGER NOT NULL,
    ts           INTEGER NOT NULL, -- milliseconds since 1970, UTC; never decreases with seq
    sender       INTEGER NOT NULL,
    low_count    INTEGER NOT NULL, -- entries up to this one by the conversation's `low`
    client_id    TEXT,
    content      TEXT NOT NULL     -- the JSON text as the sender wrote it
) STRICT;

CREATE UNIQUE INDEX entry_place ON entry (conversation, seq);

-- The idempotency keys still remembered.
CREATE TABLE idempotency (
    client_id    TEXT NOT NULL,
    sender       INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    digest       BLOB NOT NULL, -- of the content: the first 16 bytes of its SHA-256
    PRIMARY KEY (client_id, sender, conversation)
) STRICT, WITHOUT ROWID;

-- Who is in which conversation, and how far: `delivered` on any device.
CREATE TABLE member (
    user         INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    delivered    INTEGER NOT NULL DEFAULT 0,
    delivered_at INTEGER NOT NULL DEFAULT 0,
    read         INTEGER NOT NULL DEFAULT 0,
    read_at      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user, conversation)
) STRICT, WITHOUT ROWID;

-- Named devices. A revoked one stays as a tombstone, so that older tokens do not open it; the
-- oldest of many are folded into one whose name is empty.
CREATE TABLE device (
    id        INTEGER PRIMARY KEY,
    user      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    active    INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    revoked   INTEGER,
    UNIQUE (user, name)
) STRICT;

-- How far each named device is; the shared device is as far as its user.
CREATE TABLE delivered (
    device       INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (device, conversation)
) STRICT, WITHOUT ROWID;

CREATE VIEW conversations AS
SELECT c.id,
       'dm:' || replace(replace(l.name, '%', '%25'), ':', '%3A')
       || ':' || replace(replace(h.name, '%', '%25'), ':', '%3A') AS name,
       l.name AS low,
       h.name AS high,
       (SELECT max(seq) FROM entry WHERE conversation = c.id) AS head
FROM conversation c JOIN user l ON l.id = c.low JOIN user h ON h.id = c.high;

-- For people with a SQL shell: what was said, by whom, to whom, when.
CREATE VIEW messages AS
SELECT e.pos AS position,
       'dm:' || replace(replace(l.name, '%', '%25'), ':', '%3A')
       || ':' || replace(replace(h.name, '%', '%25'), ':', '%3A') AS conversation,
       e.seq,
       strftime('%Y-%m-%d %H:%M:%f', e.ts / 1000.0, 'unixepoch') AS sent_at,
       CASE e.sender WHEN c.low THEN l.name ELSE h.name END AS sender,
       CASE e.sender WHEN c.low THEN h.name ELSE l.name END AS recipient,
       e.client_id,
       e.content,
       life.epoch
FROM entry e
JOIN conversation c ON c.id = e.conversation
JOIN user l ON l.id = c.low
JOIN user h ON h.id = c.high
JOIN life ON life.id = e.life;
