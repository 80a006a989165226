//! A load process: many connections in one thread, driven by commands from its parent.
//!
//! Commands come as lines on standard input, through a thread that wakes the poll. Readiness →
//! bytes → packets → the work under way, which decides what is sent next. The parent gets one
//! reply per command. A connection that fails at any time makes the current or the next reply
//! `Failed`, so that nothing is lost in silence.
//!
//! Every connection is a raw one, and none a `parlor-client`. A client of that kind decides by itself
//! what it says and when: it reads the list and what moved, confirms what it hears, gathers receipts and
//! typing, sends one message of a conversation at a time. So neither the packets of a scenario nor the instant
//! at which an act was due would be what its description states; and with a thread and a task for each, ten
//! thousand of them would measure themselves. Groups are made over the connections that are there as well:
//! a client beside them would leave one more session in the server whose memory and work are measured next.

mod alarm;
mod ask;
mod burst;
mod comeback;
mod connect;
mod connection;
mod direct;
mod fanout;
mod feed;
mod frame;
mod gather;
mod mix;
mod stall;
mod subscribe;
mod transport;
mod xmpp;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::{Events, Interest, Poll, Token, Waker};

use self::alarm::Alarm;
use self::ask::Asking;
use self::burst::Bursting;
use self::comeback::Returning;
use self::connect::Connecting;
use self::connection::{Connection, Stage};
pub(crate) use self::connection::{device_name, user_name};
use self::direct::Directing;
use self::fanout::FanningOut;
use self::feed::Feeding;
use self::gather::Gathering;
use self::mix::Mixing;
use self::stall::Stalling;
use self::subscribe::Subscribing;
pub(crate) use self::transport::SERVER_NAME;
use self::xmpp::Entering;
use crate::protocol::{Command, Reply};

/// Bytes read at a time, shared by all connections.
const BUFFER_BYTES: usize = 64 * 1024;

/// Readiness events taken from the kernel at a time.
const EVENTS_MAX: usize = 1024;

/// Work that does not move for this long has lost something.
const STALL: Duration = Duration::from_secs(20);

/// How long the poll sleeps when nothing is due.
const IDLE_WAIT: Duration = Duration::from_millis(500);

/// Closer than this, what is due next is awaited without sleep.
const SPIN: Duration = Duration::from_micros(50);

/// Commands that may wait; the parent sends one at a time.
const COMMANDS_MAX: usize = 4;

const WAKE: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);

/// What the process is doing.
enum Work {
    Nothing,
    Ask(Asking),
    Connect(Connecting),
    Enter(Entering),
    Fanout(FanningOut),
    Direct(Directing),
    Feed(Feeding),
    Gather(Gathering),
    Stall(Stalling),
    Return(Returning),
    Subscribe(Subscribing),
    Burst(Bursting),
    Mix(Mixing),
}

struct Load {
    poll: Poll,
    alarm: Alarm,
    connections: Vec<Connection>,
    /// The first of the users whose connections were dropped, and how many there were.
    dropped: (u32, usize),
    buffer: Vec<u8>,
    work: Work,
    /// Receipts heard since the last run began, while nothing was under way.
    receipts: u64,
    failure: Option<String>,
    moved: (u64, Instant),
}

/// Runs until standard input ends.
///
/// # Errors
/// No epoll, or standard output closed.
pub(crate) fn run() -> anyhow::Result<()> {
    let poll = Poll::new().context("no poll")?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE).context("no waker")?);
    let (sender, commands) = sync_channel(COMMANDS_MAX);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        // A poll that is gone needs no waking.
        let _ = waker.wake();
    });
    Load {
        alarm: Alarm::new(poll.registry(), ALARM).context("no timer")?,
        poll,
        connections: Vec::new(),
        dropped: (0, 0),
        buffer: vec![0; BUFFER_BYTES],
        work: Work::Nothing,
        receipts: 0,
        failure: None,
        moved: (0, Instant::now()),
    }
    .drive(&commands)
}

impl Load {
    fn drive(mut self, commands: &Receiver<String>) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            let wait = self.wait();
            if wait > SPIN {
                self.alarm.set(wait).context("no timer")?;
            }
            let wait = if wait > SPIN { IDLE_WAIT } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled.context("poll failed")?,
            }
            for event in &events {
                if matches!(event.token(), WAKE | ALARM) {
                    continue;
                }
                let slot = event.token().0;
                match &mut self.work {
                    Work::Stall(stalling) => {
                        stalling.on_ready(slot, event);
                        continue;
                    }
                    Work::Return(returning) if returning.is_away(slot) => continue,
                    _ => {}
                }
                if let Err(error) = self.on_ready(slot) {
                    if let Work::Return(returning) = &mut self.work {
                        returning.on_lost(slot, &error);
                        continue;
                    }
                    let user = self.connections.get(slot).map_or(0, |c| c.user);
                    self.failure.get_or_insert(format!("connection of user {user}: {error}"));
                }
            }
            if let Err(error) = self.advance() {
                self.failure.get_or_insert(error.to_string());
            }
            self.answer()?;
            loop {
                match commands.try_recv() {
                    Ok(line) => self.obey(&line)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
        }
    }

    fn wait(&self) -> Duration {
        match &self.work {
            Work::Direct(directing) => directing.wait().min(IDLE_WAIT),
            Work::Feed(feeding) => feeding.wait(),
            Work::Mix(mixing) => mixing.wait().min(IDLE_WAIT),
            Work::Return(returning) => returning.wait().min(IDLE_WAIT),
            _ => IDLE_WAIT,
        }
    }

    fn on_ready(&mut self, slot: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(slot) else { return Ok(()) };
        connection.on_writable()?;
        if connection.stage == Stage::Connecting {
            return Ok(());
        }
        let work = &mut self.work;
        while connection.read(&mut self.buffer, |connection, packet| match work {
            Work::Ask(asking) => asking.on_packet(packet),
            Work::Connect(connecting) => connecting.on_packet(connection, packet),
            Work::Enter(entering) => entering.on_stanza(packet),
            Work::Fanout(fanning_out) => fanning_out.on_packet(connection, packet),
            Work::Direct(directing) => directing.on_packet(connection, packet),
            Work::Feed(feeding) => feeding.on_packet(packet),
            Work::Gather(gathering) => gathering.on_packet(packet),
            Work::Return(returning) => returning.on_packet(connection, packet),
            Work::Subscribe(subscribing) => subscribing.on_packet(packet),
            Work::Burst(bursting) => bursting.on_packet(connection, packet),
            Work::Mix(mixing) => mixing.on_packet(connection, packet),
            Work::Nothing | Work::Stall(_) => {
                let is_event = packet.starts_with(b"42") || packet.starts_with(b"<message ");
                // Told by the clock, whatever happens.
                let is_counted = is_event && !packet.starts_with(b"42[\"position\",");
                connection.events += u32::from(is_counted);
                self.receipts += u64::from(packet.starts_with(b"42[\"receipts\","));
                Ok(())
            }
        })? {}
        Ok(())
    }

    /// Lets the work send what it may send now.
    fn advance(&mut self) -> io::Result<()> {
        match &mut self.work {
            Work::Connect(connecting) => {
                while let Some(mut connection) = connecting.next()? {
                    let token = Token(self.connections.len());
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    self.poll.registry().register(connection.socket_mut(), token, interest)?;
                    self.connections.push(connection);
                }
                Ok(())
            }
            Work::Ask(asking) => asking.advance(&mut self.connections),
            Work::Enter(entering) => entering.advance(&mut self.connections),
            Work::Fanout(fanning_out) => fanning_out.advance(&mut self.connections),
            Work::Direct(directing) => directing.advance(&mut self.connections),
            Work::Feed(feeding) => feeding.advance(&mut self.connections),
            Work::Gather(gathering) => gathering.advance(&mut self.connections),
            Work::Subscribe(subscribing) => subscribing.advance(&mut self.connections),
            Work::Burst(bursting) => bursting.advance(&mut self.connections),
            Work::Mix(mixing) => mixing.advance(&mut self.connections),
            Work::Return(returning) => {
                while let Some((slot, mut connection)) = returning.next()? {
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    self.poll.registry().register(
                        connection.socket_mut(),
                        Token(slot),
                        interest,
                    )?;
                    // They begin in the order of their places; one that is tried again is there.
                    match self.connections.get_mut(slot) {
                        Some(place) => *place = connection,
                        None => self.connections.push(connection),
                    }
                }
                Ok(())
            }
            Work::Nothing | Work::Stall(_) => Ok(()),
        }
    }

    /// Replies when the work is done or has failed.
    fn answer(&mut self) -> anyhow::Result<()> {
        let (progress, done) = match &mut self.work {
            Work::Nothing => return Ok(()),
            Work::Ask(asking) => (asking.progress(), asking.reply()),
            Work::Connect(connecting) => (connecting.progress(), connecting.reply()),
            Work::Enter(entering) => (entering.progress(), entering.reply()),
            Work::Fanout(fanning_out) => {
                (fanning_out.progress(), fanning_out.reply(&self.connections))
            }
            Work::Direct(directing) => (directing.progress(), directing.reply()),
            Work::Feed(feeding) => (feeding.progress(), feeding.reply()),
            Work::Gather(gathering) => (gathering.progress(), gathering.reply()),
            Work::Stall(stalling) => (stalling.progress(), stalling.reply()),
            Work::Return(returning) => (returning.progress(), returning.reply()),
            Work::Subscribe(subscribing) => (subscribing.progress(), subscribing.reply()),
            Work::Burst(bursting) => (bursting.progress(), bursting.reply()),
            Work::Mix(mixing) => (mixing.progress(), mixing.reply()),
        };
        if progress != self.moved.0 {
            self.moved = (progress, Instant::now());
        }
        if self.moved.1.elapsed() > STALL {
            let state = match &self.work {
                Work::Ask(asking) => asking.state(),
                Work::Connect(connecting) => connecting.state(),
                Work::Enter(entering) => entering.state(),
                Work::Fanout(fanning_out) => fanning_out.state(),
                Work::Direct(directing) => directing.state(),
                Work::Feed(feeding) => feeding.state(),
                Work::Gather(gathering) => gathering.state(),
                Work::Stall(stalling) => stalling.state(),
                Work::Return(returning) => returning.state(),
                Work::Subscribe(subscribing) => subscribing.state(),
                Work::Burst(bursting) => bursting.state(),
                Work::Mix(mixing) => mixing.state(),
                Work::Nothing => String::new(),
            };
            self.failure.get_or_insert(format!("nothing moved for {STALL:?}: {state}"));
        }
        if let Some(why) = self.failure.clone() {
            self.work = Work::Nothing;
            return say(&Reply::Failed { why });
        }
        let Some(done) = done else { return Ok(()) };
        self.work = Work::Nothing;
        say(&done)
    }

    fn obey(&mut self, line: &str) -> anyhow::Result<()> {
        let command = serde_json::from_str(line).context("not a command")?;
        if let (Some(why), false) = (&self.failure, matches!(command, Command::Drop)) {
            return say(&Reply::Failed { why: why.clone() });
        }
        self.moved = (0, Instant::now());
        match command {
            Command::Connect(connect) => {
                self.work = Work::Connect(Connecting::new(connect).context("no TLS")?);
            }
            Command::Stall => self.work = Work::Stall(Stalling::new(self.connections.len())),
            Command::Return { address, auth, missed } => {
                let (first, users) = self.dropped;
                let work = Returning::new(address, auth, first, users, missed);
                self.work = Work::Return(work);
            }
            Command::Feed(feed) => self.work = Work::Feed(Feeding::new(feed)),
            Command::Subscribe(subscribe) => {
                let work = Subscribing::new(subscribe, self.connections.len());
                self.work = Work::Subscribe(work);
            }
            Command::Burst(burst) => {
                self.work = Work::Burst(Bursting::new(burst, self.connections.len()))
            }
            Command::Mix(mix) => self.work = Work::Mix(Mixing::new(mix, &self.connections)),
            Command::Finish => {
                if let Work::Direct(directing) = &mut self.work {
                    directing.finish();
                }
            }
            Command::Drop => {
                let first = self.connections.first().map_or(0, |connection| connection.user);
                self.dropped = (first, self.connections.len());
                for mut connection in self.connections.drain(..) {
                    self.poll.registry().deregister(connection.socket_mut())?;
                }
                self.work = Work::Nothing;
                self.failure = None;
                return say(&Reply::Dropped);
            }
            Command::Fanout(fanout) => {
                self.forget_events();
                self.work = Work::Fanout(FanningOut::new(fanout, &self.connections));
            }
            Command::Enter { rooms } => {
                self.work = Work::Enter(Entering::new(rooms, self.connections.len()));
            }
            Command::Ask(ask) => self.work = Work::Ask(Asking::new(ask)),
            Command::Gather { first, members } => {
                self.work = Work::Gather(Gathering::new(first, members));
            }
            Command::Direct(direct) => {
                self.forget_events();
                self.work = Work::Direct(Directing::new(direct, self.connections.len()));
            }
            Command::Count => {
                let events = self.connections.iter().map(|c| u64::from(c.events)).sum();
                return say(&Reply::Counted { events, receipts: self.receipts });
            }
        }
        if let Err(error) = self.advance() {
            self.failure.get_or_insert(error.to_string());
        }
        self.answer()
    }

    fn forget_events(&mut self) {
        self.receipts = 0;
        for connection in &mut self.connections {
            connection.events = 0;
        }
    }
}

fn say(reply: &Reply) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(reply).context("a reply is always JSON")?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("standard output closed")
}
