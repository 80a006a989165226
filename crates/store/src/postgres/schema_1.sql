-- Times are milliseconds since 1970, UTC. Ids are the texts that clients know, compared by their bytes.

CREATE TABLE meta (
    key   text PRIMARY KEY,
    value bytea NOT NULL
);
COMMENT ON TABLE meta IS 'Facts about the store itself.';

CREATE TABLE counter (
    id       boolean PRIMARY KEY DEFAULT true CHECK (id),
    position bigint NOT NULL
);
COMMENT ON TABLE counter IS
    'One row: the position of the newest entry of all. Locked from where a transaction takes positions until its end, so that positions are dense and become visible in their order.';
INSERT INTO counter (position) VALUES (0);

CREATE TABLE conversation (
    id            text COLLATE "C" PRIMARY KEY,
    low           text COLLATE "C",
    high          text COLLATE "C",
    head          bigint NOT NULL DEFAULT 0,
    head_ts       bigint NOT NULL DEFAULT 0,
    said          bigint NOT NULL DEFAULT 0,
    low_said      bigint NOT NULL DEFAULT 0,
    first         bigint NOT NULL DEFAULT 1,
    gone_said     bigint NOT NULL DEFAULT 0,
    gone_low_said bigint NOT NULL DEFAULT 0,
    timer_ms      bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 60);
COMMENT ON TABLE conversation IS 'What is in common to all of a log: its members, if it is of two, and its newest entry.';
COMMENT ON COLUMN conversation.low IS 'The two members in the order of their bytes, the same one twice for notes to oneself; NULL for a group.';
COMMENT ON COLUMN conversation.head IS 'The seq of the newest entry.';
COMMENT ON COLUMN conversation.head_ts IS 'Its time: that of no later entry is less.';
COMMENT ON COLUMN conversation.said IS 'How many messages there were.';
COMMENT ON COLUMN conversation.low_said IS 'How many of them `low` said.';
COMMENT ON COLUMN conversation.first IS 'The seq of the first entry that is kept; those before it were removed for their age.';
COMMENT ON COLUMN conversation.gone_said IS 'How many messages were removed.';
COMMENT ON COLUMN conversation.gone_low_said IS 'How many of them `low` said.';
COMMENT ON COLUMN conversation.timer_ms IS 'After how many milliseconds new messages end; 0 for never.';

CREATE TABLE entry (
    conversation text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    pos          bigint NOT NULL,
    epoch        bigint NOT NULL,
    ts           bigint NOT NULL,
    sender       text COLLATE "C" NOT NULL,
    client_id    text COLLATE "C",
    kind         bigint NOT NULL,
    about        bigint,
    content      text NOT NULL,
    envelope     text,
    expires      bigint,
    gone         bigint,
    said         bigint NOT NULL,
    low_said     bigint NOT NULL,
    shadow       boolean NOT NULL,
    moderated    boolean NOT NULL,
    PRIMARY KEY (conversation, seq)
) PARTITION BY HASH (conversation);
COMMENT ON TABLE entry IS 'The logs. Partitioned by conversation, so that they can be spread.';
COMMENT ON COLUMN entry.seq IS 'The place in the conversation: 1, 2, 3, … without gaps.';
COMMENT ON COLUMN entry.pos IS 'The place among all entries of the store.';
COMMENT ON COLUMN entry.ts IS 'Never decreases with seq.';
COMMENT ON COLUMN entry.kind IS '0 a message, 1 a change of the group, 2 an edit, 3 a deletion, 4 and 5 reactions, 6 and 7 pins, 8 an event of the app, 9 a timer, 10 a message for its sender alone.';
COMMENT ON COLUMN entry.about IS 'Of an entry about an earlier one, or a message in the thread of an earlier one: the seq of that.';
COMMENT ON COLUMN entry.content IS 'The JSON text as the sender wrote it.';
COMMENT ON COLUMN entry.envelope IS 'What is written on the outside, as JSON.';
COMMENT ON COLUMN entry.expires IS 'When the content ends.';
COMMENT ON COLUMN entry.gone IS 'The seq of the entry that deleted the content; its own, if the content has ended. Then `content` is null.';
COMMENT ON COLUMN entry.said IS 'How many of the entries up to this one are messages.';
COMMENT ON COLUMN entry.low_said IS 'How many of them `low` of the conversation said; -1 in a group.';
COMMENT ON COLUMN entry.shadow IS 'Whether nobody but the sender may see it.';
COMMENT ON COLUMN entry.moderated IS 'Whether a moderator did it in the name of the sender.';
DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE entry_%s PARTITION OF entry FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
END
$$;
CREATE INDEX entry_since ON entry (conversation, pos);
CREATE INDEX entry_arrival ON entry USING brin (pos) WITH (autosummarize = on);
CREATE INDEX entry_own ON entry (conversation, sender, seq) WHERE kind = 0 AND low_said < 0;
CREATE INDEX entry_about ON entry (conversation, about, seq) WHERE about IS NOT NULL;
CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL AND gone IS NULL;

CREATE TABLE idempotency (
    conversation text COLLATE "C" NOT NULL,
    sender       text COLLATE "C" NOT NULL,
    client_id    text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    ts           bigint NOT NULL,
    digest       bytea NOT NULL,
    PRIMARY KEY (conversation, sender, client_id)
);
COMMENT ON TABLE idempotency IS 'The idempotency keys that are remembered, each with the entry it stands for and the first 16 bytes of a SHA-256 of what was wished.';
CREATE INDEX idempotency_age ON idempotency USING brin (ts) WITH (autosummarize = on);

CREATE TABLE member (
    conversation text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    delivered    bigint NOT NULL DEFAULT 0,
    delivered_at bigint NOT NULL DEFAULT 0,
    read         bigint NOT NULL DEFAULT 0,
    read_at      bigint NOT NULL DEFAULT 0,
    moved        bigint NOT NULL DEFAULT 0,
    read_moved   bigint NOT NULL DEFAULT 0,
    role         bigint NOT NULL DEFAULT 0,
    joined       bigint NOT NULL DEFAULT 0,
    joined_at    bigint NOT NULL DEFAULT 0,
    seen_from    bigint NOT NULL DEFAULT 1,
    ended        bigint,
    muted_until  bigint,
    said_at      bigint,
    slot         bigint NOT NULL DEFAULT 0,
    request      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, user_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE member IS 'Who is in which conversation, and how far on any device.';
COMMENT ON COLUMN member.moved IS 'The position of the newest entry when `delivered` last moved.';
COMMENT ON COLUMN member.read_moved IS 'The same of `read`.';
COMMENT ON COLUMN member.role IS '0 a member, 1 a moderator, 2 an admin, 3 the owner.';
COMMENT ON COLUMN member.joined IS 'The seq of the entry by which they came into the group; 0 in direct conversations.';
COMMENT ON COLUMN member.seen_from IS 'The first seq that they may see.';
COMMENT ON COLUMN member.ended IS 'The last one, once they are out.';
COMMENT ON COLUMN member.said_at IS 'When they last posted, where slow mode asks for it.';
COMMENT ON COLUMN member.slot IS 'The place among all who ever were in the group, counted from 1.';
COMMENT ON COLUMN member.request IS 'What a direct conversation is to them: 0 ordinary, 1 a request, 2 a declined one, 3 an accepted one.';
CREATE INDEX member_of ON member (user_id, conversation);
CREATE UNIQUE INDEX member_slot ON member (conversation, slot) WHERE slot > 0;

CREATE TABLE past_member (
    conversation text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    joined       bigint NOT NULL,
    seen_from    bigint NOT NULL,
    ended        bigint NOT NULL,
    PRIMARY KEY (conversation, user_id, joined)
);
COMMENT ON TABLE past_member IS 'Earlier memberships of those who came back.';

CREATE TABLE chat_group (
    conversation text COLLATE "C" PRIMARY KEY,
    title        text NOT NULL,
    owner        text COLLATE "C" NOT NULL,
    settings     text NOT NULL,
    members      bigint NOT NULL DEFAULT 0,
    created      bigint NOT NULL,
    born         bigint NOT NULL DEFAULT 0,
    wish         bytea NOT NULL,
    deleted      bigint NOT NULL DEFAULT 0,
    marked       bigint NOT NULL DEFAULT 0,
    marked_at    bigint NOT NULL DEFAULT 0,
    slots        bigint NOT NULL DEFAULT 0,
    rules        text
);
COMMENT ON TABLE chat_group IS 'Groups, each with its conversation.';
COMMENT ON COLUMN chat_group.born IS 'The position of its first entry.';
COMMENT ON COLUMN chat_group.wish IS 'Of what it was made by: the first 16 bytes of a SHA-256.';
COMMENT ON COLUMN chat_group.deleted IS 'The seq of the entry that ended it; 0 while it lives.';
COMMENT ON COLUMN chat_group.marked IS 'The position of the newest entry when a watermark last moved, in groups that tell each member so.';
COMMENT ON COLUMN chat_group.slots IS 'How many slots were given to members.';
COMMENT ON COLUMN chat_group.rules IS 'What may not be said there, as JSON.';
CREATE INDEX group_ruled ON chat_group (conversation) WHERE rules IS NOT NULL;

CREATE TABLE ban (
    conversation text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    until        bigint NOT NULL,
    PRIMARY KEY (conversation, user_id)
);
CREATE TABLE invite (
    conversation text COLLATE "C" NOT NULL,
    code         text COLLATE "C" NOT NULL,
    maker        text COLLATE "C" NOT NULL,
    made         bigint NOT NULL,
    until        bigint NOT NULL,
    uses_left    bigint NOT NULL,
    PRIMARY KEY (conversation, code)
);
CREATE TABLE join_request (
    conversation text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (conversation, user_id)
);
COMMENT ON TABLE ban IS 'Who may not come into which group, and until when.';
COMMENT ON TABLE invite IS 'How one may come into a group without being added.';
COMMENT ON TABLE join_request IS 'Who has asked to come into a group.';

CREATE TABLE device (
    user_id   text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    active    boolean NOT NULL,
    created   bigint NOT NULL,
    last_seen bigint NOT NULL,
    revoked   bigint,
    PRIMARY KEY (user_id, name)
);
COMMENT ON TABLE device IS 'Named devices. A revoked one stays, so that older tokens do not open it; the oldest of many are folded into one whose name is empty.';
CREATE TABLE delivered (
    user_id      text COLLATE "C" NOT NULL,
    device       text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (user_id, device, conversation)
) WITH (fillfactor = 70);
COMMENT ON TABLE delivered IS 'How far each named device is; the shared device is as far as its user.';
CREATE TABLE token_floor (
    user_id    text COLLATE "C" PRIMARY KEY,
    not_before bigint NOT NULL
);
COMMENT ON TABLE token_floor IS 'Since when tokens of a user must have been issued, where older ones were revoked.';

CREATE TABLE block (
    user_id text COLLATE "C" NOT NULL,
    other   text COLLATE "C" NOT NULL,
    active  boolean NOT NULL,
    at      bigint NOT NULL,
    moved   bigint NOT NULL,
    PRIMARY KEY (user_id, other)
);
COMMENT ON TABLE block IS 'Whom a user keeps from writing to them. Of those that were lifted the last stays, so that other devices learn of it.';

CREATE TABLE own (
    user_id text COLLATE "C" NOT NULL,
    kind    bigint NOT NULL,
    key     text COLLATE "C" NOT NULL,
    value   text,
    at      bigint NOT NULL,
    moved   bigint NOT NULL,
    due     bigint,
    PRIMARY KEY (user_id, kind, key)
);
COMMENT ON TABLE own IS 'What is private to a user. A removed record stays for a while, without a value, so that other devices learn of it.';
COMMENT ON COLUMN own.kind IS '0 draft, 1 star, 2 muted, 3 archived, 4 unread, 5 pinned, 6 hidden, 7 contact, 8 privacy, 9 schedule, 10 request.';
COMMENT ON COLUMN own.due IS 'Of a message that is to be said later: when.';
CREATE INDEX own_at ON own (user_id, kind, at);
CREATE INDEX own_due ON own (due, at) WHERE due IS NOT NULL;
CREATE TABLE own_kind (
    user_id         text COLLATE "C" NOT NULL,
    kind            bigint NOT NULL,
    live            bigint NOT NULL,
    removed         bigint NOT NULL,
    forgotten_at    bigint NOT NULL DEFAULT -1,
    forgotten_moved bigint NOT NULL DEFAULT -1,
    PRIMARY KEY (user_id, kind)
);
COMMENT ON TABLE own_kind IS 'How many records of a kind a user has, how many removed ones are remembered, and the newest removed one that is not.';

CREATE TABLE profile (
    user_id    text COLLATE "C" PRIMARY KEY,
    name       text,
    token_name text,
    avatar     text,
    about      text
);
COMMENT ON TABLE profile IS 'Who users say they are. `token_name` counts while there is no `name`.';
CREATE TABLE profile_word (
    word    text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (word, user_id)
);
COMMENT ON TABLE profile_word IS 'The words by which users are found.';
CREATE INDEX profile_word_of ON profile_word (user_id, word);

CREATE TABLE message_state (
    conversation text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    edits        bigint NOT NULL DEFAULT 0,
    pinned       bigint,
    replies      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, seq)
);
COMMENT ON TABLE message_state IS 'Messages to which something was done. What is not here is as it was said.';
CREATE INDEX message_pins ON message_state (conversation, pinned) WHERE pinned IS NOT NULL;
CREATE TABLE reaction (
    conversation text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    emoji        text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    since        bigint NOT NULL,
    PRIMARY KEY (conversation, seq, emoji, user_id)
);
COMMENT ON TABLE reaction IS 'Who reacts how; `since` is the seq of the entry by which that reaction came to the message.';
CREATE TABLE mention (
    conversation text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (conversation, user_id, seq)
);
COMMENT ON TABLE mention IS 'Whom messages mention; an empty user stands for all.';
CREATE INDEX mention_of ON mention (conversation, seq);

CREATE TABLE message_words (
    conversation text COLLATE "C" NOT NULL,
    seq          bigint NOT NULL,
    pos          bigint NOT NULL,
    words        tsvector,
    PRIMARY KEY (conversation, seq)
);
COMMENT ON TABLE message_words IS 'The words of messages and of all their edits, by which they are proposed to a search; NULL for one with too many, which is always proposed.';
CREATE INDEX message_words_index ON message_words USING gin (words);
CREATE INDEX message_words_many ON message_words (conversation, pos) WHERE words IS NULL;

CREATE TABLE report (
    id           bigint PRIMARY KEY,
    at           bigint NOT NULL,
    reporter     text COLLATE "C",
    client_id    text COLLATE "C",
    conversation text COLLATE "C",
    seq          bigint,
    accused      text COLLATE "C" NOT NULL,
    reason       text NOT NULL,
    comment      text,
    content      text,
    state        bigint NOT NULL,
    moderator    text COLLATE "C",
    moved        bigint,
    outcome      text,
    note         text
);
COMMENT ON TABLE report IS 'What users and content rules (no reporter) brought before the moderators, with the message as it was then.';
COMMENT ON COLUMN report.state IS '0 open, 1 taken, 2 resolved, 3 dismissed.';
CREATE INDEX report_state ON report (state, id);
CREATE UNIQUE INDEX report_key ON report (reporter, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX report_on ON report (conversation, seq) WHERE reporter IS NULL;
CREATE INDEX report_by ON report (reporter, accused) WHERE state < 2;
CREATE TABLE suspension (
    user_id text COLLATE "C" PRIMARY KEY,
    until   bigint,
    reason  text NOT NULL
);
COMMENT ON TABLE suspension IS 'Who may neither connect nor send; without an end until it is lifted.';
CREATE TABLE notice (
    id      bigint PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    text    text NOT NULL
);
COMMENT ON TABLE notice IS 'What users are told by moderators and have not confirmed.';
CREATE INDEX notice_of ON notice (user_id, id);
CREATE TABLE audit (
    number    bigint PRIMARY KEY,
    at        bigint NOT NULL,
    moderator text COLLATE "C" NOT NULL,
    deed      text NOT NULL,
    user_id   text COLLATE "C" NOT NULL,
    report    bigint,
    until     bigint,
    text      text,
    note      text,
    client_id text COLLATE "C",
    hash      bytea NOT NULL
);
COMMENT ON TABLE audit IS 'What moderators did, never changed: each hash is over its entry and the hash before it.';
CREATE UNIQUE INDEX audit_key ON audit (moderator, client_id) WHERE client_id IS NOT NULL;
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

-- How each member stands in a conversation.
CREATE VIEW standing AS
SELECT m.*,
       c.low, c.high, c.timer_ms, c.first, h.seq AS head,
       greatest(0, coalesce((SELECT min(p.joined) FROM past_member p
                             WHERE p.conversation = m.conversation AND p.user_id = m.user_id),
                            m.joined) - 1) AS before_heard,
       (SELECT e.pos FROM entry e
        WHERE e.conversation = m.conversation AND e.seq <= h.seq
        AND (NOT e.shadow OR e.sender = m.user_id)
        ORDER BY e.seq DESC LIMIT 1) AS last,
       CASE WHEN m.read >= h.seq OR c.low = c.high THEN 0
            WHEN c.low IS NULL THEN h.said - f.said
                 - (SELECT count(*) FROM entry e
                    WHERE e.conversation = m.conversation AND e.sender = m.user_id AND e.kind = 0
                    AND e.low_said < 0 AND e.seq > m.read AND e.seq <= h.seq)
            WHEN c.low = m.user_id THEN (h.said - f.said) - (h.low_said - f.low_said)
            ELSE h.low_said - f.low_said END AS unread,
       (SELECT count(*) FROM mention x
        JOIN entry e ON e.conversation = x.conversation AND e.seq = x.seq
        WHERE x.conversation = m.conversation AND x.user_id IN ('', m.user_id)
        AND x.seq > m.read AND x.seq <= h.seq AND e.sender <> m.user_id) AS mentions
FROM member m
JOIN conversation c ON c.id = m.conversation
CROSS JOIN LATERAL (
    SELECT coalesce(m.ended, c.head) AS seq,
           CASE WHEN m.ended IS NULL THEN c.said ELSE coalesce(e.said, c.gone_said) END AS said,
           CASE WHEN m.ended IS NULL THEN c.low_said ELSE coalesce(e.low_said, c.gone_low_said) END AS low_said
    FROM (SELECT 1) one LEFT JOIN entry e ON e.conversation = m.conversation AND e.seq = m.ended) h
CROSS JOIN LATERAL (
    SELECT coalesce(e.said, c.gone_said) AS said, coalesce(e.low_said, c.gone_low_said) AS low_said
    FROM (SELECT 1) one LEFT JOIN entry e ON e.conversation = m.conversation AND e.seq = m.read) f;
COMMENT ON VIEW standing IS 'How each member stands in a conversation: the newest entry they may see (head), its position (last), and what they have not read.';

CREATE VIEW messages AS
SELECT e.pos AS position, e.conversation, e.seq, to_timestamp(e.ts / 1000.0) AS sent_at, e.sender,
       e.client_id, CASE WHEN e.gone IS NULL THEN e.content END AS content,
       e.gone IS NOT NULL AND e.gone <> e.seq AS deleted,
       (SELECT d.content FROM entry d WHERE d.conversation = e.conversation AND d.about = e.seq
        AND d.kind = 2 AND d.gone IS NULL ORDER BY d.seq DESC LIMIT 1) AS edited,
       to_timestamp(e.expires / 1000.0) AS expires_at
FROM entry e WHERE e.kind = 0;
COMMENT ON VIEW messages IS 'For people with a SQL shell: what was said, where, by whom, when.';
