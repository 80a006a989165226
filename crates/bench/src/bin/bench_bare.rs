//! The least that a fan-out can cost: a server that knows no rooms, sessions or packets, and answers each
//! broadcast by writing one prebuilt frame to every socket.
//!
//! It takes the same handshake as the other servers of the benchmark, so that the same client can
//! measure it: the upgrade (whose key the load generator always sends the same), the open packet, CONNECT
//! and `ready`. The first `broadcast` is made into the frame of an `event`; that frame, byte for byte, is
//! written to all for each broadcast. One thread, non-blocking sockets, the kernel's readiness; a
//! socket that is full is waited for. There are no pings: nothing is measured for as long as one would
//! take to be missed.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// The answer to the key of RFC 6455's example, which the load generator sends.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &[u8] = br#"0{"sid":"0000000000000000","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const CONNECTED: &[u8] = br#"40{"sid":"0000000000000000"}"#;
const READY: &[u8] = br#"42["ready",{}]"#;
const BROADCAST: &[u8] = br#"42["broadcast","#;

const LISTENER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
const BUFFER_BYTES: usize = 64 * 1024;
/// How long a full socket is given until it is looked at again.
const FULL_WAIT: Duration = Duration::from_micros(50);

struct Client {
    stream: TcpStream,
    /// Bytes of a request or a frame that is not whole yet.
    partial: Vec<u8>,
    is_upgraded: bool,
}

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening {}", listener.local_addr()?);
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut event_frame = Vec::new();
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients)?;
                continue;
            }
            let slot = event.token().0;
            let Some(client) = clients.get_mut(slot).and_then(Option::as_mut) else { continue };
            match hear(client, &mut buffer) {
                Ok(broadcasts) => {
                    for payload in broadcasts {
                        if event_frame.is_empty() {
                            event_frame = frame(&[b"42[\"event\",", payload.as_slice()].concat());
                        }
                        tell_all(&mut clients, &event_frame)?;
                    }
                }
                // Who is gone is forgotten; what it was owed shows as a loss at the client.
                Err(_) => clients[slot] = None,
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    clients: &mut Vec<Option<Client>>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        poll.registry().register(&mut stream, Token(clients.len()), Interest::READABLE)?;
        clients.push(Some(Client { stream, partial: Vec::new(), is_upgraded: false }));
    }
}

/// Reads all that has come, answers the handshake, and gives the arguments of each broadcast.
fn hear(client: &mut Client, buffer: &mut [u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut broadcasts = Vec::new();
    loop {
        match client.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => client.partial.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(broadcasts),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if !client.is_upgraded {
            if !client.partial.ends_with(b"\r\n\r\n") {
                continue;
            }
            client.is_upgraded = true;
            client.partial.clear();
            write_all(&mut client.stream, &[UPGRADED, &frame(OPEN)].concat())?;
        }
        while let Some((packet, length)) = unmasked(&client.partial) {
            client.partial.drain(..length);
            if packet.starts_with(b"40") {
                write_all(&mut client.stream, &[frame(CONNECTED), frame(READY)].concat())?;
            } else if let Some(arguments) = packet.strip_prefix(BROADCAST) {
                broadcasts.push(arguments.to_vec());
            }
        }
    }
}

fn tell_all(clients: &mut [Option<Client>], frame: &[u8]) -> io::Result<()> {
    for slot in clients.iter_mut() {
        let Some(client) = slot else { continue };
        if write_all(&mut client.stream, frame).is_err() {
            *slot = None;
        }
    }
    Ok(())
}

fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(FULL_WAIT);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An unmasked text frame.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => bytes.push(short as u8),
        Ok(length) => {
            bytes.push(126);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => unreachable!("the load generator sends short messages only"),
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of the masked frame at the head of the bytes, and the frame's length, once it is whole.
fn unmasked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (header, length) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        short => (2, usize::from(short)),
    };
    let mask = bytes.get(header..header + 4)?;
    let masked = bytes.get(header + 4..header + 4 + length)?;
    let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    Some((payload, header + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_is_read_only_when_whole() {
        let mut bytes = vec![0x81, 0x82, 1, 2, 3, 4];
        bytes.extend([b'4' ^ 1, b'0' ^ 2, 0x81]);
        assert_eq!(unmasked(&bytes[..7]), None);
        assert_eq!(unmasked(&bytes), Some((b"40".to_vec(), 8)));
    }

    #[test]
    fn a_long_payload_has_a_two_byte_length() {
        assert_eq!(frame(&[b'x'; 200])[..4], [0x81, 126, 0, 200]);
        assert_eq!(frame(b"2"), [0x81, 1, b'2']);
    }
}
