//! Who of a group is online: counted, and given a page at a time.
//!
//! Either the members are gone through, or those who are online, whichever are fewer: asking who of a
//! hundred thousand members is there costs no lookup per member.

use std::collections::{BinaryHeap, HashSet};

use parlor_chat::ids::UserId;

use crate::service::Service;

/// Some users, as a group has them.
pub trait Members {
    /// How many there are, or about as many.
    fn count(&self) -> usize;

    /// Whether a user is one of them. Asked for many, quickly, and within a lookup of the service: it
    /// must not wait, nor ask the service anything.
    fn contains(&self, user: &UserId) -> bool;

    /// Goes through them, each once, in any order.
    fn each(&self, visit: &mut dyn FnMut(&UserId));
}

/// Who of some users is online.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Online {
    /// How many there are in all.
    pub count: usize,
    /// A page of them, in the order of their ids.
    pub users: Vec<UserId>,
    /// Whether more follow; go on after the last of the page.
    pub more: bool,
}

impl Service {
    /// Who of some users is online, those in their grace period included; the page holds at most
    /// `limit` of those whose ids come after `after`. Nobody's wish to be seen is looked at.
    pub fn online_among(
        &self,
        members: &dyn Members,
        after: Option<&UserId>,
        limit: usize,
    ) -> Online {
        let sessions = self.sessions();
        let left: HashSet<UserId> = self.presence.in_grace().into_iter().collect();
        let mut page = Page { after, limit, count: 0, following: 0, first: BinaryHeap::new() };
        if members.count() <= sessions.users() + left.len() {
            members.each(&mut |user| {
                if sessions.is_here(user) || left.contains(user) {
                    page.add(user);
                }
            });
        } else {
            sessions.each_user(|user| {
                if !left.contains(user) && members.contains(user) {
                    page.add(user);
                }
            });
            left.iter().filter(|user| members.contains(user)).for_each(|user| page.add(user));
        }
        page.end()
    }
}

/// Keeps the first few of many in order.
struct Page<'a> {
    after: Option<&'a UserId>,
    limit: usize,
    count: usize,
    /// Those who come after `after`.
    following: usize,
    /// The greatest is on top.
    first: BinaryHeap<UserId>,
}

impl Page<'_> {
    fn add(&mut self, user: &UserId) {
        self.count += 1;
        if self.after.is_some_and(|after| user <= after) {
            return;
        }
        self.following += 1;
        if self.first.len() < self.limit {
            self.first.push(user.clone());
        } else if let Some(mut greatest) = self.first.peek_mut()
            && user < &*greatest
        {
            *greatest = user.clone();
        }
    }

    fn end(self) -> Online {
        let more = self.following > self.first.len();
        Online { count: self.count, users: self.first.into_sorted_vec(), more }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_hold_each_once_in_order(names in prop::collection::hash_set("[a-z]{1,3}", 0..40), limit in 1usize..9) {
            let users: Vec<_> = names.iter().map(|name| UserId::parse(name).expect("an id")).collect();
            let (mut all, mut after): (Vec<UserId>, Option<UserId>) = (Vec::new(), None);
            loop {
                let (first, after_user) = (BinaryHeap::new(), after.clone());
                let after_user = after_user.as_ref();
                let mut page = Page { after: after_user, limit, count: 0, following: 0, first };
                users.iter().for_each(|user| page.add(user));
                let online = page.end();
                prop_assert_eq!(online.count, users.len());
                prop_assert!(online.users.len() <= limit);
                all.extend(online.users);
                if !online.more {
                    break;
                }
                after = all.last().cloned();
            }
            let mut sorted = users;
            sorted.sort();
            prop_assert_eq!(all, sorted);
        }
    }
}
