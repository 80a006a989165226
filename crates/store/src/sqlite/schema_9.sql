-- Messages that end, and messages that are said later.
-- When the content of a message, or of an edit of one, ends: milliseconds since 1970, UTC. Once it
-- was taken out for that, `gone` is the entry's own seq.
ALTER TABLE entry ADD COLUMN expires INTEGER;
CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL AND gone IS NULL;
-- After how many milliseconds new messages end; 0 for never.
ALTER TABLE conversation ADD COLUMN timer_ms INTEGER NOT NULL DEFAULT 0;
-- Of a message that is to be said later: when.
ALTER TABLE own ADD COLUMN due INTEGER;
CREATE INDEX own_due ON own (due, at) WHERE due IS NOT NULL;

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
       e.gone IS NOT NULL AND e.gone <> e.seq AS deleted,
       -- The newest content, where it was edited.
       (SELECT d.content FROM entry d WHERE d.conversation = e.conversation AND d.about = e.seq
        AND d.kind = 2 AND d.gone IS NULL ORDER BY d.seq DESC LIMIT 1) AS edited,
       strftime('%Y-%m-%d %H:%M:%f', e.expires / 1000.0, 'unixepoch') AS expires_at
FROM entry e
JOIN conversation c ON c.id = e.conversation
JOIN user s ON s.id = e.sender
LEFT JOIN user l ON l.id = c.low
LEFT JOIN user h ON h.id = c.high
LEFT JOIN chat_group g ON g.conversation = c.id
JOIN life ON life.id = e.life
WHERE e.kind = 0;
