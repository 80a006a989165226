//! What content rules ask of an append.

use parlor_chat::ids::Seq;
use parlor_chat::moderation::Reporter;
use parlor_chat::rules::{Flagged, Refused, Screening};
use parlor_chat::store::{Appended, StoreError};

use super::moderating::message;
use super::{Fixture, dm, text, wish};

impl Fixture {
    async fn screened(
        &self,
        content: &str,
        key: Option<&str>,
        screening: Screening,
    ) -> Result<Appended, StoreError> {
        self.store.append_screened(wish("a", "b", content, key), screening).await
    }
}

pub(super) async fn a_masked_content_is_known_again_by_what_was_written(f: &Fixture) {
    let masked = || Screening { original: Some(text("rude")), ..Screening::default() };
    let first = f.screened("****", Some("k"), masked()).await.expect("kept");
    assert_eq!(f.sink.heard.lock()[0].entry.body.said(), Some(&text("****")));
    let again = f.screened("****", Some("k"), masked()).await.expect("again");
    assert_eq!((again.seq, again.repeated), (first.seq, true));
    let unmasked = f.store.append(wish("a", "b", "rude", Some("k"))).await.expect("no rule now");
    assert!(unmasked.repeated);
    let stars = f.store.append(wish("a", "b", "****", Some("k"))).await;
    assert!(matches!(stars, Err(StoreError::ClientIdConflict)));
}

pub(super) async fn a_refused_content_is_kept_nowhere_unless_it_was_kept_before(f: &Fixture) {
    let refused = || {
        let refused = Some(Refused { rule: "r".into(), reason: None });
        Screening { refused, ..Screening::default() }
    };
    let first = f.screened("x", Some("k"), refused()).await;
    assert!(matches!(first, Err(StoreError::ContentRefused { rule, .. }) if &*rule == "r"));
    assert!(matches!(
        f.screened("x", None, refused()).await,
        Err(StoreError::ContentRefused { .. })
    ));
    assert_eq!(f.store.append(wish("a", "b", "x", Some("k"))).await.expect("kept").seq, Seq(1));
    let again = f.screened("x", Some("k"), refused()).await.expect("it was kept");
    assert_eq!((again.seq, again.repeated), (Seq(1), true));
    assert_eq!(f.sink.heard.lock().len(), 1);
}

pub(super) async fn a_flagged_message_is_reported_in_its_commit(f: &Fixture) {
    let flagged = || {
        let flagged = Some(Flagged { rule: "links".into(), open_max: 2 });
        Screening { flagged, ..Screening::default() }
    };
    for (n, key) in ["k", "k", "l", "m"].into_iter().enumerate() {
        f.screened("see", Some(key), flagged()).await.unwrap_or_else(|_| panic!("{n} is kept"));
    }
    let queue = f.queue("m", None).await;
    let told: Vec<_> = queue.iter().map(|it| (it.target.clone(), it.content.clone())).collect();
    let of = |seq| (message("a", "b", seq), Some(text("see")));
    assert_eq!(told, [of(1), of(2)], "each new message once, and no more than may be open");
    assert!(queue.iter().all(|it| it.by == Reporter::Rule("links".into())));
    for (seq, report) in [(1, Some(queue[0].clone())), (2, Some(queue[1].clone())), (3, None)] {
        let flagged = f.store.moderation().flagged(dm("a", "b"), Seq(seq)).await;
        assert_eq!(flagged.expect("it is read"), report);
    }
    assert_eq!(f.sink.heard.lock().len(), 3);
}
