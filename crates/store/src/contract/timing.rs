//! Messages that end: no read gives what has ended. Messages that are said later: each once, held to
//! what then holds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parlor_chat::around::port::{Say, Wish};
use parlor_chat::around::schedule::{
    ChangeSchedule, DuePage, Expected, Fire, Fired, ScheduleChanged, Scheduled,
};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::around::{Act, Deed};
use parlor_chat::entry::{Body, Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnKey, OwnKind, OwnQuery, OwnRecord, OwnValue};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Block, CommitSink, Origin, StoreError, Whose};

use super::around::{House, about, edit, react};
use super::{Fixture, MadeWhole, NOW, Sink, dm, said, text, user, wish};

type Claim = for<'a> fn(&'a House) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! claims {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), |house| Box::pin($name(house)))),*]
    };
}

const CLAIMS: &[(&str, Claim)] = claims![
    a_timer_is_an_entry_and_new_messages_end_by_it,
    what_has_ended_is_in_no_read,
    nothing_is_done_to_what_has_ended,
    who_may_not_sets_no_timer,
    what_was_deleted_before_its_time_stays_deleted,
    what_is_to_be_said_is_a_record_that_is_told,
    what_is_due_comes_in_its_order,
    a_message_is_said_once_and_its_record_goes_in_the_same_commit,
    a_record_that_changed_is_not_said_as_it_was,
    what_the_moment_refuses_stays_until_it_is_said_or_given_up,
    a_message_that_is_there_is_not_said_again,
    an_id_is_used_once,
    records_are_bounded_and_failed_ones_make_room,
    what_is_said_later_ends_by_the_timer_of_that_time,
];

static TIME: AtomicU64 = AtomicU64::new(NOW.0);

/// The time it is for a store of [`run_timing`].
pub fn moving_clock() -> Millis {
    Millis(TIME.load(Ordering::SeqCst))
}

fn it_is(later_ms: u64) {
    TIME.store(NOW.0 + later_ms, Ordering::SeqCst);
}

/// Runs every claim about times, each on a store of its own, whose clock must be [`moving_clock`].
///
/// # Panics
/// When a claim does not hold.
pub async fn run_timing<G>(make: impl Fn(Arc<dyn CommitSink>) -> MadeWhole<G>) {
    for (name, claim) in CLAIMS {
        it_is(0);
        let sink = Arc::new(Sink::default());
        let made = make(sink.clone());
        let base = Fixture { store: made.store, sink };
        let house = House { base, groups: made.groups, around: made.around };
        println!("claim: {name}");
        claim(&house).await;
        drop(house);
        drop(made.guard);
    }
}

impl House {
    async fn timer(
        &self,
        by: &str,
        of: &ConversationId,
        seconds: Option<u64>,
    ) -> Result<Option<u64>, Refusal> {
        use parlor_chat::around::port::MessageChanged;
        let set = SetTimer {
            by: user(by),
            conversation: of.clone(),
            seconds,
            now: NOW,
            origin: Origin::of(0),
            limits: Limits::default(),
        };
        match self.around.set_timer(set).await {
            Ok(MessageChanged::Committed { seq, .. }) => Ok(Some(seq.0)),
            Ok(MessageChanged::Unchanged) => Ok(None),
            Err(error) => Err(of_store(&error)),
        }
    }

    async fn change(&self, change: ChangeSchedule) -> Result<ScheduleChanged, StoreError> {
        self.around.change_schedule(change).await
    }

    /// Keeps a new message of `a`'s.
    async fn planned(&self, id: &str, value: &str, due: u64) -> OwnRecord {
        match self.change(plan(id, Expected::New, Some((value, Some(due))))).await {
            Ok(ScheduleChanged::Done(record)) => record,
            other => panic!("{id}: {other:?}"),
        }
    }

    async fn due(&self, later_ms: u64, limit: usize) -> (Vec<String>, Option<u64>) {
        let page = self.around.due(Millis(NOW.0 + later_ms), limit).await.expect("it is read");
        let DuePage { messages, next } = page;
        let ids = messages.iter().map(|due| due.record.key.as_str().to_owned()).collect();
        (ids, next.map(|next| next.0 - NOW.0))
    }

    async fn records(&self) -> Vec<OwnRecord> {
        let (user, kind) = (user("a"), OwnKind::Schedule);
        let query = OwnQuery { user, kind, after: None, limit: 99 };
        self.base.store.own(query).await.expect("they are read").records
    }

    fn told(&self) -> Vec<(String, bool)> {
        let told = self.base.sink.own.lock();
        let records = told.iter().flat_map(|changed| changed.records.clone());
        records.map(|it| (it.key.as_str().to_owned(), it.value.is_some())).collect()
    }
}

/// A change of `a`'s: a value, and after how many milliseconds it is due.
fn plan(id: &str, expected: Expected, to: Option<(&str, Option<u64>)>) -> ChangeSchedule {
    ChangeSchedule {
        user: user("a"),
        id: OwnKey::parse(id).expect("a good id"),
        expected,
        scheduled: to.map(|(value, due)| Scheduled {
            value: OwnValue::of(value),
            due: due.map(|due| Millis(NOW.0 + due)),
        }),
        records_max: 3,
        now: NOW,
        origin: Origin::of(7),
    }
}

fn fire(record: &OwnRecord, append: Append) -> Fire {
    let now = moving_clock();
    Fire { id: record.key.clone(), at: record.at, say: Say::plain(Append { now, ..append }) }
}

async fn a_timer_is_an_entry_and_new_messages_end_by_it(h: &House) {
    let of = dm("a", "b");
    let before = h.base.sent("a", "b", "stays").await;
    assert_eq!(before.expires, None);
    assert_eq!(h.timer("b", &of, Some(60)).await, Ok(Some(2)));
    assert_eq!(h.timer("a", &of, Some(60)).await, Ok(None));
    let told = h.base.sink.heard.lock().last().expect("it was told").entry.clone();
    assert_eq!((told.body.clone(), told.from.as_str()), (Body::TimerSet(Some(60_000)), "b"));
    let one = h.base.store.append(wish("a", "b", "ends", Some("k"))).await.expect("it is kept");
    assert_eq!(one.expires, Some(Millis(NOW.0 + 60_000)));
    let again = h.base.store.append(wish("a", "b", "ends", Some("k"))).await.expect("it is there");
    assert_eq!((again.repeated, again.expires), (true, one.expires));
    assert_eq!(h.timer("a", &of, None).await, Ok(Some(4)));
    assert_eq!(h.base.sent("b", "a", "stays too").await.expires, None);
    let page = h.page("a", &of).await;
    let read: Vec<_> =
        page.entries.iter().map(|entry| (entry.body.clone(), entry.expires)).collect();
    let expected = [
        (Body::Said(text("stays")), None),
        (Body::TimerSet(Some(60_000)), None),
        (Body::Said(text("ends")), one.expires),
        (Body::TimerSet(None), None),
        (Body::Said(text("stays too")), None),
    ];
    assert_eq!(read, expected);
    let list = h.base.store.conversations(user("b"), None, 9).await.expect("a list is read");
    assert_eq!((list.conversations[0].timer_ms, list.conversations[0].unread), (None, 2));
    assert_eq!(h.timer("a", &of, Some(5)).await, Ok(Some(6)));
    let list = h.base.store.conversations(user("b"), None, 9).await.expect("a list is read");
    assert_eq!(list.conversations[0].timer_ms, Some(5_000));
    assert_eq!(h.base.sent("a", "c", "elsewhere").await.expires, None);
}

fn is_without_content(entry: &Entry) -> bool {
    matches!(
        entry.body,
        Body::Gone | Body::Acted(Act { deed: Deed::Edited(None) | Deed::Pinned, .. })
    )
}

async fn what_has_ended_is_in_no_read(h: &House) {
    let of = dm("a", "b");
    h.base.attached("b", "phone").await;
    h.base.sent("a", "b", "first").await;
    h.timer("a", &of, Some(10)).await.expect("it may be set");
    let start = h.base.head_position().await;
    h.base.sent("a", "b", "secret").await;
    h.done("a", &of, 3, edit("secret two")).await;
    h.done("b", &of, 3, react("👍")).await;
    h.done("a", &of, 3, Wish::Pin).await;
    it_is(9_999);
    assert_eq!(said(&h.page("b", &of).await.entries[2]), "\"secret\"");
    let pins = h.around.pins(user("b"), of.clone()).await.expect("pins are read");
    assert_eq!(pins.len(), 1);
    it_is(10_000);
    let page = h.page("b", &of).await;
    assert_eq!(said(&page.entries[0]), "\"first\"");
    assert_eq!(page.entries[2].expires, Some(Millis(NOW.0 + 10_000)));
    assert!(page.states.values().all(|state| *state == Default::default()), "{:?}", page.states);
    let since = h.base.store.since(user("b"), start, Whose::Everyone, 99).await;
    let since = since.expect("a page is read").entries;
    let (undelivered, _) = h.base.undelivered("b", "phone", 99).await;
    let at = h.base.store.entries_at(user("b"), vec![(of.clone(), Seq(3))]).await;
    let at: Vec<_> = at.expect("it is read").into_iter().flatten().map(|it| it.entry).collect();
    for entries in [&page.entries[2..4], &since[..2], &undelivered[2..4], &at[..1]] {
        assert!(entries.iter().all(|entry| is_without_content(entry)), "{entries:?}");
        assert!(entries.iter().all(|entry| entry.expires.is_some()), "{entries:?}");
    }
    assert!(h.around.pins(user("b"), of.clone()).await.expect("pins are read").is_empty());
    let list = h.base.store.conversations(user("b"), None, 9).await.expect("a list is read");
    let line = &list.conversations[0];
    assert_eq!(line.message.as_ref().expect("it is there").0.body, Body::Gone);
    assert_eq!((line.unread, line.head), (2, Seq(6)), "it counts as ever");
}

async fn nothing_is_done_to_what_has_ended(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "first").await;
    h.timer("a", &of, Some(10)).await.expect("it may be set");
    h.base.store.append(wish("a", "b", "secret", Some("k"))).await.expect("it is kept");
    h.done("b", &of, 3, react("👍")).await;
    it_is(10_000);
    for wish in [edit("z"), react("👍"), Wish::Pin] {
        assert_eq!(h.does(about("a", &of, 3, wish)).await, Err(Refusal::MessageDeleted));
    }
    assert_eq!(h.does(about("a", &of, 3, Wish::Delete)).await, Ok(None));
    let to = |reply_to, forward_of| Say {
        reply_to,
        forward_of,
        ..Say::plain(Append { now: moving_clock(), ..wish("b", "a", "x", None) })
    };
    for say in [to(Some(Seq(3)), None), to(None, Some((of.clone(), Seq(3))))] {
        let refused = h.around.say(say).await.map_err(|error| of_store(&error));
        assert_eq!(refused, Err(Refusal::MessageDeleted));
    }
    let again = h.base.store.append(wish("a", "b", "secret", Some("k"))).await;
    assert!(again.is_ok_and(|again| again.repeated && again.seq == Seq(3)));
    let other = h.base.store.append(wish("a", "b", "other", Some("k"))).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)));
    let late = Append { now: moving_clock(), ..wish("a", "b", "next", None) };
    let next = h.base.store.append(late).await.expect("the log goes on");
    assert_eq!((next.seq, next.expires), (Seq(5), Some(Millis(NOW.0 + 20_000))));
}

async fn who_may_not_sets_no_timer(h: &House) {
    let of = dm("a", "b");
    assert_eq!(h.timer("a", &of, Some(60)).await, Err(Refusal::NotFound), "there is none yet");
    h.base.sent("a", "b", "x").await;
    assert_eq!(h.timer("c", &of, Some(60)).await, Err(Refusal::NotFound));
    assert!(matches!(h.timer("a", &of, Some(4)).await, Err(Refusal::InvalidArgument { .. })));
    let block =
        |blocked| Block { user: user("b"), other: user("a"), blocked, now: NOW, blocks_max: 9 };
    h.base.store.block(block(true)).await.expect("it is blocked");
    assert_eq!(h.timer("a", &of, Some(60)).await, Err(Refusal::Blocked));
    assert_eq!(h.timer("b", &of, Some(60)).await, Ok(Some(2)));
    h.base.store.block(block(false)).await.expect("it is let in");
    let group = h.group("owls", "a", &["b"]).await;
    assert_eq!(h.timer("b", &group, Some(60)).await, Err(Refusal::NotAllowed));
    assert_eq!(h.timer("a", &group, Some(60)).await, Ok(Some(2)));
    assert_eq!(h.says("b", &group, "ends").await, 3);
    let page = h.page("b", &group).await;
    assert_eq!(page.entries[2].expires, Some(Millis(NOW.0 + 60_000)));
    assert_eq!(h.timer("c", &group, None).await, Err(Refusal::NotFound));
}

async fn what_was_deleted_before_its_time_stays_deleted(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "first").await;
    h.timer("a", &of, Some(10)).await.expect("it may be set");
    h.base.sent("a", "b", "secret").await;
    h.done("a", &of, 3, edit("secret two")).await;
    h.done("a", &of, 3, Wish::Delete).await;
    it_is(20_000);
    let page = h.page("b", &of).await;
    assert_eq!((&page.entries[2].body, page.entries[2].expires), (&Body::Gone, None));
    assert_eq!(page.entries[3].expires, None);
}

async fn what_is_to_be_said_is_a_record_that_is_told(h: &House) {
    let first = h.planned("s1", "[1]", 50).await;
    assert_eq!((first.kind, first.at), (OwnKind::Schedule, NOW));
    assert_eq!(h.records().await, std::slice::from_ref(&first));
    let later = plan("s1", Expected::There, Some(("[2]", Some(60))));
    let Ok(ScheduleChanged::Done(second)) = h.change(later.clone()).await else { panic!("there") };
    assert!(second.at > first.at);
    assert_eq!(h.records().await, [second]);
    assert_eq!(h.due(55, 9).await, (vec![], Some(60)));
    let removed = h.change(plan("s1", Expected::There, None)).await;
    assert!(matches!(removed, Ok(ScheduleChanged::Done(OwnRecord { value: None, .. }))));
    assert!(h.records().await.is_empty());
    assert_eq!(h.due(100, 9).await, (vec![], None));
    assert!(matches!(h.change(later).await, Err(StoreError::NotFound)));
    let stranger = ChangeSchedule { user: user("z"), ..plan("s1", Expected::There, None) };
    assert!(matches!(h.change(stranger).await, Err(StoreError::NotFound)));
    assert_eq!(
        h.told(),
        ["s1", "s1", "s1"]
            .map(str::to_owned)
            .into_iter()
            .zip([true, true, false])
            .collect::<Vec<_>>()
    );
    assert!(h.base.sink.own.lock().iter().all(|told| told.origin == Origin::of(7)));
    let moved = h.base.store.moved(user("a"), Position(0), 9).await.expect("it is read");
    assert_eq!(moved.own.records.len(), 1, "a device that was away learns of it");
}

async fn what_is_due_comes_in_its_order(h: &House) {
    h.planned("s1", "1", 30).await;
    h.planned("s2", "2", 10).await;
    let other =
        ChangeSchedule { user: user("b"), ..plan("s3", Expected::New, Some(("3", Some(20)))) };
    h.change(other).await.expect("it is kept");
    assert_eq!(h.due(9, 9).await, (vec![], Some(10)));
    assert_eq!(h.due(10, 9).await, (vec!["s2".into()], Some(20)));
    assert_eq!(h.due(30, 9).await, (vec!["s2".into(), "s3".into(), "s1".into()], None));
    assert_eq!(h.due(30, 2).await, (vec!["s2".into(), "s3".into()], Some(30)));
    let page = h.around.due(Millis(NOW.0 + 20), 9).await.expect("it is read");
    let found: Vec<_> = page.messages.iter().map(|due| (due.user.as_str(), due.due.0)).collect();
    assert_eq!(found, [("a", NOW.0 + 10), ("b", NOW.0 + 20)]);
    assert_eq!(page.messages[0].record.value, Some(OwnValue::of("2")));
}

async fn a_message_is_said_once_and_its_record_goes_in_the_same_commit(h: &House) {
    let record = h.planned("s1", "1", 10).await;
    it_is(10);
    let wish = fire(&record, wish("a", "b", "later", Some("k")));
    let both = [h.around.fire(wish.clone()), h.around.fire(wish.clone())];
    let [first, second] = both;
    let Ok(Fired::Said(appended)) = first.await else { panic!("it is said") };
    assert_eq!((appended.seq, appended.ts), (Seq(1), Millis(NOW.0 + 10)));
    assert_eq!(h.told().last(), Some(&("s1".to_owned(), false)), "told before it is answered");
    assert_eq!(second.await.ok(), Some(Fired::Superseded));
    assert!(h.records().await.is_empty());
    assert_eq!(h.due(99, 9).await, (vec![], None));
    assert_eq!(super::contents(&h.page("b", &dm("a", "b")).await.entries), ["later"]);
    assert_eq!(h.base.sink.heard.lock().len(), 1);
    let stranger = fire(&record, super::wish("z", "b", "later", Some("k")));
    assert_eq!(h.around.fire(stranger).await.ok(), Some(Fired::Superseded));
}

async fn a_record_that_changed_is_not_said_as_it_was(h: &House) {
    let record = h.planned("s1", "1", 10).await;
    let changed = h.change(plan("s1", Expected::At(record.at), Some(("2", Some(10))))).await;
    let Ok(ScheduleChanged::Done(changed)) = changed else { panic!("it is changed") };
    let old = h.change(plan("s1", Expected::At(record.at), None)).await;
    assert_eq!(old.ok(), Some(ScheduleChanged::Superseded));
    let late = h.around.fire(fire(&record, wish("a", "b", "old", Some("k")))).await;
    assert_eq!(late.ok(), Some(Fired::Superseded));
    let fired = h.around.fire(fire(&changed, wish("a", "b", "new", Some("k")))).await;
    assert!(matches!(fired, Ok(Fired::Said(_))));
    let record = h.planned("s2", "3", 10).await;
    h.change(plan("s2", Expected::There, None)).await.expect("it is removed");
    let late = h.around.fire(fire(&record, wish("a", "b", "gone", Some("k2")))).await;
    assert_eq!(late.ok(), Some(Fired::Superseded));
    assert_eq!(super::contents(&h.page("b", &dm("a", "b")).await.entries), ["new"]);
}

async fn what_the_moment_refuses_stays_until_it_is_said_or_given_up(h: &House) {
    let record = h.planned("s1", "1", 10).await;
    let block =
        |blocked| Block { user: user("b"), other: user("a"), blocked, now: NOW, blocks_max: 9 };
    h.base.store.block(block(true)).await.expect("it is blocked");
    let wish = fire(&record, wish("a", "b", "later", Some("k")));
    let refused = h.around.fire(wish.clone()).await;
    assert!(matches!(refused, Err(StoreError::Blocked)), "{refused:?}");
    assert_eq!(h.records().await, std::slice::from_ref(&record), "nothing was written");
    assert_eq!(h.due(10, 9).await, (vec!["s1".into()], None));
    let failed = h.change(plan("s1", Expected::At(record.at), Some(("failed", None)))).await;
    let Ok(ScheduleChanged::Done(failed)) = failed else { panic!("it is noted") };
    assert_eq!(h.due(10, 9).await, (vec![], None), "it is due no more");
    assert_eq!(h.records().await, std::slice::from_ref(&failed), "and still told");
    h.base.store.block(block(false)).await.expect("it is let in");
    let not_due = Fire { at: failed.at, ..wish.clone() };
    assert_eq!(h.around.fire(not_due).await.ok(), Some(Fired::Superseded));
    let again = h.change(plan("s1", Expected::At(failed.at), Some(("1", Some(20))))).await;
    let Ok(ScheduleChanged::Done(again)) = again else { panic!("it is to be said again") };
    assert_eq!(h.due(20, 9).await, (vec!["s1".into()], None));
    let said = h.around.fire(Fire { at: again.at, ..wish }).await;
    assert!(matches!(said, Ok(Fired::Said(_))), "{said:?}");
}

async fn a_message_that_is_there_is_not_said_again(h: &House) {
    let there = h.base.store.append(wish("a", "b", "once", Some("k"))).await.expect("it is kept");
    let record = h.planned("s1", "1", 10).await;
    let fired = h.around.fire(fire(&record, wish("a", "b", "once", Some("k")))).await;
    let Ok(Fired::Said(again)) = fired else { panic!("it is answered") };
    assert_eq!((again.repeated, again.seq), (true, there.seq));
    assert!(h.records().await.is_empty());
    let record = h.planned("s2", "2", 10).await;
    let other = h.around.fire(fire(&record, wish("a", "b", "other", Some("k")))).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)), "{other:?}");
    assert_eq!(h.records().await.len(), 1);
    assert_eq!(h.page("b", &dm("a", "b")).await.entries.len(), 1);
}

async fn an_id_is_used_once(h: &House) {
    let first = h.planned("s1", "1", 10).await;
    let again = h.change(plan("s1", Expected::New, Some(("2", Some(20))))).await;
    assert_eq!(again.ok(), Some(ScheduleChanged::Exists(first)));
    h.change(plan("s1", Expected::There, None)).await.expect("it is removed");
    let again = h.change(plan("s1", Expected::New, Some(("1", Some(10))))).await;
    assert_eq!(again.ok(), Some(ScheduleChanged::WasThere));
    assert!(h.records().await.is_empty());
    let other =
        ChangeSchedule { user: user("b"), ..plan("s1", Expected::New, Some(("1", Some(1)))) };
    assert!(matches!(h.change(other).await, Ok(ScheduleChanged::Done(_))), "another user's");
}

async fn records_are_bounded_and_failed_ones_make_room(h: &House) {
    for id in ["s1", "s2", "s3"] {
        h.planned(id, "1", 10).await;
    }
    let full = h.change(plan("s4", Expected::New, Some(("1", Some(10))))).await;
    assert!(matches!(full, Err(StoreError::TooManyRecords)), "{full:?}");
    assert_eq!(h.records().await.len(), 3);
    for (n, id) in ["s2", "s1"].into_iter().enumerate() {
        let now = Millis(NOW.0 + 10 * (n as u64 + 1));
        let failed = ChangeSchedule { now, ..plan(id, Expected::There, Some(("failed", None))) };
        h.change(failed).await.expect("it is noted");
    }
    h.base.sink.own.lock().clear();
    h.planned("s4", "1", 10).await;
    assert_eq!(h.told(), [("s2".to_owned(), false), ("s4".to_owned(), true)], "the oldest goes");
    let mut ids: Vec<_> = h.records().await.iter().map(|it| it.key.as_str().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["s1", "s3", "s4"]);
}

async fn what_is_said_later_ends_by_the_timer_of_that_time(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "first").await;
    let record = h.planned("s1", "1", 10_000).await;
    h.timer("b", &of, Some(60)).await.expect("it may be set");
    it_is(10_000);
    let fired = h.around.fire(fire(&record, wish("a", "b", "later", Some("k")))).await;
    let Ok(Fired::Said(said)) = fired else { panic!("it is said") };
    assert_eq!(said.expires, Some(Millis(NOW.0 + 70_000)));
}
