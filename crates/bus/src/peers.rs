//! What is known of the other nodes on one topic: who they are, and what was heard of each last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use parlor_chat::bus::NodeId;

/// Nodes that are kept track of; others' frames are passed over.
pub(crate) const PEERS_MAX: usize = 10_000;

/// The other nodes.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    nodes: BTreeMap<NodeId, Peer>,
    /// Those who said goodbye, as long as their leases may still be found.
    departed: BTreeSet<NodeId>,
}

#[derive(Debug)]
struct Peer {
    /// The newest seq that was heard or told of; `None` before there is one.
    last: Option<u64>,
    /// Whether the next frame may be further than the next seq without anything being missed by it that was
    /// not told as missed already.
    may_jump: bool,
    /// When something was heard of it.
    seen: Instant,
}

/// What a frame is to those who have heard the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The next one.
    Next,
    /// A later one: what is between was missed.
    Later,
    /// One that was heard before, or that has been overtaken.
    Old,
    /// Of a node too many.
    TooMany,
}

impl Peers {
    /// Takes note of a frame.
    pub(crate) fn note(&mut self, node: NodeId, seq: u64) -> Turn {
        if self.departed.contains(&node) {
            return Turn::Old;
        }
        if self.nodes.len() >= PEERS_MAX && !self.nodes.contains_key(&node) {
            return Turn::TooMany;
        }
        let seen = Instant::now();
        let peer = self.nodes.entry(node).or_insert(Peer { last: None, may_jump: true, seen });
        peer.seen = seen;
        let turn = match peer.last {
            Some(last) if seq <= last => return Turn::Old,
            Some(last) if seq - last > 1 && !peer.may_jump => Turn::Later,
            _ => Turn::Next,
        };
        peer.last = Some(seq);
        peer.may_jump = false;
        turn
    }

    /// That a node has said goodbye, for good. Gives whether it was known.
    pub(crate) fn gone(&mut self, node: NodeId) -> bool {
        let was_known = self.nodes.remove(&node).is_some();
        if was_known && self.departed.len() < PEERS_MAX {
            self.departed.insert(node);
        }
        was_known
    }

    /// That anything may have been missed by now, and was told as missed.
    pub(crate) fn interrupted(&mut self) {
        for peer in self.nodes.values_mut() {
            peer.may_jump = true;
        }
    }

    /// Takes note of who lives. If those are all at a time, gives who does not any more: who was heard of since
    /// then does.
    pub(crate) fn alive(
        &mut self,
        alive: &BTreeSet<NodeId>,
        all_at: Option<Instant>,
    ) -> Vec<NodeId> {
        let seen = all_at.unwrap_or_else(Instant::now);
        for node in alive.difference(&self.departed) {
            if self.nodes.len() >= PEERS_MAX {
                break;
            }
            self.nodes.entry(*node).or_insert(Peer { last: None, may_jump: true, seen });
        }
        let Some(at) = all_at else { return Vec::new() };
        self.departed.retain(|node| alive.contains(node));
        let is_gone = |node: &NodeId, peer: &Peer| !alive.contains(node) && peer.seen <= at;
        let gone: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|(node, peer)| is_gone(node, peer))
            .map(|(node, _)| *node)
            .collect();
        for node in &gone {
            self.nodes.remove(node);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(7);

    #[test]
    fn jumps_are_told_once_and_repetitions_are_old() {
        let mut peers = Peers::default();
        assert_eq!(peers.note(A, 40), Turn::Next);
        assert_eq!(peers.note(A, 41), Turn::Next);
        assert_eq!(peers.note(A, 41), Turn::Old);
        assert_eq!(peers.note(A, 43), Turn::Later);
        assert_eq!(peers.note(A, 42), Turn::Old);
        assert_eq!(peers.note(A, 44), Turn::Next);
        peers.interrupted();
        assert_eq!(peers.note(A, 44), Turn::Old);
        assert_eq!(peers.note(A, 90), Turn::Next);
        assert_eq!(peers.note(A, 92), Turn::Later);
    }

    #[test]
    fn who_was_heard_since_the_question_is_not_gone() {
        let mut peers = Peers::default();
        let before = Instant::now();
        assert_eq!(peers.note(A, 1), Turn::Next);
        let silent = NodeId(8);
        assert_eq!(peers.alive(&BTreeSet::from([silent]), Some(before)), []);
        assert_eq!(peers.alive(&BTreeSet::new(), None), []);
        let later = Instant::now();
        assert_eq!(peers.alive(&BTreeSet::new(), Some(later)), [A, silent]);
        assert!(!peers.gone(A));
    }

    #[test]
    fn who_said_goodbye_does_not_live_on_by_a_lease_that_is_still_there() {
        let mut peers = Peers::default();
        assert_eq!(peers.note(A, 1), Turn::Next);
        assert!(peers.gone(A));
        assert_eq!(peers.alive(&BTreeSet::from([A]), Some(Instant::now())), []);
        assert_eq!(peers.note(A, 2), Turn::Old);
        assert_eq!(peers.alive(&BTreeSet::new(), Some(Instant::now())), [], "it left once");
        assert!(!peers.gone(A));
    }

    #[test]
    fn nodes_are_bounded() {
        let mut peers = Peers::default();
        for node in 0..PEERS_MAX as u64 {
            assert_eq!(peers.note(NodeId(node), 1), Turn::Next);
        }
        assert_eq!(peers.note(NodeId(u64::MAX), 1), Turn::TooMany);
        assert_eq!(peers.note(NodeId(3), 2), Turn::Next);
    }
}
