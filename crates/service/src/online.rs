//! `presence {groupId}`: who of a group is online, counted and a page at a time.
//!
//! The users who are here know which groups they are in, so whoever asks about a group of any size costs
//! one look at each of them, and none at the group's members.

use std::collections::BinaryHeap;
use std::sync::Arc;

use parlor_chat::ids::{GroupId, UserId};
use parlor_chat::refusal::{Refusal, of_store};

use crate::clock;
use crate::dispatch::{Caller, Work};
use crate::json::Object;
use crate::records;
use crate::service::Service;

/// As how many commands it counts: it looks at everybody who is here.
const COMMANDS: u32 = 4;

/// Who of some users is online.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Online {
    /// How many there are in all.
    count: usize,
    /// A page of them, in the order of their ids.
    users: Vec<UserId>,
    /// Whether more follow; go on after the last of the page.
    more: bool,
}

/// Answers a member of a group who of it is online; who lets the asker not see that is only counted.
pub(crate) fn of_group(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    group: &GroupId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Work, Refusal> {
    caller.charge_as(service, COMMANDS)?;
    let (group, after) = (group.clone(), after.cloned());
    let (service, viewer) = (Arc::clone(service), caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        service.prove_in_group(&viewer, &group).await?;
        let after = after.as_ref();
        let mut page = Page { after, limit, count: 0, following: 0, first: BinaryHeap::new() };
        service.sessions().each_in_group(&group, clock::now(), |user| page.add(user));
        let online = page.end();
        let next = online.users.last().filter(|_| online.more).cloned();
        let mut seen: Vec<UserId> = Vec::with_capacity(online.users.len());
        for user in online.users {
            let circle = service.visibility().of(&*service.store, &user).await;
            let circle = circle.map_err(|error| of_store(&error))?;
            if user == viewer || circle.may_see(&viewer).online {
                seen.push(user);
            }
        }
        let object: Object = records::ok_with()
            .text("groupId", group.as_str())
            .list("online", seen.iter().map(records::text))
            .number("count", online.count as u64);
        Ok(match next {
            Some(next) => object.text("cursor", next.as_str()).end(),
            None => object.raw("cursor", "null").end(),
        })
    })))
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
