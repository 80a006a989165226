//! Reading back: `history`, `conversations`, `devices`; and what a user does to devices and
//! tokens: `device_revoke`, `renew`.

use std::sync::Arc;

use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Badge, Device, HistoryQuery, Revoked, StoreError};
use parlor_gateway::SocketId;

use crate::clock;
use crate::closing::Ending;
use crate::commands::{self, Payload};
use crate::connect;
use crate::conversation_settings;
use crate::dispatch::{Caller, Work};
use crate::moderation;
use crate::receipts::is_a_member;
use crate::records::{self, DeviceLine};
use crate::service::Service;
use crate::session::{Kind, Session};

/// `history {conversationId, before?, after?, at?, limit?}`.
pub(crate) fn history(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let commands::History { conversation, range, limit } =
        commands::history(payload, &service.settings.limits)?;
    is_a_member(caller.user, &conversation)?;
    caller.charge(service)?;
    let user = caller.user.clone();
    let page =
        service.store.history(HistoryQuery { user: user.clone(), conversation, range, limit });
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(failed)?;
        Ok(records::history(&page, Some(&user)))
    })))
}

/// `conversations {cursor?, limit?}`.
pub(crate) fn conversations(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let command = commands::conversations(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let user = caller.user.clone();
    let page = service.store.conversations(user.clone(), command.cursor, command.limit);
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(failed)?;
        let settings = conversation_settings::of_page(&service, &user, &page).await;
        Ok(records::conversations(&page, &settings.map_err(failed)?, &user))
    })))
}

/// As how many commands `badge` counts: it looks at each of the user's conversations.
const BADGE_COMMANDS: u32 = 4;

/// `badge {}`: what is unread over all conversations.
pub(crate) fn badge(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    _payload: Payload<'_>,
) -> Result<Work, Refusal> {
    caller.charge_as(service, BADGE_COMMANDS)?;
    let badge = service.store.badge(caller.user.clone(), caller.now);
    Ok(Work::Later(Box::pin(async move {
        let Badge { unread, mentions, conversations } = badge.await.map_err(failed)?;
        let object = records::ok_with().number("unread", unread).number("mentions", mentions);
        Ok(object.number("conversations", conversations).end())
    })))
}

/// `devices {}`.
pub(crate) fn devices(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    _payload: Payload<'_>,
) -> Result<Work, Refusal> {
    caller.charge(service)?;
    let (user, current) = (caller.user.clone(), caller.session.device().clone());
    let devices = service.store.devices(user.clone());
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let devices = devices.await.map_err(failed)?;
        Ok(device_lines(&service, &user, &devices, Some(&current)))
    })))
}

/// The answer to `devices`; `current` is the one that asks, if one does.
pub(crate) fn device_lines(
    service: &Service,
    user: &UserId,
    devices: &[Device],
    current: Option<&DeviceId>,
) -> String {
    let sessions = service.sessions().of(user);
    let lines = devices.iter().map(|device| {
        let here = sessions.iter().filter(|session| session.device() == &device.device);
        let sessions = here.filter_map(|session| listed(service, session)).collect();
        DeviceLine { device, current: current == Some(&device.device), sessions }.json()
    });
    records::ok_with().list("devices", lines).end()
}

fn listed(service: &Service, session: &Session) -> Option<(SocketId, parlor_chat::entry::Millis)> {
    Some((service.io()?.id_of(session.key()?), session.since))
}

/// `device_revoke {deviceId}`: ends a device and closes its connections at once.
pub(crate) fn device_revoke(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let device = commands::device(payload)?;
    service.accepts_writes()?;
    caller.charge(service)?;
    let (user, now) = (caller.user.clone(), caller.now);
    let revoked = service.store.revoke_device(user.clone(), device.clone(), now);
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        match revoked.await.map_err(failed)? {
            Revoked::NotFound => Err(Refusal::NotFound),
            Revoked::Done => {
                let sessions = service.sessions().revoke(&user, &device, clock::now());
                tracing::info!(%user, %device, sessions = sessions.len(), "command: device revoked");
                service.tell_revoked(&user, &device);
                // The answer to the one who asks goes out first, should it be that very device.
                let closer = Arc::clone(&service);
                service.tasks.spawn(async move {
                    tokio::task::yield_now().await;
                    sessions.iter().for_each(|session| closer.end(session, Ending::Revoked));
                });
                Ok(records::ok())
            }
        }
    })))
}

/// `renew {token}`: the connection lives on until the new token ends.
pub(crate) fn renew(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let token = commands::token(payload)?;
    caller.charge(service)?;
    if caller.session.kind == Kind::Tutorial {
        return Err(Refusal::unauthorized("a registered connection has no token"));
    }
    let identity = connect::verify(service, &token, caller.now)?;
    if identity.user != *caller.user {
        return Err(Refusal::unauthorized("the token is of another user"));
    }
    let Some(session) = caller.socket.data_arc::<Session>() else {
        return Err(Refusal::unavailable());
    };
    let (service, socket) = (Arc::clone(service), caller.socket.clone());
    Ok(Work::Later(Box::pin(async move {
        connect::attach(&service, &identity, session.device()).await?;
        session.renew(identity.expires);
        session.reissue(identity.issued);
        moderation::reseat(&socket, &session, identity.role);
        service.expiry.note(&session, clock::now());
        // Who revoked tokens meanwhile may have seen the old one.
        if service.sessions().was_token_revoked(&session) {
            service.end(&session, Ending::Revoked);
            return Err(Refusal::DeviceRevoked);
        }
        Ok(records::renewed(identity.expires))
    })))
}

pub(crate) fn failed(error: StoreError) -> Refusal {
    let refusal = of_store(&error);
    if refusal == Refusal::Internal {
        tracing::error!(%error, "command: the store failed");
    }
    refusal
}
