-- What is done to messages, and what is written on their outside.
-- Of an entry about an earlier one, or a message in the thread of an earlier one: the seq of that.
ALTER TABLE entry ADD COLUMN about INTEGER;
-- What is written on the outside of a message, as JSON: see body.rs.
ALTER TABLE entry ADD COLUMN envelope TEXT;
-- Of an entry whose content was deleted: the seq of the entry that says so. Then `content` is
-- `null` and `sealed` is NULL.
ALTER TABLE entry ADD COLUMN gone INTEGER;
CREATE INDEX entry_edits ON entry (conversation, about, seq) WHERE kind = 2;
CREATE INDEX entry_thread ON entry (conversation, about, seq) WHERE kind = 0 AND about IS NOT NULL;

-- Messages to which something was done. What is not here is as it was said.
CREATE TABLE message_state (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    edits        INTEGER NOT NULL DEFAULT 0, -- how many; none of one that is gone
    pinned       INTEGER, -- the seq of the entry that pinned it
    replies      INTEGER NOT NULL DEFAULT 0, -- messages in its thread
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_pins ON message_state (conversation, pinned) WHERE pinned IS NOT NULL;

CREATE TABLE reaction (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    user         INTEGER NOT NULL,
    emoji        TEXT NOT NULL,
    PRIMARY KEY (conversation, seq, user, emoji)
) STRICT, WITHOUT ROWID;

-- How many users react alike, so that a page of history need not count them.
CREATE TABLE reaction_count (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    emoji        TEXT NOT NULL,
    users        INTEGER NOT NULL,
    since        INTEGER NOT NULL, -- the seq of the entry by which it came
    PRIMARY KEY (conversation, seq, emoji)
) STRICT, WITHOUT ROWID;

-- Whom messages mention; user 0 stands for all.
CREATE TABLE mention (
    conversation INTEGER NOT NULL,
    user         INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, user, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_of ON mention (conversation, seq);

DROP VIEW messages;
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
       CASE WHEN e.gone IS NULL THEN e.content END AS content,
       life.epoch,
       e.gone IS NOT NULL AS deleted,
       -- The newest content, where it was edited.
       (SELECT d.content FROM entry d WHERE d.conversation = e.conversation AND d.about = e.seq
        AND d.kind = 2 AND d.gone IS NULL ORDER BY d.seq DESC LIMIT 1) AS edited
FROM entry e
JOIN conversation c ON c.id = e.conversation
JOIN user s ON s.id = e.sender
LEFT JOIN user l ON l.id = c.low
LEFT JOIN user h ON h.id = c.high
LEFT JOIN chat_group g ON g.conversation = c.id
JOIN life ON life.id = e.life
WHERE e.kind = 0;
