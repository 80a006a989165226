-- The place of a member of a group among all who ever were in it, counted from 1.
ALTER TABLE member ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;
UPDATE member SET slot = numbered.slot FROM
    (SELECT user, conversation, row_number() OVER (PARTITION BY conversation ORDER BY user) AS slot
     FROM member WHERE joined > 0) AS numbered
WHERE member.user = numbered.user AND member.conversation = numbered.conversation;
CREATE UNIQUE INDEX member_slot ON member (conversation, slot) WHERE slot > 0;

-- How many places were given.
ALTER TABLE chat_group ADD COLUMN slots INTEGER NOT NULL DEFAULT 0;
UPDATE chat_group SET slots =
    (SELECT coalesce(max(slot), 0) FROM member m WHERE m.conversation = chat_group.conversation);

-- How far the members of groups are, many in a row: see mark_blocks.rs. Who has no mark yet, or is
-- out, is as far as their row in `member` says.
CREATE TABLE mark_block (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    block        INTEGER NOT NULL,
    marks        BLOB NOT NULL,
    UNIQUE (conversation, block)
) STRICT;
