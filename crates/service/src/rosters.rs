//! Which groups a user of this node is in, so that their sockets are in the rooms of these groups.
//!
//! A roster is read from the store when the first of a user's sessions catches up, and follows the
//! log from then on. Reading it and following it overlap: changes that come while it is being read
//! are kept and looked at by their place in the log. Whoever changes a room does so under the
//! roster's lock, so that a socket that joins late and a change that comes meanwhile cannot miss
//! each other.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_chat::entry::Position;
use parlor_chat::group::port::Memberships;
use parlor_chat::ids::{GroupId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::StoreError;

use crate::service::Service;

/// How long who is in a group, as the store says, waits for this node to have been told.
const BEHIND_MAX: Duration = Duration::from_secs(5);

/// The groups of one user.
#[derive(Debug)]
pub(crate) enum Roster {
    /// It is being read; what changed meanwhile.
    Reading(Vec<Change>),
    /// It is known, and follows the log.
    Known {
        /// The groups.
        groups: BTreeSet<GroupId>,
        /// Changes up to here are in it.
        as_of: Position,
    },
}

/// A user came into a group, or went.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) position: Position,
    pub(crate) group: GroupId,
    pub(crate) is_in: bool,
}

impl Service {
    /// Sees to it that it is known which groups a user is in.
    pub(crate) async fn know_roster(&self, user: &UserId) -> Result<(), Refusal> {
        let sessions = self.sessions();
        if sessions.roster_is_known(user) {
            return Ok(());
        }
        let memberships = self.memberships(user).await?;
        sessions.read_roster(user, memberships);
        sessions.with_roster(user, |roster| self.crowd().came(roster.groups()));
        Ok(())
    }

    /// Whether a user is in a group, as far as this node knows by now.
    pub(crate) fn knows_in_group(&self, user: &UserId, group: &GroupId) -> bool {
        self.sessions().with_roster(user, |roster| roster.has(group))
    }

    /// Refuses who is not in a group. Another node may have let them in, which this one has yet to
    /// be told: before anybody is refused, the store is asked, and the log waited for.
    ///
    /// # Errors
    /// [`Refusal::NotAMember`]; [`Refusal::Unavailable`] when the store does not answer, or this node
    /// is behind for too long.
    pub(crate) async fn prove_in_group(
        &self,
        user: &UserId,
        group: &GroupId,
    ) -> Result<(), Refusal> {
        if self.knows_in_group(user, group) {
            return Ok(());
        }
        // A stranger is not told whether there is such a group.
        let failed = |error: StoreError| match error {
            StoreError::NotFound => Refusal::NotAMember,
            error => of_store(&error),
        };
        let view = self.groups.group(user.clone().into(), group.clone()).await.map_err(failed)?;
        view.membership.ok_or(Refusal::NotAMember)?;
        let as_of = self.memberships(user).await?.as_of;
        let told = tokio::time::timeout(BEHIND_MAX, self.delivery().handed_over(as_of)).await;
        told.map_err(|_| Refusal::unavailable())?;
        match self.knows_in_group(user, group) {
            true => Ok(()),
            false => Err(Refusal::NotAMember),
        }
    }

    async fn memberships(&self, user: &UserId) -> Result<Memberships, Refusal> {
        let turn = self.turns.next().await?;
        let groups_max = self.settings.limits.groups_per_user_max;
        let groups_max = usize::try_from(groups_max).unwrap_or(usize::MAX);
        let memberships = self.groups.memberships(user.clone(), groups_max).await;
        drop(turn);
        memberships.map_err(|error| of_store(&error))
    }
}

impl Default for Roster {
    fn default() -> Self {
        Self::Reading(Vec::new())
    }
}

impl Roster {
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, Self::Known { .. })
    }

    /// Takes what the store says, unless somebody else's read was first.
    pub(crate) fn read(&mut self, memberships: Memberships) {
        let Self::Reading(came) = self else { return };
        let came = std::mem::take(came);
        let groups = memberships.groups.into_iter().collect();
        *self = Self::Known { groups, as_of: memberships.as_of };
        came.into_iter().for_each(|change| self.follow(change));
    }

    /// Takes a change that the log says; changes come in the order of the log.
    pub(crate) fn follow(&mut self, change: Change) {
        match self {
            // Bounded by how long a read takes, and how often one user's memberships can change.
            Self::Reading(came) => came.push(change),
            Self::Known { as_of, .. } if change.position <= *as_of => {}
            Self::Known { groups, as_of } => {
                *as_of = change.position;
                if change.is_in {
                    groups.insert(change.group);
                } else {
                    groups.remove(&change.group);
                }
            }
        }
    }

    /// The groups, as far as they are known.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &GroupId> {
        match self {
            Self::Reading(_) => None,
            Self::Known { groups, .. } => Some(groups.iter()),
        }
        .into_iter()
        .flatten()
    }

    /// Those of some groups that the user is in, as far as it is known.
    pub(crate) fn among<'a>(
        &'a self,
        some: &'a BTreeSet<GroupId>,
    ) -> impl Iterator<Item = &'a GroupId> {
        match self {
            Self::Reading(_) => None,
            Self::Known { groups, .. } => Some(groups.intersection(some)),
        }
        .into_iter()
        .flatten()
    }

    /// Whether the user is in a group, as far as it is known.
    pub(crate) fn has(&self, group: &GroupId) -> bool {
        match self {
            Self::Reading(_) => false,
            Self::Known { groups, .. } => groups.contains(group),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupId {
        GroupId::parse(name).expect("an id in a test")
    }

    fn change(position: u64, name: &str, is_in: bool) -> Change {
        Change { position: Position(position), group: group(name), is_in }
    }

    fn read(names: &[&str], as_of: u64) -> Memberships {
        let groups = names.iter().map(|name| group(name)).collect();
        Memberships { groups, as_of: Position(as_of) }
    }

    #[test]
    fn what_came_while_it_was_read_counts_by_its_place_in_the_log() {
        let mut roster = Roster::default();
        assert!(!roster.is_known() && !roster.has(&group("a")));
        // The read is of 5: it has what came before, though that is heard of later.
        roster.follow(change(4, "gone", true));
        roster.follow(change(6, "new", true));
        roster.read(read(&["a", "b"], 5));
        assert!(roster.is_known());
        assert_eq!(roster.groups().collect::<Vec<_>>(), [&group("a"), &group("b"), &group("new")]);
        roster.follow(change(3, "b", false));
        roster.follow(change(7, "a", false));
        assert_eq!(roster.groups().collect::<Vec<_>>(), [&group("b"), &group("new")]);
        // A second read changes nothing.
        roster.read(read(&["x"], 9));
        assert!(roster.has(&group("b")) && !roster.has(&group("x")));
    }
}
