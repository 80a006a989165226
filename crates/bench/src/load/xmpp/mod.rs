//! The load's side of XMPP over TCP: how a stream of stanzas is cut into pieces, how a connection logs
//! in, and what it says afterwards.
//!
//! A connection hands out whole stanzas as it hands out packets of Socket.IO. What belongs to the
//! stream itself is answered here: the server's questions how much has arrived (XEP-0198), and pings.
//! Acks are those of XEP-0198: the server confirms, in order, what it has taken charge of, which is
//! behind its archive.

mod enter;
mod login;
mod scan;

use std::collections::VecDeque;
use std::io;

pub(super) use self::enter::Entering;
pub(super) use self::login::on_stanza as on_login_stanza;
pub(super) use self::scan::{attribute, body, read};
use super::connection::user_name;

/// The domain of the users, and that of the rooms.
const DOMAIN: &str = "localhost";
const ROOMS: &str = "conference.localhost";

/// What opens a stream, and opens it anew after the login.
pub(super) const OPEN: &[u8] = b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' \
    xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

/// What asks for acks from now on, and what asks for one.
const ENABLE: &str = "<enable xmlns='urn:xmpp:sm:3'/>";
const ASK: &str = "<r xmlns='urn:xmpp:sm:3'/>";

/// What a connection knows of its stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Stanzas that came since acks were enabled.
    received: u32,
    is_enabled: bool,
    /// How many of ours the server has confirmed, and the numbers of those that it has not.
    confirmed: u32,
    unconfirmed: VecDeque<usize>,
}

impl Stream {
    /// What the stream itself answers to a stanza.
    ///
    /// # Errors
    /// The server ended the stream.
    pub(super) fn on_stanza(&mut self, stanza: &[u8]) -> io::Result<Option<String>> {
        if stanza.starts_with(b"<stream:error") || stanza.starts_with(b"<failed") {
            return Err(io::Error::other(String::from_utf8_lossy(stanza)));
        }
        if stanza.starts_with(b"<r ") {
            return Ok(Some(format!("<a xmlns='urn:xmpp:sm:3' h='{}'/>", self.received)));
        }
        if stanza.starts_with(b"<enabled ") {
            self.received = 0;
        } else if !stanza.starts_with(b"<a ") {
            self.received = self.received.wrapping_add(1);
        }
        let is_ping = stanza.starts_with(b"<iq ") && scan::contains(stanza, b"urn:xmpp:ping");
        Ok(is_ping.then(|| {
            let id = attribute(stanza, "id").unwrap_or_default();
            format!("<iq type='result' id='{}'/>", String::from_utf8_lossy(id))
        }))
    }

    /// The stanzas that send message `number` to a user and ask for its ack.
    pub(super) fn message(&mut self, number: usize, to: u32, text: &str) -> String {
        let enable = if self.is_enabled { "" } else { ENABLE };
        self.is_enabled = true;
        self.unconfirmed.push_back(number);
        let to = user_name(to);
        format!(
            "{enable}<message type='chat' to='{to}@{DOMAIN}' id='m{number}'><body>{text}</body>\
             </message>{ASK}"
        )
    }

    /// The numbers of the messages that this stanza confirms.
    ///
    /// # Errors
    /// More is confirmed than was sent.
    pub(super) fn confirmed(&mut self, stanza: &[u8]) -> io::Result<Vec<usize>> {
        let handled =
            attribute(stanza, "h").and_then(|h| std::str::from_utf8(h).ok()?.parse().ok());
        let handled: u32 = handled.ok_or_else(|| io::Error::other("an ack without a number"))?;
        let count = handled.wrapping_sub(self.confirmed) as usize;
        if count > self.unconfirmed.len() {
            return Err(io::Error::other(format!("{count} messages are confirmed, too many")));
        }
        self.confirmed = handled;
        Ok(self.unconfirmed.drain(..count).collect())
    }
}

/// The stanza that speaks to a room.
pub(super) fn to_room(room: &str, number: u32, text: &str) -> String {
    format!(
        "<message type='groupchat' to='{room}@{ROOMS}' id='m{number}'><body>{text}</body></message>"
    )
}

/// Whether a stanza is what somebody said in a room.
pub(super) fn is_said_in_room(stanza: &[u8]) -> bool {
    stanza.starts_with(b"<message ")
        && attribute(stanza, "type") == Some(b"groupchat")
        && body(stanza).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_confirm_messages_in_order() {
        let mut stream = Stream::default();
        assert!(stream.message(7, 1, "x").starts_with("<enable "));
        assert!(stream.message(9, 1, "x").starts_with("<message "));
        assert_eq!(stream.confirmed(b"<a xmlns='urn:xmpp:sm:3' h='1'/>").unwrap(), [7]);
        assert!(stream.confirmed(b"<a h='1' xmlns='urn:xmpp:sm:3'/>").unwrap().is_empty());
        assert_eq!(stream.confirmed(b"<a xmlns='urn:xmpp:sm:3' h='2'/>").unwrap(), [9]);
        assert!(stream.confirmed(b"<a xmlns='urn:xmpp:sm:3' h='3'/>").is_err());
    }

    #[test]
    fn what_has_arrived_is_counted_since_acks_were_enabled() {
        let mut stream = Stream::default();
        assert_eq!(stream.on_stanza(b"<presence from='a'/>").unwrap(), None);
        assert_eq!(stream.on_stanza(b"<enabled xmlns='urn:xmpp:sm:3'/>").unwrap(), None);
        assert_eq!(stream.on_stanza(b"<message from='a'/>").unwrap(), None);
        assert_eq!(stream.on_stanza(b"<a xmlns='urn:xmpp:sm:3' h='1'/>").unwrap(), None);
        let answer = stream.on_stanza(b"<r xmlns='urn:xmpp:sm:3'/>").unwrap().unwrap();
        assert!(answer.ends_with("h='1'/>"), "{answer}");
    }

    #[test]
    fn a_ping_is_answered_with_its_id() {
        let ping = b"<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>";
        let answer = Stream::default().on_stanza(ping).unwrap();
        assert_eq!(answer.as_deref(), Some("<iq type='result' id='p1'/>"));
    }
}
