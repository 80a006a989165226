//! `app_event`: what an app has its clients tell each other, as an entry of the log or in passing.
//!
//! One that is stored goes the way of a message (`sends`), in its order, but that no rule looks at it.
//! One that is not is relayed to the others who are online once the store has said that the user may
//! say something there now; those of a connection in one conversation keep their order.

use std::sync::Arc;

use parlor_chat::app_event::{AppEvent, EventName};
use parlor_chat::around::port::Speaker;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Authority, Recipient};

use crate::around_commands::Outside;
use crate::commands::{Payload, Send, checked};
use crate::delivery::{group_room, room};
use crate::dispatch::{Answer, Caller, Work};
use crate::fields::{Fields, required};
use crate::json::Object;
use crate::nodes::Address;
use crate::queries::failed;
use crate::records;
use crate::sends;
use crate::service::Service;
use crate::session::Kind;

/// `app_event {conversationId, name, data?, store?, clientId?}`.
pub(crate) fn app_event(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let names = ["conversationId", "name", "data", "store", "clientId"];
    let fields = Fields::parse(payload, names)?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let conversation = required("conversationId", conversation)?;
    let (event, store) = read(&fields, &service.settings.limits)?;
    let client_id = fields.id("clientId", ClientId::parse)?;
    let to = Recipient::in_conversation(caller.user, &conversation);
    let to = to.ok_or(Refusal::NotAMember)?;
    if store {
        let AppEvent { name, data: content } = event;
        let outside = Outside::of_event(name);
        return sends::send(
            service,
            caller,
            Send { to, client_id, content, echo: false, outside, send_at: None },
        );
    }
    caller.charge(service)?;
    let (user, now, order) = (caller.user.clone(), caller.now, service.next_order());
    let connection = caller.socket.key().get();
    let mut place = service.relays.stand(connection, &conversation, order, None);
    let speaker = Speaker { from: user, authority: Authority::User, to, now };
    let may = service.around.may_say(speaker.clone());
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let may = may.await;
        place.in_front().await?;
        may.map_err(failed)?;
        Ok(relay(&service, &speaker, &event))
    })))
}

/// Reads `{name, data?, store?}`: an event, and whether it is to be stored.
pub(crate) fn read<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<(AppEvent, bool), Refusal> {
    let name = required("name", fields.id("name", EventName::parse)?)?;
    let data = match fields.raw("data") {
        Some(data) => checked("data", data, limits)?,
        None => Content("null".into()),
    };
    Ok((AppEvent { name, data }, fields.flag("store")?.unwrap_or(false)))
}

/// Relays an event in passing for who may say something there, outside of any connection.
///
/// # Errors
/// As an append.
pub(crate) async fn relayed(service: &Service, speaker: Speaker, event: &AppEvent) -> Answer {
    service.around.may_say(speaker.clone()).await.map_err(failed)?;
    Ok(relay(service, &speaker, event))
}

/// Tells the others who are here, and answers.
fn relay(service: &Service, speaker: &Speaker, event: &AppEvent) -> String {
    let Speaker { from, to, now, .. } = speaker;
    service.counters().app_events_relayed.add(1);
    let others = match to {
        Recipient::User(to) if to == from => None,
        Recipient::User(to) => Some(room(Kind::Standard, to)),
        Recipient::Group(group) => Some(group_room(group)),
    };
    if let Some(others) = others {
        let own = room(Kind::Standard, from);
        let except = Some((&*own).into());
        let others = Address { room: (&*others).into(), except, volatile: false };
        service.tell_room(&others, None, "app_event", &record(from, to, event, *now));
    }
    records::ok_with().number("ts", now.0).end()
}

fn record(from: &UserId, to: &Recipient, event: &AppEvent, now: Millis) -> String {
    let object =
        Object::sized(128 + event.weight()).text("conversationId", to.conversation(from).as_str());
    let object = match to {
        Recipient::Group(group) => object.text("groupId", group.as_str()),
        Recipient::User(_) => object,
    };
    object
        .text("name", event.name.as_str())
        .text("from", from.as_str())
        .raw("data", &event.data.0)
        .number("ts", now.0)
        .end()
}
