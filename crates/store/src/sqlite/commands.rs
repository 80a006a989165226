//! What each write does inside the writer's transaction.
//!
//! Every command reads what it needs to decide before it writes, so a refused one has written
//! nothing that anybody sees, at most a key that the next one seals by, and needs no savepoint. Later
//! commands of the batch see earlier ones.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_chat::app_event::AppEvent;
use parlor_chat::around::Envelope;
use parlor_chat::around::port::Say;
use parlor_chat::entry::{Body, Entry, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::own::{OwnChange, OwnChanged, OwnCommitted};
use parlor_chat::requests::{Bounds, Reception};
use parlor_chat::rules::{Refused, Screening};
use parlor_chat::store::{Append, Appended, Authority, StoreError};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::config::Config;
use super::entries::{Lasts, Next};
use super::groups;
use super::keys::{ConversationKeys, Keys};
use super::life::Life;
use super::mark_blocks;
use super::names::{Checked, Names, entry_columns};
use super::own;
use super::reports;
use super::requests;
use super::retention::Gone;
use super::rows::{self, Failure, Place, Thread, Who, corrupt, nat};
use super::says;
use super::speaking::Speaking;
use super::timers;
use crate::kept::envelope::wished_outside;

/// Conversations whose integer names the writer remembers; at the bound all are dropped.
const THREADS_CACHED_MAX: usize = 65_536;

/// Carries out commands inside an open transaction.
#[derive(Debug)]
pub(crate) struct Executor {
    threads: HashMap<ConversationId, Known>,
    pub(crate) names: Names,
    pub(crate) keys: Keys,
    pub(crate) receipts_members_max: u64,
    pub(crate) requests: Bounds,
}

/// A conversation the writer has looked up.
#[derive(Debug)]
struct Known {
    thread: Arc<Thread>,
    /// The seq it gave out last; `None` if it gave out none since it looked the conversation up.
    /// Never a source of seqs: what is stored is held against it.
    given: Option<i64>,
}

/// What holds for all appends of a transaction.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) life: &'a Life,
    /// A head up to this position is too old, and goes with the append that succeeds it.
    pub(crate) superseded: i64,
    /// Whether anybody may be suspended.
    pub(crate) moderated: bool,
}

/// An append's answer, and the entry if it is new.
pub(crate) struct AppendDone {
    pub(crate) appended: Appended,
    pub(crate) entry: Option<Arc<Entry>>,
    /// What it changed among records of the two users.
    pub(crate) own: Vec<OwnCommitted>,
}

impl Executor {
    pub(crate) fn new(config: &Config) -> Self {
        let keyring = &config.keyring;
        let names = Names::new(keyring.clone(), config.clock);
        let keys = Keys::new(keyring.clone());
        let (requests, receipts_members_max) = (config.requests, config.receipts_members_max);
        Self { threads: HashMap::new(), names, keys, receipts_members_max, requests }
    }

    /// Forgets what a rolled back transaction may have made up.
    pub(crate) fn forget(&mut self) {
        self.threads.clear();
        self.names.forget();
        self.keys.forget();
    }

    /// What else reads and seals entries inside the transaction.
    pub(crate) fn names_and_keys(&mut self) -> (&mut Names, &mut Keys) {
        (&mut self.names, &mut self.keys)
    }

    pub(crate) fn append(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        append: &Append,
        outside: Option<&Say>,
        screening: Option<&Screening>,
    ) -> Result<AppendDone, Failure> {
        let conversation = append.conversation();
        // A retry is known by what its sender wrote, whatever a rule makes of it.
        let original = screening.and_then(|screening| screening.original.as_ref());
        let written = original.unwrap_or(&append.content);
        let known = self.thread(conn, &conversation)?;
        let authority = outside.map_or(Authority::User, |say| say.authority);
        let speaker = Speaking {
            by: (&append.from, authority),
            to: &append.to,
            now: append.now,
            is_event: outside.is_some_and(|say| say.event.is_some()),
        };
        let reception =
            speaker.reception(conn, known.as_deref(), turn.moderated, &self.requests)?;
        let barred = reception.as_ref().err().cloned().or_else(|| refused_by_rule(screening));
        if let Some(why) = barred
            && !is_retry(conn, append, known.as_deref())?
        {
            return Err(why.into());
        }
        let reception = reception.unwrap_or(Reception::Ordinary);
        let envelope = match outside.map(|say| self.envelope(conn, known.as_deref(), say)) {
            None => None,
            Some(written) => match written? {
                Ok(envelope) => envelope,
                Err(_) if is_retry(conn, append, known.as_deref())? => None,
                Err(why) => return Err(why.into()),
            },
        };
        let thread = match known {
            Some(thread) => thread,
            None => self.new_thread(conn, conversation)?,
        };
        let sender = match (authority, thread.is_group()) {
            (Authority::System, true) => user_or_new(conn, &append.from)?,
            _ => thread.member(conn, &append.from)?.ok_or(StoreError::NotFound)?,
        };
        let (head, old) = self.sound_head(conn, &thread, sender)?;
        let keys = self.keys.find_or_make(conn, &thread)?;
        if let Some(client_id) = &append.client_id {
            let text = outside.and_then(wished_outside);
            let text = text.map(|outside| [&written.0, &*outside].concat());
            let text = text.as_deref().unwrap_or(&written.0);
            let digest = digest(text, keys.as_deref());
            if !note_key(conn, client_id, sender, (thread.id, head.seq + 1), &digest)? {
                // A key from before content was sealed has the digest of that time.
                let digests = [digest, self::digest(text, None)];
                let first = self.answered(conn, &thread, sender, client_id, &digests)?;
                let appended = first.ok_or_else(|| corrupt(format!("the key {client_id}")))?;
                return Ok(AppendDone { appended, entry: None, own: Vec::new() });
            }
        }
        let shadow = screening.is_some_and(|screening| screening.shadow);
        let envelope = match shadow {
            true => shadowed(envelope),
            false => requests::marked(reception, envelope),
        };
        let content = append.content.clone();
        let (body, lasts) = match outside.and_then(|say| say.event.clone()) {
            Some(name) => (Body::App(AppEvent { name, data: content }), Lasts::Always),
            None => (Body::Said(content), Lasts::of_timer(timers::timer_ms(conn, thread.id)?)),
        };
        let next = Next {
            from: &append.from,
            sender,
            client_id: append.client_id.as_ref(),
            envelope: envelope.clone(),
            lasts,
            body,
            now: append.now,
        };
        let entry = self.insert(conn, turn, &thread, (head, old), next)?;
        if thread.is_group() {
            groups::note_said(conn, &thread, sender, entry.ts)?;
        }
        if let Some(envelope) = envelope.filter(|_| !shadow) {
            says::note(conn, &thread, rows::int(entry.seq.0), &envelope)?;
        }
        let appended = Appended {
            conversation: entry.conversation.clone(),
            seq: entry.seq,
            ts: entry.ts,
            expires: entry.expires,
            repeated: false,
        };
        if let Some(flagged) = screening.and_then(|screening| screening.flagged.as_ref()) {
            reports::flag(conn, &mut self.keys, &thread, &entry, flagged)?;
        }
        let own = match shadow {
            // Nobody was written to, as far as the other knows.
            true => Vec::new(),
            false => requests::said(conn, &thread, append, reception)?,
        };
        Ok(AppendDone { appended, entry: Some(entry), own })
    }

    pub(crate) fn change_own(
        &mut self,
        conn: &Connection,
        change: &OwnChange,
    ) -> Result<(OwnChanged, OwnCommitted), Failure> {
        own::change(conn, &mut self.keys, change)
    }

    pub(crate) fn thread(
        &mut self,
        conn: &Connection,
        conversation: &ConversationId,
    ) -> Result<Option<Arc<Thread>>, Failure> {
        if let Some(known) = self.threads.get(conversation) {
            return Ok(Some(known.thread.clone()));
        }
        let found = rows::find_thread(conn, conversation)?;
        Ok(found.map(|thread| self.remember(thread)))
    }

    fn new_thread(
        &mut self,
        conn: &Connection,
        conversation: ConversationId,
    ) -> Result<Arc<Thread>, Failure> {
        let (low, high) = conversation.direct_members().ok_or(StoreError::NotFound)?;
        let low_id = user_or_new(conn, &low)?;
        let high_id = user_or_new(conn, &high)?;
        let sql = "INSERT INTO conversation (low, high) VALUES (?1, ?2) RETURNING id";
        let id = conn.prepare_cached(sql)?.query_row([low_id, high_id], |row| row.get(0))?;
        let sql = "INSERT INTO member (user, conversation) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        for user in [low_id, high_id] {
            conn.prepare_cached(sql)?.execute([user, id])?;
        }
        let who = Who::Pair { low: (low_id, low), high: (high_id, high) };
        Ok(self.remember(Thread { id, conversation, who }))
    }

    pub(crate) fn remember(&mut self, thread: Thread) -> Arc<Thread> {
        if self.threads.len() >= THREADS_CACHED_MAX {
            self.threads.clear();
        }
        let thread = Arc::new(thread);
        let known = Known { thread: thread.clone(), given: None };
        self.threads.insert(thread.conversation.clone(), known);
        thread
    }

    pub(crate) fn gave(&mut self, conversation: &ConversationId, seq: i64) {
        if let Some(known) = self.threads.get_mut(conversation) {
            known.given = Some(seq);
        }
    }

    /// The newest entry of a conversation, of which it is made sure that it is whole and that no
    /// later one was ever given out: else the next seq would be a wrong one.
    pub(crate) fn sound_head(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        sender: i64,
    ) -> Result<(Place, Option<OldHead>), Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 ORDER BY e.seq DESC LIMIT 1"
        );
        let (head, old) = {
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query([thread.id])?;
            match rows.next()? {
                Some(row) => {
                    let checked = self.names.checked(conn, thread, row)?;
                    (checked.place(), Some(OldHead::of(row.get(5)?, &checked)))
                }
                None => (Place::default(), None),
            }
        };
        let given = match self.threads.get(&thread.conversation).and_then(|known| known.given) {
            Some(given) => given,
            None => highest_watermark(conn, thread, sender)?,
        };
        if head.seq < given {
            let (conversation, seq) = (&thread.conversation, head.seq);
            let what =
                format!("the log of {conversation} ends at {seq}, but {given} was given out");
            return Err(corrupt(what).into());
        }
        Ok((head, old))
    }

    /// What a key stands for, if it was used before; what it was used with must have one of these
    /// digests.
    pub(crate) fn answered(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        sender: i64,
        client_id: &ClientId,
        digests: &[[u8; 16]],
    ) -> Result<Option<Appended>, Failure> {
        let sql = "SELECT seq, digest, ts FROM idempotency \
                   WHERE client_id = ?1 AND sender = ?2 AND conversation = ?3";
        type Found = (i64, Vec<u8>, Option<i64>);
        let found: Option<Found> = conn
            .prepare_cached(sql)?
            .query_row((client_id.as_str(), sender, thread.id), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((seq, known, left)) = found else { return Ok(None) };
        if !digests.iter().any(|digest| known == digest) {
            return Err(StoreError::ClientIdConflict.into());
        }
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id, seq])?;
        let (ts, expires) = match (rows.next()?, left) {
            (Some(row), _) => {
                let facts = self.names.checked(conn, thread, row)?.facts;
                (facts.ts, facts.expires)
            }
            (None, Some(ts)) => (ts, None),
            (None, None) => {
                let what = format!(
                    "a key of {} names entry {seq}, which is not there",
                    thread.conversation
                );
                return Err(corrupt(what).into());
            }
        };
        Ok(Some(Appended {
            conversation: thread.conversation.clone(),
            seq: Seq(nat(seq)?),
            ts: Millis(nat(ts)?),
            expires: expires.map(nat).transpose()?.map(Millis),
            repeated: true,
        }))
    }
}

/// What a head leaves behind when it goes.
#[derive(Debug)]
pub(crate) struct OldHead {
    pub(crate) position: i64,
    sender: i64,
    client_id: Option<String>,
}

/// The outside of what nobody but its sender may see.
pub(crate) fn shadowed(envelope: Option<Arc<Envelope>>) -> Option<Arc<Envelope>> {
    let envelope = envelope.map_or_else(Envelope::default, Arc::unwrap_or_clone);
    Some(Arc::new(Envelope { shadow: true, ..envelope }))
}

/// Why a content rule keeps an append out.
fn refused_by_rule(screening: Option<&Screening>) -> Option<StoreError> {
    let Refused { rule, reason } = screening?.refused.as_ref()?;
    Some(StoreError::ContentRefused { rule: rule.clone(), reason: reason.clone() })
}

impl OldHead {
    fn of(sender: i64, head: &Checked<'_>) -> Self {
        let facts = &head.facts;
        Self { position: facts.position, sender, client_id: facts.client_id.map(str::to_owned) }
    }

    pub(crate) fn gone(&self, conversation: i64, place: Place) -> Gone<'_> {
        Gone {
            position: self.position,
            conversation,
            seq: place.seq,
            ts: place.ts,
            sender: self.sender,
            client_id: self.client_id.as_deref(),
        }
    }
}

/// How far members of a conversation are, which is at most as far as its head: of a group's only
/// the sender, since there may be many.
fn highest_watermark(conn: &Connection, thread: &Thread, sender: i64) -> Result<i64, Failure> {
    let (one, other) = match &thread.who {
        Who::Pair { low, high } => (low.0, high.0),
        Who::Group => {
            let is_new = mark_blocks::row(conn, thread.id, sender)?.is_none();
            let standing = || mark_blocks::standing(conn, thread.id, sender);
            return if is_new { Ok(0) } else { standing().map(|it| it.delivered.max(it.read)) };
        }
    };
    let sql = "SELECT coalesce(max(max(delivered, read)), 0) FROM member \
               WHERE user IN (?1, ?2) AND conversation = ?3";
    Ok(conn.prepare_cached(sql)?.query_row([one, other, thread.id], |row| row.get(0))?)
}

/// Whether an append is the retry of one that was kept before.
fn is_retry(
    conn: &Connection,
    append: &Append,
    thread: Option<&Thread>,
) -> Result<bool, rusqlite::Error> {
    let (Some(client_id), Some(thread)) = (&append.client_id, thread) else { return Ok(false) };
    let Some(sender) = rows::user_id(conn, &append.from)? else { return Ok(false) };
    let sql = "SELECT 1 FROM idempotency \
               WHERE client_id = ?1 AND sender = ?2 AND conversation = ?3";
    conn.prepare_cached(sql)?.exists((client_id.as_str(), sender, thread.id))
}

/// Notes what a key stands for; false if it stands for something already.
pub(crate) fn note_key(
    conn: &Connection,
    client_id: &ClientId,
    sender: i64,
    (conversation, seq): (i64, i64),
    digest: &[u8; 16],
) -> Result<bool, rusqlite::Error> {
    let sql = "INSERT INTO idempotency (client_id, sender, conversation, seq, digest) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let key = (client_id.as_str(), sender, conversation, seq, &digest[..]);
    Ok(conn.prepare_cached(sql)?.execute(key)? > 0)
}

/// What another payload under the same key is told by. Of sealed content it is keyed, since it
/// would else tell whether the content is a guessed one.
pub(crate) fn digest(content: &str, keys: Option<&ConversationKeys>) -> [u8; 16] {
    if let Some(keys) = keys {
        return keys.digest.digest(content.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(content.as_bytes())[..16]);
    digest
}

pub(crate) fn user_or_new(conn: &Connection, user: &UserId) -> Result<i64, Failure> {
    if let Some(id) = rows::user_id(conn, user)? {
        return Ok(id);
    }
    let sql = "INSERT INTO user (name) VALUES (?1) RETURNING id";
    Ok(conn.prepare_cached(sql)?.query_row([user.as_str()], |row| row.get(0))?)
}
