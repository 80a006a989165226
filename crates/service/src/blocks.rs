//! `block`, `unblock` and `blocked`: whom a user keeps from writing to them.
//!
//! The store checks a block inside the commit of each message; here it is only changed, listed and
//! told to the user's other devices.

use std::sync::Arc;

use parlor_chat::ids::UserId;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Block, Blocked};

use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::nodes::Word;
use crate::records;
use crate::service::Service;

/// `block {userId}`.
pub(crate) fn block(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, payload, true)
}

/// `unblock {userId}`.
pub(crate) fn unblock(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, payload, false)
}

fn change(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
    blocked: bool,
) -> Result<Work, Refusal> {
    let other = commands::other_user(payload)?;
    if other == *caller.user {
        return Err(Refusal::invalid("userId", "must be another user"));
    }
    service.accepts_writes()?;
    caller.charge(service)?;
    let (user, now) = (caller.user.clone(), caller.now);
    let blocks_max = service.settings.limits.blocks_per_user_max;
    let changed = service.store.block(Block {
        user: user.clone(),
        other: other.clone(),
        blocked,
        now,
        blocks_max,
    });
    let (key, service) = (caller.socket.key(), Arc::clone(service));
    Ok(Work::Later(Box::pin(async move {
        if changed.await.map_err(|error| of_store(&error))? == Blocked::Changed {
            changed_by(&service, &user);
            service.tell_user(&user, Some(key), "blocked", &records::blocked(&other, blocked));
        }
        Ok(records::ok())
    })))
}

/// `blocked {}`: whom the user keeps out.
pub(crate) fn blocked(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    _payload: Payload<'_>,
) -> Result<Work, Refusal> {
    caller.charge(service)?;
    let blocks = service.store.blocks(caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        let blocks = blocks.await.map_err(|error| of_store(&error))?;
        Ok(records::blocks(&blocks))
    })))
}

/// Lets what a user has decided take effect at once, wherever it is remembered.
pub(crate) fn changed_by(service: &Service, user: &UserId) {
    decided(service, user);
    service.nodes().say(&Word::Decided { user: user.as_str().into() });
}

/// The same, on this node alone.
pub(crate) fn decided(service: &Service, user: &UserId) {
    service.delivery().regards.forget(user);
    service.visibility().changed(user);
    service.presence.look_again(user);
}
