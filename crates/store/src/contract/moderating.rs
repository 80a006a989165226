//! Reports, suspensions, notices, the audit log, and what content rules ask of an append.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ClientId, Seq};
use parlor_chat::moderation::{
    Act, Acted, AuditQuery, Audited, Cause, Deed, DeedKind, Done, Filed, NewReport, NoticeId,
    Report, ReportId, ReportState, Reporter, ReportsQuery, Role, TakeReport, Target,
};
use parlor_chat::store::{AttachDevice, StoreError};

use super::{Fixture, NOW, attach, dm, text, user, wish};

fn later(ms: u64) -> Millis {
    Millis(NOW.0 + ms)
}

fn new_report(by: &str, target: Target) -> NewReport {
    NewReport {
        by: user(by),
        target,
        reason: "spam".into(),
        comment: Some("again".into()),
        client_id: None,
        now: NOW,
        open_max: 3,
    }
}

pub(super) fn message(a: &str, b: &str, seq: u64) -> Target {
    Target::Message(dm(a, b), Seq(seq))
}

fn deed(by: &str, cause: Cause, deed: Deed) -> Act {
    let (by, now) = (user(by), NOW);
    Act { by, role: Role::Moderator, cause, deed, note: None, client_id: None, now, notices_max: 3 }
}

fn suspend(until: Option<Millis>) -> Deed {
    Deed::Suspend { until, reason: "spam".into() }
}

fn of(name: &str) -> Cause {
    Cause::User(user(name))
}

impl Fixture {
    async fn filed(&self, report: NewReport) -> Filed {
        self.store.moderation().report(report).await.expect("a report is filed")
    }

    async fn take(&self, by: &str, role: Role, id: ReportId) -> Result<Arc<Report>, StoreError> {
        let take = TakeReport { by: user(by), role, report: id, now: later(5) };
        self.store.moderation().take_report(take).await
    }

    async fn try_act(&self, act: Act) -> Result<Acted, StoreError> {
        self.store.moderation().act(act).await
    }

    async fn act(&self, by: &str, cause: Cause, what: Deed) -> Acted {
        self.try_act(deed(by, cause, what)).await.expect("it is done")
    }

    pub(super) async fn queue(&self, viewer: &str, state: Option<ReportState>) -> Vec<Arc<Report>> {
        let query = ReportsQuery { viewer: user(viewer), state, after: None, limit: 100 };
        self.store.moderation().reports(query).await.expect("a page").reports
    }

    async fn audited(&self) -> Vec<Audited> {
        let query = AuditQuery { before: None, limit: 10_000 };
        self.store.moderation().audit(query).await.expect("a page").entries
    }

    async fn told(&self, name: &str) -> Vec<String> {
        let notices = self.store.moderation().notices(user(name)).await.expect("notices");
        notices.iter().map(|notice| notice.text.to_string()).collect()
    }
}

pub(super) async fn a_report_keeps_the_message_and_is_for_members_alone(f: &Fixture) {
    f.sent("a", "b", "rude").await;
    for (by, seq) in [("a", 1), ("c", 1), ("b", 2)] {
        let report = f.store.moderation().report(new_report(by, message("a", "b", seq))).await;
        assert!(matches!(report, Err(StoreError::NotFound)), "{by} {seq}");
    }
    let filed = f.filed(new_report("b", message("a", "b", 1))).await;
    let report = &filed.report;
    assert!(!filed.repeated);
    assert_eq!(report.content, Some(text("rude")));
    assert_eq!((&report.accused, &report.by), (&user("a"), &Reporter::User(user("b"))));
    assert_eq!((report.state, report.at, &report.moderator), (ReportState::Open, NOW, &None));
    let of_user = f.filed(new_report("b", Target::User(user("nobody yet")))).await.report;
    assert_eq!((of_user.content.clone(), of_user.id), (None, ReportId(report.id.0 + 1)));
    assert_eq!(f.queue("m", None).await, [Arc::clone(report), of_user]);
}

pub(super) async fn a_repeated_report_is_answered_like_the_first(f: &Fixture) {
    let key = |key: &str| Some(ClientId::parse(key).expect("a key"));
    let wish = NewReport { client_id: key("k"), ..new_report("b", Target::User(user("a"))) };
    let first = f.filed(wish.clone()).await;
    f.act("m", Cause::Report(first.report.id), Deed::Dismiss).await;
    let again = f.filed(NewReport { now: later(9), ..wish.clone() }).await;
    assert!(again.repeated && again.report.id == first.report.id);
    assert_eq!(again.report.state, ReportState::Dismissed);
    for other in [
        NewReport { reason: "other".into(), ..wish.clone() },
        NewReport { comment: None, ..wish.clone() },
        NewReport { target: Target::User(user("c")), ..wish.clone() },
    ] {
        let refused = f.store.moderation().report(other).await;
        assert!(matches!(refused, Err(StoreError::ClientIdConflict)));
    }
    let of_another = f.filed(NewReport { by: user("c"), ..wish }).await;
    assert!(!of_another.repeated);
}

pub(super) async fn open_reports_of_a_user_are_bounded_and_closed_ones_make_room(f: &Fixture) {
    let mut ids = Vec::new();
    for name in ["x", "y", "z"] {
        ids.push(f.filed(new_report("b", Target::User(user(name)))).await.report.id);
    }
    let more = || f.store.moderation().report(new_report("b", Target::User(user("w"))));
    assert!(matches!(more().await, Err(StoreError::TooManyReports)));
    f.filed(new_report("c", Target::User(user("w")))).await;
    f.take("m", Role::Moderator, ids[0]).await.expect("it is taken");
    assert!(matches!(more().await, Err(StoreError::TooManyReports)));
    f.act("m", Cause::Report(ids[0]), Deed::Resolve).await;
    more().await.expect("there is room");
}

pub(super) async fn a_report_is_taken_by_one_moderator_and_an_admin_takes_over(f: &Fixture) {
    let id = f.filed(new_report("b", Target::User(user("a")))).await.report.id;
    let taken = f.take("m", Role::Moderator, id).await.expect("it is taken");
    assert_eq!((taken.state, &taken.moderator), (ReportState::Taken, &Some(user("m"))));
    assert_eq!(taken.moved, Some(later(5)));
    assert_eq!(f.take("m", Role::Moderator, id).await.expect("it is still"), taken);
    let others = f.take("n", Role::Moderator, id).await;
    assert!(matches!(others, Err(StoreError::ReportTaken)));
    let closed = f.try_act(deed("n", Cause::Report(id), Deed::Dismiss)).await;
    assert!(matches!(closed, Err(StoreError::ReportTaken)));
    let over = f.take("n", Role::Admin, id).await.expect("an admin takes over");
    assert_eq!(over.moderator, Some(user("n")));
    assert_eq!(f.audited().await.len(), 2);
    let missing = f.take("m", Role::Moderator, ReportId(99)).await;
    assert!(matches!(missing, Err(StoreError::NotFound)));
}

pub(super) async fn a_closed_report_stays_as_it_is(f: &Fixture) {
    let id = f.filed(new_report("b", Target::User(user("a")))).await.report.id;
    let close =
        |by: &str, what| Act { note: Some("seen".into()), ..deed(by, Cause::Report(id), what) };
    let done = f.try_act(close("m", Deed::Warn { text: "stop".into() })).await.expect("done");
    assert_eq!((done.user, done.done), (user("a"), Done::Now));
    let again = f.try_act(close("m", Deed::Warn { text: "stop".into() })).await.expect("again");
    assert_eq!((again.done, again.notice), (Done::Before, None));
    for other in [close("m", Deed::Dismiss), close("n", Deed::Warn { text: "stop".into() })] {
        assert!(matches!(f.try_act(other).await, Err(StoreError::ReportClosed)));
    }
    let taken = f.take("m", Role::Admin, id).await;
    assert!(matches!(taken, Err(StoreError::ReportClosed)));
    let report = &f.queue("m", Some(ReportState::Resolved)).await[0];
    assert_eq!((report.outcome, report.note.as_deref()), (Some(DeedKind::Warn), Some("seen")));
    assert_eq!(f.told("a").await, ["stop"]);
}

pub(super) async fn nobody_sees_to_reports_of_their_own_doings(f: &Fixture) {
    let id = f.filed(new_report("b", Target::User(user("m")))).await.report.id;
    assert_eq!(f.queue("m", None).await, []);
    assert_eq!(f.queue("n", None).await.len(), 1);
    let taken = f.take("m", Role::Admin, id).await;
    assert!(matches!(taken, Err(StoreError::NotFound)));
    let closed = f.try_act(deed("m", Cause::Report(id), Deed::Dismiss)).await;
    assert!(matches!(closed, Err(StoreError::NotFound)));
}

pub(super) async fn reports_are_listed_by_state_in_pages(f: &Fixture) {
    let mut ids = Vec::new();
    for n in 0..12 {
        let report = new_report(&format!("u{n}"), Target::User(user("a")));
        ids.push(f.filed(report).await.report.id);
    }
    for (n, id) in ids.iter().enumerate() {
        match n % 4 {
            0 => drop(f.take("m", Role::Moderator, *id).await.expect("taken")),
            1 => drop(f.act("m", Cause::Report(*id), Deed::Dismiss).await),
            2 => drop(f.act("m", Cause::Report(*id), Deed::Resolve).await),
            _ => {}
        }
    }
    let of = |states: &[usize]| -> Vec<ReportId> {
        (0..12).filter(|n| states.contains(&(n % 4))).map(|n| ids[n]).collect()
    };
    for (state, expected) in [
        (None, of(&[0, 3])),
        (Some(ReportState::Open), of(&[3])),
        (Some(ReportState::Taken), of(&[0])),
        (Some(ReportState::Dismissed), of(&[1])),
        (Some(ReportState::Resolved), of(&[2])),
    ] {
        let (mut got, mut after) = (Vec::new(), None);
        loop {
            let query = ReportsQuery { viewer: user("m"), state, after, limit: 2 };
            let page = f.store.moderation().reports(query).await.expect("a page");
            assert!(page.reports.len() <= 2);
            got.extend(page.reports.iter().map(|report| report.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(got, expected, "{state:?}");
    }
}

pub(super) async fn a_suspension_holds_for_every_later_append_and_attach(f: &Fixture) {
    f.attached("a", "phone").await;
    let earlier = f.send("a", "b", "before");
    let act = f.store.moderation().act(deed("m", of("a"), suspend(None)));
    let after = f.send("a", "b", "after");
    earlier.await.expect("it came first");
    assert_eq!(act.await.expect("done").done, Done::Now);
    assert!(matches!(after.await, Err(StoreError::Suspended { until: None })));
    f.sent("b", "a", "others may write to them").await;
    for device in ["", "phone", "new"] {
        let attached = f.store.attach_device(attach("a", device, NOW.0)).await;
        assert!(matches!(attached, Err(StoreError::Suspended { until: None })), "{device}");
    }
    f.attached("b", "").await;
    let again = f.act("m", of("a"), suspend(None)).await;
    assert_eq!(again.done, Done::Before);
    let until = f.act("n", of("a"), suspend(Some(later(50)))).await;
    assert_eq!(until.done, Done::Now);
    let attached = f.store.attach_device(attach("a", "", NOW.0)).await;
    let Err(StoreError::Suspended { until }) = attached else { panic!("it is suspended") };
    assert_eq!(until, Some(later(50)));
}

pub(super) async fn a_suspension_ends_at_its_time_or_when_it_is_lifted(f: &Fixture) {
    f.act("m", of("a"), suspend(Some(later(50)))).await;
    let at = |ms| AttachDevice { now: later(ms), ..attach("a", "phone", NOW.0) };
    assert!(f.store.attach_device(at(49)).await.is_err());
    f.store.attach_device(at(50)).await.expect("it has ended");
    let suspension = |ms| f.store.moderation().suspension(user("a"), later(ms));
    assert!(suspension(49).await.expect("read").is_some());
    assert_eq!(suspension(50).await.expect("read"), None);
    let lift = Act { now: later(10), ..deed("m", of("a"), Deed::Unsuspend) };
    assert_eq!(f.try_act(lift.clone()).await.expect("lifted").done, Done::Now);
    assert_eq!(f.try_act(lift).await.expect("again").done, Done::Before);
    f.sent("a", "b", "back").await;
}

pub(super) async fn a_retry_of_what_was_kept_passes_a_suspension(f: &Fixture) {
    let first = f.store.append(wish("a", "b", "x", Some("k"))).await.expect("kept");
    f.act("m", of("a"), suspend(None)).await;
    let again = f.store.append(wish("a", "b", "x", Some("k"))).await.expect("a retry");
    assert_eq!((again.seq, again.repeated), (first.seq, true));
    let new = f.store.append(wish("a", "b", "x", Some("l"))).await;
    assert!(matches!(new, Err(StoreError::Suspended { .. })));
}

pub(super) async fn a_warning_waits_until_it_is_confirmed(f: &Fixture) {
    assert!(f.told("a").await.is_empty());
    let first = f.act("m", of("a"), Deed::Warn { text: "one".into() }).await.notice;
    let first = first.expect("it is told");
    f.act("m", of("a"), Deed::Warn { text: "two".into() }).await;
    assert_eq!(f.told("a").await, ["one", "two"]);
    assert!(f.told("b").await.is_empty());
    let confirm = |name, id| f.store.moderation().confirm_notices(user(name), id);
    confirm("b", NoticeId(99)).await.expect("done");
    confirm("a", first.id).await.expect("done");
    assert_eq!(f.told("a").await, ["two"]);
    confirm("a", NoticeId(first.id.0 + 1)).await.expect("done");
    let third = f.act("m", of("a"), Deed::Warn { text: "three".into() }).await.notice;
    assert!(third.expect("it is told").id > first.id);
}

pub(super) async fn a_repeated_warning_is_given_once(f: &Fixture) {
    let key = Some(ClientId::parse("k").expect("a key"));
    let warn = |by: &str, whom: &str, said: &str| Act {
        client_id: key.clone(),
        ..deed(by, of(whom), Deed::Warn { text: said.into() })
    };
    assert_eq!(f.try_act(warn("m", "a", "x")).await.expect("given").done, Done::Now);
    assert_eq!(f.try_act(warn("m", "a", "x")).await.expect("again").done, Done::Before);
    for other in [warn("m", "a", "y"), warn("m", "b", "x")] {
        assert!(matches!(f.try_act(other).await, Err(StoreError::ClientIdConflict)));
    }
    assert_eq!(f.try_act(warn("n", "a", "y")).await.expect("given").done, Done::Now);
    assert_eq!(f.told("a").await, ["x", "y"]);
}

pub(super) async fn notices_of_a_user_are_bounded(f: &Fixture) {
    for said in ["1", "2", "3", "4", "5"] {
        f.act("m", of("a"), Deed::Warn { text: said.into() }).await;
    }
    assert_eq!(f.told("a").await, ["3", "4", "5"]);
}

pub(super) async fn the_audit_log_has_each_deed_once_in_order(f: &Fixture) {
    let id = f.filed(new_report("b", Target::User(user("a")))).await.report.id;
    f.take("m", Role::Moderator, id).await.expect("taken");
    let until = Some(later(7));
    let close =
        Act { note: Some("third time".into()), ..deed("m", Cause::Report(id), suspend(until)) };
    f.try_act(close.clone()).await.expect("done");
    f.try_act(close).await.expect("done before");
    f.act("n", of("a"), Deed::Unsuspend).await;
    f.act("n", of("a"), Deed::Unsuspend).await;
    let log = f.audited().await;
    let told: Vec<_> = log.iter().map(|it| (it.number, it.by.as_str(), it.deed)).collect();
    let expected =
        [(3, "n", DeedKind::Unsuspend), (2, "m", DeedKind::Suspend), (1, "m", DeedKind::Take)];
    assert_eq!(told, expected);
    assert!(log.iter().all(|entry| entry.user == user("a")));
    assert_eq!((log[1].report, log[1].until), (Some(id), until));
    assert_eq!(
        (log[1].text.as_deref(), log[1].note.as_deref()),
        (Some("spam"), Some("third time"))
    );
    let hashes: BTreeSet<_> = log.iter().map(|entry| entry.hash).collect();
    assert_eq!(hashes.len(), 3);
    let page = f.store.moderation().audit(AuditQuery { before: Some(3), limit: 1 }).await;
    let page = page.expect("a page");
    assert_eq!((page.entries, page.more), (vec![log[1].clone()], true));
}

/// Small and repeatable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

pub(super) async fn random_deeds_agree_with_a_model(f: &Fixture) {
    let seed = 0x5eed_1234_abcd;
    println!("seed: {seed}");
    let dice = &mut Dice(seed);
    let names = ["a", "b", "c"];
    let mut suspended: BTreeMap<&str, Option<Millis>> = BTreeMap::new();
    let mut open: Vec<ReportId> = Vec::new();
    let (mut closed, mut deeds) = (0, 0);
    for step in 0..400 {
        let now = later(step);
        let whom = names[dice.below(3) as usize];
        let holds = |until: &Option<Millis>| until.is_none_or(|until| until > now);
        let is_suspended = suspended.get(whom).is_some_and(holds);
        match dice.below(6) {
            0 => {
                let until = Some(later(step + 1 + dice.below(20)));
                let what = Act { now, ..deed("m", of(whom), suspend(until)) };
                let same = is_suspended && suspended[whom] == until;
                let done = f.try_act(what).await.expect("done").done;
                assert_eq!(done == Done::Now, !same);
                deeds += u64::from(!same);
                suspended.insert(whom, until);
            }
            1 => {
                let what = Act { now, ..deed("m", of(whom), Deed::Unsuspend) };
                let done = f.try_act(what).await.expect("done").done;
                assert_eq!(done == Done::Now, is_suspended);
                deeds += u64::from(is_suspended);
                suspended.remove(whom);
            }
            2 => {
                let by = format!("r{step}");
                let id = f.filed(new_report(&by, Target::User(user(whom)))).await.report.id;
                open.push(id);
            }
            3 if !open.is_empty() => {
                let id = open.remove(dice.below(open.len() as u64) as usize);
                f.act("m", Cause::Report(id), Deed::Resolve).await;
                (closed, deeds) = (closed + 1, deeds + 1);
            }
            _ => {
                let sent = f
                    .store
                    .append(parlor_chat::store::Append { now, ..wish(whom, "z", "x", None) })
                    .await;
                assert_eq!(sent.is_err(), is_suspended, "{whom} at step {step}");
            }
        }
    }
    let ids = f.queue("m", None).await.iter().map(|report| report.id).collect::<Vec<_>>();
    assert_eq!(ids, open);
    assert_eq!(f.queue("m", Some(ReportState::Resolved)).await.len(), closed.min(100));
    assert_eq!(f.audited().await.len() as u64, deeds);
}
