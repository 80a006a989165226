//! Entries out of their rows, and how the next ones of a log come into it.

use std::collections::BTreeSet;
use std::sync::Arc;

use parlor_chat::around::Envelope;
use parlor_chat::entry::{Body, Entry, Epoch, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::search::words::words;
use parlor_chat::store::StoreError;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

use super::conn::Failure;
use super::entry_rows::Rows;
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
pub(crate) const WORDS_MAX: usize = 12_000;

/// Reads an entry from a row that begins with [`entry_columns`].
pub(crate) fn entry(row: &Row, clock: Clock) -> Result<Arc<Entry>, Failure> {
    let line = Line {
        conversation: row.try_get(0)?,
        seq: row.try_get(1)?,
        position: row.try_get(2)?,
        epoch: row.try_get(3)?,
        ts: row.try_get(4)?,
        sender: row.try_get(5)?,
        client_id: row.try_get(6)?,
        kind: row.try_get(7)?,
        about: row.try_get(8)?,
        text: row.try_get(9)?,
        envelope: row.try_get(10)?,
        expires: row.try_get(11)?,
        gone: row.try_get(12)?,
    };
    let what = |why| {
        let (seq, of) = (line.seq, line.conversation);
        corrupt(format!("entry {seq} of conversation {of}: {why}"))
    };
    Ok(Arc::new(line.entry(clock).map_err(what)?))
}

/// An entry as text and numbers: as its row keeps it, and as nodes tell each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    pub(crate) conversation: &'a str,
    pub(crate) seq: i64,
    pub(crate) position: i64,
    pub(crate) epoch: i64,
    pub(crate) ts: i64,
    pub(crate) sender: &'a str,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) kind: i64,
    pub(crate) about: Option<i64>,
    pub(crate) text: &'a str,
    pub(crate) envelope: Option<&'a str>,
    pub(crate) expires: Option<i64>,
    pub(crate) gone: Option<i64>,
}

impl Line<'_> {
    /// The entry.
    ///
    /// # Errors
    /// What is wrong with it, if no version writes such a line.
    pub(crate) fn entry(&self, clock: Clock) -> Result<Entry, &'static str> {
        let number = |of| nat(of).map_err(|_| "a number in it is none");
        let conversation =
            ConversationId::parse(self.conversation).map_err(|_| "its name is none")?;
        let from = UserId::parse(self.sender).map_err(|_| "its sender is none")?;
        let to = match conversation.direct_members() {
            Some((low, high)) if low == from => Some(high),
            Some((low, high)) if high == from => Some(low),
            _ => None,
        };
        let client_id = self.client_id.map(ClientId::stored).transpose();
        let has_ended = self.expires.is_some_and(|at| at <= bound(clock.now().0));
        let is_gone = self.gone.is_some() || has_ended;
        let text = if has_ended { body::NOTHING } else { self.text };
        let written = body::Written { kind: self.kind, about: self.about, text, is_gone };
        let outside = self.envelope.map(|text| {
            let outside = envelope::decode(text).map(Arc::new);
            outside.ok_or("what is on its outside is of no known kind")
        });
        Ok(Entry {
            seq: Seq(number(self.seq)?),
            position: Position(number(self.position)?),
            epoch: Epoch(number(self.epoch)?),
            ts: Millis(number(self.ts)?),
            from,
            to,
            client_id: client_id.map_err(|_| "its client id is none")?,
            envelope: outside.transpose()?,
            expires: match self.gone {
                Some(gone) if gone != self.seq => None,
                _ => self.expires.map(number).transpose()?.map(Millis),
            },
            body: body::decode(&written).ok_or("it is of no known kind")?,
            conversation,
        })
    }
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
    pub(crate) entry: Entry,
    pub(crate) digest: Option<[u8; 16]>,
    pub(crate) kind: i64,
    pub(crate) said: i64,
    pub(crate) low_said: i64,
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
    pub(crate) fn words(&self) -> Option<(i64, Option<String>)> {
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

/// Entries with their positions, which are those behind `after`.
pub(crate) fn placed(news: Vec<New>, after: i64) -> Result<Vec<Arc<Entry>>, StoreError> {
    let placed = |(mut new, position): (New, i64)| {
        new.entry.position = Position(nat(position)?);
        Ok(Arc::new(new.entry))
    };
    news.into_iter().zip(after + 1..).map(placed).collect()
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
        let mut rows = Rows::default();
        news.iter().for_each(|new| rows.add(new, self.config.search));
        let conn = self.conn;
        let after = rows.put(conn, threads, self.known_position()).await?;
        self.advanced(after + int(news.len() as u64));
        let entries = placed(news, after)?;
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
