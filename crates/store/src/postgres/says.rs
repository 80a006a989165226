//! Messages with something on their outside: it is looked up, and held against the rules, inside the
//! transaction that commits the message.

use std::sync::Arc;

use parlor_chat::around::port::Say;
use parlor_chat::around::{Envelope, Reply};
use parlor_chat::entry::Entry;
use parlor_chat::group::rights::{Action, may};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Recipient, StoreError};

use super::conn::{Conn, Failure, params};
use super::speaking::refused;
use super::threads::{self, Thread};
use super::turn::Turn;
use super::{acts, group_rows, message_state};
use crate::kept::envelope;
use crate::kept::numbers::bound;

/// What is to be written on the outside of a message; the inner error is why it may not be.
pub(crate) async fn envelope(
    turn: &Turn<'_>,
    thread: Option<&Thread>,
    say: &Say,
) -> Result<Result<Option<Arc<Envelope>>, StoreError>, Failure> {
    match written_outside(turn, thread, say).await {
        Ok(envelope) if envelope.is_blank() => Ok(Ok(None)),
        Ok(envelope) => Ok(Ok(Some(Arc::new(envelope)))),
        Err(Failure::Refused(why @ StoreError::Refused(_))) => Ok(Err(why)),
        Err(failure) => Err(failure),
    }
}

async fn written_outside(
    turn: &Turn<'_>,
    thread: Option<&Thread>,
    say: &Say,
) -> Result<Envelope, Failure> {
    let here = thread.map(|thread| &thread.conversation);
    let reply_to = match (say.reply_to, here) {
        (None, _) => None,
        (Some(_), None) => return Err(no_message("replyTo").into()),
        (Some(seq), Some(here)) => {
            let to = seen(turn, say, (here, seq), "replyTo").await?;
            Some(Reply { seq, from: to.from.clone() })
        }
    };
    if let Some(seq) = say.thread {
        let here = here.ok_or_else(|| no_message("thread"))?;
        let root = seen(turn, say, (here, seq), "thread").await?;
        if root.envelope.as_ref().is_some_and(|envelope| envelope.thread.is_some()) {
            let rule = "must be a message that is in no thread";
            return Err(refused(Refusal::invalid("thread", rule)).into());
        }
    }
    if let Some((conversation, seq)) = &say.forward_of {
        seen(turn, say, (conversation, *seq), "forwardOf").await?;
    }
    if say.mentions_all || !say.mentions.is_empty() {
        may_mention(turn.conn, thread, say).await?;
    }
    Ok(Envelope {
        reply_to,
        thread: say.thread,
        mentions: say.mentions.clone(),
        mentions_all: say.mentions_all,
        forwarded: say.forward_of.is_some(),
        request: false,
        shadow: false,
        moderated: false,
    })
}

/// A message that the sender of another one may see, and whose content is there.
async fn seen(
    turn: &Turn<'_>,
    say: &Say,
    (conversation, seq): (&ConversationId, Seq),
    field: &'static str,
) -> Result<Arc<Entry>, Failure> {
    let missing = || Failure::from(no_message(field));
    let from = &say.append.from;
    let thread = threads::find(turn.conn, conversation).await?.ok_or_else(missing)?;
    if !thread.has(turn.conn, from).await? {
        return Err(missing());
    }
    match acts::message(turn, &thread, Some(from), bound(seq.0)).await {
        Ok(entry) if entry.body.said().is_some() => Ok(entry),
        Ok(_) => Err(refused(Refusal::MessageDeleted).into()),
        Err(Failure::Refused(StoreError::NotFound)) => Err(missing()),
        Err(failure) => Err(failure),
    }
}

fn no_message(field: &'static str) -> StoreError {
    let rule = match field {
        "replyTo" | "thread" => "must be a message of this conversation",
        _ => "must be a message that the user may see",
    };
    refused(Refusal::invalid(field, rule))
}

async fn may_mention(conn: Conn<'_>, thread: Option<&Thread>, say: &Say) -> Result<(), Failure> {
    let (Some(thread), Recipient::Group(_)) = (thread, &say.append.to) else {
        return Err(refused(Refusal::invalid("mentions", "are for groups")).into());
    };
    let row = group_rows::group_row(conn, &thread.conversation).await?;
    let group = row.ok_or(StoreError::NotFound)?.group;
    if say.mentions_all && group.members > say.mention_all_members_max {
        let member = group_rows::member(conn, &thread.conversation, &say.append.from).await?;
        let member = member.ok_or_else(|| refused(Refusal::NotAMember))?;
        if !may(member.role, Action::MentionAll, &group.settings) {
            return Err(refused(Refusal::NotAllowed).into());
        }
    }
    let mut named: Vec<&str> = say.mentions.iter().map(UserId::as_str).collect();
    named.sort_unstable();
    named.dedup();
    let sql = "SELECT count(*) FROM member \
               WHERE conversation = $1 AND user_id = ANY ($2) AND ended IS NULL";
    let count = named.len() as i64;
    if conn.number(sql, params![thread.id(), named]).await? < count {
        let rule = "must be members of the group";
        return Err(refused(Refusal::invalid("mentions", rule)).into());
    }
    Ok(())
}

/// Notes whom a message that was just committed mentions, and in whose thread it is.
pub(crate) async fn note(
    conn: Conn<'_>,
    conversation: &ConversationId,
    seq: i64,
    outside: &Envelope,
) -> Result<(), Failure> {
    if let Some(root) = envelope::thread(Some(outside)) {
        message_state::replied(conn, conversation, root).await?;
    }
    // An empty name stands for all.
    let users: Vec<&str> = match outside.mentions_all {
        true => vec![""],
        false => outside.mentions.iter().map(UserId::as_str).collect(),
    };
    if users.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO mention (conversation, user_id, seq) \
               SELECT $1, user_id, $3 FROM unnest($2::text[]) AS n (user_id) ON CONFLICT DO NOTHING";
    conn.execute(sql, params![conversation.as_str(), users, seq]).await?;
    Ok(())
}
