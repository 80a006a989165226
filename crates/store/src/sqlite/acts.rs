//! What is done to messages, as the writer does it: inside the transaction chat's rules are asked,
//! then the deed becomes the next entry, and what is kept of the message follows it.
//!
//! A deletion writes the rows of the message and of all its edits anew, without their contents, each
//! with a checksum that says so.

use std::sync::Arc;

use parlor_chat::around::decide::{self, Decision, Place, Reactions, Standing};
use parlor_chat::around::port::{ChangeMessage, MessageChanged, Wish};
use parlor_chat::around::{Act, Deed};
use parlor_chat::entry::{Body, Content, Entry};
use parlor_chat::group::{GroupSettings, Member, Role};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::requests::{self, Bounds};
use parlor_chat::store::{Authority, Committed, StoreError};
use rusqlite::Connection;

use super::commands::{Executor, Turn, digest, note_key, shadowed, user_or_new};
use super::entries::{Lasts, Next};
use super::message_state::{self, At, State};
use super::names::entry_columns;
use super::rows::{self, Failure, Thread, Who};
use super::sums::Facts;
use super::suspensions;
use super::{body, groups, regard, reports, visible, word_index};

/// What a wish about a message came to, and the entry if there is a new one.
pub(crate) struct MessageDone {
    pub(crate) changed: MessageChanged,
    pub(crate) committed: Option<Committed>,
}

/// Who is where, as a decision needs it.
pub(crate) enum Standpoint {
    Direct { barred: Option<Refusal> },
    Group { settings: GroupSettings, member: Option<Member>, author: Option<Role> },
}

impl Standpoint {
    pub(crate) fn place(&self) -> Place<'_> {
        match self {
            Self::Direct { barred } => Place::Direct { barred: barred.clone() },
            Self::Group { settings, member, author } => {
                Place::Group { settings, member: *member, author: *author }
            }
        }
    }
}

/// The row of an entry that is about to lose its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Emptied {
    position: i64,
    gone: i64,
    sum: i64,
}

impl Emptied {
    /// An entry without its content, which is gone by the entry at `gone`.
    pub(crate) fn of(facts: Facts<'_>, gone: i64) -> Self {
        let facts = Facts { gone: Some(gone), ..facts };
        Self { position: facts.position, gone, sum: facts.sum(body::NOTHING.as_bytes()) }
    }
}

impl Executor {
    pub(crate) fn change_message(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        change: &ChangeMessage,
    ) -> Result<MessageDone, Failure> {
        let is_user = change.authority == Authority::User;
        if is_user && turn.moderated {
            suspensions::refuse(conn, &change.by, change.now)?;
        }
        if let Some(removal) = &change.removal {
            return self.remove_message(conn, turn, change, removal);
        }
        let thread = self.thread(conn, &change.conversation)?.ok_or(StoreError::NotFound)?;
        let user = match change.authority {
            Authority::User => thread.member(conn, &change.by)?.ok_or(StoreError::NotFound)?,
            Authority::System => user_or_new(conn, &change.by)?,
        };
        let digest = self.key_digest(conn, &thread, change)?;
        if let Some((key, digest)) = &digest
            && let Some(first) = self.answered(conn, &thread, user, key, &[*digest])?
        {
            let changed =
                MessageChanged::Committed { seq: first.seq, ts: first.ts, repeated: true };
            return Ok(MessageDone { changed, committed: None });
        }
        let at = At { conversation: thread.id, seq: rows::bound(change.seq.0) };
        let reader = is_user.then_some(user);
        let message = self.message(conn, &thread, reader, at)?;
        let state = message_state::state(conn, at)?;
        let decision = self.decide(conn, &thread, user, (&message, state), change)?;
        let Decision::Commit(deed) = decision else {
            return Ok(MessageDone { changed: MessageChanged::Unchanged, committed: None });
        };
        let head = self.sound_head(conn, &thread, user)?;
        let seq = head.0.seq + 1;
        let emptied = match &change.wish {
            Wish::Delete => self.contents_of(conn, &thread, at, seq)?,
            _ => Vec::new(),
        };
        if let Some((key, digest)) = &digest {
            note_key(conn, key, user, (thread.id, seq), digest)?;
        }
        let shadows = change.screening.as_ref().is_some_and(|screening| screening.shadow);
        let is_shadowed = shadows || message.is_shadowed();
        let next = Next {
            from: &change.by,
            sender: user,
            client_id: change.client_id.as_ref(),
            envelope: if is_shadowed { shadowed(None) } else { None },
            lasts: match &deed {
                Deed::Edited(_) => Lasts::until(message.expires),
                _ => Lasts::Always,
            },
            body: Body::Acted(Act { on: change.seq, deed: deed.clone() }),
            now: change.now,
        };
        let entry = self.insert(conn, turn, &thread, head, next)?;
        // The message may have been the last one of a conversation of which all is too old.
        let sql = "SELECT 1 FROM entry WHERE conversation = ?1 AND seq = ?2";
        if conn.prepare_cached(sql)?.exists([thread.id, at.seq])? {
            if change.wish == Wish::Delete {
                word_index::forget_wholly(conn, &mut self.names, &[at])?;
            }
            empty(conn, &emptied)?;
            message_state::follow(conn, at, user, &deed, seq)?;
        }
        if let Some(flagged) = change.screening.as_ref().and_then(|it| it.flagged.as_ref()) {
            reports::flag(conn, &mut self.keys, &thread, &entry, flagged)?;
        }
        let changed = MessageChanged::Committed { seq: entry.seq, ts: entry.ts, repeated: false };
        Ok(MessageDone { changed, committed: Some(Committed { entry, origin: change.origin }) })
    }

    /// The message at a place, for a user who may see it, or for nobody in particular.
    pub(crate) fn message(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        user: Option<i64>,
        at: At,
    ) -> Result<Arc<Entry>, Failure> {
        if let Some(user) = user
            && thread.is_group()
            && !visible::may_see(conn, thread.id, user, at.seq)?
        {
            return Err(StoreError::NotFound.into());
        }
        let (sender, entry) = self.any_message(conn, at)?;
        match entry.is_shadowed() && user.is_some_and(|user| user != sender) {
            true => Err(StoreError::NotFound.into()),
            false => Ok(entry),
        }
    }

    /// The message at a place, whoever may see it, and its sender's integer name.
    pub(crate) fn any_message(
        &mut self,
        conn: &Connection,
        at: At,
    ) -> Result<(i64, Arc<Entry>), Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([at.conversation, at.seq])?;
        let row = rows.next()?.ok_or(StoreError::NotFound)?;
        let (sender, entry): (i64, _) = (row.get(5)?, self.names.entry(conn, row)?);
        match entry.body.is_message() {
            true => Ok((sender, entry)),
            false => Err(StoreError::NotFound.into()),
        }
    }

    fn decide(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        user: i64,
        (message, state): (&Entry, State),
        change: &ChangeMessage,
    ) -> Result<Decision, Failure> {
        let at = At { conversation: thread.id, seq: rows::bound(change.seq.0) };
        let edited = match state.edits {
            0 => None,
            _ => self.newest_edit(conn, at)?,
        };
        let by = (user, &change.by);
        let standpoint = standpoint(conn, thread, by, &message.from, &self.requests)?;
        let standing = Standing {
            place: standpoint.place(),
            author: &message.from,
            said_at: message.ts,
            content: message.body.said().map(|said| edited.as_ref().unwrap_or(said)),
            edits: state.edits,
            reactions: match &change.wish {
                Wish::React(emoji) | Wish::Unreact(emoji) => {
                    message_state::reactions(conn, at, user, emoji)?
                }
                _ => Reactions::default(),
            },
            is_pinned: state.pinned.is_some(),
            pins: match &change.wish {
                Wish::Pin => message_state::pins(conn, thread.id, user)?,
                _ => 0,
            },
        };
        let ChangeMessage { by, authority, wish, now, limits, .. } = change;
        let decided = decide::decide((by, *authority), wish, &standing, *now, limits);
        Ok(decided.map_err(refused)?)
    }

    fn newest_edit(&mut self, conn: &Connection, at: At) -> Result<Option<Content>, Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.kind = 2 \
             ORDER BY e.seq DESC LIMIT 1"
        );
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([at.conversation, at.seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(self.names.entry(conn, row)?.body.edit().cloned())
    }

    /// What an edit under a key is known by.
    fn key_digest<'a>(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        change: &'a ChangeMessage,
    ) -> Result<Option<(&'a ClientId, [u8; 16])>, Failure> {
        let (Some(key), Wish::Edit(content)) = (&change.client_id, &change.wish) else {
            return Ok(None);
        };
        let keys = self.keys.find_or_make(conn, thread)?;
        let original = change.screening.as_ref().and_then(|it| it.original.as_ref());
        let written = original.unwrap_or(content);
        // No content of a message reads like this.
        let text = format!("edit {}\n{}", change.seq, written.0);
        Ok(Some((key, digest(&text, keys.as_deref()))))
    }

    /// The message and its edits, as far as they have contents that are to go.
    pub(crate) fn contents_of(
        &mut self,
        conn: &Connection,
        thread: &Thread,
        at: At,
        gone: i64,
    ) -> Result<Vec<Emptied>, Failure> {
        let one = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.seq = ?2"
        );
        let edits = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entry e WHERE e.conversation = ?1 AND e.about = ?2 AND e.kind = 2"
        );
        let mut emptied = Vec::new();
        for sql in [one, edits] {
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query([at.conversation, at.seq])?;
            while let Some(row) = rows.next()? {
                let checked = self.names.checked(conn, thread, row)?;
                emptied.push(Emptied::of(checked.facts, gone));
            }
        }
        Ok(emptied)
    }
}

/// Takes the contents of entries out of the file: what was there is overwritten.
pub(crate) fn empty(conn: &Connection, emptied: &[Emptied]) -> Result<(), rusqlite::Error> {
    if emptied.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE entry SET content = ?1, sealed = NULL, gone = ?2, sum = ?3 WHERE pos = ?4";
    // Pages that it frees are to be overwritten as well.
    conn.pragma_update(None, "secure_delete", true)?;
    for Emptied { position, gone, sum } in emptied {
        conn.prepare_cached(sql)?.execute((body::NOTHING, gone, sum, position))?;
    }
    conn.pragma_update(None, "secure_delete", "FAST")?;
    Ok(())
}

/// Where a user stands in a conversation, beside the author of something there.
pub(crate) fn standpoint(
    conn: &Connection,
    thread: &Thread,
    (user, name): (i64, &UserId),
    author: &UserId,
    bounds: &Bounds,
) -> Result<Standpoint, Failure> {
    match &thread.who {
        Who::Pair { low, high } => {
            let other = if low.0 == user { high.0 } else { low.0 };
            let (thread, from) = (Some(thread), (Some(user), name));
            let barred = match regard::receives(conn, thread, from, other, bounds)? {
                Ok(reception) => requests::allow_deed(reception).err(),
                Err(StoreError::Refused(why)) => Some(*why),
                Err(error) => Some(of_store(&error)),
            };
            Ok(Standpoint::Direct { barred })
        }
        Who::Group => {
            let row = groups::group_row(conn, thread.id)?;
            if row.is_deleted {
                return Err(StoreError::NotFound.into());
            }
            let author = match rows::user_id(conn, author)? {
                Some(author) => groups::member_row(conn, thread.id, author)?,
                None => None,
            };
            Ok(Standpoint::Group {
                settings: row.group.settings,
                member: groups::member_row(conn, thread.id, user)?,
                author: author.map(|author| author.role),
            })
        }
    }
}

pub(crate) fn refused(refusal: Refusal) -> StoreError {
    StoreError::Refused(Box::new(refusal))
}
