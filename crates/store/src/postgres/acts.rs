//! What is done to messages: inside the transaction chat's rules are asked, then the deed becomes the
//! next entry, and what is kept of the message follows it.
//!
//! A deletion writes the rows of the message and of all its edits anew, without their contents. What
//! was there stays in the server's files until it reuses their space, as with anything that it deletes.

use std::sync::Arc;

use parlor_chat::around::decide::{self, Decision, Place, Reactions, Standing, remove};
use parlor_chat::around::port::{ChangeMessage, MessageChanged, Removal, Wish};
use parlor_chat::around::timer::{self, SetTimer};
use parlor_chat::around::{Act, Deed, Envelope};
use parlor_chat::entry::{Body, Content, Entry};
use parlor_chat::group::{GroupSettings, Member, Role};
use parlor_chat::ids::{ClientId, MessageId, UserId};
use parlor_chat::moderation::DeedKind;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::requests::allow_deed;
use parlor_chat::store::{Authority, Committed, Recipient, StoreError};

use super::appends::{answered, digest, shadowed};
use super::audit;
use super::conn::{Conn, Failure, params};
use super::entries::{Lasts, Next, entry, entry_columns};
use super::speaking::{Circumstance, Speaker, circumstances, refused};
use super::threads::{self, Thread};
use super::turn::Turn;
use super::{group_rows, message_state, reports, visible};
use crate::kept::audit::Doing;
use crate::kept::numbers::{bound, int};

/// Who is where, as a decision needs it.
enum Standpoint {
    Direct { barred: Option<Refusal> },
    Group { settings: GroupSettings, member: Option<Member>, author: Option<Role> },
}

impl Standpoint {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Direct { barred } => Place::Direct { barred: barred.clone() },
            Self::Group { settings, member, author } => {
                Place::Group { settings, member: *member, author: *author }
            }
        }
    }
}

/// Does what is wished to be done to a message.
pub(crate) async fn change_message(
    turn: &mut Turn<'_>,
    change: &ChangeMessage,
) -> Result<MessageChanged, Failure> {
    let conn = turn.conn;
    let is_user = change.authority == Authority::User;
    if let Some(removal) = &change.removal {
        if is_user {
            super::moderation::refuse(conn, &change.by, change.now).await?;
        }
        return remove_message(turn, change, removal).await;
    }
    let mut thread =
        threads::find(conn, &change.conversation).await?.ok_or(StoreError::NotFound)?;
    let circumstance = looked_at(conn, &thread, change).await?;
    if is_user {
        circumstance.refuse_suspended()?;
        if !thread.has(conn, &change.by).await? {
            return Err(StoreError::NotFound.into());
        }
    }
    let key = key_digest(change);
    if let (Some((_, digest)), Some(first)) = (&key, &circumstance.first) {
        let first = answered(&change.conversation, first, digest)?;
        return Ok(MessageChanged::Committed { seq: first.seq, ts: first.ts, repeated: true });
    }
    let seq = bound(change.seq.0);
    let reader = is_user.then_some(&change.by);
    let message = message(turn, &thread, reader, seq).await?;
    let decided = decide_on(turn, &thread, &circumstance, &message, change).await?;
    let Decision::Commit(deed) = decided else { return Ok(MessageChanged::Unchanged) };
    let shadows = change.screening.as_ref().is_some_and(|screening| screening.shadow);
    let next = Next {
        from: &change.by,
        client_id: change.client_id.as_ref(),
        digest: key.map(|(_, digest)| digest),
        envelope: if shadows || message.is_shadowed() { shadowed(None) } else { None },
        lasts: match &deed {
            Deed::Edited(_) => Lasts::until(message.expires),
            _ => Lasts::Always,
        },
        body: Body::Acted(Act { on: change.seq, deed: deed.clone() }),
        now: change.now,
    };
    let entry = turn.append(&mut thread, next).await?;
    follow(turn, &thread, seq, &change.by, &deed, &entry).await?;
    if let Some(flagged) = change.screening.as_ref().and_then(|it| it.flagged.as_ref()) {
        reports::flag(conn, &entry, flagged).await?;
    }
    Ok(committed(turn, entry, change.origin))
}

fn committed(
    turn: &mut Turn<'_>,
    entry: Arc<Entry>,
    origin: parlor_chat::store::Origin,
) -> MessageChanged {
    let changed = MessageChanged::Committed { seq: entry.seq, ts: entry.ts, repeated: false };
    turn.work.committed.push(Committed { entry, origin });
    changed
}

/// Lets what is kept of a message follow a deed; nothing, if it was the last of a log of which all is too
/// old, and went with this entry.
async fn follow(
    turn: &mut Turn<'_>,
    thread: &Thread,
    seq: i64,
    user: &UserId,
    deed: &Deed,
    entry: &Entry,
) -> Result<(), Failure> {
    if seq < thread.first {
        return Ok(());
    }
    let by = int(entry.seq.0);
    if *deed == Deed::Deleted {
        let sql = "UPDATE entry SET content = 'null', gone = $3 \
                   WHERE conversation = $1 AND (seq = $2 OR about = $2 AND kind = 2)";
        turn.conn.execute(sql, params![thread.id(), seq, by]).await?;
    }
    message_state::follow(turn.conn, &thread.conversation, seq, user, deed, by).await
}

/// What holds for who wishes something in a conversation.
async fn looked_at(
    conn: Conn<'_>,
    thread: &Thread,
    change: &ChangeMessage,
) -> Result<Circumstance, Failure> {
    let to = Recipient::in_conversation(&change.by, &thread.conversation);
    // To the system, which is not of it, a direct conversation is one with itself.
    let to = to.unwrap_or_else(|| Recipient::User(change.by.clone()));
    let speaker = Speaker {
        conversation: &thread.conversation,
        from: &change.by,
        authority: change.authority,
        to: &to,
        client_id: change.client_id.as_ref(),
        now: change.now,
        is_event: false,
    };
    let found = circumstances(conn, &[speaker]).await?.into_iter().next();
    found.ok_or_else(|| StoreError::NotFound.into())
}

/// The message at a place, for a user who may see it, or for nobody in particular.
pub(crate) async fn message(
    turn: &Turn<'_>,
    thread: &Thread,
    user: Option<&UserId>,
    seq: i64,
) -> Result<Arc<Entry>, Failure> {
    if let Some(user) = user
        && !visible::may_see(turn.conn, thread, user, seq).await?
    {
        return Err(StoreError::NotFound.into());
    }
    let sql = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = $1 AND e.seq = $2"
    );
    let row = turn.conn.first(sql, params![thread.id(), seq]).await?;
    let entry = entry(&row.ok_or(StoreError::NotFound)?, turn.config.clock)?;
    let is_hidden = entry.is_shadowed() && user.is_some_and(|user| *user != entry.from);
    match entry.body.is_message() && !is_hidden {
        true => Ok(entry),
        false => Err(StoreError::NotFound.into()),
    }
}

/// Where a user stands in a conversation, beside the author of something there.
async fn standpoint(
    turn: &Turn<'_>,
    thread: &Thread,
    circumstance: &Circumstance,
    by: &UserId,
    author: &UserId,
) -> Result<Standpoint, Failure> {
    if thread.is_group() {
        let group = circumstance.living_group().ok_or(StoreError::NotFound)?;
        let author = group_rows::member(turn.conn, &thread.conversation, author).await?;
        return Ok(Standpoint::Group {
            settings: group.settings,
            member: circumstance.member,
            author: author.map(|author| author.role),
        });
    }
    let to = match Recipient::in_conversation(by, &thread.conversation) {
        Some(Recipient::User(to)) => to,
        _ => by.clone(),
    };
    let barred = match circumstance.receives(by, &to, Some(thread), &turn.config.requests) {
        Ok(reception) => allow_deed(reception).err(),
        Err(StoreError::Refused(why)) => Some(*why),
        Err(error) => Some(of_store(&error)),
    };
    Ok(Standpoint::Direct { barred })
}

async fn decide_on(
    turn: &Turn<'_>,
    thread: &Thread,
    circumstance: &Circumstance,
    message: &Entry,
    change: &ChangeMessage,
) -> Result<Decision, Failure> {
    let (conn, of, seq) = (turn.conn, &thread.conversation, bound(change.seq.0));
    let state = message_state::state(conn, of, seq).await?;
    let edited = match state.edits {
        0 => None,
        _ => newest_edit(turn, thread, seq).await?,
    };
    let standpoint = standpoint(turn, thread, circumstance, &change.by, &message.from).await?;
    let standing = Standing {
        place: standpoint.place(),
        author: &message.from,
        said_at: message.ts,
        content: message.body.said().map(|said| edited.as_ref().unwrap_or(said)),
        edits: state.edits,
        reactions: match &change.wish {
            Wish::React(emoji) | Wish::Unreact(emoji) => {
                message_state::reactions(conn, of, seq, &change.by, emoji).await?
            }
            _ => Reactions::default(),
        },
        is_pinned: state.pinned.is_some(),
        pins: match &change.wish {
            Wish::Pin => message_state::pins(conn, of, &change.by).await?,
            _ => 0,
        },
    };
    let ChangeMessage { by, authority, wish, now, limits, .. } = change;
    let decided = decide::decide((by, *authority), wish, &standing, *now, limits);
    Ok(decided.map_err(refused)?)
}

async fn newest_edit(
    turn: &Turn<'_>,
    thread: &Thread,
    seq: i64,
) -> Result<Option<Content>, Failure> {
    let sql = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entry e WHERE e.conversation = $1 AND e.about = $2 AND e.kind = 2 \
         ORDER BY e.seq DESC LIMIT 1"
    );
    match turn.conn.first(sql, params![thread.id(), seq]).await? {
        Some(row) => Ok(entry(&row, turn.config.clock)?.body.edit().cloned()),
        None => Ok(None),
    }
}

/// What an edit under a key is known by.
fn key_digest(change: &ChangeMessage) -> Option<(&ClientId, [u8; 16])> {
    let (Some(key), Wish::Edit(content)) = (&change.client_id, &change.wish) else { return None };
    let original = change.screening.as_ref().and_then(|it| it.original.as_ref());
    let written = original.unwrap_or(content);
    // No content of a message reads like this.
    Some((key, digest(&format!("edit {}\n{}", change.seq, written.0))))
}

/// Removes a message as a moderator of the server does: the deletion is in the name of the message's
/// author and marked as what it is, and the audit log says who did it.
async fn remove_message(
    turn: &mut Turn<'_>,
    change: &ChangeMessage,
    removal: &Removal,
) -> Result<MessageChanged, Failure> {
    let mut thread =
        threads::find(turn.conn, &change.conversation).await?.ok_or(StoreError::NotFound)?;
    if thread.is_group() {
        group_rows::living(turn.conn, &change.conversation).await?;
    }
    let seq = bound(change.seq.0);
    let message = message(turn, &thread, None, seq).await?;
    let Decision::Commit(deed) = remove(message.body.said()) else {
        return Ok(MessageChanged::Unchanged);
    };
    let shadow = message.is_shadowed();
    let next = Next {
        from: &message.from,
        client_id: None,
        digest: None,
        envelope: Some(Arc::new(Envelope { moderated: true, shadow, ..Envelope::default() })),
        lasts: Lasts::Always,
        body: Body::Acted(Act { on: change.seq, deed: deed.clone() }),
        now: change.now,
    };
    let entry = turn.append(&mut thread, next).await?;
    follow(turn, &thread, seq, &message.from, &deed, &entry).await?;
    let message_id = MessageId::new(&change.conversation, change.seq);
    let doing = Doing {
        at: change.now,
        by: &change.by,
        deed: DeedKind::Remove,
        user: &message.from,
        report: None,
        until: None,
        text: Some(message_id.as_str()),
        note: removal.note.as_deref(),
        client_id: None,
    };
    audit::append(turn.conn, &doing).await?;
    Ok(committed(turn, entry, change.origin))
}

/// Says how long the messages of a conversation stay from now on.
pub(crate) async fn set_timer(
    turn: &mut Turn<'_>,
    change: &SetTimer,
) -> Result<MessageChanged, Failure> {
    let conn = turn.conn;
    super::moderation::refuse(conn, &change.by, change.now).await?;
    let mut thread = threads::of_member(conn, &change.conversation, &change.by).await?;
    let to = Recipient::in_conversation(&change.by, &change.conversation);
    let to = to.ok_or(StoreError::NotFound)?;
    let speaker = Speaker {
        conversation: &change.conversation,
        from: &change.by,
        authority: Authority::User,
        to: &to,
        client_id: None,
        now: change.now,
        is_event: false,
    };
    let circumstance = circumstances(conn, &[speaker]).await?.into_iter().next();
    let circumstance = circumstance.ok_or(StoreError::NotFound)?;
    let standpoint = standpoint(turn, &thread, &circumstance, &change.by, &change.by).await?;
    let decided = timer::decide(change, thread.timer()?, &standpoint.place()).map_err(refused)?;
    let timer::Decision::Commit(ms) = decided else { return Ok(MessageChanged::Unchanged) };
    thread.timer_ms = bound(ms.unwrap_or(0));
    let next = Next {
        from: &change.by,
        client_id: None,
        digest: None,
        envelope: None,
        lasts: Lasts::Always,
        body: Body::TimerSet(ms),
        now: change.now,
    };
    let entry = turn.append(&mut thread, next).await?;
    Ok(committed(turn, entry, change.origin))
}
