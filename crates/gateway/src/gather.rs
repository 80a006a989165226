//! Answers to one broadcast, gathered from all shards. Each shard first says how many sockets it
//! asks, so the gathering holds at most one answer per recipient and knows when it is complete.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::socket::Answer;

/// What is waited for, shared by the one who waits and the shards.
#[derive(Debug)]
pub(crate) struct Gathering {
    state: Mutex<State>,
    changed: Notify,
    is_given_up: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    shards_left: usize,
    asked: usize,
    /// How many have answered or are gone.
    settled: usize,
    answers: VecDeque<Answer>,
}

impl Gathering {
    pub(crate) fn new(shards: usize) -> Self {
        let state = State { shards_left: shards, ..State::default() };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// A shard asks so many of its sockets.
    pub(crate) fn asked(&self, count: usize) {
        self.change(|state| {
            state.shards_left = state.shards_left.saturating_sub(1);
            state.asked += count;
        });
    }

    /// A socket answered, or is gone before it did.
    pub(crate) fn settled(&self, answer: Option<Answer>) {
        self.change(|state| {
            state.settled += 1;
            state.answers.extend(answer);
        });
    }

    /// Nobody waits any more. To be called before the shards are told to forget: one that has yet to ask then
    /// waits for nothing.
    pub(crate) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Acquire)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_one();
    }

    /// How many are asked, once every shard has said so. Cancel safe.
    pub(crate) async fn count(&self) -> usize {
        loop {
            {
                let state = self.state.lock();
                if state.shards_left == 0 {
                    return state.asked;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The next answer; `None` once every socket that was asked has answered or is gone. Cancel safe.
    pub(crate) async fn next(&self) -> Option<Answer> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(answer) = state.answers.pop_front() {
                    return Some(answer);
                }
                if state.shards_left == 0 && state.settled >= state.asked {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// How many were asked, as far as is known.
    pub(crate) fn known(&self) -> usize {
        self.state.lock().asked
    }
}
