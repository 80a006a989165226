//! Hears channels of the sharded kind, as many as there are rooms.
//!
//! Whoever wants a channel heard says so; one task brings what Redis was asked for to where that is, many channels at
//! a time: one that is wanted and let go before its turn is asked for by nobody. There is one connection, so
//! that what is published on several channels comes in its order; in a cluster there is one to each node that has such a
//! channel. One that ends, or on which Redis took a channel since its slot moved, is given up, and its channels are
//! asked for anew. What is published until then is not heard.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value};
use tokio::sync::Notify;

use super::links::Links;
use super::slots::{Place, slot};
use super::subscription::Told;
use crate::backoff::Backoff;

/// Channels that are asked for, or left, together.
const ROUND_MAX: usize = 512;

/// Each node is asked whether it is there so often.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Channels that are heard as long as they are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when there is something to do.
    changed: Notify,
}

/// Every channel that is wanted or heard; it is as small as those are.
#[derive(Debug, Default)]
struct State {
    channels: HashMap<Arc<str>, Channel>,
    /// Those that are heard and should not be, or are not and should.
    due: HashSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Channel {
    /// By how many it is wanted.
    wanted: u32,
    heard_at: Option<Place>,
}

/// What is to be done about a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Hear(Arc<str>),
    Leave(Arc<str>, Place),
}

impl Channels {
    /// Wants a channel heard, from soon on and until [`Channels::let_go`] was called as often. Never waits.
    pub(super) fn want(&self, channel: &str) {
        self.change(channel, |channel| channel.wanted += 1);
    }

    /// Lets a channel go that was wanted. Never waits.
    pub(super) fn let_go(&self, channel: &str) {
        self.change(channel, |channel| channel.wanted = channel.wanted.saturating_sub(1));
    }

    /// Whether a channel is heard.
    pub(super) fn hears(&self, channel: &str) -> bool {
        let state = self.0.state.lock();
        state.channels.get(channel).is_some_and(|channel| channel.heard_at.is_some())
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Channel)) {
        let is_due = self.0.state.lock().change(name, change);
        if is_due {
            self.0.changed.notify_one();
        }
    }

    /// What is to be done now.
    fn changes(&self) -> Vec<Change> {
        let state = self.0.state.lock();
        let change = |name: &Arc<str>| match state.channels.get(name)?.heard_at.clone() {
            Some(place) => Some(Change::Leave(Arc::clone(name), place)),
            None => Some(Change::Hear(Arc::clone(name))),
        };
        state.due.iter().filter_map(change).collect()
    }

    /// Notes that a change was made at a place.
    fn made(&self, change: &Change, place: &Place) {
        match change {
            Change::Hear(name) => self.change(name, |it| it.heard_at = Some(place.clone())),
            Change::Leave(name, _) => self.change(name, |it| it.heard_at = None),
        }
    }

    /// Notes that nothing is heard at a place any more.
    fn lost(&self, place: &Place) {
        let mut state = self.0.state.lock();
        let heard = state.channels.iter().filter(|(_, it)| it.heard_at.as_ref() == Some(place));
        let names: Vec<Arc<str>> = heard.map(|(name, _)| Arc::clone(name)).collect();
        for name in names {
            state.change(&name, |channel| channel.heard_at = None);
        }
    }

    /// Whether all that is heard at a place belongs there.
    fn are_in_place(&self, place: &Place, is_there: impl Fn(&str) -> bool) -> bool {
        let state = self.0.state.lock();
        let mut heard = state.channels.iter().filter(|(_, it)| it.heard_at.as_ref() == Some(place));
        heard.all(|(name, _)| is_there(name))
    }
}

impl State {
    /// Changes a channel, and says whether something is to be done about it then.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Channel)) -> bool {
        let known = self.channels.get_key_value(name);
        let name = known.map_or_else(|| name.into(), |(name, _)| Arc::clone(name));
        let channel = self.channels.entry(Arc::clone(&name)).or_default();
        change(channel);
        match (channel.wanted > 0, channel.heard_at.is_some()) {
            (true, true) => {
                self.due.remove(&name);
                false
            }
            (false, false) => {
                self.due.remove(&name);
                self.channels.remove(&name);
                false
            }
            _ => {
                self.due.insert(name);
                true
            }
        }
    }
}

/// The task that hears them.
pub(super) struct Hearing<T> {
    pub(super) links: Arc<Links>,
    pub(super) channels: Channels,
    /// Called with each message, on a connection's own task; must not block.
    pub(super) take: Arc<T>,
    /// Called when what is heard may have changed.
    pub(super) told: Box<dyn Fn() + Send + Sync>,
    pub(super) delay_max: Duration,
}

/// A connection on which channels are heard.
struct Listener {
    connection: MultiplexedConnection,
    is_gone: Arc<AtomicBool>,
    /// Channels that Redis was asked to tell nothing more of.
    leaving: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl<T: Fn(&[u8]) + Send + Sync + 'static> Hearing<T> {
    /// Hears them for ever.
    pub(super) async fn run(self) {
        let mut listeners = HashMap::new();
        let mut backoff = Backoff::new(self.delay_max);
        loop {
            self.drop_those(&mut listeners, |_, it| it.is_gone.load(Ordering::Relaxed));
            (self.told)();
            let outcome = self.catch_up(&mut listeners).await;
            (self.told)();
            if let Err(error) = outcome {
                tracing::debug!(%error, "channels cannot be heard");
                tokio::time::sleep(backoff.delay()).await;
                // What cannot be known of a cluster now is asked for again.
                let _ = self.links.look_anew().await;
                continue;
            }
            backoff.reset();
            tokio::select! {
                () = self.channels.0.changed.notified() => {}
                () = tokio::time::sleep(PING_EVERY) => self.look_after(&mut listeners).await,
            }
        }
    }

    /// Does all that is to be done, as far as it can be.
    ///
    /// # Errors
    /// Why something could not be done.
    async fn catch_up(&self, listeners: &mut HashMap<Place, Listener>) -> RedisResult<()> {
        let mut outcome = Ok(());
        let mut by_place = BTreeMap::<Place, Vec<Change>>::new();
        for change in self.channels.changes() {
            let place = match &change {
                Change::Hear(channel) => self.links.owner(slot(channel.as_bytes())).await,
                Change::Leave(_, place) => Ok(place.clone()),
            };
            match place {
                Ok(place) => by_place.entry(place).or_default().push(change),
                Err(error) => outcome = Err(error),
            }
        }
        for (place, changes) in by_place {
            for round in changes.chunks(ROUND_MAX) {
                if let Err(error) = self.make(&place, round, listeners).await {
                    listeners.remove(&place);
                    self.channels.lost(&place);
                    outcome = Err(error);
                    break;
                }
            }
        }
        outcome
    }

    /// Makes changes at a place.
    async fn make(
        &self,
        place: &Place,
        changes: &[Change],
        listeners: &mut HashMap<Place, Listener>,
    ) -> RedisResult<()> {
        if !listeners.contains_key(place) {
            listeners.insert(place.clone(), self.listen(place).await?);
        }
        let Some(listener) = listeners.get_mut(place) else { return Ok(()) };
        let mut pipeline = Pipeline::new();
        for change in changes {
            match change {
                Change::Hear(channel) => pipeline.cmd("SSUBSCRIBE").arg(&**channel),
                Change::Leave(channel, _) => {
                    listener.leaving.lock().insert(channel.as_bytes().to_vec());
                    pipeline.cmd("SUNSUBSCRIBE").arg(&**channel)
                }
            };
        }
        let answers = listener.connection.send_packed_commands(&pipeline, 0, changes.len()).await?;
        for (change, answer) in changes.iter().zip(answers) {
            answer.extract_error()?;
            self.channels.made(change, place);
        }
        Ok(())
    }

    async fn listen(&self, place: &Place) -> RedisResult<Listener> {
        let (is_gone, leaving) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let listener = (Arc::clone(&is_gone), Arc::<Mutex<HashSet<Vec<u8>>>>::clone(&leaving));
        let (take, shared) = (Arc::clone(&self.take), Arc::clone(&self.channels.0));
        let tell = move |it: Told<'_>| {
            let (is_gone, leaving) = &listener;
            let is_over = match it {
                Told::Message(_, message) => return take(message),
                Told::Left(channel) => !leaving.lock().remove(channel),
                Told::Gone => true,
            };
            if is_over {
                is_gone.store(true, Ordering::Relaxed);
                shared.changed.notify_one();
            }
        };
        let connection = self.links.listen(place, tell).await?;
        Ok(Listener { connection, is_gone, leaving })
    }

    /// Gives up connections that do not answer, or hear what has moved.
    async fn look_after(&self, listeners: &mut HashMap<Place, Listener>) {
        for listener in listeners.values_mut() {
            let answer = listener.connection.send_packed_command(&redis::cmd("PING")).await;
            if answer.and_then(Value::extract_error).is_err() {
                listener.is_gone.store(true, Ordering::Relaxed);
            }
        }
        self.drop_those(listeners, |place, _| {
            let is_there = |channel: &str| self.links.has(place, slot(channel.as_bytes()));
            !self.channels.are_in_place(place, is_there)
        });
    }

    fn drop_those(
        &self,
        listeners: &mut HashMap<Place, Listener>,
        is_useless: impl Fn(&Place, &Listener) -> bool,
    ) {
        listeners.retain(|place, listener| {
            let is_useless = is_useless(place, listener);
            if is_useless {
                self.channels.lost(place);
            }
            !is_useless
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(port: u16) -> Place {
        Place { host: String::from("here"), port }
    }

    fn hear(channel: &str) -> Change {
        Change::Hear(channel.into())
    }

    #[test]
    fn a_channel_is_heard_while_somebody_wants_it() {
        let channels = Channels::default();
        channels.want("a");
        channels.want("a");
        assert_eq!((channels.changes(), channels.hears("a")), (vec![hear("a")], false));
        channels.made(&hear("a"), &place(1));
        assert_eq!((channels.changes(), channels.hears("a")), (Vec::new(), true));
        channels.let_go("a");
        assert_eq!(channels.changes(), []);
        channels.let_go("a");
        let leave = Change::Leave("a".into(), place(1));
        assert_eq!(channels.changes(), std::slice::from_ref(&leave));
        channels.made(&leave, &place(1));
        assert_eq!((channels.changes(), channels.hears("a")), (Vec::new(), false));
        let state = channels.0.state.lock();
        assert!(state.channels.is_empty() && state.due.is_empty(), "something is kept of it");
    }

    #[test]
    fn one_that_is_let_go_before_its_turn_is_asked_for_by_nobody() {
        let channels = Channels::default();
        channels.want("a");
        channels.let_go("a");
        assert_eq!(channels.changes(), []);
        // Asked for already when it was let go.
        channels.want("b");
        channels.let_go("b");
        channels.made(&hear("b"), &place(1));
        assert_eq!(channels.changes(), [Change::Leave("b".into(), place(1))]);
        // And wanted again before it was left.
        channels.want("b");
        assert_eq!(channels.changes(), []);
    }

    #[test]
    fn what_was_heard_at_a_lost_place_is_asked_for_anew() {
        let channels = Channels::default();
        for (channel, port) in [("a", 1), ("b", 2), ("c", 1)] {
            channels.want(channel);
            channels.made(&hear(channel), &place(port));
        }
        channels.let_go("c");
        channels.lost(&place(1));
        assert_eq!(channels.changes(), [hear("a")]);
        assert!(channels.are_in_place(&place(2), |channel| channel == "b"));
        assert!(!channels.are_in_place(&place(2), |_| false));
    }
}
