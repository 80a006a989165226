//! One shard: the connections of one thread, and the loop that serves them.
//!
//! A round of the loop takes the operations of other threads, reads what the poll says is readable
//! (decoding and calling handlers on the way), does the operations that handlers and tasks asked
//! for, gives the running fan-out its slice, fires timers, and writes what has been queued. Nothing
//! else touches the shard's records: handlers see [`crate::Socket`]s, whose wishes come back as
//! operations, so no borrow is ever held across a handler.

mod acks;
mod apply;
mod close;
mod connection;
mod drain;
mod events;
mod fanout;
mod heartbeat;
mod hold;
mod input;
mod joining;
pub(crate) mod ops;
mod output;
mod polling;
mod recover;
mod rooms;
mod send;
mod session;
mod slab;
mod stream;
#[cfg(test)]
mod tests;
mod timers;
mod upgrade;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event as Readiness;
use mio::{Events, Poll, Registry, Token};
use parlor_wire::{json, packet};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use self::acks::Acks;
use self::close::{LastWords, Linger};
use self::connection::{Connection, Member, Space};
use self::drain::Draining;
use self::fanout::Fanout;
use self::heartbeat::Wheel;
use self::ops::Op;
use self::slab::Slab;
use self::timers::Timer;
use crate::ids::SocketKey;
use crate::inbox::{Inbox, Local};
use crate::reason::CloseReason;
use crate::restored::Restored;
use crate::shared::Shared;
use crate::stats::Counters;

/// Bytes read at a time.
const READ_BYTES: usize = 64 << 10;
/// Readiness events taken at a time.
const EVENTS_MAX: usize = 1024;
/// Connections whose peers have hung up that are ended in one round: about a millisecond's work.
const HANG_UPS_PER_ROUND: usize = 64;
/// Operations that handlers may queue before the batch is interrupted to do them.
const LOCAL_OPS_SOON: usize = 256;
/// Operations of other threads taken in one round.
const INBOX_OPS_PER_ROUND: usize = 1024;

/// A value's slot and generation.
type Place = (u32, u32);

/// The connections of one thread.
pub(crate) struct Shard {
    shared: Arc<Shared>,
    index: u8,
    local: Rc<Local>,
    poll: Option<Poll>,
    registry: Registry,
    connections: Slab<Connection>,
    sockets: Slab<Member>,
    lingers: Slab<Linger>,
    spaces: Vec<Option<Space>>,
    space_names: HashMap<Arc<str>, u32>,
    /// Sockets whose CONNECT is answered later.
    unanswered: HashSet<u32>,
    /// Sockets that have the id of an earlier life.
    restored: Restored,
    acks: Acks,
    wheel: Wheel<Timer>,
    /// What the wheel has given and is not done yet, what is due first at the end.
    due: Vec<(u32, Timer)>,
    started: Instant,
    now_ms: u64,
    buffer: Vec<u8>,
    /// Connections with output to flush at the end of the batch.
    dirty: Vec<Place>,
    /// Connections that may have more to read.
    again: Vec<Place>,
    /// Connections whose peers have hung up, to be read to their end.
    hung_up: VecDeque<Place>,
    incoming: VecDeque<Op>,
    /// Operations that wait for the running fan-out.
    ordered: VecDeque<Op>,
    fanout: Option<Fanout>,
    /// Up to where the log has been fanned out here.
    position: u64,
    /// The number of the last event whose recipients were listed, where events are numbered.
    performed: u64,
    /// The number of the last broadcast, for marks.
    broadcast: u64,
    /// When the fan-out of this round has had its time, and what the last look at the clock said.
    slice_end: Instant,
    slice_over: bool,
    since_look: u32,
    /// A fan-out lets the other threads go first.
    gives_way: bool,
    /// What closed polling sessions have still to hear, by slot.
    last_words: HashMap<u32, LastWords>,
    limits: packet::Limits,
    /// How many ordered operations may wait before nothing more is read.
    backlog_max: usize,
    /// Numbers of spaces that are gone.
    spaces_free: Vec<u32>,
    /// The shutdown, once it has begun.
    draining: Option<Draining>,
}

/// What a readiness event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Connection = 0,
    Probe = 1,
    Linger = 2,
}

fn token(subject: Subject, (slot, generation): Place) -> Token {
    Token((subject as usize) << 56 | (generation as usize) << 24 | slot as usize)
}

fn subject(token: Token) -> (usize, Place) {
    (token.0 >> 56, (token.0 as u32 & 0x00ff_ffff, (token.0 >> 24) as u32))
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>, index: u8) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let config = &shared.config;
        let tick = timers::tick_ms(config.ping_interval, config.ping_timeout);
        let backlog_max = (config.inbox_ops_max / 2).max(1);
        let limits = packet::Limits {
            attachments_max: config.attachments_max,
            attachment_bytes_max: config.max_payload,
            depth_max: json::DEPTH_MAX,
        };
        let mut wheel = Wheel::new(tick);
        if index == 0 && config.recovery.is_some() {
            wheel.insert(recover::FORGET_MS, Timer::of_the_shard(timers::Kind::Forget));
        }
        Ok(Self {
            local: Local::enter(&shared, index),
            shared,
            index,
            poll: Some(poll),
            registry,
            connections: Slab::default(),
            sockets: Slab::default(),
            lingers: Slab::default(),
            spaces: Vec::new(),
            space_names: HashMap::new(),
            unanswered: HashSet::new(),
            restored: Restored::default(),
            acks: Acks::default(),
            wheel,
            due: Vec::new(),
            started: Instant::now(),
            now_ms: 0,
            buffer: vec![0; READ_BYTES],
            dirty: Vec::new(),
            again: Vec::new(),
            hung_up: VecDeque::new(),
            incoming: VecDeque::new(),
            ordered: VecDeque::new(),
            fanout: None,
            position: 0,
            performed: 0,
            broadcast: 0,
            slice_end: Instant::now(),
            slice_over: false,
            since_look: 0,
            gives_way: false,
            last_words: HashMap::new(),
            limits,
            backlog_max,
            spaces_free: Vec::new(),
            draining: None,
        })
    }

    fn inbox(&self) -> &Inbox {
        &self.shared.inboxes[usize::from(self.index)]
    }

    fn counters(&self) -> &Counters {
        &self.inbox().counters
    }

    fn key(&self, (slot, generation): Place) -> SocketKey {
        SocketKey::new(self.index, slot, generation)
    }

    /// Serves until the shutdown is complete.
    pub(crate) async fn run(mut self) {
        let poll = self.poll.take().expect("a shard runs once");
        if let Err(error) = self.serve(poll).await {
            tracing::error!(%error, shard = self.index, "a shard cannot poll");
        }
        self.abandon();
        self.shared.inboxes[usize::from(self.index)].close();
        Local::leave();
    }

    async fn serve(&mut self, poll: Poll) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let inbox = &shared.inboxes[usize::from(self.index)];
        let local = Rc::clone(&self.local);
        #[expect(
            deprecated,
            reason = "the newer way is unsafe; a poll keeps its descriptor for life"
        )]
        let mut poll = AsyncFd::with_interest(poll, Interest::READABLE)?;
        let mut events = Events::with_capacity(EVENTS_MAX);
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        loop {
            if self.has_work() {
                if std::mem::take(&mut self.gives_way) {
                    std::thread::yield_now();
                }
                tokio::task::yield_now().await;
                poll.get_mut().poll(&mut events, Some(Duration::ZERO))?;
            } else {
                let next = self.started + Duration::from_millis(self.wheel.next_ms());
                sleep.as_mut().reset(next.into());
                events.clear();
                tokio::select! {
                    biased;
                    guard = poll.readable_mut() => {
                        let mut guard = guard?;
                        guard.get_inner_mut().poll(&mut events, Some(Duration::ZERO))?;
                        if events.iter().count() < EVENTS_MAX {
                            guard.clear_ready();
                        }
                    }
                    () = local.woken() => {}
                    () = inbox.woken() => {}
                    () = &mut sleep => {}
                }
            }
            self.local.set_at_work(true);
            self.round(&events);
            self.local.set_at_work(false);
            if self.draining.is_some() && self.drained() {
                return Ok(());
            }
        }
    }

    fn has_work(&self) -> bool {
        self.fanout.is_some()
            || !self.again.is_empty()
            || !self.hung_up.is_empty()
            || !self.due.is_empty()
            || !self.ordered.is_empty()
            || !self.local.is_empty()
            || self.draining.as_ref().is_some_and(Draining::has_more)
    }

    fn round(&mut self, events: &Events) {
        self.now_ms = self.started.elapsed().as_millis() as u64;
        let again = std::mem::take(&mut self.again);
        for place in again {
            self.read_again(place);
            if self.local.len() >= LOCAL_OPS_SOON {
                self.apply_local();
            }
        }
        for event in events {
            self.ready(event);
            if self.local.len() >= LOCAL_OPS_SOON {
                self.apply_local();
            }
        }
        self.read_hung_up();
        self.slice_end = Instant::now() + self.shared.config.fanout_slice;
        self.slice_over = false;
        self.apply_incoming();
        self.apply_local();
        if self.fanout.is_some() {
            // Answers do not wait for another slice.
            self.flush_dirty();
        }
        self.fan_out();
        self.fire();
        self.apply_local();
        self.drain();
        self.flush_dirty();
    }

    fn ready(&mut self, event: &Readiness) {
        let (kind, place) = subject(event.token());
        let closed = event.is_read_closed() || event.is_error();
        let readable = event.is_readable() || closed;
        if kind == Subject::Connection as usize && closed {
            self.hung_up.push_back(place);
        } else if kind == Subject::Connection as usize {
            if event.is_writable() {
                self.writable(place);
            }
            if readable {
                self.readable(place, false);
            }
        } else if kind == Subject::Probe as usize {
            self.probe_ready(place, readable);
        } else {
            self.linger_ready(place, event.is_writable());
        }
    }

    /// Reads some of the connections whose peers have hung up. Ending one takes much longer than
    /// reading an event; when thousands are cut off at once, the others must not wait for all.
    fn read_hung_up(&mut self) {
        for _ in 0..HANG_UPS_PER_ROUND {
            let Some(place) = self.hung_up.pop_front() else { break };
            self.readable(place, true);
        }
        if self.hung_up.is_empty() && self.hung_up.capacity() > EVENTS_MAX {
            self.hung_up = VecDeque::new();
        }
    }

    /// Runs a handler; a panic closes the connection that it served.
    fn guard(&mut self, connection: Place, handler: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(handler)).is_err() {
            tracing::error!(shard = self.index, "a handler panicked");
            Counters::add(&self.counters().handler_panics, 1);
            self.close(connection, CloseReason::HandlerPanic);
        }
    }

    fn flush_dirty(&mut self) {
        // A flush may close its connection, whose handlers may make others dirty.
        while let Some(place) = self.dirty.pop() {
            self.flush(place);
        }
        if self.dirty.capacity() > 1 << 16 {
            self.dirty = Vec::new();
        }
    }
}
