//! `conversation_timer`: how long the messages of a conversation stay.

use std::sync::Arc;

use parlor_chat::around::port::MessageChanged;
use parlor_chat::around::timer::SetTimer;
use parlor_chat::ids::{ConversationId, MessageId};
use parlor_chat::refusal::Refusal;

use crate::around_records;
use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::queries::failed;
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;
use crate::traces;

/// `conversation_timer {conversationId, seconds}`; `null` seconds for messages that stay.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["conversationId", "seconds"])?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    required("seconds", fields.raw("seconds"))?;
    let seconds = fields.number("seconds", 0)?;
    is_a_member(caller.user, &conversation)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let change = SetTimer {
        by: caller.user.clone(),
        conversation: conversation.clone(),
        seconds,
        now: caller.now,
        origin: traces::origin(caller.socket.key().get()),
        limits: service.settings.limits.clone(),
    };
    let changed = service.around.set_timer(change);
    Ok(Work::Later(Box::pin(async move {
        let changed = changed.await.map_err(failed)?;
        let object = records::ok_with().text("conversationId", conversation.as_str());
        let ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
        let object = around_records::seconds(object, "seconds", ms);
        Ok(match changed {
            MessageChanged::Committed { seq, ts, .. } => object
                .text("id", MessageId::new(&conversation, seq).as_str())
                .number("seq", seq.0)
                .number("ts", ts.0)
                .end(),
            MessageChanged::Unchanged => object.flag("unchanged", true).end(),
        })
    })))
}
