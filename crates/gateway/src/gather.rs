//! Answers to one broadcast, gathered from all shards. Each shard first says how many sockets it
//! asks, so the gathering holds at most one answer per recipient and knows when it is complete.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::io::Answers;
use crate::socket::Answer;

/// What is waited for, shared by the waiter and the shards.
#[derive(Debug)]
pub(crate) struct Gathering {
    state: Mutex<State>,
    complete: Notify,
}

#[derive(Debug, Default)]
struct State {
    shards_left: usize,
    asked: usize,
    gone: usize,
    answers: Vec<Answer>,
}

impl State {
    fn is_complete(&self) -> bool {
        self.shards_left == 0 && self.answers.len() + self.gone >= self.asked
    }
}

impl Gathering {
    pub(crate) fn new(shards: usize) -> Self {
        let state = State { shards_left: shards, ..State::default() };
        Self { state: Mutex::new(state), complete: Notify::new() }
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
        self.change(|state| match answer {
            Some(answer) => state.answers.push(answer),
            None => state.gone += 1,
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        if state.is_complete() {
            self.complete.notify_one();
        }
    }

    /// Completes when every socket that was asked has answered or is gone.
    pub(crate) async fn complete(&self) {
        self.complete.notified().await;
    }

    /// What has come so far.
    pub(crate) fn take(&self) -> Answers {
        let mut state = self.state.lock();
        let missing = state.asked.saturating_sub(state.answers.len());
        Answers { answers: std::mem::take(&mut state.answers), missing }
    }
}
