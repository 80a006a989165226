//! What waits to be published, within bounds, and what could not be.
//!
//! A frame counts until it is known to be published, so a backend that repeats what got no answer holds no
//! more than the bounds say. What finds no room takes its seq with it: the next frame shows the others that
//! something is missing, and where none follows a gap frame says so.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::bus::{NodeId, Topic};
use tokio::sync::Notify;

use crate::counts::Counts;
use crate::frame::{Frame, HEADER_BYTES, Kind};

/// The longest message. What Redis takes is far more, but one as long would hold up all others.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// A frame that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) topic: Topic,
    pub(crate) seq: u64,
    pub(crate) bytes: Vec<u8>,
}

/// The queue of a node.
pub(crate) struct Outbox {
    node: NodeId,
    log: u64,
    messages_max: usize,
    bytes_max: usize,
    counts: Arc<Counts>,
    state: Mutex<State>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Messages and bytes that wait or are under way.
    messages: usize,
    bytes: usize,
    /// The last seq of each topic.
    said: [u64; Topic::ALL.len()],
    /// The last seq of each topic that was dropped, while the others have no way to know.
    gaps: [Option<u64>; Topic::ALL.len()],
}

impl Outbox {
    /// An empty one with its bounds, which wakes whoever empties it.
    pub(crate) fn new(
        (node, log): (NodeId, u64),
        (messages_max, bytes_max): (usize, usize),
        counts: Arc<Counts>,
        wake: Arc<Notify>,
    ) -> Self {
        let state = Mutex::default();
        Self { node, log, messages_max, bytes_max, counts, state, wake }
    }

    /// Puts a message in, or drops it.
    pub(crate) fn put(&self, topic: Topic, message: &[u8]) {
        let bytes = HEADER_BYTES + message.len();
        {
            let mut state = self.state.lock();
            state.said[topic as usize] += 1;
            let seq = state.said[topic as usize];
            let fits = state.messages < self.messages_max
                && bytes <= self.bytes_max.saturating_sub(state.bytes)
                && message.len() <= MESSAGE_BYTES_MAX;
            if !fits {
                state.gaps[topic as usize] = Some(seq);
                drop(state);
                Counts::add(&self.counts.dropped, 1);
                return;
            }
            let frame = self.frame(topic, Kind::Message, seq, message);
            state.messages += 1;
            state.bytes += bytes;
            state.waiting.push_back(frame);
        }
        self.wake.notify_one();
    }

    /// Takes the next frames, at least one if there is one. They count until they are [`done`](Self::done).
    pub(crate) fn take(&self, messages_max: usize, bytes_max: usize) -> Vec<Waiting> {
        let mut state = self.state.lock();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < messages_max
            && let Some(next) = state.waiting.front()
            && (taken.is_empty() || bytes + next.bytes.len() <= bytes_max)
        {
            bytes += next.bytes.len();
            taken.extend(state.waiting.pop_front());
        }
        taken
    }

    /// That these were published.
    pub(crate) fn done(&self, published: &[Waiting]) {
        let bytes: usize = published.iter().map(|frame| frame.bytes.len()).sum();
        Counts::add(&self.counts.published, published.len() as u64);
        Counts::add(&self.counts.published_bytes, bytes as u64);
        let mut state = self.state.lock();
        state.messages -= published.len();
        state.bytes -= bytes;
        for frame in published {
            clear(&mut state.gaps[frame.topic as usize], frame.seq);
        }
    }

    /// Frames that tell what was dropped, once nothing waits behind which it would show. They are to be given
    /// to [`told`](Self::told).
    pub(crate) fn gaps(&self) -> Vec<Waiting> {
        let state = self.state.lock();
        if !state.waiting.is_empty() {
            return Vec::new();
        }
        let gaps =
            Topic::ALL.iter().filter_map(|topic| Some((*topic, state.gaps[*topic as usize]?)));
        gaps.map(|(topic, seq)| self.frame(topic, Kind::Gap, seq, b"")).collect()
    }

    /// That the others were told of these gaps.
    pub(crate) fn told(&self, gaps: &[Waiting]) {
        let mut state = self.state.lock();
        for gap in gaps {
            clear(&mut state.gaps[gap.topic as usize], gap.seq);
        }
    }

    /// Frames that say goodbye.
    pub(crate) fn byes(&self) -> Vec<Waiting> {
        let said = self.state.lock().said;
        Topic::ALL.map(|topic| self.frame(topic, Kind::Bye, said[topic as usize], b"")).into()
    }

    /// How many messages wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().messages
    }

    fn frame(&self, topic: Topic, kind: Kind, seq: u64, message: &[u8]) -> Waiting {
        let frame = Frame { node: self.node, log: self.log, kind, seq, message };
        Waiting { topic, seq, bytes: frame.encode() }
    }
}

/// A gap is known of to whoever heard something behind it.
fn clear(gap: &mut Option<u64>, heard: u64) {
    if gap.is_some_and(|seq| seq <= heard) {
        *gap = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(messages_max: usize, bytes_max: usize) -> Outbox {
        let bounds = (messages_max, bytes_max);
        Outbox::new((NodeId(1), 2), bounds, Arc::default(), Arc::default())
    }

    fn seqs(frames: &[Waiting]) -> Vec<u64> {
        frames.iter().map(|frame| frame.seq).collect()
    }

    #[test]
    fn what_is_under_way_counts_and_what_finds_no_room_leaves_a_gap() {
        let outbox = outbox(2, 1_000);
        for _ in 0..2 {
            outbox.put(Topic::Log, b"x");
        }
        let taken = outbox.take(10, 1_000);
        assert_eq!(seqs(&taken), [1, 2]);
        outbox.put(Topic::Log, b"x");
        outbox.put(Topic::Talk, b"x");
        assert_eq!((outbox.len(), outbox.counts.read().dropped), (2, 2));
        outbox.done(&taken);
        assert_eq!(outbox.len(), 0);
        // Something behind the gap shows it by itself.
        outbox.put(Topic::Log, b"x");
        assert!(outbox.gaps().is_empty(), "there is one that waits");
        let taken = outbox.take(10, 1_000);
        assert_eq!(seqs(&taken), [4]);
        outbox.done(&taken);
        let gaps = outbox.gaps();
        assert_eq!((gaps.len(), gaps[0].topic, gaps[0].seq), (1, Topic::Talk, 1));
        outbox.told(&gaps);
        assert!(outbox.gaps().is_empty());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let outbox = outbox(100, 3 * (HEADER_BYTES + 10));
        for _ in 0..5 {
            outbox.put(Topic::Log, &[0; 10]);
        }
        assert_eq!((outbox.len(), outbox.counts.read().dropped), (3, 2));
        assert_eq!(outbox.take(100, 1).len(), 1, "one, however long it is");
        assert_eq!(outbox.take(100, 2 * (HEADER_BYTES + 10)).len(), 2);
        outbox.put(Topic::Log, &vec![0; MESSAGE_BYTES_MAX + 1]);
        assert_eq!(outbox.counts.read().dropped, 3);
    }
}
