//! What waits to be sent: each message in the line of its conversation, lines in turn, and what the
//! store is still to be told of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::backoff::Backoff;
use crate::error::Error;
use crate::outbox::{Change, OutboxItem};
use crate::protocol::Sent;
use crate::target::Target;

/// Messages that wait in the outbox, refused ones included.
pub(super) const ITEMS_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: OutboxItem,
    pub(super) is_saving: bool,
    /// Whether it was written by this client, and was never said.
    pub(super) is_fresh: bool,
    pub(super) saved: Option<oneshot::Sender<Result<(), Error>>>,
    pub(super) sent: Option<oneshot::Sender<Result<Sent, Error>>>,
}

/// What waits in one conversation.
#[derive(Debug)]
pub(super) struct Line {
    /// By their order.
    pub(super) items: BTreeSet<u64>,
    pub(super) in_flight: Option<u64>,
    pub(super) is_pausing: bool,
    pub(super) failures: u32,
    pub(super) pace: Backoff,
}

impl Default for Line {
    fn default() -> Self {
        let pace = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
        Self { items: BTreeSet::new(), in_flight: None, is_pausing: false, failures: 0, pace }
    }
}

/// The outbox of one user at one server.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(super) items: BTreeMap<u64, Waiting>,
    pub(super) orders: HashMap<String, u64>,
    pub(super) lines: HashMap<Target, Line>,
    pub(super) next_order: u64,
    /// Lines that may have something to say, in turn.
    pub(super) turns: VecDeque<Target>,
    pub(super) in_flight: usize,
    pub(super) changes: Vec<Change>,
}

impl Outbox {
    /// Takes what the store had at the start.
    pub(crate) fn load(&mut self, mut items: Vec<OutboxItem>) {
        items.sort_by_key(|item| item.order);
        for item in items {
            self.insert(Waiting {
                item,
                is_saving: false,
                is_fresh: false,
                saved: None,
                sent: None,
            });
        }
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        let OutboxItem { order, client_id, target, .. } = &waiting.item;
        self.next_order = self.next_order.max(order + 1);
        self.orders.insert(client_id.clone(), *order);
        self.lines.entry(target.clone()).or_default().items.insert(*order);
        self.take_turn(target.clone());
        self.items.insert(waiting.item.order, waiting);
    }

    pub(super) fn remove(&mut self, order: u64) -> Option<Waiting> {
        let waiting = self.items.remove(&order)?;
        self.orders.remove(&waiting.item.client_id);
        let target = &waiting.item.target;
        if let Some(line) = self.lines.get_mut(target) {
            line.items.remove(&order);
            if line.in_flight == Some(order) {
                line.in_flight = None;
                self.in_flight -= 1;
            }
            if line.items.is_empty() && line.in_flight.is_none() && !line.is_pausing {
                self.lines.remove(target);
            } else {
                self.take_turn(target.clone());
            }
        }
        Some(waiting)
    }

    pub(super) fn take_turn(&mut self, target: Target) {
        if !self.turns.contains(&target) {
            self.turns.push_back(target);
        }
    }

    pub(super) fn of(&mut self, client_id: &str) -> Option<&mut Waiting> {
        self.items.get_mut(self.orders.get(client_id)?)
    }

    /// What waits in a conversation, in the order in which it will be sent.
    pub(crate) fn waiting(&self, target: &Target) -> Vec<OutboxItem> {
        let orders = self.lines.get(target).into_iter().flat_map(|line| &line.items);
        orders.filter_map(|order| Some(self.items.get(order)?.item.clone())).collect()
    }

    pub(crate) fn has_waiting(&self, target: &Target) -> bool {
        self.lines.get(target).is_some_and(|line| !line.items.is_empty())
    }

    /// How many wait to be sent, refused ones aside.
    pub(crate) fn unsent(&self) -> usize {
        self.items.values().filter(|waiting| waiting.item.failure.is_none()).count()
    }

    /// What the store is to keep or forget since this was called last.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The next message that can be said in a conversation.
    pub(super) fn next(&self, target: &Target) -> Option<&OutboxItem> {
        let line = self.lines.get(target)?;
        if line.in_flight.is_some() || line.is_pausing {
            return None;
        }
        let waiting = line.items.iter().filter_map(|order| self.items.get(order));
        let first = waiting.into_iter().find(|waiting| waiting.item.failure.is_none())?;
        (!first.is_saving).then_some(&first.item)
    }
}
