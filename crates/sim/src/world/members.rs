//! Who belongs to a group, as its log says, and so who may say, change and see what.
//!
//! Joining and leaving are entries of the group's log like what is said, in the same dense order.
//! [`Members`] is that log folded up to some seq: the commit folds it up to its head and asks
//! [`Members::admit`], so that no wish is judged by an older state than it is committed on; a node
//! folds it as far as it has given the log out (chat's `order`), which is then the group's room; a read
//! asks [`Members::may_see`]. It is so plain because servers do otherwise: they keep tables, and
//! rooms of sockets, and decide by chat's `group`.
//!
//! A member may see the entries from its joining to its leaving, both included: the last thing that
//! somebody hears is that they are out. Who comes back sees nothing of the time between.

use std::collections::BTreeMap;

use parlor_chat::group::{Change, Gone};
use parlor_chat::ids::{Seq, UserId};
use parlor_chat::refusal::Refusal;

/// A wish whose precondition is who belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To say something.
    Say,
    /// To change the group.
    Change(Change),
}

/// A time of membership: first and last seq that may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Seq,
    to: Option<Seq>,
}

impl Span {
    /// Ends it if it is open; whether it was.
    fn end(&mut self, at: Seq) -> bool {
        let was_open = self.to.is_none();
        self.to = self.to.or(Some(at));
        was_open
    }
}

/// Everybody who belongs or belonged, up to some entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// Spans in order, only the last of which may be open.
    spans: BTreeMap<UserId, Vec<Span>>,
    here: usize,
}

impl Members {
    /// Takes the change that `by` made at `seq`; changes must come in the order of the log. Who is
    /// in already does not come in again, and who is out does not go again.
    pub(crate) fn apply(&mut self, seq: Seq, by: &UserId, change: &Change) {
        for user in change.joined(by) {
            let spans = self.spans.entry(user.clone()).or_default();
            if spans.last().is_none_or(|last| last.to.is_some()) {
                spans.push(Span { from: seq, to: None });
                self.here += 1;
            }
        }
        match change.left(by) {
            Gone::Nobody => {}
            Gone::One(user) => {
                let last = self.spans.get_mut(user).and_then(|spans| spans.last_mut());
                self.here -= usize::from(last.is_some_and(|last| last.end(seq)));
            }
            Gone::Everybody => {
                for last in self.spans.values_mut().filter_map(|spans| spans.last_mut()) {
                    last.end(seq);
                }
                self.here = 0;
            }
        }
    }

    /// Whether a user belongs now.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.last(user).is_some_and(|last| last.to.is_none())
    }

    /// Whether a user belongs or ever belonged.
    pub(crate) fn knows(&self, user: &UserId) -> bool {
        self.spans.contains_key(user)
    }

    /// Whether a user may see the entry at `seq`, which must be folded in already.
    pub(crate) fn may_see(&self, user: &UserId, seq: Seq) -> bool {
        let within = |span: &Span| span.from <= seq && span.to.is_none_or(|to| seq <= to);
        self.spans.get(user).is_some_and(|spans| spans.iter().any(within))
    }

    /// Whether somebody's wish may be committed as the next entry. A group without members takes
    /// anyone in.
    ///
    /// # Errors
    /// [`Refusal::NotAMember`] if it is not theirs to wish, [`Refusal::NotFound`] if it would
    /// change nothing.
    pub(crate) fn admit(&self, by: &UserId, wish: &Wish) -> Result<(), Refusal> {
        let joins = |change: &Change| change.joined(by).any(|user| user == by);
        let founds = self.here == 0 && matches!(wish, Wish::Change(change) if joins(change));
        if !(self.has(by) || founds) {
            return Err(Refusal::NotAMember);
        }
        let changes = match wish {
            Wish::Say => true,
            Wish::Change(change) => match change.left(by) {
                Gone::One(user) => self.has(user),
                Gone::Everybody => true,
                Gone::Nobody => {
                    let mut joined = change.joined(by).peekable();
                    joined.peek().is_none() || joined.any(|user| !self.has(user))
                }
            },
        };
        if changes { Ok(()) } else { Err(Refusal::NotFound) }
    }

    fn last(&self, user: &UserId) -> Option<&Span> {
        self.spans.get(user).and_then(|spans| spans.last())
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::group::{FOREVER, Role};
    use proptest::prelude::*;

    use super::*;

    fn user(n: usize) -> UserId {
        UserId::parse(&format!("u{n}")).expect("shape")
    }

    fn joined(n: usize) -> Change {
        Change::Added(vec![user(n)])
    }

    fn left(n: usize) -> Change {
        Change::Kicked(user(n))
    }

    #[test]
    fn a_member_sees_from_joining_to_leaving_and_nothing_of_the_time_away() {
        let mut members = Members::default();
        for (seq, change) in [(2, joined(1)), (5, left(1)), (9, joined(1))] {
            members.apply(Seq(seq), &user(0), &change);
        }
        let seen: Vec<u64> = (1..=12).filter(|seq| members.may_see(&user(1), Seq(*seq))).collect();
        assert_eq!(seen, [2, 3, 4, 5, 9, 10, 11, 12]);
        assert!(members.has(&user(1)) && !members.knows(&user(2)));
    }

    #[test]
    fn only_members_say_and_change_and_the_first_founds() {
        let mut members = Members::default();
        assert_eq!(members.admit(&user(1), &Wish::Say), Err(Refusal::NotAMember));
        let by_another = Wish::Change(joined(2));
        assert_eq!(members.admit(&user(1), &by_another), Err(Refusal::NotAMember));
        assert_eq!(members.admit(&user(1), &Wish::Change(joined(1))), Ok(()));
        members.apply(Seq(1), &user(1), &Change::Added(vec![user(1)]));
        assert_eq!(members.admit(&user(1), &Wish::Say), Ok(()));
        assert_eq!(members.admit(&user(2), &Wish::Say), Err(Refusal::NotAMember));
        assert_eq!(members.admit(&user(2), &Wish::Change(joined(2))), Err(Refusal::NotAMember));
        assert_eq!(members.admit(&user(2), &Wish::Change(left(1))), Err(Refusal::NotAMember));
        assert_eq!(members.admit(&user(1), &Wish::Change(joined(1))), Err(Refusal::NotFound));
        assert_eq!(members.admit(&user(1), &Wish::Change(left(2))), Err(Refusal::NotFound));
        members.apply(Seq(2), &user(1), &Change::Left);
        assert_eq!(members.admit(&user(1), &Wish::Say), Err(Refusal::NotAMember));
        assert_eq!(members.admit(&user(2), &Wish::Change(joined(2))), Ok(()), "nobody is left");
    }

    #[test]
    fn every_change_of_a_group_brings_in_and_puts_out_whom_it_names() {
        let mut members = Members::default();
        let here = |members: &Members| -> Vec<usize> {
            (1..=4).filter(|n| members.has(&user(*n))).collect()
        };
        let by = user(1);
        for (seq, change, expected) in [
            (1, Change::Added(vec![by.clone(), user(2), user(3)]), vec![1, 2, 3]),
            (2, Change::RoleSet(user(2), Role::Admin), vec![1, 2, 3]),
            (3, Change::Banned(user(3), FOREVER), vec![1, 2]),
            (4, Change::Unbanned(user(3)), vec![1, 2]),
            (5, Change::Left, vec![2]),
            (6, Change::Joined, vec![1, 2]),
            (7, Change::Deleted, vec![]),
        ] {
            members.apply(Seq(seq), &by, &change);
            assert_eq!(here(&members), expected, "{change:?}");
        }
        assert!(members.may_see(&user(2), Seq(7)) && !members.may_see(&user(3), Seq(4)));
    }

    proptest! {
        #[test]
        fn what_may_be_seen_is_what_a_recount_of_the_log_says(
            changes in prop::collection::vec((0usize..3, any::<bool>(), any::<bool>()), 0..40),
        ) {
            let mut members = Members::default();
            let mut here = [false; 3];
            let mut seen: Vec<[bool; 3]> = Vec::new();
            for (n, joins, says) in changes {
                let seq = Seq(seen.len() as u64 + 1);
                let was = here;
                if !says {
                    members.apply(seq, &user(0), &if joins { joined(n) } else { left(n) });
                    here[n] = joins;
                }
                seen.push(std::array::from_fn(|n| was[n] || here[n]));
                for (n, here) in here.iter().enumerate() {
                    prop_assert_eq!(members.has(&user(n)), *here);
                }
            }
            for (at, seen) in seen.iter().enumerate() {
                for (n, seen) in seen.iter().enumerate() {
                    let may_see = members.may_see(&user(n), Seq(at as u64 + 1));
                    prop_assert_eq!(may_see, *seen, "u{} at {}", n, at + 1);
                }
            }
        }
    }
}
