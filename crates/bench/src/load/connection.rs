//! One connection of the load: TCP, HTTP upgrade, Engine.IO open, Socket.IO CONNECT, `ready`; or TCP
//! and an XMPP stream.
//!
//! A connection keeps its descriptor, its stage and, only while needed, the bytes of a partial
//! frame or of an unfinished write. What comes in is handed out as Socket.IO text packets, or as
//! stanzas.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::ClientConfig;
use socket2::{Domain, Protocol, Socket, Type};

use super::frame;
use super::transport::Transport;
use super::xmpp::{self, Stream};
use crate::protocol::{Window, Wire};

/// Connections per source address: far below the 28,000 ports that one address has, and below
/// what a server may allow an address.
const PER_ADDRESS: u32 = 16;

/// The upgrade request; the key is fixed, the answer's hash is not what is measured.
const UPGRADE: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
    Host: 127.0.0.1\r\n\
    Connection: Upgrade\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://127.0.0.1\r\n\
    User-Agent: parlor-bench\r\n\r\n";

/// What a narrow connection takes without being read, and in packets of what size.
const NARROW_BYTES: usize = 4096;
const NARROW_PACKET_BYTES: u32 = 1400;

/// Largest answer to the upgrade that is waited for.
const UPGRADE_ANSWER_MAX: usize = 4096;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// TCP is connecting.
    Connecting,
    /// The upgrade was asked for.
    Upgrading,
    /// The Engine.IO open packet, or the login's next step, is awaited.
    Opening,
    /// CONNECT was sent, or presence; its answer and `ready` are awaited.
    Joining,
    /// Ready for use.
    Live,
}

/// One client connection.
#[derive(Debug)]
pub(super) struct Connection {
    transport: Transport,
    pub(super) stage: Stage,
    pub(super) user: u32,
    /// Events received since the last run began.
    pub(super) events: u32,
    /// Of a connection that speaks XMPP.
    xmpp: Option<Box<Stream>>,
    partial: Vec<u8>,
    unsent: Vec<u8>,
}

/// The name of the user with this number.
pub(crate) fn user_name(user: u32) -> String {
    format!("u{user:06}")
}

/// The name of that user's device.
pub(crate) fn device_name(user: u32) -> String {
    format!("d{user:06}")
}

/// The loopback address from which the user with this number connects.
fn source_address(user: u32) -> Ipv4Addr {
    let block = user / PER_ADDRESS;
    let octet = |value: u32| u8::try_from(value).expect("each octet is reduced below 256");
    Ipv4Addr::new(
        127,
        octet(1 + block / (250 * 250) % 250),
        octet(block / 250 % 250),
        octet(1 + block % 250),
    )
}

impl Connection {
    /// Begins a TCP connection from the user's own loopback address, on which TLS is spoken if there is a
    /// configuration of it.
    pub(super) fn begin(
        server: SocketAddr,
        user: u32,
        window: Window,
        wire: Wire,
        tls: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        if window == Window::Narrow {
            socket.set_recv_buffer_size(NARROW_BYTES)?;
            socket.set_tcp_mss(NARROW_PACKET_BYTES)?;
        }
        socket.bind(&SocketAddr::from((source_address(user), 0)).into())?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&server.into()) {
            Ok(()) => {}
            // EINPROGRESS has no stable kind; mio connects by the same rule.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            transport: Transport::over(TcpStream::from_std(socket.into()), tls)?,
            stage: Stage::Connecting,
            user,
            events: 0,
            xmpp: (wire == Wire::Xmpp).then(Box::default),
            partial: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// What it knows of its XMPP stream, if it speaks XMPP.
    pub(super) fn xmpp_mut(&mut self) -> Option<&mut Stream> {
        self.xmpp.as_deref_mut()
    }

    pub(super) fn socket_mut(&mut self) -> &mut TcpStream {
        self.transport.socket_mut()
    }

    /// Goes on writing: asks for the upgrade, or opens the XMPP stream, once TCP is connected, then
    /// empties what is unsent.
    pub(super) fn on_writable(&mut self) -> io::Result<()> {
        if self.stage == Stage::Connecting {
            if let Some(error) = self.socket_mut().take_error()? {
                return Err(error);
            }
            if self.socket_mut().peer_addr().is_err() {
                return Ok(());
            }
            let (stage, greeting) = match self.xmpp {
                None => (Stage::Upgrading, UPGRADE),
                Some(_) => (Stage::Opening, xmpp::OPEN),
            };
            self.stage = stage;
            return self.send_bytes(greeting);
        }
        if self.unsent.is_empty() {
            return Ok(());
        }
        let unsent = std::mem::take(&mut self.unsent);
        self.send_bytes(&unsent)
    }

    /// Sends a text packet such as `42["event"]`, or stanzas as they are.
    pub(super) fn send_text(&mut self, packet: &[u8]) -> io::Result<()> {
        if self.xmpp.is_some() {
            return self.send_bytes(packet);
        }
        self.send_frame(frame::TEXT, packet)
    }

    fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(payload.len() + 8);
        frame::write(&mut bytes, opcode, payload);
        self.send_bytes(&bytes)
    }

    fn send_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.unsent.is_empty() && !bytes.is_empty() {
            match self.transport.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads once into `buffer` and hands each Engine.IO packet or stanza to `on_packet`, pings being
    /// answered here. Says whether the socket may hold more.
    ///
    /// # Errors
    /// The connection was closed or broke the protocol.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut on_packet: impl FnMut(&mut Self, &[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        let count = match self.transport.read(buffer) {
            Ok(0) => return Err(io::Error::other("the server closed the connection")),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        // Less than was asked for: the socket is empty, and the next bytes are a new edge.
        let more = count == buffer.len() || !self.transport.short_read_is_last();
        if self.partial.is_empty() {
            let used = self.consume(&buffer[..count], &mut on_packet)?;
            self.partial.extend_from_slice(&buffer[used..count]);
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend_from_slice(&buffer[..count]);
            let used = self.consume(&bytes, &mut on_packet)?;
            if used < bytes.len() {
                bytes.drain(..used);
                self.partial = bytes;
            }
        }
        Ok(more)
    }

    fn consume(
        &mut self,
        bytes: &[u8],
        on_packet: &mut impl FnMut(&mut Self, &[u8]) -> io::Result<()>,
    ) -> io::Result<usize> {
        if self.xmpp.is_some() {
            return self.consume_stanzas(bytes, on_packet);
        }
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            match upgrade_answer(bytes)? {
                Some(length) => used = length,
                None => return Ok(0),
            }
            self.stage = Stage::Opening;
        }
        while let Some(found) = frame::read(&bytes[used..]).map_err(io::Error::other)? {
            used += found.length;
            match found.opcode {
                frame::TEXT if found.payload == b"2" => self.send_text(b"3")?,
                frame::TEXT if found.payload.starts_with(CLOSING) => {
                    return Err(io::Error::other(String::from_utf8_lossy(found.payload)));
                }
                frame::TEXT => on_packet(self, found.payload)?,
                frame::PING => self.send_frame(frame::PONG, found.payload)?,
                frame::PONG => {}
                frame::CLOSE => return Err(io::Error::other(closed(found.payload))),
                _ => return Err(io::Error::other("the server sent a binary frame")),
            }
        }
        Ok(used)
    }

    fn consume_stanzas(
        &mut self,
        bytes: &[u8],
        on_packet: &mut impl FnMut(&mut Self, &[u8]) -> io::Result<()>,
    ) -> io::Result<usize> {
        let mut used = 0;
        while let Some(found) = xmpp::read(&bytes[used..]).map_err(io::Error::other)? {
            used += found.length;
            let answer = self.xmpp.as_mut().map(|stream| stream.on_stanza(found.stanza));
            if let Some(answer) = answer.transpose()?.flatten() {
                self.send_bytes(answer.as_bytes())?;
            } else {
                on_packet(self, found.stanza)?;
            }
        }
        Ok(used)
    }
}

/// What Parlor says before it closes a connection.
const CLOSING: &[u8] = b"42[\"closing\"";

/// Linux's number for "the connection is under way".
const EINPROGRESS: i32 = 115;

fn closed(payload: &[u8]) -> String {
    let code = payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]));
    let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
    format!("the server closed the WebSocket with {code} {reason}")
}

/// Length of the answer to the upgrade at the head of `bytes`, once it is whole.
fn upgrade_answer(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        if bytes.len() > UPGRADE_ANSWER_MAX {
            return Err(io::Error::other("the answer to the upgrade is too long"));
        }
        return Ok(None);
    };
    if !bytes.starts_with(b"HTTP/1.1 101") {
        let answer = String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
        return Err(io::Error::other(format!("the upgrade was refused: {answer}")));
    }
    Ok(Some(end + 4))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_million_users_share_addresses_by_sixteen_at_most() {
        let mut users: HashMap<Ipv4Addr, u32> = HashMap::new();
        for user in 0..1_000_000 {
            *users.entry(source_address(user)).or_default() += 1;
        }
        assert!(users.values().all(|count| *count <= PER_ADDRESS));
        assert!(users.keys().all(|address| address.is_loopback()));
    }

    #[test]
    fn only_a_switch_of_protocols_is_an_upgrade() {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n\x81\x00";
        assert_eq!(upgrade_answer(answer).unwrap(), Some(answer.len() - 2));
        assert_eq!(upgrade_answer(&answer[..20]).unwrap(), None);
        assert!(upgrade_answer(b"HTTP/1.1 429 Too Many\r\n\r\n").is_err());
    }
}
