//! A server that can nothing but hold WebSockets and ping them: what a heartbeat costs at least.
//!
//! `parlor-bench-heartbeat THREADS INTERVAL_MS`. Each thread has a file table and a listener of its
//! own, as Parlor's have with `server.own_file_tables`, one epoll loop, and per connection nothing
//! but its descriptor and the time of its next ping. The handshake is answered without being
//! parsed; whatever a client sends later is read and thrown away.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

const DOOR: Token = Token(usize::MAX);
const BACKLOG: i32 = 4096;
const EVENTS_MAX: usize = 1024;
const REQUEST_BYTES_MAX: usize = 4096;
/// Pings are sent in batches, as Parlor's timing wheel does.
const TICK: Duration = Duration::from_millis(100);

/// The answer to the key of RFC 6455's example, which the load generator sends.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &[u8] =
    br#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const JOINED: &[u8] = br#"40{"sid":"x"}"#;
const READY: &[u8] = br#"42["ready",{}]"#;
const PING: [u8; 3] = [0x81, 1, b'2'];

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |what| -> anyhow::Result<u64> {
        Ok(arguments.next().with_context(|| format!("{what} is missing"))?.parse()?)
    };
    let (threads, interval) = (number("THREADS")?, Duration::from_millis(number("INTERVAL_MS")?));
    let first = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = first.local_addr()?;
    let mut doors = vec![first];
    for _ in 1..threads {
        doors.push(listen(address)?);
    }
    let loops: Vec<_> =
        doors.into_iter().map(|door| thread::spawn(move || serve(door, interval))).collect();
    println!("listening {address}");
    for each in loops {
        each.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    Ok(())
}

fn listen(address: SocketAddr) -> anyhow::Result<StdListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn serve(door: StdListener, interval: Duration) -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES)?;
    let mut poll = Poll::new()?;
    let mut door = TcpListener::from_std(door);
    poll.registry().register(&mut door, DOOR, Interest::READABLE)?;
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut due: VecDeque<(Instant, usize)> = VecDeque::new();
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut buffer = [0; REQUEST_BYTES_MAX];
    let mut next = Instant::now() + TICK;
    loop {
        poll.poll(&mut events, Some(next.saturating_duration_since(Instant::now())))?;
        for event in &events {
            if event.token() == DOOR {
                while let Some(mut stream) = accept(&door)? {
                    let token = Token(connections.len());
                    poll.registry().register(
                        &mut stream,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    connections.push(Some(stream));
                }
            } else if event.is_readable() {
                let slot = event.token().0;
                let Some(stream) = &mut connections[slot] else { continue };
                match read(stream, &mut buffer) {
                    Ok(Said::Nothing) => {}
                    Ok(Said::Joined) => due.push_back((Instant::now() + interval, slot)),
                    Err(_) => connections[slot] = None,
                }
            }
        }
        let now = Instant::now();
        if now < next {
            continue;
        }
        next = now + TICK;
        while due.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, slot)) = due.pop_front() else { break };
            let Some(stream) = &mut connections[slot] else { continue };
            match stream.write_all(&PING) {
                Ok(()) => due.push_back((now + interval, slot)),
                Err(_) => connections[slot] = None,
            }
        }
    }
}

fn accept(door: &TcpListener) -> anyhow::Result<Option<TcpStream>> {
    match door.accept() {
        Ok((stream, _)) => {
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a read came to.
enum Said {
    /// Nothing that needs to be known.
    Nothing,
    /// The CONNECT, which was answered.
    Joined,
}

/// Reads once, answers the two steps of the handshake, and throws the rest away.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<Said> {
    let count = match stream.read(buffer) {
        Ok(0) => anyhow::bail!("it ended"),
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Said::Nothing),
        Err(error) => return Err(error.into()),
    };
    let bytes = &buffer[..count];
    if bytes.starts_with(b"GET ") {
        let mut answer = UPGRADED.to_vec();
        frame(&mut answer, OPEN);
        stream.write_all(&answer)?;
        return Ok(Said::Nothing);
    }
    // A masked text frame of more than a pong: the CONNECT, the only other thing that is sent.
    if bytes.len() > 9 {
        let mut answer = Vec::new();
        frame(&mut answer, JOINED);
        frame(&mut answer, READY);
        stream.write_all(&answer)?;
        return Ok(Said::Joined);
    }
    Ok(Said::Nothing)
}

/// A text frame of less than 126 bytes.
fn frame(into: &mut Vec<u8>, text: &[u8]) {
    into.extend([0x81, u8::try_from(text.len()).expect("all that is said here is short")]);
    into.extend(text);
}
