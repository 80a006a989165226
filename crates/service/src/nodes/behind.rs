//! Events in passing that this node may not tell yet, since its log is not as far as the node was that said
//! them. They go out in the order they came; nothing else waits for them.

use std::collections::VecDeque;
use std::time::Duration;

use parlor_chat::entry::Position;
use parlor_chat::trace::Traced;
use tokio::time::Instant;

use super::word::Address;

/// Events that may wait; what comes above it is not told.
const WAITING_MAX: usize = 8_192;
/// How long one waits for the log. Later it is not told: a room that does not follow the log may have somebody
/// in it who is out.
const BEHIND_MAX: Duration = Duration::from_secs(10);

/// An event for a room.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) after: Position,
    pub(super) to: Address<'static>,
    pub(super) event: Box<str>,
    pub(super) said: Box<str>,
    /// The command that led to it, if that is traced.
    pub(super) traced: Option<Traced>,
}

/// The events that wait.
#[derive(Debug, Default)]
pub(super) struct Behind(VecDeque<(Event, Instant)>);

impl Behind {
    /// Takes an event, and gives it back if it may be told at once, by how far the log is. One for which there
    /// is no room is dropped.
    pub(super) fn take(&mut self, event: Event, log: Position) -> Option<Event> {
        if self.0.is_empty() && event.after <= log {
            return Some(event);
        }
        if self.0.len() < WAITING_MAX {
            self.0.push_back((event, Instant::now() + BEHIND_MAX));
        }
        None
    }

    /// What the first waits for, and until when.
    pub(super) fn first(&self) -> Option<(Position, Instant)> {
        self.0.front().map(|(event, until)| (event.after, *until))
    }

    /// The first, which waits no longer.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front().map(|(event, _)| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(after: u64, said: &str) -> Event {
        let to = Address { room: "user:a".into(), except: None, volatile: false };
        Event { after: Position(after), to, event: "read".into(), said: said.into(), traced: None }
    }

    #[test]
    fn events_keep_their_order_whatever_they_wait_for() {
        let mut behind = Behind::default();
        assert!(behind.take(event(5, "1"), Position(5)).is_some());
        assert!(behind.take(event(9, "2"), Position(5)).is_none());
        assert!(behind.take(event(5, "3"), Position(5)).is_none(), "one waits before it");
        assert_eq!(behind.first().map(|(after, _)| after), Some(Position(9)));
        assert_eq!(behind.pop().map(|event| event.said), Some("2".into()));
        assert_eq!(behind.pop().map(|event| event.said), Some("3".into()));
        assert!(behind.first().is_none());
        assert!(behind.take(event(5, "4"), Position(5)).is_some());
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut behind = Behind::default();
        for _ in 0..=WAITING_MAX {
            assert!(behind.take(event(1, ""), Position(0)).is_none());
        }
        assert_eq!(behind.0.len(), WAITING_MAX);
    }
}
