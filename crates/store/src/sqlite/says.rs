//! Messages with something on their outside: it is looked up, and held against the rules, inside the
//! transaction that commits the message.

use std::sync::Arc;

use parlor_chat::around::port::Say;
use parlor_chat::around::{Envelope, Reply};
use parlor_chat::entry::Entry;
use parlor_chat::group::rights::{Action, may};
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Recipient, StoreError};
use rusqlite::Connection;

use super::acts::refused;
use super::commands::Executor;
use super::message_state::{self, At};
use super::rows::{self, Failure, Thread};
use super::{envelope, groups, visible};

impl Executor {
    /// What is to be written on the outside of a message; the inner error is why it may not be.
    pub(crate) fn envelope(
        &mut self,
        conn: &Connection,
        thread: Option<&Thread>,
        say: &Say,
    ) -> Result<Result<Option<Arc<Envelope>>, StoreError>, Failure> {
        match self.written_outside(conn, thread, say) {
            Ok(envelope) if envelope.is_blank() => Ok(Ok(None)),
            Ok(envelope) => Ok(Ok(Some(Arc::new(envelope)))),
            Err(Failure::Refused(why @ StoreError::Refused(_))) => Ok(Err(why)),
            Err(failure) => Err(failure),
        }
    }

    fn written_outside(
        &mut self,
        conn: &Connection,
        thread: Option<&Thread>,
        say: &Say,
    ) -> Result<Envelope, Failure> {
        let place = thread.map(|thread| (thread.conversation.clone(), thread));
        let reply_to = match (say.reply_to, place) {
            (None, _) => None,
            (Some(_), None) => return Err(no_message("replyTo").into()),
            (Some(seq), Some((conversation, _))) => {
                let to = self.seen(conn, say, (&conversation, seq), "replyTo")?;
                let from = to.from.clone();
                Some(Reply { seq, from })
            }
        };
        if let Some(seq) = say.thread {
            let root = thread.map(|thread| thread.conversation.clone());
            let root = root.ok_or_else(|| no_message("thread"))?;
            let root = self.seen(conn, say, (&root, seq), "thread")?;
            if root.envelope.as_ref().is_some_and(|envelope| envelope.thread.is_some()) {
                let rule = "must be a message that is in no thread";
                return Err(refused(Refusal::invalid("thread", rule)).into());
            }
        }
        if let Some((conversation, seq)) = &say.forward_of {
            self.seen(conn, say, (conversation, *seq), "forwardOf")?;
        }
        if say.mentions_all || !say.mentions.is_empty() {
            may_mention(conn, thread, say)?;
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
    fn seen(
        &mut self,
        conn: &Connection,
        say: &Say,
        (conversation, seq): (&ConversationId, Seq),
        field: &'static str,
    ) -> Result<Arc<Entry>, Failure> {
        let missing = || Failure::from(no_message(field));
        let thread = self.thread(conn, conversation)?.ok_or_else(missing)?;
        let user = thread.member(conn, &say.append.from)?.ok_or_else(missing)?;
        let at = At { conversation: thread.id, seq: rows::bound(seq.0) };
        match self.message(conn, &thread, Some(user), at) {
            Ok(entry) if entry.body.said().is_some() => Ok(entry),
            Ok(_) => Err(refused(Refusal::MessageDeleted).into()),
            Err(Failure::Refused(StoreError::NotFound)) => Err(missing()),
            Err(failure) => Err(failure),
        }
    }
}

fn no_message(field: &'static str) -> StoreError {
    let rule = match field {
        "replyTo" | "thread" => "must be a message of this conversation",
        _ => "must be a message that the user may see",
    };
    refused(Refusal::invalid(field, rule))
}

fn may_mention(conn: &Connection, thread: Option<&Thread>, say: &Say) -> Result<(), Failure> {
    let (Some(thread), Recipient::Group(_)) = (thread, &say.append.to) else {
        return Err(refused(Refusal::invalid("mentions", "are for groups")).into());
    };
    let row = groups::group_row(conn, thread.id)?;
    if say.mentions_all && row.group.members > say.mention_all_members_max {
        let member = match rows::user_id(conn, &say.append.from)? {
            Some(user) => groups::member_row(conn, thread.id, user)?,
            None => None,
        };
        let member = member.ok_or_else(|| refused(Refusal::NotAMember))?;
        if !may(member.role, Action::MentionAll, &row.group.settings) {
            return Err(refused(Refusal::NotAllowed).into());
        }
    }
    for user in &say.mentions {
        let is_in = match rows::user_id(conn, user)? {
            Some(user) => groups::member_row(conn, thread.id, user)?.is_some(),
            None => false,
        };
        if !is_in {
            let rule = "must be members of the group";
            return Err(refused(Refusal::invalid("mentions", rule)).into());
        }
    }
    Ok(())
}

/// Notes whom a message that was just committed mentions, and in whose thread it is.
pub(crate) fn note(
    conn: &Connection,
    thread: &Thread,
    seq: i64,
    envelope: &Envelope,
) -> Result<(), Failure> {
    let at = At { conversation: thread.id, seq };
    if let Some(root) = envelope::thread(Some(envelope)) {
        message_state::replied(conn, At { conversation: thread.id, seq: root })?;
    }
    if envelope.mentions_all {
        return Ok(message_state::mention(conn, at, [0])?);
    }
    let mut users = Vec::with_capacity(envelope.mentions.len());
    for user in &envelope.mentions {
        users.extend(rows::user_id(conn, user)?);
    }
    Ok(message_state::mention(conn, at, users)?)
}

/// How many of the messages after a seq mention a user, up to the newest one that they may see.
pub(crate) fn mentions_after(
    conn: &Connection,
    thread: &Thread,
    user: i64,
    seq: i64,
) -> Result<u64, Failure> {
    if !thread.is_group() {
        return Ok(0);
    }
    let head = visible::head(conn, thread, user)?;
    let sql = "SELECT count(*) FROM mention m \
               JOIN entry e ON e.conversation = m.conversation AND e.seq = m.seq \
               WHERE m.conversation = ?1 AND m.user IN (0, ?2) AND m.seq > ?3 AND m.seq <= ?4 \
               AND e.sender <> ?2";
    let count: i64 =
        conn.prepare_cached(sql)?.query_row([thread.id, user, seq, head.seq], |row| row.get(0))?;
    Ok(rows::nat(count)?)
}
