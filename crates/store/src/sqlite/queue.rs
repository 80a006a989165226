//! A bounded queue that threads drain in batches.
//!
//! Pushing never waits: full and closed are answers. The order of pushes is the order of pops.
//! Taking waits for the first item and then takes what is there, up to a maximum, so that a
//! batch is as large as the load makes it and never waits to become larger.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A bounded queue with a weight per item.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    items_max: usize,
    weight_max: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    closed: bool,
}

/// Why an item was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    Full,
    Closed,
}

/// What [`Queue::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Items(Vec<T>),
    TimedOut,
    Closed,
}

impl<T> State<T> {
    fn take(&mut self, items_max: usize, weight_max: usize) -> Vec<T> {
        let mut taken = Vec::new();
        let mut taken_weight = 0;
        while taken.len() < items_max {
            match self.items.front() {
                Some((_, weight)) if taken.is_empty() || taken_weight + weight <= weight_max => {}
                _ => break,
            }
            if let Some((item, weight)) = self.items.pop_front() {
                self.weight -= weight;
                taken_weight += weight;
                taken.push(item);
            }
        }
        if self.items.is_empty() && self.items.capacity() > 1_024 {
            self.items = VecDeque::new();
        }
        taken
    }
}

impl<T> Queue<T> {
    /// Holds at most `items_max` items and, but for a single one, `weight_max` of weight.
    pub(crate) fn new(items_max: usize, weight_max: usize) -> Self {
        let state = State { items: VecDeque::new(), weight: 0, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), items_max, weight_max }
    }

    pub(crate) fn push(&self, item: T, weight: usize) -> Result<(), Rejected> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        let too_heavy = !state.items.is_empty() && state.weight + weight > self.weight_max;
        if state.items.len() >= self.items_max || too_heavy {
            return Err(Rejected::Full);
        }
        state.items.push_back((item, weight));
        state.weight += weight;
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for items and takes up to `items_max` of at most `weight_max` together (one item is
    /// always taken). A closed queue is emptied before [`Taken::Closed`] is told.
    pub(crate) fn take(
        &self,
        items_max: usize,
        weight_max: usize,
        timeout: Option<Duration>,
    ) -> Taken<T> {
        let mut state = self.state.lock();
        while state.items.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            match timeout {
                None => self.filled.wait(&mut state),
                Some(timeout) => {
                    let waited = self.filled.wait_for(&mut state, timeout);
                    if waited.timed_out() && state.items.is_empty() && !state.closed {
                        return Taken::TimedOut;
                    }
                }
            }
        }
        Taken::Items(state.take(items_max, weight_max))
    }

    /// As [`Queue::take`], but takes what is there without waiting, which may be nothing.
    pub(crate) fn take_now(&self, items_max: usize, weight_max: usize) -> Vec<T> {
        self.state.lock().take(items_max, weight_max)
    }

    /// Takes all that is there, without waiting.
    pub(crate) fn drain(&self) -> Vec<T> {
        let mut state = self.state.lock();
        state.weight = 0;
        state.items.drain(..).map(|(item, _)| item).collect()
    }

    /// Takes nothing in any more; who takes is woken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_millis(1));

    #[test]
    fn items_come_out_in_order_in_batches() {
        let queue = Queue::new(10, 100);
        for n in 0..5 {
            assert_eq!(queue.push(n, 1), Ok(()));
        }
        assert_eq!(queue.take(3, 100, SOON), Taken::Items(vec![0, 1, 2]));
        assert_eq!(queue.take(3, 100, SOON), Taken::Items(vec![3, 4]));
        assert_eq!(queue.take(3, 100, SOON), Taken::TimedOut);
    }

    #[test]
    fn full_by_count_or_by_weight_is_an_answer() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push('a', 8), Ok(()));
        assert_eq!(queue.push('b', 3), Err(Rejected::Full));
        assert_eq!(queue.push('c', 1), Ok(()));
        assert_eq!(queue.push('d', 1), Err(Rejected::Full));
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn an_item_heavier_than_the_bound_passes_alone() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push('a', 50), Ok(()));
        assert_eq!(queue.push('b', 1), Err(Rejected::Full));
        assert_eq!(queue.take(2, 10, SOON), Taken::Items(vec!['a']));
    }

    #[test]
    fn a_closed_queue_is_emptied_first() {
        let queue = Queue::new(2, 10);
        assert_eq!(queue.push(1, 1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2, 1), Err(Rejected::Closed));
        assert_eq!(queue.take(9, 10, None), Taken::Items(vec![1]));
        assert_eq!(queue.take(9, 10, None), Taken::Closed);
    }
}
