//! How many of a large group are online on other nodes, and who types there.
//!
//! Whoever has such a group open here is told of all nodes, so this node asks the others again and again for as
//! long as it is open, and believes an answer for a moment. A user who is connected to two nodes counts twice.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::bus::NodeId;
use parlor_chat::crowds::Kind as News;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{GroupId, UserId};

use super::Word;
use crate::clock;
use crate::service::Service;

/// How often the other nodes are asked.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long an answer is believed.
const KEPT_MS: u64 = 3_500;
/// Groups that one question names.
const ASKED_AT_ONCE: usize = 64;
/// Users who type that one answer names.
const TYPISTS_MAX: usize = 64;

/// What other nodes have answered lately.
#[derive(Debug, Default)]
pub(crate) struct Crowds(Mutex<HashMap<GroupId, HashMap<NodeId, There>>>);

/// A group on another node.
#[derive(Debug)]
struct There {
    online: u64,
    typing: Vec<UserId>,
    at: Millis,
}

/// What of a group is another than before.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Changed {
    online: bool,
    typing: bool,
}

impl Crowds {
    /// How many of a group are online on other nodes.
    pub(crate) fn online(&self, group: &GroupId) -> u64 {
        self.0.lock().get(group).map_or(0, |nodes| nodes.values().map(|it| it.online).sum())
    }

    /// Who of a group types on other nodes.
    pub(crate) fn typing(&self, group: &GroupId) -> Vec<UserId> {
        let all = self.0.lock();
        let nodes = all.get(group).map(|nodes| nodes.values());
        nodes.into_iter().flatten().flat_map(|it| it.typing.iter().cloned()).collect()
    }

    fn learn(&self, node: NodeId, group: &GroupId, there: There) -> Changed {
        let mut all = self.0.lock();
        let nodes = all.entry(group.clone()).or_default();
        let (online, typing) = (there.online, there.typing.clone());
        let before = nodes.insert(node, there);
        let before = before.map_or((0, Vec::new()), |before| (before.online, before.typing));
        Changed { online: before.0 != online, typing: before.1 != typing }
    }

    /// Forgets old answers, and groups that nobody has open; gives the groups of which something was known.
    fn sweep(&self, open: &BTreeSet<GroupId>, now: Millis) -> Vec<GroupId> {
        let mut gone = Vec::new();
        self.0.lock().retain(|group, nodes| {
            let was = nodes.len();
            nodes.retain(|_, there| there.at.0 + KEPT_MS > now.0);
            if nodes.len() < was {
                gone.push(group.clone());
            }
            open.contains(group) && !nodes.is_empty()
        });
        gone
    }
}

impl Service {
    /// Asks the other nodes about the large groups that somebody has open here.
    pub(super) fn ask_of_crowds(&self) {
        let open = self.crowd().open_groups();
        for group in self.nodes().crowds.sweep(&open, clock::now()) {
            self.crowd_changed(&group, Changed { online: true, typing: true });
        }
        let open: Vec<Cow<'_, str>> = open.iter().map(|group| group.as_str().into()).collect();
        for some in open.chunks(ASKED_AT_ONCE) {
            self.nodes().say(&Word::CrowdAsk { groups: some.to_vec() });
        }
    }

    /// Says how things are here; nothing of groups of which there is nothing to say.
    pub(super) fn answer_of_crowds(&self, groups: &[Cow<'_, str>]) {
        let groups = groups.iter().filter_map(|group| GroupId::parse(group).ok()).collect();
        for (group, online) in self.sessions().count_online(&groups, clock::now()) {
            let typing = self.typing.many_in(&group);
            if online > 0 || !typing.is_empty() {
                let typing = typing.iter().take(TYPISTS_MAX).map(|user| user.as_str().into());
                let (typing, group) = (typing.collect(), group.as_str().into());
                self.nodes().say(&Word::CrowdCount { group, online, typing });
            }
        }
    }

    /// Takes another node's answer.
    pub(super) fn learn_of_crowd(
        &self,
        from: NodeId,
        group: &str,
        online: u64,
        typing: &[Cow<'_, str>],
    ) {
        let Ok(group) = GroupId::parse(group) else { return };
        if !self.crowd().is_open(&group) {
            return;
        }
        let typing = typing.iter().take(TYPISTS_MAX).filter_map(|user| UserId::parse(user).ok());
        let there = There { online, typing: typing.collect(), at: clock::now() };
        let changed = self.nodes().crowds.learn(from, &group, there);
        self.crowd_changed(&group, changed);
    }

    fn crowd_changed(&self, group: &GroupId, changed: Changed) {
        if changed.online {
            self.crowd().changed(group, News::Presence);
        }
        if changed.typing {
            self.crowd().changed(group, News::Typing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_add_up_and_are_believed_for_a_moment() {
        let (crowds, group) = (Crowds::default(), GroupId::parse("g").expect("an id in a test"));
        let user = UserId::parse("a").expect("an id in a test");
        let there = |online, typing, at| There { online, typing, at: Millis(at) };
        let both = Changed { online: true, typing: true };
        assert_eq!(crowds.learn(NodeId(1), &group, there(2, vec![user.clone()], 1)), both);
        assert_eq!(
            crowds.learn(NodeId(2), &group, there(3, Vec::new(), 1_000)),
            Changed { online: true, typing: false }
        );
        assert_eq!(
            crowds.learn(NodeId(2), &group, there(3, Vec::new(), 2_000)),
            Changed::default()
        );
        assert_eq!((crowds.online(&group), crowds.typing(&group)), (5, vec![user]));
        let open: BTreeSet<_> = [group.clone()].into();
        assert_eq!(crowds.sweep(&open, Millis(KEPT_MS)), []);
        assert_eq!(crowds.sweep(&open, Millis(1 + KEPT_MS)), std::slice::from_ref(&group));
        assert_eq!((crowds.online(&group), crowds.typing(&group)), (3, Vec::new()));
        crowds.sweep(&BTreeSet::new(), Millis(1 + KEPT_MS));
        assert_eq!(crowds.online(&group), 0, "nobody has it open");
    }
}
