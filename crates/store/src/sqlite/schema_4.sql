-- Groups. A conversation has two members by itself, or is that of a group and has none.
DROP VIEW conversations;
DROP VIEW messages;
CREATE TABLE conversation_or_group (
    id    INTEGER PRIMARY KEY,
    low   INTEGER, -- its two members in the byte order of their names, twice the same one for
    high  INTEGER, -- notes to oneself; neither for a group's
    first INTEGER NOT NULL DEFAULT 1, -- the seq of the first entry that is kept
    UNIQUE (low, high),
    CHECK ((low IS NULL) = (high IS NULL))
) STRICT;
INSERT INTO conversation_or_group (id, low, high, first) SELECT id, low, high, first FROM conversation;
DROP TABLE conversation;
ALTER TABLE conversation_or_group RENAME TO conversation;

CREATE TABLE chat_group (
    conversation INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE, -- the group's id, as clients know it
    title        TEXT NOT NULL,
    owner        INTEGER NOT NULL,
    settings     TEXT NOT NULL, -- JSON: see body.rs
    members      INTEGER NOT NULL, -- how many are in
    created      INTEGER NOT NULL, -- milliseconds since 1970, UTC
    wish         BLOB NOT NULL, -- of what it was made by: the first 16 bytes of a SHA-256
    deleted      INTEGER NOT NULL DEFAULT 0, -- the seq of the entry that ended it; 0 while it lives
    -- The position of the newest entry, and the time, when a member's watermarks last moved, in
    -- groups that tell each member so.
    marked       INTEGER NOT NULL DEFAULT 0,
    marked_at    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Members of groups: role, by which entry they came in, what they may see.
ALTER TABLE member ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN joined INTEGER NOT NULL DEFAULT 0; -- seq; 0 in direct conversations
ALTER TABLE member ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN seen_from INTEGER NOT NULL DEFAULT 1; -- the first seq that they may see
ALTER TABLE member ADD COLUMN left INTEGER; -- the last one, once they are out
ALTER TABLE member ADD COLUMN muted_until INTEGER;
ALTER TABLE member ADD COLUMN said_at INTEGER; -- their last message, while slow mode is on
CREATE INDEX member_of_group ON member (conversation, user) WHERE joined > 0 AND left IS NULL;
CREATE INDEX member_groups ON member (user, conversation) WHERE joined > 0 AND left IS NULL;
CREATE INDEX member_staff ON member (conversation, user) WHERE role > 0;

-- Earlier memberships of those who came back.
CREATE TABLE past_member (
    user         INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    joined       INTEGER NOT NULL,
    seen_from    INTEGER NOT NULL,
    left         INTEGER NOT NULL,
    PRIMARY KEY (user, conversation, joined)
) STRICT, WITHOUT ROWID;

CREATE TABLE ban (
    conversation INTEGER NOT NULL,
    user         INTEGER NOT NULL,
    until        INTEGER NOT NULL, -- milliseconds since 1970, UTC
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    conversation INTEGER NOT NULL,
    code         TEXT NOT NULL,
    maker        INTEGER NOT NULL,
    made         INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    uses_left    INTEGER NOT NULL,
    PRIMARY KEY (conversation, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE join_request (
    conversation INTEGER NOT NULL,
    user         INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;

-- What an entry is: 0 for a message, else see body.rs.
ALTER TABLE entry ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
-- How many of the entries up to this one are messages; NULL in entries of older versions, where
-- all were. In groups `low_count` is -1, and one's own messages are counted by the index.
ALTER TABLE entry ADD COLUMN said INTEGER;
CREATE INDEX entry_said ON entry (conversation, sender, seq) WHERE low_count < 0 AND kind = 0;

CREATE VIEW conversations AS
SELECT c.id,
       coalesce('group:' || g.name,
                'dm:' || replace(replace(l.name, '%', '%25'), ':', '%3A')
                || ':' || replace(replace(h.name, '%', '%25'), ':', '%3A')) AS name,
       l.name AS low,
       h.name AS high,
       g.title AS title,
       (SELECT max(seq) FROM entry WHERE conversation = c.id) AS head
FROM conversation c
LEFT JOIN user l ON l.id = c.low
LEFT JOIN user h ON h.id = c.high
LEFT JOIN chat_group g ON g.conversation = c.id;

-- For people with a SQL shell: what was said, by whom, to whom, when.
CREATE VIEW messages AS
SELECT e.pos AS position,
       coalesce('group:' || g.name,
                'dm:' || replace(replace(l.name, '%', '%25'), ':', '%3A')
                || ':' || replace(replace(h.name, '%', '%25'), ':', '%3A')) AS conversation,
       e.seq,
       strftime('%Y-%m-%d %H:%M:%f', e.ts / 1000.0, 'unixepoch') AS sent_at,
       s.name AS sender,
       CASE e.sender WHEN c.low THEN h.name WHEN c.high THEN l.name END AS recipient,
       e.client_id,
       e.content,
       life.epoch
FROM entry e
JOIN conversation c ON c.id = e.conversation
JOIN user s ON s.id = e.sender
LEFT JOIN user l ON l.id = c.low
LEFT JOIN user h ON h.id = c.high
LEFT JOIN chat_group g ON g.conversation = c.id
JOIN life ON life.id = e.life
WHERE e.kind = 0;
