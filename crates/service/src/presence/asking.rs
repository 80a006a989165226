//! `presence`, `presence_subscribe` and `presence_unsubscribe`: who is there, once or from now on.
//!
//! A subscription is made within the handler, so that it ends with the socket whatever else is slow.
//! It is told nothing until its answer is out, and its answer waits for what it was told before, so
//! that what a client hears last is the truth. What the store has to say is read first; then all
//! users are looked at in one moment, which is what the answer speaks of.

use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, GroupId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::presence::{Sight, State, View};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::StoreError;
use parlor_gateway::SocketKey;

use super::lines;
use crate::clock;
use crate::commands::{Payload, limit};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::online;
use crate::records;
use crate::service::Service;

/// `presence {userIds}`: once; or `presence {groupId, cursor?, limit?}`: who of a group is online.
pub(crate) fn presence(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let fields = Fields::parse(payload, ["groupId", "cursor", "limit"])?;
    if let Some(group) = fields.id("groupId", GroupId::parse)? {
        let after = fields.id("cursor", UserId::parse)?;
        let (default, max) = (limits.group_members_limit_default, limits.group_members_limit_max);
        let limit = limit(&fields, default, max)?;
        return online::of_group(service, caller, &group, after.as_ref(), limit);
    }
    let users = users(payload, limits)?;
    caller.charge(service)?;
    let (service, viewer) = (Arc::clone(service), caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        let lines = look(&service, &viewer, &users, None).await.map_err(failed)?;
        Ok(lines::answer(lines))
    })))
}

/// `presence_subscribe {userIds}`: now, and what changes from then on.
pub(crate) fn subscribe(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let users = users(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let (viewer, socket) = (caller.user.clone(), caller.socket.clone());
    // Nobody is told of themself.
    let others: Vec<_> = users.iter().filter(|user| **user != viewer).cloned().collect();
    let key = socket.key();
    let is_connected = |user: &UserId| service.is_connected(user);
    let subscribed = service.presence.subscribe(is_connected, key, &viewer, &others);
    let ticket = subscribed.map_err(|_| Refusal::TooManySubscriptions)?;
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        service.presence.written(&service, &socket).await;
        match look(&service, &viewer, &users, Some(key)).await {
            Ok(lines) => {
                let teller = Arc::clone(&service);
                service.tasks.spawn(async move {
                    // Behind the answer: what is told from another thread might overtake it.
                    if socket.flushed(usize::MAX).await.is_ok() {
                        teller.presence.with(|machine| machine.answered(key, &others, ticket));
                        teller.find_again(&others).await;
                    }
                });
                Ok(lines::answer(lines))
            }
            Err(error) => {
                service.presence.with(|machine| machine.unanswered(key, &others, ticket));
                Err(failed(error))
            }
        }
    })))
}

/// `presence_unsubscribe {userIds}`.
pub(crate) fn unsubscribe(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let users = users(payload, &service.settings.limits)?;
    caller.charge(service)?;
    service.presence.with(|machine| machine.unsubscribe(caller.socket.key(), &users));
    Ok(Work::Done(records::ok()))
}

/// Reads `{userIds}`: some users, each taken once, in the order given.
fn users(payload: Payload<'_>, limits: &Limits) -> Result<Vec<UserId>, Refusal> {
    let fields = Fields::parse(payload, ["userIds"])?;
    let users = fields.distinct_ids("userIds", limits.presence_users_max, UserId::parse)?;
    required("userIds", users)
}

/// What is known of a user before the moment that an answer speaks of.
struct Known {
    sight: Sight,
    /// When the store says that the user was last seen, if nothing newer is known.
    stored: Option<Millis>,
}

/// A line for each user; the subscriber, if there is one, knows it from then on.
async fn look(
    service: &Service,
    viewer: &UserId,
    users: &[UserId],
    subscriber: Option<SocketKey>,
) -> Result<Vec<String>, StoreError> {
    service.find_elsewhere(users).await;
    let mut known = Vec::with_capacity(users.len());
    for user in users {
        known.push(if user == viewer {
            Known { sight: Sight::FULL, stored: None }
        } else {
            learn(service, viewer, user).await?
        });
    }
    let now = clock::now();
    let views = service.presence.with(|machine| {
        let view = |(user, known): (&UserId, &Known)| {
            let here = service.is_connected(user);
            match subscriber {
                Some(subscriber) => machine.answer(subscriber, user, here, known.sight, now),
                None => View::new(machine.state(user, here, now), known.sight),
            }
        };
        users.iter().zip(&known).map(view).collect::<Vec<_>>()
    });
    let lines = users.iter().zip(known).zip(views).map(|((user, known), view)| {
        let devices = devices(service, user);
        if user == viewer {
            return lines::oneself(user, &devices);
        }
        let last_seen = match view.online {
            true => None,
            false => view.last_seen.or(known.stored),
        };
        lines::other(user, View { last_seen, ..view }, devices.len())
    });
    Ok(lines.collect())
}

async fn learn(service: &Service, viewer: &UserId, user: &UserId) -> Result<Known, StoreError> {
    let sight = service.visibility().of(&*service.store, user).await?.may_see(viewer);
    let here = service.is_connected(user);
    let state = service.presence.with(|machine| machine.state(user, here, clock::now()));
    let stored = match state {
        State::Offline(None) if sight.online && sight.last_seen => {
            service.store.last_seen(user.clone()).await?
        }
        State::Online | State::Offline(_) => None,
    };
    Ok(Known { sight, stored })
}

/// The devices on which a user is connected.
fn devices(service: &Service, user: &UserId) -> Vec<DeviceId> {
    let mut devices = service.devices_here(user);
    devices.append(&mut service.nodes().elsewhere.devices(user));
    devices.sort_unstable();
    devices.dedup();
    devices
}

fn failed(error: StoreError) -> Refusal {
    let refusal = of_store(&error);
    if refusal == Refusal::Internal {
        tracing::error!(%error, "command: the store failed");
    }
    refusal
}
