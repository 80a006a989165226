//! The inbox of a shard, and its two ends. On the shard's own thread an operation goes to a plain
//! queue; from elsewhere through a locked one that wakes the shard. Both refuse work that can be
//! retried (`Busy`) above `inbox_ops_max`. What must not fail (answers, permits, leaves, closes) is
//! always taken: its number is bounded by the events in flight and the calls that are being awaited.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::shard::ops::{Busy, Op};
use crate::shared::Shared;
use crate::stats::Counters;

thread_local! {
    static LOCAL: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// The end of an inbox on the shard's own thread.
pub(crate) struct Local {
    shared: usize,
    shard: u8,
    queue: RefCell<VecDeque<Op>>,
    aside: Cell<usize>,
    /// The shard is in a round and looks here by itself.
    at_work: Cell<bool>,
    wake: Notify,
}

impl Local {
    /// Makes the calling thread the one of this shard.
    pub(crate) fn enter(shared: &Arc<Shared>, shard: u8) -> Rc<Self> {
        let local = Rc::new(Self {
            shared: Arc::as_ptr(shared) as usize,
            shard,
            queue: RefCell::default(),
            aside: Cell::new(0),
            at_work: Cell::new(false),
            wake: Notify::new(),
        });
        LOCAL.set(Some(Rc::clone(&local)));
        local
    }

    /// The queue of the calling thread, if it is that of this shard.
    pub(crate) fn here(shared: &Shared, shard: u8) -> Option<Rc<Self>> {
        let place = std::ptr::from_ref(shared) as usize;
        let is_it = |local: &&Rc<Self>| local.shared == place && local.shard == shard;
        LOCAL.try_with(|cell| cell.borrow().as_ref().filter(is_it).cloned()).ok().flatten()
    }

    /// Ends what `enter` began.
    pub(crate) fn leave() {
        LOCAL.set(None);
    }

    pub(crate) fn push(&self, op: Op, capacity: usize) -> Result<(), Busy> {
        let mut queue = self.queue.borrow_mut();
        let aside = if op.is_ordered() { self.aside.get() } else { 0 };
        if queue.len() + aside >= capacity {
            return Err(Busy);
        }
        if queue.is_empty() && !self.at_work.get() {
            self.wake.notify_one();
        }
        queue.push_back(op);
        Ok(())
    }

    /// Tells whether the shard is in a round, and needs no waking.
    pub(crate) fn set_at_work(&self, at_work: bool) {
        self.at_work.set(at_work);
    }

    pub(crate) fn pop(&self) -> Option<Op> {
        self.queue.borrow_mut().pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Tells how many operations the shard has put aside, which count against the capacity.
    pub(crate) fn set_aside(&self, count: usize) {
        self.aside.set(count);
    }

    /// Completes when an operation came into the empty queue.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// The end of an inbox for other threads. Ordered operations stay here while a fan-out runs, so
/// that whoever pushes them feels it; the others never wait behind them.
pub(crate) struct Inbox {
    pub(crate) capacity: usize,
    state: Mutex<State>,
    wake: Notify,
    room: Condvar,
    pub(crate) counters: Counters,
}

#[derive(Default)]
struct State {
    prompt: VecDeque<Op>,
    ordered: VecDeque<Op>,
    /// What the ordered ones weigh together.
    weight: usize,
    closed: bool,
}

impl State {
    /// Whether one more of either kind is too many: a backlog of emits refuses no poll.
    fn is_full(&self, ordered: bool, capacity: usize) -> bool {
        (if ordered { self.weight } else { self.prompt.len() }) >= capacity
    }
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            wake: Notify::new(),
            room: Condvar::new(),
            counters: Counters::default(),
        }
    }

    /// Counts a refusal.
    pub(crate) fn count_busy(&self) {
        self.counters.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether no more ordered operation is taken that could be refused.
    pub(crate) fn is_full(&self) -> bool {
        self.state.lock().is_full(true, self.capacity)
    }

    /// How much waits, each broadcast of a batch counted.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock();
        state.prompt.len() + state.weight
    }

    pub(crate) fn push(&self, op: Op) -> Result<(), Busy> {
        let mut state = self.state.lock();
        if state.is_full(op.is_ordered(), self.capacity) {
            return Err(Busy);
        }
        let refused = self.put(&mut state, op);
        drop(state);
        drop(refused);
        Ok(())
    }

    pub(crate) fn push_always(&self, op: Op) {
        let refused = self.put(&mut self.state.lock(), op);
        drop(refused);
    }

    /// Waits until an ordered operation would be taken. Never called on a shard's thread.
    pub(crate) fn wait_for_room(&self) {
        let mut state = self.state.lock();
        while state.is_full(true, self.capacity) && !state.closed {
            self.room.wait(&mut state);
        }
    }

    /// Waits for room. Never called on a shard's thread.
    pub(crate) fn push_blocking(&self, op: Op) {
        let mut state = self.state.lock();
        while state.is_full(op.is_ordered(), self.capacity) && !state.closed {
            self.room.wait(&mut state);
        }
        let refused = self.put(&mut state, op);
        drop(state);
        drop(refused);
    }

    /// Takes an operation in, or gives it back to be dropped when the lock is free: the drop of
    /// what an application put in it may come here again.
    fn put(&self, state: &mut State, op: Op) -> Option<Op> {
        if state.closed {
            return Some(op);
        }
        self.wake.notify_one();
        if op.is_ordered() {
            state.weight += op.weight();
            state.ordered.push_back(op);
        } else {
            state.prompt.push_back(op);
        }
        None
    }

    /// Takes all prompt operations, and at most so many of the ordered ones.
    pub(crate) fn drain(&self, ordered_max: usize, into: &mut VecDeque<Op>) {
        let mut state = self.state.lock();
        let was_full = state.is_full(true, self.capacity);
        into.extend(state.prompt.drain(..));
        let count = state.ordered.len().min(ordered_max);
        let before = into.len();
        into.extend(state.ordered.drain(..count));
        state.weight -= into.range(before..).map(Op::weight).sum::<usize>();
        if !state.ordered.is_empty() {
            self.wake.notify_one();
        }
        drop(state);
        if was_full {
            self.room.notify_all();
        }
    }

    /// Completes when operations came.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Drops what waits and all that comes; blocked callers go on.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = (std::mem::take(&mut state.prompt), std::mem::take(&mut state.ordered));
        state.weight = 0;
        drop(state);
        drop(dropped);
        self.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::config::Config;
    use crate::frame::Frame;
    use crate::ids::SocketKey;
    use crate::io::Broadcast;
    use crate::shard::ops::Batch;

    fn shared(inbox_ops_max: usize) -> Arc<Shared> {
        let config = Config { inbox_ops_max, ..Config::default() };
        Arc::new(Shared::new(config, 1, HashMap::new(), Vec::new(), None))
    }

    fn emit() -> Op {
        let frame = Frame::event_raw("/", "e", "[]");
        Op::Emit { key: SocketKey::new(0, 0, 1), frame, volatile: false }
    }

    fn batch(broadcasts: u64) -> Op {
        let broadcast = |position| Broadcast {
            room: "r".into(),
            except: None,
            frame: Frame::event_raw("/", "e", "[]"),
            position,
        };
        let broadcasts = (0..broadcasts).map(broadcast).collect();
        let namespace = "/".into();
        Op::Batch(Arc::new(Batch { namespace, broadcasts, then_position: 0, first_number: 0 }))
    }

    #[test]
    fn a_full_inbox_refuses_emits_and_takes_permits() {
        let shared = shared(2);
        assert_eq!(shared.push(0, emit()), Ok(()));
        assert_eq!(shared.push(0, emit()), Ok(()));
        assert_eq!(shared.push(0, emit()), Err(Busy));
        shared.push_always(0, Op::Permit { connection: SocketKey::new(0, 0, 1) });
        let mut taken = VecDeque::new();
        shared.inboxes[0].drain(0, &mut taken);
        assert!(matches!(taken.pop_front(), Some(Op::Permit { .. })), "it waits for no emit");
        shared.inboxes[0].drain(1, &mut taken);
        assert_eq!(shared.push(0, emit()), Ok(()));
        assert_eq!(shared.inboxes[0].counters.busy.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_backlog_of_emits_refuses_no_poll() {
        let shared = shared(1);
        let poll = || {
            let (reply, _) = tokio::sync::oneshot::channel();
            let sid = shared.seal.engine_sid(0, 0, 1);
            let sid = crate::ids::EngineSid::parse(&sid).expect("own sid parses");
            Op::Poll { sid, stamp: None, reply }
        };
        assert_eq!(shared.push(0, emit()), Ok(()));
        assert_eq!(shared.push(0, emit()), Err(Busy));
        assert_eq!(shared.push(0, poll()), Ok(()));
        assert_eq!(shared.push(0, poll()), Err(Busy), "polls have a bound of their own");
        let local = Local::enter(&shared, 0);
        local.set_aside(1);
        assert_eq!(shared.push(0, emit()), Err(Busy));
        assert_eq!(shared.push(0, poll()), Ok(()));
        Local::leave();
    }

    #[test]
    fn the_shards_own_thread_is_refused_by_the_same_bound() {
        let shared = shared(2);
        let local = Local::enter(&shared, 0);
        local.set_aside(1);
        assert_eq!(shared.push(0, emit()), Ok(()));
        assert_eq!(shared.push(0, emit()), Err(Busy));
        assert!(local.pop().is_some());
        assert!(local.pop().is_none());
        Local::leave();
    }

    #[test]
    fn a_batch_weighs_its_broadcasts_and_blocks_the_next() {
        let shared = shared(10);
        let pushed = Arc::new(AtomicUsize::new(0));
        let pusher = std::thread::spawn({
            let (shared, pushed) = (Arc::clone(&shared), Arc::clone(&pushed));
            move || {
                for _ in 0..2 {
                    shared.inboxes[0].push_blocking(batch(10));
                    pushed.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        while pushed.load(Ordering::SeqCst) < 1 {
            std::thread::yield_now();
        }
        assert_eq!(pushed.load(Ordering::SeqCst), 1, "the second waits");
        assert_eq!(shared.inboxes[0].len(), 10);
        let mut taken = VecDeque::new();
        shared.inboxes[0].drain(1, &mut taken);
        pusher.join().expect("the second found room");
        assert_eq!(shared.push(0, emit()), Err(Busy));
    }

    #[test]
    fn a_closed_inbox_blocks_nobody() {
        let shared = shared(1);
        shared.inboxes[0].close();
        shared.inboxes[0].push_blocking(batch(5));
        shared.inboxes[0].push_blocking(batch(5));
        assert_eq!(shared.push(0, emit()), Ok(()));
    }
}
