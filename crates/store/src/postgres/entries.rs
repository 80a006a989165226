//! Entries out of their rows, and how the next ones of a log come into it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parlor_chat::around::Envelope;
use parlor_chat::entry::{Body, Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::search::words::words;
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use super::retention;
use super::threads::{Thread, Who};
use super::turn::Turn;
use crate::kept::clock::Clock;
use crate::kept::numbers::{bound, corrupt, int, nat};
use crate::kept::text::text_of;
use crate::kept::{body, envelope};

/// The columns [`entry`] reads, in its order.
macro_rules! entry_columns {
    () => {
        "e.conversation, e.seq, e.pos, e.epoch, e.ts, e.sender, e.client_id, e.kind, e.about, \
         e.content, e.envelope, e.expires, e.gone"
    };
}
pub(crate) use entry_columns;

/// Words of one message, and of its edits, that are kept to find it by; one with more is always
/// looked at.
const WORDS_MAX: usize = 12_000;

/// Reads an entry from a row that begins with [`entry_columns`].
pub(crate) fn entry(row: &Row, clock: Clock) -> Result<Arc<Entry>, Failure> {
    let conversation: &str = row.try_get(0)?;
    let (seq, position): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let what = |why: &str| corrupt(format!("entry {seq} of conversation {conversation}: {why}"));
    let conversation = ConversationId::parse(conversation).map_err(|_| what("its name is none"))?;
    let from = UserId::parse(row.try_get(5)?).map_err(|_| what("its sender is none"))?;
    let to = match conversation.direct_members() {
        Some((low, high)) if low == from => Some(high),
        Some((low, high)) if high == from => Some(low),
        _ => None,
    };
    let client_id: Option<&str> = row.try_get(6)?;
    let outside: Option<&str> = row.try_get(10)?;
    let (expires, gone): (Option<i64>, Option<i64>) = (row.try_get(11)?, row.try_get(12)?);
    let has_ended = expires.is_some_and(|at| at <= bound(clock.now().0));
    let is_gone = gone.is_some() || has_ended;
    let text = if has_ended { body::NOTHING } else { row.try_get(9)? };
    let written = body::Written { kind: row.try_get(7)?, about: row.try_get(8)?, text, is_gone };
    Ok(Arc::new(Entry {
        seq: Seq(nat(seq)?),
        position: Position(nat(position)?),
        epoch: Epoch(nat(row.try_get(3)?)?),
        ts: Millis(nat(row.try_get(4)?)?),
        from,
        to,
        client_id: client_id
            .map(ClientId::stored)
            .transpose()
            .map_err(|_| what("its client id is none"))?,
        envelope: match outside {
            Some(text) => {
                let outside = envelope::decode(text);
                let why = "what is on its outside is of no known kind";
                Some(Arc::new(outside.ok_or_else(|| what(why))?))
            }
            None => None,
        },
        expires: match gone {
            Some(gone) if gone != seq => None,
            _ => expires.map(nat).transpose()?.map(Millis),
        },
        body: body::decode(&written).ok_or_else(|| what("it is of no known kind"))?,
        conversation,
    }))
}

/// How long what an entry holds is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// As long as the entry.
    Always,
    /// So many milliseconds from its commit.
    For(u64),
    /// Until then.
    Until(Millis),
}

impl Lasts {
    /// That of a new message, by its conversation's timer.
    pub(crate) fn of_timer(timer_ms: Option<u64>) -> Self {
        timer_ms.map_or(Self::Always, Self::For)
    }

    /// That of an edit, by its message.
    pub(crate) fn until(expires: Option<Millis>) -> Self {
        expires.map_or(Self::Always, Self::Until)
    }

    fn ends(self, ts: i64) -> Option<i64> {
        match self {
            Self::Always => None,
            Self::For(ms) => Some(ts.saturating_add(bound(ms))),
            Self::Until(at) => Some(bound(at.0)),
        }
    }
}

/// The next entry of a log, before it has a place.
#[derive(Debug)]
pub(crate) struct Next<'a> {
    pub(crate) from: &'a UserId,
    pub(crate) client_id: Option<&'a ClientId>,
    /// What the key stands for, if it is to be remembered.
    pub(crate) digest: Option<[u8; 16]>,
    pub(crate) envelope: Option<Arc<Envelope>>,
    pub(crate) lasts: Lasts,
    pub(crate) body: Body,
    pub(crate) now: Millis,
}

/// An entry that has its place in its log, and waits for that among all.
#[derive(Debug)]
pub(crate) struct New {
    entry: Entry,
    digest: Option<[u8; 16]>,
    kind: i64,
    said: i64,
    low_said: i64,
}

impl New {
    pub(crate) fn conversation(&self) -> &ConversationId {
        &self.entry.conversation
    }

    pub(crate) fn seq(&self) -> Seq {
        self.entry.seq
    }

    pub(crate) fn ts(&self) -> Millis {
        self.entry.ts
    }

    pub(crate) fn expires(&self) -> Option<Millis> {
        self.entry.expires
    }

    /// The words of a message, if it has a text; `None` for too many.
    fn words(&self) -> Option<(i64, Option<String>)> {
        let (seq, content) = match &self.entry.body {
            Body::Said(content) => (self.entry.seq, content),
            Body::Acted(act) => (act.on, self.entry.body.edit()?),
            _ => return None,
        };
        let found: BTreeSet<String> =
            words(&text_of(content)?).into_iter().map(|word| word.text).collect();
        let joined = || found.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        (!found.is_empty()).then(|| (int(seq.0), (found.len() <= WORDS_MAX).then(joined)))
    }
}

impl Turn<'_> {
    /// Gives the next entry of a conversation its place there.
    pub(crate) fn place(&self, thread: &mut Thread, next: Next<'_>) -> Result<New, Failure> {
        let Next { from, client_id, digest, envelope, lasts, body, now } = next;
        let ts = bound(now.0).max(thread.head_ts);
        let shadow = envelope.as_ref().is_some_and(|envelope| envelope.shadow);
        let (kind, _) = body::encode(&body);
        let kind = if shadow && kind == body::SAID { body::SHADOWED } else { kind };
        let is_of_anybody = thread.is_group() || body::may_be_of_anybody(kind);
        assert!(is_of_anybody || thread.is_of_two(from), "a stranger says nothing to two");
        if thread.head > 0 && thread.first == thread.head && self.is_too_old(thread.head_ts) {
            thread.superseded = Some(thread.head);
            thread.first = thread.head + 1;
            (thread.gone_said, thread.gone_low_said) = (thread.said, thread.low_said);
        }
        let is_said = i64::from(kind == body::SAID);
        let is_low = matches!(&thread.who, Who::Pair { low, .. } if low == from);
        thread.head += 1;
        thread.head_ts = ts;
        thread.said += is_said;
        thread.low_said += if is_low { is_said } else { 0 };
        assert!(thread.low_said <= thread.said && thread.said <= thread.head);
        let to = match &thread.who {
            Who::Pair { low, high } if low == from => Some(high.clone()),
            Who::Pair { low, high } if high == from => Some(low.clone()),
            Who::Pair { .. } | Who::Group => None,
        };
        let entry = Entry {
            conversation: thread.conversation.clone(),
            seq: thread.head_seq()?,
            position: Position(0),
            epoch: self.epoch,
            ts: Millis(nat(ts)?),
            from: from.clone(),
            to,
            client_id: client_id.cloned(),
            envelope,
            expires: lasts.ends(ts).map(nat).transpose()?.map(Millis),
            body,
        };
        let low_said = if thread.is_group() { -1 } else { thread.low_said };
        Ok(New { entry, digest, kind, said: thread.said, low_said })
    }

    /// Writes entries that have their places, and what their conversations have become.
    pub(crate) async fn write(
        &mut self,
        news: Vec<New>,
        threads: &mut [&mut Thread],
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        if news.is_empty() {
            return Ok(Vec::new());
        }
        let mut position = self.position().await?;
        let mut rows = Rows::default();
        let mut entries = Vec::with_capacity(news.len());
        for mut new in news {
            position += 1;
            new.entry.position = Position(nat(position)?);
            rows.add(&new, self.config.search);
            entries.push(Arc::new(new.entry));
        }
        self.advanced(position);
        let conn = self.conn;
        tokio::try_join!(
            rows.put_entries(conn),
            rows.put_keys(conn),
            put_threads(conn, threads),
            rows.put_words(conn),
        )?;
        for thread in threads {
            if let Some(up_to) = thread.superseded.take() {
                retention::remove(conn, thread.id(), up_to).await?;
            }
            thread.is_new = false;
        }
        Ok(entries)
    }

    /// Writes one entry.
    pub(crate) async fn append(
        &mut self,
        thread: &mut Thread,
        next: Next<'_>,
    ) -> Result<Arc<Entry>, Failure> {
        let new = self.place(thread, next)?;
        let written = self.write(vec![new], &mut [thread]).await?;
        Ok(written.into_iter().next().expect("what was given is written"))
    }
}

/// New entries, column by column.
#[derive(Default)]
struct Rows {
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
    fn add(&mut self, new: &New, search: bool) {
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

    async fn put_entries(&self, conn: Conn<'_>) -> Result<(), Failure> {
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

    async fn put_keys(&self, conn: Conn<'_>) -> Result<(), Failure> {
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

    async fn put_words(&self, conn: Conn<'_>) -> Result<(), Failure> {
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
async fn put_threads(conn: Conn<'_>, threads: &[&mut Thread]) -> Result<(), Failure> {
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
