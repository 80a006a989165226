//! Which groups are large, as far as it was asked for lately.
//!
//! What is known is forgotten to be fresh by each change of membership, and stays good enough for who
//! cannot wait: how marks of a group are gathered, which the next outcome of one sets right.

use std::collections::HashMap;

use parking_lot::Mutex;
use parlor_chat::ids::GroupId;

/// Groups that are remembered; at the bound all are forgotten.
const GROUPS_MAX: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Sizes {
    known: Mutex<Known>,
    /// More members are many.
    members_max: u64,
}

#[derive(Debug, Default)]
struct Known {
    groups: HashMap<GroupId, Size>,
    /// Counts changes, so that no read which is older is taken for fresh.
    changes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Size {
    is_large: bool,
    is_fresh: bool,
}

impl Sizes {
    pub(crate) fn new(members_max: u64) -> Self {
        Self { known: Mutex::default(), members_max }
    }

    /// Whether a group was large when somebody looked.
    pub(crate) fn seems_large(&self, group: &GroupId) -> bool {
        self.known.lock().groups.get(group).is_some_and(|size| size.is_large)
    }

    /// Whether a group is large; the count of changes to give to [`Sizes::read`] if that is not known.
    pub(crate) fn fresh(&self, group: &GroupId) -> Result<bool, u64> {
        let known = self.known.lock();
        let size = known.groups.get(group).filter(|size| size.is_fresh);
        size.map(|size| size.is_large).ok_or(known.changes)
    }

    /// Takes how many members a group has; gives whether it is large.
    pub(crate) fn read(&self, group: &GroupId, members: u64, changes: u64) -> bool {
        let is_large = members > self.members_max;
        let mut known = self.known.lock();
        let is_fresh = known.changes == changes;
        known.keep(group, Size { is_large, is_fresh });
        is_large
    }

    /// Takes what the outcome of a mark says.
    pub(crate) fn learn(&self, group: &GroupId, is_large: bool) {
        let mut known = self.known.lock();
        let is_news = known.groups.get(group).is_none_or(|size| size.is_large != is_large);
        if is_news {
            known.keep(group, Size { is_large, is_fresh: false });
        }
    }

    /// Says that somebody came into a group or went.
    pub(crate) fn changed(&self, group: &GroupId) {
        let mut known = self.known.lock();
        known.changes += 1;
        if let Some(size) = known.groups.get_mut(group) {
            size.is_fresh = false;
        }
    }
}

impl Known {
    fn keep(&mut self, group: &GroupId, size: Size) {
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(group) {
            self.groups.clear();
        }
        self.groups.insert(group.clone(), size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_a_change_overtook_is_not_fresh() {
        let (sizes, group) = (Sizes::new(64), GroupId::parse("g").expect("an id in a test"));
        let changes = sizes.fresh(&group).expect_err("nothing is known");
        assert!(!sizes.read(&group, 64, changes));
        assert_eq!(sizes.fresh(&group), Ok(false));
        sizes.changed(&group);
        let changes = sizes.fresh(&group).expect_err("somebody came");
        sizes.changed(&group);
        assert!(sizes.read(&group, 65, changes));
        assert!(sizes.fresh(&group).is_err() && sizes.seems_large(&group));
        let changes = sizes.fresh(&group).expect_err("it is old");
        sizes.read(&group, 65, changes);
        assert_eq!(sizes.fresh(&group), Ok(true));
        sizes.learn(&group, true);
        assert_eq!(sizes.fresh(&group), Ok(true));
        sizes.learn(&group, false);
        assert!(sizes.fresh(&group).is_err() && !sizes.seems_large(&group));
    }
}
