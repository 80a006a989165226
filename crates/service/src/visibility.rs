//! What others may see of a user: whether they are online, since when they are not, and that they
//! are typing.
//!
//! Everything that a user has decided about that is read from the store as one [`Circle`], so that
//! telling many others about one user reads once: whom the user blocks, whose requests the user has not
//! accepted, who may see what, and the contacts if that depends on them. Circles are remembered within a bound and forgotten by the commit
//! that changes one. A read that a change may have overtaken is not remembered.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnCommitted, OwnKind, OwnQuery, OwnRecord};
use parlor_chat::presence::Sight;
use parlor_chat::privacy::{Audience, Privacy, PrivacySetting};
use parlor_chat::requests::RequestState;
use parlor_chat::store::{Store, StoreError};

/// Records that are read at a time.
const RECORDS_AT_ONCE: usize = 1_000;

/// Whom a user lets see what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Circle {
    /// `None` for nobody, as with nearly all.
    blocked: Option<Arc<HashSet<UserId>>>,
    /// Whose requests the user has not accepted; `None` for nobody.
    strangers: Option<Arc<HashSet<UserId>>>,
    /// The user's contacts, if what somebody may see depends on them.
    contacts: Option<Arc<HashSet<UserId>>>,
    online: Audience,
    last_seen: Audience,
}

impl Circle {
    /// What a viewer may see of the user.
    pub(crate) fn may_see(&self, viewer: &UserId) -> Sight {
        if self.keeps_out(viewer) {
            return Sight::NONE;
        }
        let is_contact = || self.contacts.as_ref().is_some_and(|all| all.contains(viewer));
        let may = |audience: Audience| audience.has(is_contact());
        Sight { online: may(self.online), last_seen: may(self.last_seen) }
    }

    /// Whether the user is not to be seen by another at all: one who is blocked, or whose request is
    /// not accepted.
    pub(crate) fn keeps_out(&self, other: &UserId) -> bool {
        let has = |users: &Option<Arc<HashSet<UserId>>>| {
            users.as_ref().is_some_and(|users| users.contains(other))
        };
        has(&self.blocked) || has(&self.strangers)
    }

    fn weight(&self) -> usize {
        let of = |users: &Option<Arc<HashSet<UserId>>>| users.as_ref().map_or(0, |it| it.len());
        1 + of(&self.blocked) + of(&self.strangers) + of(&self.contacts)
    }
}

/// The circles of users.
#[derive(Debug)]
pub(crate) struct Visibility {
    remembered: Mutex<Remembered>,
    remembered_max: usize,
}

#[derive(Debug, Default)]
struct Remembered {
    circles: HashMap<UserId, Circle>,
    /// Users remembered and those in their circles.
    weight: usize,
    changes: u64,
}

impl Visibility {
    pub(crate) fn new(limits: &Limits) -> Self {
        let remembered_max = limits.visibility_remembered_max;
        Self { remembered: Mutex::default(), remembered_max }
    }

    /// A user's circle.
    ///
    /// # Errors
    /// [`StoreError`] when it has to be read and cannot be.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn of(&self, store: &dyn Store, of: &UserId) -> Result<Circle, StoreError> {
        let changes = {
            let remembered = self.remembered.lock();
            if let Some(circle) = remembered.circles.get(of) {
                return Ok(circle.clone());
            }
            remembered.changes
        };
        let blocked = store.blocks(of.clone()).await?.users;
        let blocked = (!blocked.is_empty()).then(|| Arc::new(blocked.into_iter().collect()));
        let places = [PrivacySetting::Online, PrivacySetting::LastSeen];
        let places = places.map(|setting| (OwnKind::Privacy, setting.key()));
        let records = store.own_at(of.clone(), places.into()).await?;
        let Privacy { online, last_seen, .. } = Privacy::of(&records);
        let contacts = match [online, last_seen].contains(&Audience::Contacts) {
            true => Some(Arc::new(contacts(store, of).await?)),
            false => None,
        };
        let strangers = strangers(store, of).await?;
        let strangers = (!strangers.is_empty()).then(|| Arc::new(strangers));
        let circle = Circle { blocked, strangers, contacts, online, last_seen };
        self.remember(of, &circle, changes);
        Ok(circle)
    }

    /// Forgets what a change of a user's records may have made wrong; tells whether it may have.
    pub(crate) fn own_changed(&self, changed: &OwnCommitted) -> bool {
        let concerns = concerns(&changed.records);
        if concerns {
            self.changed(&changed.user);
        }
        concerns
    }

    /// Forgets what everybody had decided before.
    pub(crate) fn forget_all(&self) {
        let mut remembered = self.remembered.lock();
        let changes = remembered.changes + 1;
        *remembered = Remembered { changes, ..Remembered::default() };
    }

    /// Forgets what a user had decided before.
    pub(crate) fn changed(&self, of: &UserId) {
        let mut remembered = self.remembered.lock();
        remembered.changes += 1;
        if let Some(circle) = remembered.circles.remove(of) {
            remembered.weight -= circle.weight();
        }
    }

    fn remember(&self, of: &UserId, circle: &Circle, read_at: u64) {
        let mut remembered = self.remembered.lock();
        if remembered.changes != read_at || circle.weight() > self.remembered_max {
            return;
        }
        let before = remembered.circles.remove(of);
        remembered.weight -= before.map_or(0, |before| before.weight());
        if remembered.weight + circle.weight() > self.remembered_max {
            // Everything is read again as it is needed, which is cheap and seldom.
            remembered.circles.clear();
            remembered.weight = 0;
        }
        remembered.circles.insert(of.clone(), circle.clone());
        remembered.weight += circle.weight();
    }
}

/// Whether some of these records have a say in what others may see.
fn concerns(records: &[OwnRecord]) -> bool {
    let concerns = |kind| matches!(kind, OwnKind::Privacy | OwnKind::Contact | OwnKind::Request);
    records.iter().any(|record| concerns(record.kind))
}

/// All of a user's contacts, of whom there are as many as the limit allows.
async fn contacts(store: &dyn Store, of: &UserId) -> Result<HashSet<UserId>, StoreError> {
    named(store, of, OwnKind::Contact, |record| UserId::parse(record.key.as_str()).ok()).await
}

/// Those whose requests a user has not accepted; their number is bounded likewise.
async fn strangers(store: &dyn Store, of: &UserId) -> Result<HashSet<UserId>, StoreError> {
    let hides = |record: &OwnRecord| {
        record.value.as_ref().is_some_and(|value| RequestState::of_value(&value.0).hides())
    };
    named(store, of, OwnKind::Request, |record| {
        let conversation = ConversationId::parse(record.key.as_str()).ok()?;
        let (low, high) = conversation.direct_members().filter(|_| hides(record))?;
        Some(if low == *of { high } else { low })
    })
    .await
}

/// The users that a user's records of one kind name.
async fn named(
    store: &dyn Store,
    of: &UserId,
    kind: OwnKind,
    name: impl Fn(&OwnRecord) -> Option<UserId>,
) -> Result<HashSet<UserId>, StoreError> {
    let (mut users, mut after) = (HashSet::new(), None);
    loop {
        let query =
            OwnQuery { user: of.clone(), kind, after: after.take(), limit: RECORDS_AT_ONCE };
        let page = store.own(query).await?;
        users.extend(page.records.iter().filter_map(&name));
        after = page.next;
        if after.is_none() {
            return Ok(users);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    fn blocking(names: &[&str]) -> Circle {
        let blocked = names.iter().map(|name| user(name)).collect();
        Circle { blocked: Some(Arc::new(blocked)), ..Circle::default() }
    }

    fn visibility(visibility_remembered_max: usize) -> Visibility {
        Visibility::new(&Limits { visibility_remembered_max, ..Limits::default() })
    }

    impl Visibility {
        fn known(&self, of: &UserId) -> Option<Circle> {
            self.remembered.lock().circles.get(of).cloned()
        }
    }

    #[test]
    fn who_is_blocked_sees_nothing() {
        let circle = blocking(&["mallory"]);
        assert_eq!(circle.may_see(&user("mallory")), Sight::NONE);
        assert_eq!(circle.may_see(&user("bob")), Sight::FULL);
        assert_eq!(Circle::default().may_see(&user("mallory")), Sight::FULL);
    }

    #[test]
    fn each_sees_what_their_audience_may() {
        let contacts = Some(Arc::new([user("bob")].into()));
        let (online, last_seen) = (Audience::Contacts, Audience::Nobody);
        let circle = Circle { contacts, online, last_seen, ..blocking(&["mallory"]) };
        assert_eq!(circle.may_see(&user("bob")), Sight { online: true, last_seen: false });
        assert_eq!(circle.may_see(&user("carol")), Sight::NONE);
        let stranger = Circle { strangers: Some(Arc::new([user("bob")].into())), ..circle.clone() };
        assert_eq!(stranger.may_see(&user("bob")), Sight::NONE);
        let kept_out = Circle { blocked: Some(Arc::new([user("bob")].into())), ..circle };
        assert_eq!(kept_out.may_see(&user("bob")), Sight::NONE);
    }

    #[test]
    fn a_read_that_a_change_overtook_is_not_remembered() {
        let visibility = visibility(10);
        visibility.changed(&user("a"));
        visibility.remember(&user("a"), &blocking(&["b"]), 0);
        assert!(visibility.known(&user("a")).is_none());
        visibility.remember(&user("a"), &blocking(&["b"]), 1);
        assert!(visibility.known(&user("a")).is_some());
        visibility.changed(&user("a"));
        assert!(visibility.known(&user("a")).is_none());
        assert_eq!(visibility.remembered.lock().weight, 0);
    }

    #[test]
    fn what_is_remembered_stays_within_its_bound() {
        let visibility = visibility(4);
        visibility.remember(&user("a"), &blocking(&["b", "c"]), 0);
        visibility.remember(&user("b"), &Circle::default(), 0);
        visibility.remember(&user("b"), &Circle::default(), 0);
        assert_eq!(visibility.remembered.lock().weight, 4);
        assert!(visibility.known(&user("a")).is_some());
        visibility.remember(&user("c"), &Circle::default(), 0);
        assert_eq!(visibility.remembered.lock().weight, 1);
        assert!(visibility.known(&user("a")).is_none() && visibility.known(&user("c")).is_some());
        visibility.remember(&user("d"), &blocking(&["1", "2", "3", "4"]), 0);
        assert!(visibility.known(&user("d")).is_none(), "it alone is too much");
    }
}
