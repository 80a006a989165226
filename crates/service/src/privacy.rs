//! `privacy_get` and `privacy_set`; and whether what one user reads is told to another,
//! [`Service::tells_reads`]. What others may see of a user is in `visibility`.
//!
//! Who may write is checked by the store in each commit. The rest is looked up here, in a cache of how
//! users stand to each other. What is remembered of a user is forgotten as soon as a change of theirs is
//! committed, before that is answered; an answer that was read before the change is then not kept. So
//! once a change is answered no later question gets the old answer; one that is being answered may.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::ids::UserId;
use parlor_chat::own::{OwnCommitted, OwnKind, OwnValue, OwnWish};
use parlor_chat::privacy::{Audience, Privacy, PrivacySetting, Regard};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::StoreError;

use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::Fields;
use crate::own;
use crate::records;
use crate::service::Service;

/// As how many commands a change of `readReceipts` counts: the marks of all the user's groups follow.
const READ_RECEIPTS_COMMANDS: u32 = 20;

/// Pairs of users that are looked up at once.
const LOOK_UPS_AT_ONCE: usize = 128;

/// How users stand to each other, as far as it was asked for lately.
#[derive(Debug)]
pub(crate) struct Regards {
    known: Mutex<Known>,
    pairs_max: usize,
}

#[derive(Debug, Default)]
struct Known {
    of: HashMap<UserId, HashMap<UserId, Regard>>,
    pairs: usize,
    /// Counts what was forgotten, so that nothing older is kept.
    changes: u64,
}

impl Regards {
    /// Remembers at most `pairs_max` pairs; at the bound all are forgotten.
    pub(crate) fn new(pairs_max: usize) -> Self {
        Self { known: Mutex::default(), pairs_max }
    }

    /// Forgets how a user stands to others.
    pub(crate) fn forget(&self, user: &UserId) {
        let mut known = self.known.lock();
        known.changes += 1;
        if let Some(pairs) = known.of.remove(user) {
            known.pairs -= pairs.len();
        }
    }

    /// Forgets how anybody stands to others.
    pub(crate) fn forget_all(&self) {
        let mut known = self.known.lock();
        let changes = known.changes + 1;
        *known = Known { changes, ..Known::default() };
    }

    /// Forgets what a change of a user's records may have made wrong.
    pub(crate) fn changed(&self, changed: &OwnCommitted) {
        let concerns = |kind| matches!(kind, OwnKind::Privacy | OwnKind::Contact);
        if changed.records.iter().any(|record| concerns(record.kind)) {
            self.forget(&changed.user);
        }
    }

    /// What is known of a pair, or how much had changed when nothing was.
    fn get(&self, user: &UserId, other: &UserId) -> Result<Regard, u64> {
        let known = self.known.lock();
        let regard = known.of.get(user).and_then(|pairs| pairs.get(other)).copied();
        regard.ok_or(known.changes)
    }

    /// Keeps what was read, unless something changed meanwhile.
    fn keep(&self, user: &UserId, other: &UserId, regard: Regard, changes: u64) {
        let mut known = self.known.lock();
        if known.changes != changes {
            return;
        }
        if known.pairs >= self.pairs_max {
            known.of.clear();
            known.pairs = 0;
        }
        let pairs = known.of.entry(user.clone()).or_default();
        if pairs.insert(other.clone(), regard).is_none() {
            known.pairs += 1;
        }
    }
}

impl Service {
    /// How a user stands to another.
    ///
    /// # Errors
    /// [`StoreError`] when it is not remembered and cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn regard(&self, user: &UserId, other: &UserId) -> Result<Regard, StoreError> {
        let regards = &self.delivery().regards;
        let changes = match regards.get(user, other) {
            Ok(regard) => return Ok(regard),
            Err(changes) => changes,
        };
        let regard = self.store.regard(user.clone(), other.clone()).await?;
        regards.keep(user, other, regard, changes);
        Ok(regard)
    }

    /// Looks up at once how all of these stand to each other, as far as it is not remembered. What
    /// cannot be read is asked for again by whoever needs it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn look_up(&self, pairs: &[(UserId, UserId)]) {
        let regards = &self.delivery().regards;
        for some in pairs.chunks(LOOK_UPS_AT_ONCE) {
            let both = some.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
            let unknown = both.filter_map(|(of, to)| Some((of, to, regards.get(of, to).err()?)));
            let asked: Vec<_> = unknown
                .map(|(of, to, at)| (of, to, at, self.store.regard(of.clone(), to.clone())))
                .collect();
            for (of, to, changes, regard) in asked {
                if let Ok(regard) = regard.await {
                    regards.keep(of, to, regard, changes);
                }
            }
        }
    }

    /// Whether two users are told what the other has read; not when it cannot be told.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn tells_reads(&self, one: &UserId, other: &UserId) -> bool {
        let reads = async |of: &UserId, to: &UserId| {
            self.regard(of, to).await.is_ok_and(|regard| regard.privacy.read_receipts)
        };
        reads(one, other).await && reads(other, one).await
    }
}

/// `privacy_set {messages?, lastSeen?, online?, readReceipts?, messageRequests?}`; what is not given stays as it is.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, PrivacySetting::ALL.map(PrivacySetting::name))?;
    let mut wishes = Vec::new();
    for setting in PrivacySetting::ALL {
        let value = match setting {
            PrivacySetting::ReadReceipts | PrivacySetting::MessageRequests => fields
                .flag(setting.name())?
                .map(|is_on| OwnValue::of(if is_on { "true" } else { "false" })),
            _ => audience(&fields, setting.name())?.map(Audience::value),
        };
        if value.is_some() {
            wishes.push(OwnWish { kind: OwnKind::Privacy, key: setting.key(), value });
        }
    }
    if wishes.is_empty() {
        let reason = "or lastSeen, online, readReceipts or messageRequests is required";
        return Err(Refusal::invalid("messages", reason));
    }
    if wishes.iter().any(|wish| wish.key == PrivacySetting::ReadReceipts.key()) {
        caller.charge_as(service, READ_RECEIPTS_COMMANDS)?;
    }
    let change = own::change(service, caller, wishes, PrivacySetting::ALL.len())?;
    Ok(own::submit(service, change))
}

fn audience<const N: usize>(
    fields: &Fields<'_, N>,
    name: &'static str,
) -> Result<Option<Audience>, Refusal> {
    let rule = || Refusal::invalid(name, "must be \"everyone\", \"contacts\" or \"nobody\"");
    let text = fields.text(name).map_err(|_| rule())?;
    text.map(|text| Audience::named(&text).ok_or_else(rule)).transpose()
}

/// `privacy_get {}`.
pub(crate) fn get(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    _payload: Payload<'_>,
) -> Result<Work, Refusal> {
    caller.charge(service)?;
    let places = PrivacySetting::ALL.map(|setting| (OwnKind::Privacy, setting.key()));
    let records = service.store.own_at(caller.user.clone(), places.into());
    Ok(Work::Later(Box::pin(async move {
        let records = records.await.map_err(|error| of_store(&error))?;
        let Privacy { messages, last_seen, online, read_receipts, message_requests } =
            Privacy::of(&records);
        Ok(records::ok_with()
            .text(PrivacySetting::Messages.name(), messages.name())
            .text(PrivacySetting::LastSeen.name(), last_seen.name())
            .text(PrivacySetting::Online.name(), online.name())
            .flag(PrivacySetting::ReadReceipts.name(), read_receipts)
            .flag(PrivacySetting::MessageRequests.name(), message_requests)
            .end())
    })))
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::Millis;
    use parlor_chat::own::{OwnChange, OwnKey};
    use parlor_chat::store::{Origin, Store};
    use parlor_store::sqlite::{Config, SqliteStore};

    use super::*;
    use crate::{AuthError, Authenticator, Delivery, Identity, Settings};

    fn user(text: &str) -> UserId {
        UserId::parse(text).expect("an id in a test")
    }

    fn contact() -> Regard {
        Regard { is_contact: true, ..Regard::default() }
    }

    struct Nobody;

    impl Authenticator for Nobody {
        fn verify(&self, _: &str, _: Millis) -> Result<Identity, AuthError> {
            Err(AuthError::untrusted("nobody is let in"))
        }
    }

    #[tokio::test]
    async fn who_may_see_a_user_follows_each_change_at_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = Settings::default();
        let delivery = Delivery::new(settings.limits.clone());
        let config = Config::new(dir.path());
        let store = SqliteStore::open(config, Arc::clone(&delivery) as _).expect("it opens");
        let store = Arc::new(store);
        let (port, groups) = (Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&store));
        let service = Service::new(settings, port, groups, store, Arc::new(Nobody), delivery);
        let (a, b) = (user("a"), user("b"));
        let may = async || {
            let circle = service.visibility().of(&*service.store, &a).await.expect("it is read");
            let sight = circle.may_see(&b);
            (sight.online, sight.last_seen)
        };
        let change = async |kind, key, value| {
            let wishes = vec![OwnWish { kind, key, value }];
            let (now, origin) = (Millis(1), Origin::of(0));
            let (user, about, records_max) = (a.clone(), None, 9);
            let change = OwnChange { user, wishes, about, records_max, now, origin };
            service.store.change_own(change).await.expect("there is room");
        };
        let set = async |setting: PrivacySetting, audience: Audience| {
            change(OwnKind::Privacy, setting.key(), Some(audience.value())).await;
        };
        assert_eq!(may().await, (true, true));
        set(PrivacySetting::Online, Audience::Contacts).await;
        assert_eq!(may().await, (false, true));
        set(PrivacySetting::LastSeen, Audience::Nobody).await;
        assert_eq!(may().await, (false, false));
        change(OwnKind::Contact, OwnKey::user(&b), Some(OwnValue::of("null"))).await;
        assert_eq!(may().await, (true, false));
        change(OwnKind::Contact, OwnKey::user(&b), None).await;
        assert_eq!(may().await, (false, false));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let regards = Regards::new(9);
        let (a, b) = (user("a"), user("b"));
        let changes = regards.get(&a, &b).expect_err("nothing is known");
        regards.forget(&user("anybody"));
        regards.keep(&a, &b, contact(), changes);
        let changes = regards.get(&a, &b).expect_err("it may be old");
        regards.keep(&a, &b, contact(), changes);
        assert_eq!(regards.get(&a, &b), Ok(contact()));
        assert!(regards.get(&b, &a).is_err());
        regards.forget(&a);
        assert!(regards.get(&a, &b).is_err());
    }

    #[test]
    fn at_the_bound_all_are_forgotten() {
        let regards = Regards::new(2);
        let keep = |a: &str, b: &str| {
            let changes = regards.get(&user(a), &user(b)).expect_err("nothing is known");
            regards.keep(&user(a), &user(b), contact(), changes);
        };
        keep("a", "b");
        keep("a", "c");
        assert!(regards.get(&user("a"), &user("b")).is_ok());
        keep("b", "c");
        assert!(regards.get(&user("a"), &user("b")).is_err());
        assert!(regards.get(&user("b"), &user("c")).is_ok());
        assert_eq!(regards.known.lock().pairs, 1);
    }
}
