//! What a store has beside its log and the words of it, table by table: how each row of the target is made of
//! the source's.
//!
//! The target has the ids that clients know where the source has numbers, and contents as they are where
//! the source may have them sealed. These tables are small beside the log, or change all the time; they are
//! copied anew, whole, once nobody writes to the source any more.

use super::cells::Kind;
use super::reading::Finish;
use super::{marks, opened};

/// What the source has for a column of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Int,
    Bool,
    Text,
    Bytes,
    /// The number of a user, who has a name in the target.
    User,
    /// The same, or 0 for all, who have an empty name.
    UserOrAll,
    /// The number of a conversation, which has a name in the target.
    Conversation,
}

impl Held {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Int => Kind::Int,
            Self::Bool => Kind::Bool,
            Self::Bytes => Kind::Bytes,
            Self::Text | Self::User | Self::UserOrAll | Self::Conversation => Kind::Text,
        }
    }
}

/// A table of the target.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Held)],
    /// What gives these columns in the source, and behind them what `finish` needs.
    pub(crate) sql: &'static str,
    pub(crate) finish: Finish,
}

impl Table {
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|(_, from)| from.kind()).collect()
    }
}

/// A table whose rows are what the statement gives.
const fn plain(
    name: &'static str,
    columns: &'static [(&'static str, Held)],
    sql: &'static str,
) -> Table {
    Table { name, columns, sql, finish: Finish::None }
}

use Held::{Bool, Bytes, Conversation, Int, Text, User, UserOrAll};

pub(crate) const TABLES: [Table; 23] = [
    plain(
        "conversation",
        &[
            ("id", Conversation),
            ("low", User),
            ("high", User),
            ("head", Int),
            ("head_ts", Int),
            ("said", Int),
            ("low_said", Int),
            ("first", Int),
            ("gone_said", Int),
            ("gone_low_said", Int),
            ("timer_ms", Int),
        ],
        // What was removed is counted by the first entry that is kept.
        "SELECT c.id, c.low, c.high, e.seq, e.ts, coalesce(e.said, e.seq), \
         CASE WHEN c.low IS NULL THEN 0 ELSE e.low_count END, c.first, \
         CASE WHEN c.first > 1 THEN coalesce(f.said, f.seq) - (f.kind = 0) ELSE 0 END, \
         CASE WHEN c.first > 1 AND c.low IS NOT NULL \
         THEN f.low_count - (f.kind = 0 AND f.sender = c.low) ELSE 0 END, c.timer_ms \
         FROM conversation c LEFT JOIN entry e ON e.conversation = c.id \
         AND e.seq = (SELECT max(seq) FROM entry WHERE conversation = c.id) \
         LEFT JOIN entry f ON f.conversation = c.id AND f.seq = c.first",
    ),
    Table {
        name: "idempotency",
        columns: &[
            ("conversation", Conversation),
            ("sender", User),
            ("client_id", Text),
            ("seq", Int),
            ("ts", Int),
            ("digest", Bytes),
        ],
        sql: "SELECT i.conversation, i.sender, i.client_id, i.seq, coalesce(i.ts, e.ts), i.digest, \
              k.conversation IS NOT NULL FROM idempotency i \
              LEFT JOIN entry e ON e.conversation = i.conversation AND e.seq = i.seq \
              LEFT JOIN data_key k ON k.conversation = i.conversation",
        finish: Finish::Each(opened::key),
    },
    Table {
        name: "member",
        columns: &[
            ("conversation", Conversation),
            ("user_id", User),
            ("delivered", Int),
            ("delivered_at", Int),
            ("read", Int),
            ("read_at", Int),
            ("moved", Int),
            ("read_moved", Int),
            ("role", Int),
            ("joined", Int),
            ("joined_at", Int),
            ("seen_from", Int),
            ("ended", Int),
            ("muted_until", Int),
            ("said_at", Int),
            ("slot", Int),
            ("request", Int),
        ],
        // In the order of the blocks, so that each is read once.
        sql: "SELECT conversation, user, delivered, delivered_at, read, read_at, moved, read_moved, \
              role, joined, joined_at, seen_from, left, muted_until, said_at, slot, request \
              FROM member ORDER BY conversation, slot",
        finish: Finish::Each(marks::member),
    },
    plain(
        "past_member",
        &[
            ("conversation", Conversation),
            ("user_id", User),
            ("joined", Int),
            ("seen_from", Int),
            ("ended", Int),
        ],
        "SELECT conversation, user, joined, seen_from, left FROM past_member",
    ),
    plain(
        "chat_group",
        &[
            ("conversation", Conversation),
            ("title", Text),
            ("owner", User),
            ("settings", Text),
            ("members", Int),
            ("created", Int),
            ("born", Int),
            ("wish", Bytes),
            ("deleted", Int),
            ("marked", Int),
            ("marked_at", Int),
            ("slots", Int),
            ("rules", Text),
        ],
        // Pages of groups are in the order of `born`: of one whose first entry was removed it is the
        // position of the next that is kept.
        "SELECT g.conversation, g.title, g.owner, g.settings, g.members, g.created, e.pos, g.wish, \
         g.deleted, g.marked, g.marked_at, g.slots, g.rules FROM chat_group g \
         JOIN conversation c ON c.id = g.conversation \
         LEFT JOIN entry e ON e.conversation = g.conversation AND e.seq = c.first",
    ),
    plain(
        "ban",
        &[("conversation", Conversation), ("user_id", User), ("until", Int)],
        "SELECT conversation, user, until FROM ban",
    ),
    plain(
        "invite",
        &[
            ("conversation", Conversation),
            ("code", Text),
            ("maker", User),
            ("made", Int),
            ("until", Int),
            ("uses_left", Int),
        ],
        "SELECT conversation, code, maker, made, until, uses_left FROM invite",
    ),
    plain(
        "join_request",
        &[("conversation", Conversation), ("user_id", User), ("at", Int)],
        "SELECT conversation, user, at FROM join_request",
    ),
    plain(
        "device",
        &[
            ("user_id", User),
            ("name", Text),
            ("active", Bool),
            ("created", Int),
            ("last_seen", Int),
            ("revoked", Int),
        ],
        "SELECT user, name, active, created, last_seen, revoked FROM device",
    ),
    Table {
        name: "delivered",
        columns: &[
            ("user_id", User),
            ("device", Text),
            ("conversation", Conversation),
            ("seq", Int),
            ("at", Int),
        ],
        sql: "SELECT v.user, v.name, d.conversation, d.seq, d.at, d.device, coalesce(m.slot, 0) \
              FROM delivered d JOIN device v ON v.id = d.device AND v.active = 1 \
              LEFT JOIN member m ON m.user = v.user AND m.conversation = d.conversation \
              ORDER BY d.conversation, m.slot",
        finish: Finish::EachAndMore(marks::device, marks::devices_of_blocks),
    },
    plain(
        "token_floor",
        &[("user_id", User), ("not_before", Int)],
        "SELECT user, not_before FROM token_floor",
    ),
    plain(
        "block",
        &[("user_id", User), ("other", User), ("active", Bool), ("at", Int), ("moved", Int)],
        "SELECT user, other, active, at, moved FROM block",
    ),
    Table {
        name: "own",
        columns: &[
            ("user_id", User),
            ("kind", Int),
            ("key", Text),
            ("value", Text),
            ("at", Int),
            ("moved", Int),
            ("due", Int),
        ],
        sql: "SELECT user, kind, key, value, at, moved, due, sealed FROM own",
        finish: Finish::Each(opened::record),
    },
    plain(
        "own_kind",
        &[
            ("user_id", User),
            ("kind", Int),
            ("live", Int),
            ("removed", Int),
            ("forgotten_at", Int),
            ("forgotten_moved", Int),
        ],
        "SELECT user, kind, live, removed, forgotten_at, forgotten_moved FROM own_kind",
    ),
    plain(
        "profile",
        &[
            ("user_id", User),
            ("name", Text),
            ("token_name", Text),
            ("avatar", Text),
            ("about", Text),
        ],
        "SELECT user, name, token_name, avatar, about FROM profile",
    ),
    plain(
        "profile_word",
        &[("word", Text), ("user_id", User)],
        "SELECT word, user FROM profile_word",
    ),
    plain(
        "message_state",
        &[
            ("conversation", Conversation),
            ("seq", Int),
            ("edits", Int),
            ("pinned", Int),
            ("replies", Int),
        ],
        "SELECT conversation, seq, edits, pinned, replies FROM message_state",
    ),
    plain(
        "reaction",
        &[
            ("conversation", Conversation),
            ("seq", Int),
            ("emoji", Text),
            ("user_id", User),
            ("since", Int),
        ],
        "SELECT r.conversation, r.seq, r.emoji, r.user, c.since FROM reaction r \
         LEFT JOIN reaction_count c ON c.conversation = r.conversation AND c.seq = r.seq \
         AND c.emoji = r.emoji",
    ),
    plain(
        "mention",
        &[("conversation", Conversation), ("user_id", UserOrAll), ("seq", Int)],
        "SELECT conversation, user, seq FROM mention",
    ),
    Table {
        name: "report",
        columns: &[
            ("id", Int),
            ("at", Int),
            ("reporter", User),
            ("client_id", Text),
            ("conversation", Conversation),
            ("seq", Int),
            ("accused", User),
            ("reason", Text),
            ("comment", Text),
            ("content", Text),
            ("state", Int),
            ("moderator", User),
            ("moved", Int),
            ("outcome", Text),
            ("note", Text),
        ],
        sql: "SELECT id, at, reporter, client_id, conversation, seq, accused, reason, comment, \
              content, state, moderator, moved, outcome, note, sealed FROM report",
        finish: Finish::Each(opened::report),
    },
    plain(
        "suspension",
        &[("user_id", User), ("until", Int), ("reason", Text)],
        "SELECT user, until, reason FROM suspension",
    ),
    plain(
        "notice",
        &[("id", Int), ("user_id", User), ("at", Int), ("text", Text)],
        "SELECT id, user, at, text FROM notice",
    ),
    plain(
        "audit",
        &[
            ("number", Int),
            ("at", Int),
            ("moderator", User),
            ("deed", Text),
            ("user_id", User),
            ("report", Int),
            ("until", Int),
            ("text", Text),
            ("note", Text),
            ("client_id", Text),
            ("hash", Bytes),
        ],
        "SELECT number, at, moderator, deed, user, report, until, text, note, client_id, hash \
         FROM audit",
    ),
];
