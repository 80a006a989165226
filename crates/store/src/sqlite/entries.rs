//! How the next entry of a conversation comes into its log, whatever it holds.

use std::sync::Arc;

use parlor_chat::around::Envelope;
use parlor_chat::entry::{Body, Entry, Millis, Position};
use parlor_chat::ids::{ClientId, Seq, UserId};
use rusqlite::{Connection, params};

use super::body;
use super::commands::{Executor, OldHead, Turn};
use super::envelope;
use super::names::Kept;
use super::retention;
use super::rows::{self, Failure, Place, Thread, Who, nat};
use super::sums::Facts;

/// The next entry of a log, before it has a place.
#[derive(Debug)]
pub(crate) struct Next<'a> {
    pub(crate) from: &'a UserId,
    /// The integer name of `from`.
    pub(crate) sender: i64,
    pub(crate) client_id: Option<&'a ClientId>,
    pub(crate) envelope: Option<Arc<Envelope>>,
    pub(crate) lasts: Lasts,
    pub(crate) body: Body,
    pub(crate) now: Millis,
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
            Self::For(ms) => Some(ts.saturating_add(rows::bound(ms))),
            Self::Until(at) => Some(rows::bound(at.0)),
        }
    }
}

impl Executor {
    /// Inserts an entry behind the newest one, which must be sound.
    pub(crate) fn insert(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        thread: &Thread,
        (head, old): (Place, Option<OldHead>),
        next: Next<'_>,
    ) -> Result<Arc<Entry>, Failure> {
        let Next { from, sender, client_id, envelope, lasts, body, now } = next;
        let life = turn.life;
        let seq = head.seq + 1;
        let ts = rows::bound(now.0).max(head.ts);
        let (kind, text) = body::encode(&body);
        let shadow = envelope.as_ref().is_some_and(|envelope| envelope.shadow);
        let kind = if shadow && kind == body::SAID { body::SHADOWED } else { kind };
        let is_said = i64::from(kind == body::SAID);
        let by_low = thread.is_low(sender);
        let is_of_anybody = thread.is_group() || body::may_be_of_anybody(kind);
        assert!(is_of_anybody || thread.is_of_two(sender), "a stranger says nothing to two");
        let low_count = match &thread.who {
            Who::Pair { .. } => head.low_count + if by_low { is_said } else { 0 },
            Who::Group => -1,
        };
        let said = head.said + is_said;
        assert!(seq > head.seq && low_count <= said && said <= seq, "counts do not exceed seqs");
        let position = rows::head_position(conn)? + 1;
        let outside = envelope.as_deref().map(envelope::encode);
        let facts = Facts {
            position,
            conversation: thread.conversation.as_str(),
            seq,
            epoch: life.epoch.0,
            ts,
            by_low,
            low_count,
            client_id: client_id.map(ClientId::as_str),
            kind,
            said: Some(said),
            sender: (!thread.is_of_two(sender)).then(|| from.clone()),
            about: body::about(&body).or(envelope::thread(envelope.as_deref())),
            envelope: outside.as_deref(),
            gone: None,
            expires: lasts.ends(ts),
        };
        let keys = self.keys.find_or_make(conn, thread)?;
        let sealed =
            keys.as_deref().map(|keys| keys.content.seal(&facts.context(), text.as_bytes()));
        let kept = sealed.as_deref().map_or(Kept::Plain(&text), Kept::Sealed);
        let sql = "INSERT INTO entry (pos, conversation, seq, life, ts, sender, low_count, \
                   client_id, content, sum, sealed, kind, said, about, envelope, expires, shadow) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
                   ?16, ?17)";
        conn.prepare_cached(sql)?.execute(params![
            position,
            thread.id,
            seq,
            life.id,
            ts,
            sender,
            low_count,
            facts.client_id,
            if sealed.is_none() { &*text } else { "" },
            facts.sum(kept.bytes()),
            &sealed,
            kind,
            said,
            facts.about,
            facts.envelope,
            facts.expires,
            shadow.then_some(true),
        ])?;
        if let Some(old) = old.filter(|old| old.position <= turn.superseded) {
            retention::remove(conn, &mut self.names, &old.gone(thread.id, head))?;
        }
        self.gave(&thread.conversation, seq);
        let to = match &thread.who {
            Who::Pair { low, high } if by_low => Some(if low.0 == high.0 { from } else { &high.1 }),
            Who::Pair { low, .. } if thread.is_of_two(sender) => Some(&low.1),
            Who::Pair { .. } | Who::Group => None,
        };
        Ok(Arc::new(Entry {
            conversation: thread.conversation.clone(),
            seq: Seq(nat(seq)?),
            position: Position(nat(position)?),
            epoch: life.epoch,
            ts: Millis(nat(ts)?),
            from: from.clone(),
            to: to.cloned(),
            client_id: client_id.cloned(),
            envelope,
            expires: facts.expires.map(nat).transpose()?.map(Millis),
            body,
        }))
    }
}
