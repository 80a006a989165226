//! Entering rooms (XEP-0045), the first of each room alone, since that makes it, then so many at a
//! time. One has entered when it hears the room's subject, which is the last thing it is told.

use std::io;

use super::super::connection::{Connection, user_name};
use super::ROOMS;
use super::scan::{attribute, contains};
use crate::protocol::Reply;

/// Connections that are entering at the same time.
const AT_ONCE: usize = 64;

/// Connections on their way into their rooms, one part of them after the other into each.
pub(in crate::load) struct Entering {
    rooms: Vec<String>,
    connections: usize,
    asked: usize,
    entered: usize,
}

impl Entering {
    pub(in crate::load) fn new(rooms: Vec<String>, connections: usize) -> Self {
        Self { rooms, connections, asked: 0, entered: 0 }
    }

    /// Connections of each room.
    fn members(&self) -> usize {
        (self.connections / self.rooms.len().max(1)).max(1)
    }

    pub(in crate::load) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        let members = self.members();
        while self.asked < self.connections {
            let waiting = self.asked - self.entered;
            let follows_maker = self.asked % members == 1 && waiting > 0;
            if waiting >= AT_ONCE || follows_maker {
                break;
            }
            let connection = &mut connections[self.asked];
            let (room, nick) = (&self.rooms[self.asked / members], user_name(connection.user));
            let enter = format!(
                "<presence to='{room}@{ROOMS}/{nick}'><x xmlns='http://jabber.org/protocol/muc'>\
                 <history maxstanzas='0'/></x></presence>"
            );
            connection.send_text(enter.as_bytes())?;
            self.asked += 1;
        }
        Ok(())
    }

    pub(in crate::load) fn on_stanza(&mut self, stanza: &[u8]) -> io::Result<()> {
        if attribute(stanza, "type") == Some(b"error") {
            return Err(io::Error::other(String::from_utf8_lossy(stanza)));
        }
        if stanza.starts_with(b"<message ") && contains(stanza, b"<subject") {
            self.entered += 1;
        }
        Ok(())
    }

    pub(in crate::load) fn progress(&self) -> u64 {
        self.entered as u64 + 1
    }

    pub(in crate::load) fn state(&self) -> String {
        let Self { connections, asked, entered, .. } = self;
        format!("{entered} of {connections} connections have entered, {asked} asked")
    }

    pub(in crate::load) fn reply(&self) -> Option<Reply> {
        (self.entered == self.connections).then_some(Reply::Entered)
    }
}
