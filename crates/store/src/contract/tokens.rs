//! Tokens that are revoked: which devices they attach no more.

use parlor_chat::entry::Millis;
use parlor_chat::store::{AttachDevice, StoreError};

use super::{Fixture, NOW, attach, user};

impl Fixture {
    async fn opens(&self, user: &str, device: &str, token_issued: Option<Millis>) -> bool {
        let wish = AttachDevice { token_issued, ..attach(user, device, NOW.0) };
        match self.store.attach_device(wish).await {
            Ok(()) => true,
            Err(StoreError::DeviceRevoked) => false,
            Err(error) => panic!("{device:?}: {error}"),
        }
    }

    async fn revoked(&self, who: &str, not_before: Millis) -> Millis {
        self.store.revoke_tokens(user(who), not_before).await.expect("it is noted")
    }
}

pub(super) async fn revoked_tokens_attach_no_device(f: &Fixture) {
    for device in ["known", ""] {
        f.attached("a", device).await;
    }
    assert_eq!(f.revoked("a", NOW).await, NOW);
    for device in ["known", "new", ""] {
        for issued in [None, Some(Millis(NOW.0 - 1))] {
            assert!(!f.opens("a", device, issued).await, "{device:?} by {issued:?}");
        }
    }
    let listed = f.store.devices(user("a")).await.expect("a list");
    assert_eq!(listed.len(), 1, "nothing is made for a token that was revoked: {listed:?}");
    for device in ["known", "new", ""] {
        assert!(f.opens("a", device, Some(NOW)).await, "{device:?} by a token of that very time");
    }
}

pub(super) async fn a_floor_of_tokens_only_grows_and_is_of_one_user(f: &Fixture) {
    let (early, late) = (Millis(NOW.0 - 50), Millis(NOW.0 + 50));
    assert_eq!(f.revoked("a", NOW).await, NOW);
    assert_eq!(f.revoked("a", early).await, NOW);
    assert!(!f.opens("a", "", Some(early)).await);
    assert_eq!(f.revoked("a", late).await, late);
    assert!(!f.opens("a", "", Some(NOW)).await && f.opens("a", "", Some(late)).await);
    assert!(f.opens("b", "", None).await && f.opens("b", "d", None).await);
}

pub(super) async fn tokens_of_a_user_who_never_came_can_be_revoked(f: &Fixture) {
    assert_eq!(f.revoked("a", NOW).await, NOW);
    assert!(!f.opens("a", "", None).await && !f.opens("a", "d", None).await);
    f.sent("a", "b", "x").await;
    assert!(!f.opens("a", "", None).await && f.opens("a", "d", Some(NOW)).await);
}
