//! Message requests: what a conversation is to a member who was asked.
//!
//! It is one of the member's own records, which devices are told of, and a number in the member's row,
//! which lists and appends look at. Both change together: [`follow`] is called wherever such a record is
//! put.

use std::sync::Arc;

use parlor_chat::around::Envelope;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord};
use parlor_chat::requests::{Reception, RequestState};
use parlor_chat::store::{Append, Origin, Recipient};

use super::conn::{Failure, params};
use super::own;
use super::turn::Turn;
use crate::kept::numbers::{bound, nat};

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
pub(crate) async fn said(
    turn: &mut Turn<'_>,
    conversation: &ConversationId,
    append: &Append,
    reception: Reception,
) -> Result<Vec<OwnCommitted>, Failure> {
    let Recipient::User(to) = &append.to else { return Ok(Vec::new()) };
    let mut told = Vec::new();
    let sql = "SELECT request FROM member WHERE conversation = $1 AND user_id = $2";
    let own = params![conversation.as_str(), append.from.as_str()];
    if of_number(turn.conn.number(sql, own).await?).is_some() {
        told.push(put(turn, &append.from, conversation, None, append.now).await?);
    }
    if reception == Reception::BeginsRequest {
        let state = Some(RequestState::Pending);
        told.push(put(turn, to, conversation, state, append.now).await?);
    }
    Ok(told)
}

/// Makes a conversation a request to a user, or an ordinary one again; gives what is to be told.
async fn put(
    turn: &mut Turn<'_>,
    user: &UserId,
    conversation: &ConversationId,
    state: Option<RequestState>,
    now: Millis,
) -> Result<OwnCommitted, Failure> {
    let key = OwnKey::conversation(conversation);
    let found = own::find(turn.conn, user, OwnKind::Request, &key).await?;
    let after = found.as_ref().map_or(0, |found| found.at + 1);
    let at = Millis(nat(bound(now.0).max(after))?);
    let value = state.map(RequestState::value);
    let record = OwnRecord { kind: OwnKind::Request, key, value, at };
    own::put(turn, user, &record, found.as_ref(), None).await?;
    Ok(OwnCommitted { user: user.clone(), origin: Origin::of(0), records: vec![record] })
}

/// Lets the member's row say what a record says. From then on the other may have to be told how far
/// the member is.
pub(crate) async fn follow(
    turn: &mut Turn<'_>,
    user: &UserId,
    record: &OwnRecord,
) -> Result<(), Failure> {
    let state = record.value.as_ref().map(|value| RequestState::of_value(&value.0));
    let position = turn.position().await?;
    let sql = "UPDATE member SET request = $3, moved = $4, read_moved = $4 \
               WHERE conversation = $1 AND user_id = $2";
    let key = record.key.as_str();
    turn.conn.execute(sql, params![key, user.as_str(), number(state), position]).await?;
    Ok(())
}
