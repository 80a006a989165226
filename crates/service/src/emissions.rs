//! What programs of the app emit to rooms, as to those of a Socket.IO server.
//!
//! A room is a user, by the bare id, or a group, `group:` and its id; chat's own rooms and events are nobody
//! else's. All of it is in passing: nothing is kept, and who is not there does not hear it. Each node hears
//! what is emitted and tells its own sockets.

use std::sync::Arc;

use parlor_chat::ids::{ConversationId, UserId};
use parlor_gateway::{Emission, EmitError};

use crate::delivery::{NAMESPACE, group_room, room};
use crate::service::Service;
use crate::session::Kind;

/// What only chat says.
const OWN_EVENTS: &[&str] = &[
    "app_event",
    "blocked",
    "caught_up",
    "closing",
    "contact",
    "conversation_settings",
    "delivered",
    "draft",
    "entry",
    "group_message",
    "group_request",
    "hidden",
    "moved",
    "notice",
    "position",
    "presence",
    "privacy",
    "private message",
    "private_message",
    "profile",
    "read",
    "ready",
    "receipts",
    "report",
    "request",
    "schedule",
    "snapshot",
    "starred",
    "typing",
];

/// Why something is not emitted.
#[derive(Debug, thiserror::Error)]
pub enum NotEmitted {
    /// It is for sockets of another namespace.
    #[error("it is for another namespace than `/`")]
    Namespace,
    /// Only chat says such an event.
    #[error("chat keeps events of that name for itself")]
    OwnEvent,
    /// A room is neither a user nor a group.
    #[error("a room is neither a user's id nor `group:` and a group's id")]
    Room,
    /// The server begins or ends.
    #[error("the server is not open")]
    Closed,
    /// The server has too much to do.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

impl Service {
    /// Emits what a program of the app has published for rooms to the sockets of this node. Never waits.
    ///
    /// # Errors
    /// Why nobody is told; it is counted.
    pub fn emit(&self, emission: Emission) -> Result<(), NotEmitted> {
        let emitted = self.emit_here(emission);
        match &emitted {
            Ok(()) => self.counters().emissions.add(1),
            Err(_) => self.counters().emissions_refused.add(1),
        }
        emitted
    }

    /// Counts what is published for rooms and cannot be read.
    pub fn emission_not_read(&self) {
        self.counters().emissions_refused.add(1);
    }

    fn emit_here(&self, emission: Emission) -> Result<(), NotEmitted> {
        if &*emission.namespace != NAMESPACE {
            return Err(NotEmitted::Namespace);
        }
        if OWN_EVENTS.contains(&&*emission.event) {
            return Err(NotEmitted::OwnEvent);
        }
        let rooms = |names: &[Box<str>]| -> Result<Vec<Arc<str>>, NotEmitted> {
            names.iter().map(|name| of_chat(name).ok_or(NotEmitted::Room)).collect()
        };
        let (to, except) = (rooms(&emission.rooms)?, rooms(&emission.except)?);
        let mut sockets = self.io().ok_or(NotEmitted::Closed)?.of(NAMESPACE);
        for room in to {
            sockets = sockets.to(room);
        }
        for room in except {
            sockets = sockets.except(room);
        }
        if emission.volatile {
            sockets = sockets.volatile();
        }
        Ok(sockets.emit_with(&emission.event, &emission.args, emission.attachments)?)
    }
}

/// Chat's room that a name stands for.
fn of_chat(name: &str) -> Option<Arc<str>> {
    if name.starts_with("group:") {
        return ConversationId::parse(name).ok()?.group_id().map(|group| group_room(&group));
    }
    UserId::parse(name).ok().map(|user| room(Kind::Standard, &user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_chat_says_is_kept_for_it() {
        let mut said = parlor_protocol::event_names();
        // What the simplest tutorial hears.
        said.push("private message");
        said.sort_unstable();
        assert_eq!(OWN_EVENTS, said);
    }

    #[test]
    fn a_room_is_a_user_or_a_group() {
        assert_eq!(of_chat("alice").as_deref(), Some("user:alice"));
        assert_eq!(of_chat("group:01J").as_deref(), Some("group:01J"));
        for no_room in ["", "group:", "dm:a:b"] {
            assert_eq!(of_chat(no_room).filter(|room| !room.starts_with("user:")), None);
        }
    }
}
