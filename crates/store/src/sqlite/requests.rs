//! Message requests: what a conversation is to a member who was asked.
//!
//! It is one of the member's own records, which devices are told of, and a number in the member's row,
//! which lists and appends look at. Both change together: [`follow`] is called wherever such a record is
//! put.

use std::sync::Arc;

use parlor_chat::around::Envelope;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord, OwnValue};
use parlor_chat::requests::{Reception, RequestState};
use parlor_chat::store::{Append, Origin, Recipient, StoreError};
use rusqlite::{Connection, OptionalExtension};

use super::own;
use super::rows::{self, Failure, Thread, bound, nat};

/// The number of a state in a member's row.
fn number(state: Option<RequestState>) -> i64 {
    match state {
        None => 0,
        Some(RequestState::Pending) => 1,
        Some(RequestState::Declined) => 2,
        Some(RequestState::Accepted) => 3,
    }
}

/// The state of a number in a member's row.
pub(crate) fn of_number(number: i64) -> Option<RequestState> {
    RequestState::ALL.into_iter().find(|state| self::number(Some(*state)) == number)
}

/// The outside of a message, which says so if it is part of a request.
pub(crate) fn marked(
    reception: Reception,
    envelope: Option<Arc<Envelope>>,
) -> Option<Arc<Envelope>> {
    if reception == Reception::Ordinary {
        return envelope;
    }
    let envelope = envelope.map_or_else(Envelope::default, Arc::unwrap_or_clone);
    Some(Arc::new(Envelope { request: true, ..envelope }))
}

/// Follows a message that was kept: it begins a request, or answers one. Gives what is to be told.
pub(crate) fn said(
    conn: &Connection,
    thread: &Thread,
    append: &Append,
    reception: Reception,
) -> Result<Vec<OwnCommitted>, Failure> {
    let Recipient::User(to) = &append.to else { return Ok(Vec::new()) };
    let (conversation, now) = (&thread.conversation, append.now);
    let mut told = Vec::new();
    let from = thread.member(conn, &append.from)?.ok_or(StoreError::NotFound)?;
    if state(conn, thread.id, from)?.is_some() {
        told.push(put(conn, (from, &append.from), conversation, None, now)?);
    }
    if reception == Reception::BeginsRequest {
        let user = thread.member(conn, to)?.ok_or(StoreError::NotFound)?;
        told.push(put(conn, (user, to), conversation, Some(RequestState::Pending), now)?);
    }
    Ok(told)
}

/// What a conversation is to a member.
pub(crate) fn state(
    conn: &Connection,
    conversation: i64,
    user: i64,
) -> Result<Option<RequestState>, rusqlite::Error> {
    let sql = "SELECT request FROM member WHERE user = ?1 AND conversation = ?2";
    let found: Option<i64> =
        conn.prepare_cached(sql)?.query_row([user, conversation], |row| row.get(0)).optional()?;
    Ok(found.and_then(of_number))
}

/// Makes a conversation a request to a user, or an ordinary one again; gives what is to be told.
pub(crate) fn put(
    conn: &Connection,
    (user, name): (i64, &UserId),
    conversation: &ConversationId,
    state: Option<RequestState>,
    now: Millis,
) -> Result<OwnCommitted, Failure> {
    let key = OwnKey::conversation(conversation);
    let found = own::find(conn, user, OwnKind::Request, &key)?;
    let after = found.as_ref().map_or(0, |found| found.at + 1);
    let at = Millis(nat(bound(now.0).max(after))?);
    let value = state.map(RequestState::value);
    let record = OwnRecord { kind: OwnKind::Request, key, value, at };
    let was_live = found.as_ref().is_some_and(|found| found.value.is_some());
    // A kind that is never sealed needs no keys.
    own::put_plain(conn, user, &record, None, found.as_ref(), was_live)?;
    Ok(OwnCommitted { user: name.clone(), origin: Origin::of(0), records: vec![record] })
}

/// Lets the member's row say what a record says. From then on the other may have to be told how far
/// the member is.
pub(crate) fn follow(conn: &Connection, user: i64, record: &OwnRecord) -> Result<(), Failure> {
    let Ok(conversation) = ConversationId::parse(record.key.as_str()) else { return Ok(()) };
    let Some(thread) = rows::find_thread(conn, &conversation)? else { return Ok(()) };
    let of_value = |value: &OwnValue| RequestState::of_value(&value.0);
    let state = record.value.as_ref().map(of_value);
    let sql = "UPDATE member SET request = ?3, moved = (SELECT max(pos) FROM entry), \
               read_moved = (SELECT max(pos) FROM entry) WHERE user = ?1 AND conversation = ?2";
    conn.prepare_cached(sql)?.execute([user, thread.id, number(state)])?;
    Ok(())
}
