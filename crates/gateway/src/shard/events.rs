//! Events from clients: from a packet to its handler, in the order sent. A handler that is a future
//! runs in a task of its socket, and every event behind it waits in that task's queue, however long
//! it takes; the permits of the connection bound how many.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use parlor_wire::packet::{EventArgs, Packet};

use super::connection::{Job, Jobs};
use super::ops::Op;
use super::{Place, Shard};
use crate::event::{Event, Permit};
use crate::ids::SocketKey;
use crate::namespace::Handler;
use crate::reason::CloseReason;
use crate::shared::Shared;

impl Shard {
    /// Handles an event of a socket.
    pub(super) fn event(
        &mut self,
        place: Place,
        slot: u32,
        packet: &Packet<'_>,
        attachments: Vec<Bytes>,
    ) {
        let Ok(args) = EventArgs::split(packet.data) else {
            return self.close(place, CloseReason::ParseError);
        };
        let Some(member) = self.sockets.at(slot) else { return };
        let (socket, space) = (member.handle.clone(), member.space);
        let Some(rules) = self.rules(space) else { return };
        let in_flight_max = self.shared.config.events_in_flight_max.max(1);
        let Some(connection) = self.connections.get_mut(place.0, place.1) else { return };
        connection.in_flight += 1;
        connection.paused = connection.in_flight >= in_flight_max;
        let (name, handler) = match rules.handlers.get_key_value(args.name()) {
            Some((name, handler)) => (Arc::clone(name), Some(handler)),
            None => (Arc::from(args.name()), None),
        };
        let shift = args.ranges().first().map_or(0, |range| range.start - 1);
        let ranges = args.ranges().iter().map(|it| it.start - shift..it.end - shift).collect();
        let permit = Permit::new(socket.clone());
        let mut event =
            Event::new(name, args.to_array(), ranges, attachments, packet.ack_id, permit);
        // Events are handled in the order sent: behind an async handler all others wait too.
        let waits = self.sockets.at(slot).is_some_and(|member| member.running_jobs().is_some());
        let mut job = None;
        self.guard(place, || {
            for middleware in &rules.event_middlewares {
                if middleware(&socket, &mut event).is_err() {
                    return;
                }
            }
            match (handler, &rules.on_any) {
                (Some(Handler::Async(_)), _) => job = Some(event),
                _ if waits => job = Some(event),
                (Some(Handler::Sync(handler)), _) => handler(&socket, event),
                (None, Some(handler)) => handler(&socket, event),
                (None, None) => {}
            }
        });
        if let Some(event) = job {
            self.start_job(place, slot, Job { rules, event });
        }
    }

    /// Runs a job after those that the socket has running.
    fn start_job(&mut self, place: Place, slot: u32, job: Job) {
        let connection = self.key(place);
        let shared = Arc::clone(&self.shared);
        let Some(member) = self.sockets.at(slot) else { return };
        if let Some(jobs) = member.running_jobs() {
            jobs.queue.borrow_mut().push_back(job);
            return;
        }
        let jobs = Rc::new(Jobs::default());
        jobs.queue.borrow_mut().push_back(job);
        member.jobs = Some(Rc::downgrade(&jobs));
        let socket = member.handle.clone();
        tokio::task::spawn_local(async move {
            let alarm = Alarm { shared, connection };
            loop {
                let job = jobs.queue.borrow_mut().pop_front();
                let Some(Job { rules, event }) = job else { break };
                match (rules.handlers.get(event.name()), &rules.on_any) {
                    (Some(Handler::Async(handler)), _) => handler(socket.clone(), event).await,
                    (Some(Handler::Sync(handler)), _) => handler(&socket, event),
                    (None, Some(handler)) => handler(&socket, event),
                    (None, None) => {}
                }
            }
            drop(jobs);
            drop(alarm);
        });
    }
}

/// Closes the connection of an async handler that panics.
struct Alarm {
    shared: Arc<Shared>,
    connection: SocketKey,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let op = Op::HandlerPanicked { connection: self.connection };
            self.shared.push_always(self.connection.shard(), op);
        }
    }
}
