//! How new entries, their keys and words, and what their conversations have become are written: a statement
//! for each table, however many there are.

use std::collections::HashMap;

use super::conn::{Conn, Failure, params};
use super::entries::New;
use super::threads::{Thread, Who};
use crate::kept::numbers::int;
use crate::kept::{body, envelope};

/// New entries, column by column.
#[derive(Default)]
pub(crate) struct Rows {
    conversation: Vec<String>,
    seq: Vec<i64>,
    pos: Vec<i64>,
    epoch: i64,
    ts: Vec<i64>,
    sender: Vec<String>,
    client_id: Vec<Option<String>>,
    kind: Vec<i64>,
    about: Vec<Option<i64>>,
    content: Vec<String>,
    envelope: Vec<Option<String>>,
    expires: Vec<Option<i64>>,
    said: Vec<i64>,
    low_said: Vec<i64>,
    shadow: Vec<bool>,
    moderated: Vec<bool>,
    keys: Keys,
    words: Words,
}

#[derive(Default)]
struct Keys {
    conversation: Vec<String>,
    sender: Vec<String>,
    client_id: Vec<String>,
    seq: Vec<i64>,
    ts: Vec<i64>,
    digest: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Words {
    conversation: Vec<String>,
    seq: Vec<i64>,
    pos: Vec<i64>,
    words: Vec<Option<String>>,
}

impl Rows {
    /// Adds an entry that has its position.
    pub(crate) fn add(&mut self, new: &New, search: bool) {
        let entry = &new.entry;
        let (_, text) = body::encode(&entry.body);
        let outside = entry.envelope.as_deref();
        let (conversation, sender) = (entry.conversation.to_string(), entry.from.to_string());
        let (seq, pos, ts) = (int(entry.seq.0), int(entry.position.0), int(entry.ts.0));
        if let (Some(digest), Some(client_id)) = (&new.digest, &entry.client_id) {
            self.keys.conversation.push(conversation.clone());
            self.keys.sender.push(sender.clone());
            self.keys.client_id.push(client_id.to_string());
            self.keys.seq.push(seq);
            self.keys.ts.push(ts);
            self.keys.digest.push(digest.to_vec());
        }
        if let Some((of, words)) = new.words().filter(|_| search) {
            self.words.conversation.push(conversation.clone());
            self.words.seq.push(of);
            self.words.pos.push(pos);
            self.words.words.push(words);
        }
        self.conversation.push(conversation);
        self.seq.push(seq);
        self.pos.push(pos);
        self.epoch = int(entry.epoch.0);
        self.ts.push(ts);
        self.sender.push(sender);
        self.client_id.push(entry.client_id.as_ref().map(ToString::to_string));
        self.kind.push(new.kind);
        self.about.push(body::about(&entry.body).or(envelope::thread(outside)));
        self.content.push(text.to_string());
        self.envelope.push(outside.map(envelope::encode));
        self.expires.push(entry.expires.map(|at| int(at.0)));
        self.said.push(new.said);
        self.low_said.push(new.low_said);
        self.shadow.push(entry.is_shadowed());
        self.moderated.push(entry.is_moderated());
    }

    pub(crate) async fn put_entries(&self, conn: Conn<'_>) -> Result<(), Failure> {
        let sql = "INSERT INTO entry (conversation, seq, pos, epoch, ts, sender, client_id, kind, \
                   about, content, envelope, expires, said, low_said, shadow, moderated) \
                   SELECT n.conversation, n.seq, n.pos, $16, n.ts, n.sender, n.client_id, n.kind, \
                   n.about, n.content, n.envelope, n.expires, n.said, n.low_said, n.shadow, \
                   n.moderated FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], \
                   $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], \
                   $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[], $15::boolean[]) \
                   AS n (conversation, seq, pos, ts, sender, client_id, kind, about, content, \
                   envelope, expires, said, low_said, shadow, moderated)";
        conn.execute(
            sql,
            params![
                self.conversation,
                self.seq,
                self.pos,
                self.ts,
                self.sender,
                self.client_id,
                self.kind,
                self.about,
                self.content,
                self.envelope,
                self.expires,
                self.said,
                self.low_said,
                self.shadow,
                self.moderated,
                self.epoch,
            ],
        )
        .await?;
        Ok(())
    }

    pub(crate) async fn put_keys(&self, conn: Conn<'_>) -> Result<(), Failure> {
        let Keys { conversation, sender, client_id, seq, ts, digest } = &self.keys;
        if seq.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO idempotency (conversation, sender, client_id, seq, ts, digest) \
                   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], \
                   $5::bigint[], $6::bytea[])";
        conn.execute(sql, params![*conversation, *sender, *client_id, *seq, *ts, *digest]).await?;
        Ok(())
    }

    pub(crate) async fn put_words(&self, conn: Conn<'_>) -> Result<(), Failure> {
        let Words { conversation, seq, pos, words } = &self.words;
        // One message may be edited twice in a batch, and a statement changes a row once.
        for at in distinct(conversation, seq) {
            let pick = |of: &[String]| at.iter().map(|n| of[*n].clone()).collect::<Vec<_>>();
            let numbers = |of: &[i64]| at.iter().map(|n| of[*n]).collect::<Vec<_>>();
            let words: Vec<Option<String>> = at.iter().map(|n| words[*n].clone()).collect();
            // The position is that of the message, which an edit finds there.
            let sql = "INSERT INTO message_words AS w (conversation, seq, pos, words) \
                       SELECT n.conversation, n.seq, coalesce((SELECT e.pos FROM entry e \
                       WHERE e.conversation = n.conversation AND e.seq = n.seq), n.pos), \
                       array_to_tsvector(string_to_array(n.words, ' ')) \
                       FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) \
                       AS n (conversation, seq, pos, words) \
                       ON CONFLICT (conversation, seq) DO UPDATE SET words = \
                       CASE WHEN length(w.words) + length(excluded.words) <= 12000 \
                       THEN w.words || excluded.words END";
            conn.execute(sql, params![pick(conversation), numbers(seq), numbers(pos), words])
                .await?;
        }
        Ok(())
    }
}

/// Places of messages in rounds, each message at most once in each.
fn distinct(conversation: &[String], seq: &[i64]) -> Vec<Vec<usize>> {
    let mut had: HashMap<(&str, i64), usize> = HashMap::new();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (at, (conversation, seq)) in conversation.iter().zip(seq).enumerate() {
        let round = had.entry((conversation, *seq)).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(at);
        *round += 1;
    }
    rounds
}

/// Writes what conversations have become; new ones begin, with their two members.
pub(crate) async fn put_threads(conn: Conn<'_>, threads: &[&mut Thread]) -> Result<(), Failure> {
    let ids: Vec<&str> = threads.iter().map(|thread| thread.id()).collect();
    let (mut low, mut high) = (Vec::new(), Vec::new());
    let (mut member_of, mut member) = (Vec::new(), Vec::new());
    for thread in threads {
        match &thread.who {
            Who::Pair { low: one, high: other } => {
                low.push(Some(one.as_str()));
                high.push(Some(other.as_str()));
                if thread.is_new {
                    member_of.push(thread.id());
                    member.push(one.as_str());
                    if one != other {
                        member_of.push(thread.id());
                        member.push(other.as_str());
                    }
                }
            }
            Who::Group => {
                low.push(None);
                high.push(None);
            }
        }
    }
    let column = |of: fn(&Thread) -> i64| threads.iter().map(|it| of(it)).collect::<Vec<i64>>();
    let sql = "INSERT INTO conversation (id, low, high, head, head_ts, said, low_said, first, \
               gone_said, gone_low_said, timer_ms) \
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], \
               $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], \
               $10::bigint[], $11::bigint[]) \
               ON CONFLICT (id) DO UPDATE SET head = excluded.head, head_ts = excluded.head_ts, \
               said = excluded.said, low_said = excluded.low_said, first = excluded.first, \
               gone_said = excluded.gone_said, gone_low_said = excluded.gone_low_said, \
               timer_ms = excluded.timer_ms";
    conn.execute(
        sql,
        params![
            ids,
            low,
            high,
            column(|it| it.head),
            column(|it| it.head_ts),
            column(|it| it.said),
            column(|it| it.low_said),
            column(|it| it.first),
            column(|it| it.gone_said),
            column(|it| it.gone_low_said),
            column(|it| it.timer_ms),
        ],
    )
    .await?;
    if !member.is_empty() {
        let sql = "INSERT INTO member (conversation, user_id) \
                   SELECT * FROM unnest($1::text[], $2::text[])";
        conn.execute(sql, params![member_of, member]).await?;
    }
    Ok(())
}
