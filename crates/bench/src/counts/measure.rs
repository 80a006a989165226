//! What is counted, and on which server. Each measurement starts a server of its own, takes its
//! counts at two sizes and gives their slopes. Each knows something that can be planted to make all
//! its counts exceed their limits.

use std::time::Duration;

use super::callgrind::Callgrind;
use super::count::Count;
use super::heap::Heap;
use super::limits::{self, Limit};
use super::strace;
use super::watched::{Audience, Setting, Watched};
use crate::place::Place;
use crate::process;

/// Sockets of the small and the large room.
const ROOM: (u32, u32) = (100, 1_000);

/// Broadcasts of one interval, one at a time.
const BROADCASTS: u32 = 5;

/// Broadcasts of one interval where several are under way, and how many.
const BROADCASTS_IN_FLIGHT: u32 = 64;
const IN_FLIGHT: u32 = 8;

/// Direct messages of a short and of a long interval, one at a time.
const DIRECT: (u32, u32) = (5, 20);

/// Time between the heartbeats that are counted, and how many fall into an interval. They come in
/// bunches, as the connections did, of which one may be cut at either end.
const BEAT: Duration = Duration::from_secs(1);
const BEATS: u32 = 4;

/// Direct messages between heartbeats, where they are planted.
const MESSAGES_BETWEEN: u32 = 50;

/// Connections between which the heap's slope is taken.
const IDLE: (u32, u32) = (1_000, 3_000);

/// Whether the server or the load does more than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    Nothing,
    Excess,
}

impl Plant {
    /// Intervals of which callgrind takes the calmest; an excess shows in any.
    fn intervals(self) -> u32 {
        if self == Self::Excess { 1 } else { 6 }
    }

    fn or_nothing<T>(self, excess: T) -> Option<T> {
        (self == Self::Excess).then_some(excess)
    }
}

/// One measurement: its name, what it does, and what is planted for it.
pub(super) struct Measurement {
    pub(super) name: &'static str,
    pub(super) plant: &'static str,
    pub(super) take: fn(&Place, Plant) -> anyhow::Result<Vec<Count>>,
}

/// All of them.
pub(super) const MEASUREMENTS: [Measurement; 7] = [
    Measurement {
        name: "fan-out",
        plant: "the room's sockets are spoken to one by one",
        take: fan_out,
    },
    Measurement {
        name: "fan-out-calls",
        plant: "another event, in a write of its own, precedes each",
        take: fan_out_calls,
    },
    Measurement {
        name: "messages",
        plant: "the large group is ten small ones; each direct message is sent twice",
        take: messages,
    },
    Measurement {
        name: "message-calls",
        plant: "the large group is fifty small ones",
        take: message_calls,
    },
    Measurement {
        name: "heartbeats",
        plant: "direct messages are sent in between",
        take: heartbeats,
    },
    Measurement {
        name: "gateway-heap",
        plant: "each connection has 100 bytes more",
        take: gateway_heap,
    },
    Measurement {
        name: "chat-heap",
        plant: "each connection watches the presence of two others",
        take: chat_heap,
    },
];

/// Instructions and allocations of a broadcast by the gateway alone.
fn fan_out(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let callgrind = Callgrind::new(place, plant.intervals())?;
    let setting = Setting::gateway(callgrind.words(), plant.or_nothing("allocation"));
    let mut watched = Watched::start(place, setting, ROOM.1)?;
    let (small, large) = in_both_rooms(&mut watched, ROOM.1, |watched, audience| {
        let pid = watched.pid();
        callgrind.calmest(pid, || watched.broadcast(audience, BROADCASTS, 1))
    })?;
    Ok(vec![
        per_delivery(&limits::ALLOCATIONS_PER_DELIVERY, small.allocations, large.allocations),
        per_delivery(&limits::INSTRUCTIONS_PER_DELIVERY, small.instructions, large.instructions),
    ])
}

/// System calls of a broadcast by the gateway alone, and of several at a time.
fn fan_out_calls(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let setting = Setting::gateway(Vec::new(), plant.or_nothing("write"));
    let mut watched = Watched::start(place, setting, ROOM.1)?;
    let (small, large) = in_both_rooms(&mut watched, ROOM.1, |watched, audience| {
        let pid = watched.pid();
        let one = strace::during(place, pid, || watched.broadcast(audience, BROADCASTS, 1))?;
        let several = strace::during(place, pid, || {
            watched.broadcast(audience, BROADCASTS_IN_FLIGHT, IN_FLIGHT)
        })?;
        Ok((one, several))
    })?;
    let members = |broadcasts| (f64::from(broadcasts * ROOM.0), f64::from(broadcasts * ROOM.1));
    let in_flight = members(BROADCASTS_IN_FLIGHT);
    Ok(vec![
        per_delivery(&limits::CALLS_BUT_WAITS_PER_DELIVERY, small.0.but_waits, large.0.but_waits),
        per_delivery(&limits::CALLS_PER_DELIVERY, small.0.all, large.0.all),
        Count::slope(
            &limits::CALLS_PER_DELIVERY_IN_FLIGHT,
            (in_flight.0, small.1.all),
            (in_flight.1, large.1.all),
        ),
    ])
}

/// Instructions and allocations of the chat server for a group's message and for a direct one.
fn messages(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let callgrind = Callgrind::new(place, plant.intervals())?;
    let mut watched = Watched::start(place, Setting::chat(callgrind.words()), ROOM.1)?;
    let pid = watched.pid();
    let members_each = plant.or_nothing(ROOM.0).unwrap_or(ROOM.1);
    let (small, large) = in_both_rooms(&mut watched, members_each, |watched, audience| {
        callgrind.calmest(pid, || watched.broadcast(audience, BROADCASTS, 1))
    })?;
    let each = plant.or_nothing(2).unwrap_or(1);
    let few = callgrind.calmest(pid, || watched.say(DIRECT.0 * each))?;
    let many = callgrind.calmest(pid, || watched.say(DIRECT.1 * each))?;
    let per_message = |limit, few, many| {
        Count::slope(limit, (f64::from(DIRECT.0), few), (f64::from(DIRECT.1), many))
    };
    Ok(vec![
        per_delivery(&limits::ALLOCATIONS_PER_MEMBER, small.allocations, large.allocations),
        per_delivery(&limits::INSTRUCTIONS_PER_MEMBER, small.instructions, large.instructions),
        per_message(&limits::ALLOCATIONS_PER_MESSAGE, few.allocations, many.allocations),
        per_message(&limits::INSTRUCTIONS_PER_MESSAGE, few.instructions, many.instructions),
    ])
}

/// System calls of the chat server for a group's message.
fn message_calls(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let mut watched = Watched::start(place, Setting::chat(Vec::new()), ROOM.1)?;
    let members_each = plant.or_nothing(ROOM.1 / 50).unwrap_or(ROOM.1);
    let (small, large) = in_both_rooms(&mut watched, members_each, |watched, audience| {
        let pid = watched.pid();
        strace::during(place, pid, || watched.broadcast(audience, BROADCASTS, 1))
    })?;
    Ok(vec![per_delivery(&limits::CALLS_PER_MEMBER, small.but_waits, large.but_waits)])
}

/// Instructions of the chat server for a ping and its pong, which are counted by the calls that write
/// the one and read the other.
fn heartbeats(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let callgrind = Callgrind::new(place, plant.intervals().min(2))?;
    let setting = Setting::chat(callgrind.words()).with_heartbeat(BEAT);
    let mut watched = Watched::start(place, setting, ROOM.1)?;
    let pid = watched.pid();
    let mut beats = |connections, messages| {
        watched.connect_up_to(connections)?;
        process::pause(BEAT);
        let interval = callgrind.calmest(pid, || {
            watched.say(messages)?;
            process::pause(BEATS * BEAT);
            Ok(())
        })?;
        anyhow::Ok((interval.transfers / 2.0, interval.instructions))
    };
    let small = beats(ROOM.0, 0)?;
    let large = beats(ROOM.1, plant.or_nothing(MESSAGES_BETWEEN).unwrap_or(0))?;
    Ok(vec![Count::slope(&limits::INSTRUCTIONS_PER_HEARTBEAT, small, large)])
}

/// Heap of the gateway alone for a connection that has joined its rooms.
fn gateway_heap(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let heap = Heap::new(place)?;
    let setting = Setting::gateway(heap.words(), plant.or_nothing("bytes"));
    let mut watched = Watched::start(place, setting, IDLE.1)?;
    watched.connect_up_to(IDLE.0)?;
    let small = heap.at_rest(watched.pid())?;
    watched.connect_up_to(IDLE.1)?;
    let large = heap.at_rest(watched.pid())?;
    Ok(vec![per_connection(&limits::GATEWAY_BYTES_PER_CONNECTION, small, large)])
}

/// Heap of the chat server for a connection with a token and a device, caught up and in its rooms.
fn chat_heap(place: &Place, plant: Plant) -> anyhow::Result<Vec<Count>> {
    let heap = Heap::new(place)?;
    let mut watched = Watched::start(place, Setting::chat(heap.words()), IDLE.1)?;
    watched.connect_up_to(IDLE.0)?;
    let small = heap.at_rest(watched.pid())?;
    watched.connect_up_to(IDLE.1)?;
    if plant == Plant::Excess {
        watched.watch_each_other(2)?;
    }
    let large = heap.at_rest(watched.pid())?;
    Ok(vec![per_connection(&limits::BYTES_PER_CONNECTION, small, large)])
}

/// Takes something with the small room and then with the large one, which may be in parts.
fn in_both_rooms<T>(
    watched: &mut Watched,
    large_each: u32,
    mut take: impl FnMut(&mut Watched, &Audience) -> anyhow::Result<T>,
) -> anyhow::Result<(T, T)> {
    let mut with = |members, members_each| {
        watched.connect_up_to(members)?;
        let audience = watched.assemble(members_each)?;
        take(watched, &audience)
    };
    Ok((with(ROOM.0, ROOM.0)?, with(ROOM.1, large_each)?))
}

fn per_delivery(limit: &'static Limit, small: f64, large: f64) -> Count {
    let deliveries = |members| f64::from(BROADCASTS * members);
    Count::slope(limit, (deliveries(ROOM.0), small), (deliveries(ROOM.1), large))
}

fn per_connection(limit: &'static Limit, small: f64, large: f64) -> Count {
    Count::slope(limit, (f64::from(IDLE.0), small), (f64::from(IDLE.1), large))
}
