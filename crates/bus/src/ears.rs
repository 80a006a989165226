//! What becomes of a frame that arrives, and who hears what is noticed of the other nodes.
//!
//! Ears of a topic are called one at a time, under the topic's lock, so that no two calls overtake each
//! other; an ear may publish and seat meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::Mutex;
use parlor_chat::bus::{Ear, NodeId, Topic};

use crate::counts::Counts;
use crate::frame::{Frame, Kind};
use crate::peers::{Peers, Turn};

/// Who listens on a node, and what is known of the others.
pub(crate) struct Ears {
    node: NodeId,
    log: u64,
    counts: Arc<Counts>,
    warned: AtomicBool,
    topics: [Heard; Topic::ALL.len()],
}

#[derive(Default)]
struct Heard {
    ear: OnceLock<Arc<dyn Ear>>,
    peers: Mutex<Peers>,
}

impl Ears {
    /// Those of a node, which hear of one log.
    pub(crate) fn new(node: NodeId, log: u64, counts: Arc<Counts>) -> Self {
        Self { node, log, counts, warned: AtomicBool::new(false), topics: Default::default() }
    }

    /// Has a topic heard.
    pub(crate) fn listen(&self, topic: Topic, ear: Arc<dyn Ear>) {
        let first = self.of(topic).ear.set(ear).is_ok();
        debug_assert!(first, "a topic is listened to once");
    }

    /// Takes what came on a topic, whatever it is.
    pub(crate) fn take(&self, topic: Topic, bytes: &[u8]) {
        let frame = match Frame::decode(bytes) {
            Ok(frame) if frame.log == self.log => frame,
            Ok(frame) => {
                return self
                    .pass_over(topic, &format_args!("it speaks of the log {:016x}", frame.log));
            }
            Err(error) => return self.pass_over(topic, &error),
        };
        if frame.node == self.node {
            return;
        }
        let heard = self.of(topic);
        let mut peers = heard.peers.lock();
        let ear = heard.ear.get();
        if frame.kind == Kind::Bye {
            if peers.gone(frame.node)
                && let Some(ear) = ear
            {
                ear.left(frame.node);
            }
            return;
        }
        let turn = peers.note(frame.node, frame.seq);
        if turn == Turn::TooMany {
            return self.pass_over(topic, &"it is of a node too many");
        }
        let missed = match frame.kind {
            Kind::Gap => turn != Turn::Old,
            _ => turn == Turn::Later,
        };
        if missed {
            self.tell_missed(ear);
        }
        if frame.kind == Kind::Message && turn != Turn::Old {
            Counts::add(&self.counts.heard, 1);
            if let Some(ear) = ear {
                ear.heard(frame.node, frame.message);
            }
        }
    }

    /// That a topic was not heard for a while.
    pub(crate) fn interrupted(&self, topic: Topic) {
        let heard = self.of(topic);
        let mut peers = heard.peers.lock();
        peers.interrupted();
        self.tell_missed(heard.ear.get());
    }

    /// That the directory has forgotten who is here.
    pub(crate) fn forgotten(&self) {
        for heard in &self.topics {
            let _in_turn = heard.peers.lock();
            if let Some(ear) = heard.ear.get() {
                ear.forgotten();
            }
        }
    }

    /// Takes note of which other nodes live, and of who does not any more, if all that live at a time are named.
    pub(crate) fn alive(&self, alive: &BTreeSet<NodeId>, all_at: Option<Instant>) {
        self.counts.nodes.store(alive.len() as u64, Ordering::Relaxed);
        for heard in &self.topics {
            let mut peers = heard.peers.lock();
            for node in peers.alive(alive, all_at) {
                if let Some(ear) = heard.ear.get() {
                    ear.left(node);
                }
            }
        }
    }

    fn of(&self, topic: Topic) -> &Heard {
        &self.topics[topic as usize]
    }

    fn tell_missed(&self, ear: Option<&Arc<dyn Ear>>) {
        Counts::add(&self.counts.missed, 1);
        if let Some(ear) = ear {
            ear.missed();
        }
    }

    fn pass_over(&self, topic: Topic, why: &dyn std::fmt::Display) {
        Counts::add(&self.counts.passed_over, 1);
        if !self.warned.swap(true, Ordering::Relaxed) {
            let topic = topic.as_str();
            tracing::warn!(topic, %why, "a message on the bus is passed over, as later ones are");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Ear for Heard {
        fn heard(&self, from: NodeId, message: &[u8]) {
            self.0.lock().push(format!("{} {}", from.0, String::from_utf8_lossy(message)));
        }

        fn missed(&self) {
            self.0.lock().push(String::from("missed"));
        }

        fn left(&self, node: NodeId) {
            self.0.lock().push(format!("left {}", node.0));
        }
    }

    fn ears() -> (Ears, Arc<Heard>) {
        let ears = Ears::new(NodeId(1), 9, Arc::default());
        let heard = Arc::new(Heard::default());
        ears.listen(Topic::Log, heard.clone());
        (ears, heard)
    }

    fn frame(node: u64, kind: Kind, seq: u64, message: &str) -> Vec<u8> {
        let message = message.as_bytes();
        Frame { node: NodeId(node), log: 9, kind, seq, message }.encode()
    }

    #[test]
    fn a_loss_is_told_before_what_comes_behind_it() {
        let (ears, heard) = ears();
        for (kind, seq, message) in [
            (Kind::Message, 1, "a"),
            (Kind::Message, 3, "c"),
            (Kind::Message, 2, "b"),
            (Kind::Gap, 4, ""),
            (Kind::Gap, 4, ""),
            (Kind::Message, 5, "e"),
            (Kind::Bye, 5, ""),
            (Kind::Bye, 5, ""),
        ] {
            ears.take(Topic::Log, &frame(2, kind, seq, message));
        }
        ears.take(Topic::Log, &frame(1, Kind::Message, 1, "own"));
        assert_eq!(*heard.0.lock(), ["2 a", "missed", "2 c", "missed", "2 e", "left 2"]);
    }

    #[test]
    fn after_an_interruption_a_jump_is_no_news() {
        let (ears, heard) = ears();
        ears.take(Topic::Log, &frame(2, Kind::Message, 1, "a"));
        ears.interrupted(Topic::Log);
        ears.take(Topic::Log, &frame(2, Kind::Message, 7, "g"));
        assert_eq!(*heard.0.lock(), ["2 a", "missed", "2 g"]);
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_breaks_anything(frames: Vec<Vec<u8>>) {
            let (ears, heard) = ears();
            for bytes in &frames {
                ears.take(Topic::Log, bytes);
                ears.take(Topic::Talk, bytes);
            }
            prop_assert!(heard.0.lock().is_empty());
            prop_assert_eq!(ears.counts.read().passed_over, 2 * frames.len() as u64);
        }
    }
}
