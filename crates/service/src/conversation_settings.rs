//! `conversation_set`: how a user wants to see a conversation. Each setting is a record of its own, so
//! that two devices that change different ones do not undo each other.

use std::sync::Arc;

use parlor_chat::ids::ConversationId;
use parlor_chat::own::{OwnKey, OwnKind, OwnRecord};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{ConversationsPage, Pending};

use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::json::Object;
use crate::own;
use crate::receipts::is_a_member;
use crate::service::Service;

const KINDS: [OwnKind; 4] = [OwnKind::Muted, OwnKind::Archived, OwnKind::Unread, OwnKind::Pinned];

/// `conversation_set {conversationId, mutedUntil?, archived?, markedUnread?, pinned?}`; what is not
/// given stays as it is.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let names = ["conversationId", "mutedUntil", "archived", "markedUnread", "pinned"];
    let fields = Fields::parse(payload, names)?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    let muted = fields.number("mutedUntil", 0)?.map(|until| (until > 0).then_some(until));
    let flag = |name| Ok::<_, Refusal>(fields.flag(name)?.map(|is| is.then_some("true".into())));
    let settings = [
        (OwnKind::Muted, muted.map(|until| until.map(|until| until.to_string()))),
        (OwnKind::Archived, flag("archived")?),
        (OwnKind::Unread, flag("markedUnread")?),
        (OwnKind::Pinned, flag("pinned")?),
    ];
    let key = OwnKey::conversation(&conversation);
    let wishes: Vec<_> = settings
        .into_iter()
        .filter_map(|(kind, wish)| Some(own::wish(kind, key.clone(), wish?.as_deref())))
        .collect();
    if wishes.is_empty() {
        let reason = "or archived, markedUnread or pinned is required";
        return Err(Refusal::invalid("mutedUntil", reason));
    }
    is_a_member(caller.user, &conversation)?;
    let records_max = service.settings.limits.conversation_settings_per_user_max;
    let change = own::change(service, caller, wishes, records_max)?;
    Ok(own::submit(service, change))
}

/// Asks for the settings of the conversations on a page.
pub(crate) fn of_page(
    service: &Service,
    user: &parlor_chat::ids::UserId,
    page: &ConversationsPage,
) -> Pending<Vec<OwnRecord>> {
    let places = page.conversations.iter().flat_map(|line| {
        let key = OwnKey::conversation(&line.conversation);
        KINDS.map(|kind| (kind, key.clone()))
    });
    service.store.own_at(user.clone(), places.collect())
}

/// The settings of one conversation out of those of many, as JSON; `None` if it has none.
pub(crate) fn of_one(records: &[OwnRecord], conversation: &ConversationId) -> Option<String> {
    let ours: Vec<&OwnRecord> =
        records.iter().filter(|record| record.key.as_str() == conversation.as_str()).collect();
    (!ours.is_empty()).then(|| own::settings(Object::new(), &ours).end())
}
