//! How new entries, their keys and words, and what their conversations have become are written: in one statement,
//! however many there are. To begin and to end a statement costs more than a row.

use std::collections::HashMap;

use super::conn::{Conn, Failure, Param, params};
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
        let moved = Moved::of(threads.iter().map(|thread| &**thread));
        let after_or_count = after.unwrap_or(self.count());
        let (sql, params) = (put_sql(after), self.params(&moved, &after_or_count));
        let (after, ()) = tokio::try_join!(conn.number(&sql, &params), moved.put_members(conn))?;
        self.put_edited(conn, after).await?;
        Ok(after)
    }

    /// Writes them likewise, and commits: all is sent at once, so that the counter is held by nobody who waits for
    /// an answer on its way. To be called when nothing is left to be written but this, no position was taken
    /// before, and none is an edit.
    ///
    /// # Errors
    /// One that the server has for a statement means that nothing was committed; any other leaves that open.
    pub(crate) async fn put_and_commit<'t>(
        &self,
        conn: Conn<'_>,
        threads: impl Iterator<Item = &'t Thread>,
    ) -> Result<i64, tokio_postgres::Error> {
        assert!(self.edited.seq.is_empty(), "words of edits are written by themselves");
        let moved = Moved::of(threads);
        let count = self.count();
        let (sql, params) = (put_sql(None), self.params(&moved, &count));
        conn.prepare(&sql, &params).await?;
        moved.prepare_members(conn).await?;
        // Each is sent when it is polled first.
        let (after, members, committed) = tokio::join!(
            biased;
            conn.number(&sql, &params),
            moved.put_members(conn),
            conn.run("COMMIT"),
        );
        // What was refused has the transaction rolled back by its `COMMIT`, which is no error then.
        let after = after?;
        members?;
        committed?;
        Ok(after)
    }

    fn count(&self) -> i64 {
        bound(self.seq.len() as u64)
    }

    fn params<'a>(
        &'a self,
        moved: &'a Moved<'_>,
        after_or_count: &'a i64,
    ) -> [&'a dyn Param; PARAMS] {
        let Keys { conversation, sender, client_id, seq, ts, digest } = &self.keys;
        [
            after_or_count,
            &self.epoch,
            &self.conversation,
            &self.seq,
            &self.ts,
            &self.sender,
            &self.client_id,
            &self.kind,
            &self.about,
            &self.content,
            &self.envelope,
            &self.expires,
            &self.said,
            &self.low_said,
            &self.shadow,
            &self.moderated,
            conversation,
            sender,
            client_id,
            seq,
            ts,
            digest,
            &self.words.conversation,
            &self.words.seq,
            &self.words.place,
            &self.words.words,
            &moved.id,
            &moved.low,
            &moved.high,
            &moved.head,
            &moved.head_ts,
            &moved.said,
            &moved.low_said,
            &moved.first,
            &moved.gone_said,
            &moved.gone_low_said,
            &moved.timer_ms,
        ]
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

/// How many parameters [`put_sql`] has.
const PARAMS: usize = 37;

/// The statement that writes entries; what its first parameter is depends on whether it is known `after` which position.
fn put_sql(after: Option<i64>) -> String {
    let taken = match after {
        None => "UPDATE counter SET position = position + $1 RETURNING position - $1",
        Some(_) => "SELECT $1::bigint",
    };
    format!(
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
    )
}

/// What conversations have become, column by column.
#[derive(Default)]
struct Moved<'a> {
    id: Vec<&'a str>,
    low: Vec<Option<&'a str>>,
    high: Vec<Option<&'a str>>,
    head: Vec<i64>,
    head_ts: Vec<i64>,
    said: Vec<i64>,
    low_said: Vec<i64>,
    first: Vec<i64>,
    gone_said: Vec<i64>,
    gone_low_said: Vec<i64>,
    timer_ms: Vec<i64>,
    /// The members of those that begin, each with the conversation.
    member_of: Vec<&'a str>,
    member: Vec<&'a str>,
}

impl<'a> Moved<'a> {
    fn of(threads: impl Iterator<Item = &'a Thread>) -> Self {
        let mut moved = Self::default();
        for thread in threads {
            let (low, high) = match &thread.who {
                Who::Pair { low, high } => (Some(low.as_str()), Some(high.as_str())),
                Who::Group => (None, None),
            };
            let begins = thread.is_new;
            for user in low.into_iter().chain(high.filter(|_| high != low)).filter(|_| begins) {
                moved.member_of.push(thread.id());
                moved.member.push(user);
            }
            moved.id.push(thread.id());
            moved.low.push(low);
            moved.high.push(high);
            moved.head.push(thread.head);
            moved.head_ts.push(thread.head_ts);
            moved.said.push(thread.said);
            moved.low_said.push(thread.low_said);
            moved.first.push(thread.first);
            moved.gone_said.push(thread.gone_said);
            moved.gone_low_said.push(thread.gone_low_said);
            moved.timer_ms.push(thread.timer_ms);
        }
        moved
    }

    async fn prepare_members(&self, conn: Conn<'_>) -> Result<(), tokio_postgres::Error> {
        match self.member.is_empty() {
            true => Ok(()),
            false => conn.prepare(PUT_MEMBERS, params![self.member_of, self.member]).await,
        }
    }

    /// Writes the members of those that begin.
    async fn put_members(&self, conn: Conn<'_>) -> Result<(), tokio_postgres::Error> {
        if !self.member.is_empty() {
            conn.execute(PUT_MEMBERS, params![self.member_of, self.member]).await?;
        }
        Ok(())
    }
}

const PUT_MEMBERS: &str = "INSERT INTO member (conversation, user_id) \
                           SELECT * FROM unnest($1::text[], $2::text[])";
