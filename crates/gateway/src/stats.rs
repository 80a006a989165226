//! Counters that each shard keeps for itself and anyone may add up.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::reason::CloseReason;

/// The counters of one shard: written by its thread alone, read by any.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) connections_websocket: AtomicU64,
    pub(crate) sockets: AtomicU64,
    pub(crate) opened: AtomicU64,
    /// Written by HTTP as well.
    pub(crate) handshakes_refused: AtomicU64,
    pub(crate) packets_in: AtomicU64,
    pub(crate) packets_out: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    pub(crate) runs: AtomicU64,
    pub(crate) volatile_dropped: AtomicU64,
    pub(crate) holds_overflowed: AtomicU64,
    pub(crate) upgrades: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) not_recovered: AtomicU64,
    pub(crate) handler_panics: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) closed: [AtomicU64; CloseReason::ALL.len()],
}

impl Counters {
    /// Adds to a counter whose only writer is the calling thread.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Takes from a counter whose only writer is the calling thread.
    pub(crate) fn take(counter: &AtomicU64, count: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_sub(count), Ordering::Relaxed);
    }
}

/// What the gateway has done since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections now.
    pub connections: u64,
    /// Connections now whose transport is a WebSocket.
    pub connections_websocket: u64,
    /// Sockets (members of namespaces) now.
    pub sockets: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections now whose first CONNECT is not answered.
    pub handshakes_in_flight: u64,
    /// Handshakes that wait to be in flight.
    pub handshakes_waiting: u64,
    /// Handshakes refused because too many waited, or for too long.
    pub handshakes_refused: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent or queued.
    pub packets_out: u64,
    /// Bytes read from WebSockets and polling bodies.
    pub bytes_in: u64,
    /// Bytes written to WebSockets and polling bodies.
    pub bytes_out: u64,
    /// Recipients of broadcasts.
    pub deliveries: u64,
    /// Runs of broadcasts to the same sockets, each of which is one write a socket.
    pub runs: u64,
    /// Volatile emits that were dropped.
    pub volatile_dropped: u64,
    /// Hold buffers that overflowed.
    pub holds_overflowed: u64,
    /// Upgrades from polling to WebSocket.
    pub upgrades: u64,
    /// Sockets recovered from memory.
    pub recovered: u64,
    /// Claims to be recovered that could not be fulfilled: a new socket was made.
    pub not_recovered: u64,
    /// Handlers that panicked.
    pub handler_panics: u64,
    /// Operations refused because an inbox was full.
    pub busy: u64,
    /// Operations that wait in the inboxes now.
    pub waiting: u64,
    /// Connections closed, by reason, in the order of `CloseReason::ALL`.
    pub closed: [u64; CloseReason::ALL.len()],
}

impl Stats {
    pub(crate) fn add(&mut self, counters: &Counters) {
        let pairs = [
            (&mut self.connections, &counters.connections),
            (&mut self.connections_websocket, &counters.connections_websocket),
            (&mut self.sockets, &counters.sockets),
            (&mut self.opened, &counters.opened),
            (&mut self.handshakes_refused, &counters.handshakes_refused),
            (&mut self.packets_in, &counters.packets_in),
            (&mut self.packets_out, &counters.packets_out),
            (&mut self.bytes_in, &counters.bytes_in),
            (&mut self.bytes_out, &counters.bytes_out),
            (&mut self.deliveries, &counters.deliveries),
            (&mut self.runs, &counters.runs),
            (&mut self.volatile_dropped, &counters.volatile_dropped),
            (&mut self.holds_overflowed, &counters.holds_overflowed),
            (&mut self.upgrades, &counters.upgrades),
            (&mut self.recovered, &counters.recovered),
            (&mut self.not_recovered, &counters.not_recovered),
            (&mut self.handler_panics, &counters.handler_panics),
            (&mut self.busy, &counters.busy),
        ];
        for (sum, counter) in pairs {
            *sum += counter.load(Ordering::Relaxed);
        }
        for (sum, counter) in self.closed.iter_mut().zip(&counters.closed) {
            *sum += counter.load(Ordering::Relaxed);
        }
    }

    /// How many connections were closed for a reason.
    pub fn closed_for(&self, reason: CloseReason) -> u64 {
        self.closed[reason as usize]
    }
}
