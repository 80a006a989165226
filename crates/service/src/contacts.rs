//! `contact_add`, `contact_remove`, `contacts`: whom a user knows, under a name of the user's choice.
//! What a contact may, privacy says.

use std::sync::Arc;

use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::own::{OwnKey, OwnKind};
use parlor_chat::refusal::{Refusal, of_store};

use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::json::push_text;
use crate::own;
use crate::profiles;
use crate::service::Service;

/// `contact_add {userId, name?}`; of one who is a contact it changes the name.
pub(crate) fn add(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let fields = Fields::parse(payload, ["userId", "name"])?;
    let other = required("userId", fields.id("userId", UserId::parse)?)?;
    let name = fields.text("name")?;
    if let Some(name) = &name {
        profiles::check_text("name", name, limits.name_bytes_max, profiles::Lines::One)?;
    }
    let mut json = String::from("null");
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        json.clear();
        push_text(&mut json, &name);
    }
    set(service, caller, &other, Some(&json))
}

/// `contact_remove {userId}`.
pub(crate) fn remove(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    set(service, caller, &commands::other_user(payload)?, None)
}

fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    other: &UserId,
    name: Option<&str>,
) -> Result<Work, Refusal> {
    if other == caller.user {
        return Err(Refusal::invalid("userId", "must be another user"));
    }
    let records_max = service.settings.limits.contacts_per_user_max;
    let mut wishes = vec![own::wish(OwnKind::Contact, OwnKey::user(other), name)];
    if name.is_some() {
        // Whoever is known asks no more.
        let conversation = ConversationId::direct(caller.user, other);
        wishes.push(own::wish(OwnKind::Request, OwnKey::conversation(&conversation), None));
    }
    let change = own::change(service, caller, wishes, records_max)?;
    Ok(own::submit(service, change))
}

/// `contacts {cursor?, limit?}`, last changed first.
pub(crate) fn list(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let page = own::page(service, caller, payload, OwnKind::Contact)?;
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        let lines = page.records.iter().map(|record| {
            let name = record.value.as_ref().map_or("null", |value| &*value.0);
            own::contact(record.key.as_str(), name).number("at", record.at.0).end()
        });
        Ok(own::listed("contacts", lines, page.next.as_ref()))
    })))
}
