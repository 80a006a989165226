//! The simplest tutorial's events, for trying things out (`--dev` only).
//!
//! A connection without a token may say `register` with a user id, once; then it is a session of
//! that user which hears `private message {from, message}`. What it sends is stored like any
//! message. The other half, `private message`, is in [`crate::sends`].

use std::sync::Arc;

use parlor_chat::moderation::Role;
use parlor_chat::refusal::Refusal;
use parlor_gateway::{Event, Socket};

use crate::commands;
use crate::connect::{attach, welcome};
use crate::dispatch::{Work, finish, prepare};
use crate::identity::Identity;
use crate::moderation;
use crate::records;
use crate::service::Service;
use crate::session::Session;

/// `register`: the user id takes effect at once, so that what follows it is the user's.
pub(crate) fn register(service: &Arc<Service>, socket: &Socket, event: Event) {
    let work = prepare(service, socket, &event).and_then(|(session, _)| {
        let user = commands::register(event.arg(0))?;
        session.register(user.clone())?;
        let session = socket.data_arc::<Session>().ok_or(Refusal::Internal)?;
        let (service, socket) = (Arc::clone(service), socket.clone());
        Ok(Work::Later(Box::pin(async move {
            let identity = Identity {
                user: user.clone(),
                name: None,
                issued: None,
                expires: None,
                role: Role::User,
            };
            match attach(&service, &identity, session.device()).await {
                Ok(()) => {
                    welcome(&service, &socket, &session);
                    Ok(records::registered(&user))
                }
                Err(refusal) => {
                    service.end(&session, moderation::ending_of(refusal.clone()));
                    Err(refusal)
                }
            }
        })))
    });
    finish(service, work, event, None);
}
