//! How new entries, their keys and words, and what their conversations have become are written: in one statement,
//! however many there are. To begin and to end a statement costs more than a row.

use std::collections::HashMap;

use super::conn::{Conn, Failure, params};
use super::entries::New;
use super::threads::{Thread, Who};
use crate::kept::numbers::{bound, int};
use crate::kept::{body, envelope};

/// New entries, column by column.
#[derive(Default)]
pub(crate) struct Rows {
    conversation: Vec<String>,
    seq: Vec<i64>,
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
    /// Those of new messages.
    words: Words,
    /// Those that edits add to earlier ones.
    edited: Words,
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
    /// The entry's place among these rows, counted from 1.
    place: Vec<i64>,
    words: Vec<Option<String>>,
}

impl Rows {
    /// Adds an entry.
    pub(crate) fn add(&mut self, new: &New, search: bool) {
        let entry = &new.entry;
        let (_, text) = body::encode(&entry.body);
        let outside = entry.envelope.as_deref();
        let (conversation, sender) = (entry.conversation.to_string(), entry.from.to_string());
        let (seq, ts) = (int(entry.seq.0), int(entry.ts.0));
        if let (Some(digest), Some(client_id)) = (&new.digest, &entry.client_id) {
            self.keys.conversation.push(conversation.clone());
            self.keys.sender.push(sender.clone());
            self.keys.client_id.push(client_id.to_string());
            self.keys.seq.push(seq);
            self.keys.ts.push(ts);
            self.keys.digest.push(digest.to_vec());
        }
        if let Some((of, words)) = new.words().filter(|_| search) {
            let kept = if of == seq { &mut self.words } else { &mut self.edited };
            kept.conversation.push(conversation.clone());
            kept.seq.push(of);
            kept.place.push(bound(self.seq.len() as u64 + 1));
            kept.words.push(words);
        }
        self.conversation.push(conversation);
        self.seq.push(seq);
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

    /// Writes them, with what their conversations have become. Their positions are those behind `after`; or, if no
    /// position was taken in this transaction before, those behind the counter, which is locked by that and moved on.
    /// Gives the position before the first.
    pub(crate) async fn put(
        &self,
        conn: Conn<'_>,
        threads: &[&mut Thread],
        after: Option<i64>,
    ) -> Result<i64, Failure> {
        let taken = match after {
            None => "UPDATE counter SET position = position + $1 RETURNING position - $1",
            Some(_) => "SELECT $1::bigint",
        };
        let sql = format!(
            "WITH taken (after) AS ({taken}), \
             new_entry AS (INSERT INTO entry (conversation, seq, pos, epoch, ts, sender, client_id, kind, about, \
             content, envelope, expires, said, low_said, shadow, moderated) \
             SELECT n.conversation, n.seq, {AFTER} + n.place, $2, n.ts, n.sender, n.client_id, n.kind, n.about, \
             n.content, n.envelope, n.expires, n.said, n.low_said, n.shadow, n.moderated FROM \
             unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], \
             $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::boolean[], $16::boolean[]) \
             WITH ORDINALITY AS n (conversation, seq, ts, sender, client_id, kind, about, content, envelope, \
             expires, said, low_said, shadow, moderated, place)), \
             new_key AS (INSERT INTO idempotency (conversation, sender, client_id, seq, ts, digest) \
             SELECT * FROM unnest($17::text[], $18::text[], $19::text[], $20::bigint[], $21::bigint[], \
             $22::bytea[])), \
             new_words AS (INSERT INTO message_words (conversation, seq, pos, words) \
             SELECT n.conversation, n.seq, {AFTER} + n.place, {WORDS} FROM \
             unnest($23::text[], $24::bigint[], $25::bigint[], $26::text[]) AS n (conversation, seq, place, words)), \
             thread AS (INSERT INTO conversation (id, low, high, head, head_ts, said, low_said, first, gone_said, \
             gone_low_said, timer_ms) \
             SELECT * FROM unnest($27::text[], $28::text[], $29::text[], $30::bigint[], $31::bigint[], \
             $32::bigint[], $33::bigint[], $34::bigint[], $35::bigint[], $36::bigint[], $37::bigint[]) \
             ON CONFLICT (id) DO UPDATE SET head = excluded.head, head_ts = excluded.head_ts, \
             said = excluded.said, low_said = excluded.low_said, first = excluded.first, \
             gone_said = excluded.gone_said, gone_low_said = excluded.gone_low_said, timer_ms = excluded.timer_ms) \
             SELECT after FROM taken"
        );
        let Keys { conversation, sender, client_id, seq, ts, digest } = &self.keys;
        let (low, high): (Vec<_>, Vec<_>) = threads.iter().map(|it| members(it)).unzip();
        let ids: Vec<&str> = threads.iter().map(|thread| thread.id()).collect();
        let column = |of: fn(&Thread) -> i64| threads.iter().map(|it| of(it)).collect::<Vec<i64>>();
        let after = conn
            .number(
                &sql,
                params![
                    after.unwrap_or(bound(self.seq.len() as u64)),
                    self.epoch,
                    self.conversation,
                    self.seq,
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
                    *conversation,
                    *sender,
                    *client_id,
                    *seq,
                    *ts,
                    *digest,
                    self.words.conversation,
                    self.words.seq,
                    self.words.place,
                    self.words.words,
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
        self.put_edited(conn, after).await?;
        Ok(after)
    }

    /// Writes the words of edits.
    async fn put_edited(&self, conn: Conn<'_>, after: i64) -> Result<(), Failure> {
        let Words { conversation, seq, place, words } = &self.edited;
        // One message may be edited twice in a batch, and a statement changes a row once.
        for at in distinct(conversation, seq) {
            let pick = |of: &[String]| at.iter().map(|n| of[*n].clone()).collect::<Vec<_>>();
            let seqs = at.iter().map(|n| seq[*n]).collect::<Vec<_>>();
            let positions = at.iter().map(|n| after + place[*n]).collect::<Vec<_>>();
            let words: Vec<Option<String>> = at.iter().map(|n| words[*n].clone()).collect();
            // The position is that of the message, which an edit finds there.
            let sql = format!(
                "INSERT INTO message_words AS w (conversation, seq, pos, words) \
                 SELECT n.conversation, n.seq, coalesce((SELECT e.pos FROM entry e \
                 WHERE e.conversation = n.conversation AND e.seq = n.seq), n.pos), {WORDS} \
                 FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) \
                 AS n (conversation, seq, pos, words) \
                 ON CONFLICT (conversation, seq) DO UPDATE SET words = \
                 CASE WHEN length(w.words) + length(excluded.words) <= 12000 \
                 THEN w.words || excluded.words END"
            );
            conn.execute(&sql, params![pick(conversation), seqs, positions, words]).await?;
        }
        Ok(())
    }
}

/// The position before the first that is taken. Without a counter it is null, which no entry may have: all is refused.
const AFTER: &str = "(SELECT after FROM taken)";

/// What is kept of words.
const WORDS: &str = "array_to_tsvector(string_to_array(n.words, ' '))";

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

/// The two whose conversation it is, if it is of two.
fn members(thread: &Thread) -> (Option<&str>, Option<&str>) {
    match &thread.who {
        Who::Pair { low, high } => (Some(low.as_str()), Some(high.as_str())),
        Who::Group => (None, None),
    }
}

/// Writes the members of those conversations that begin.
pub(crate) async fn put_members(conn: Conn<'_>, threads: &[&mut Thread]) -> Result<(), Failure> {
    let (mut of, mut member) = (Vec::new(), Vec::new());
    for thread in threads.iter().filter(|thread| thread.is_new) {
        let (low, high) = members(thread);
        for user in low.into_iter().chain(high.filter(|_| high != low)) {
            of.push(thread.id());
            member.push(user);
        }
    }
    if !member.is_empty() {
        let sql = "INSERT INTO member (conversation, user_id) \
                   SELECT * FROM unnest($1::text[], $2::text[])";
        conn.execute(sql, params![of, member]).await?;
    }
    Ok(())
}
