//! Groups: what a backend makes of wishes, and what each member may see, held against a model that
//! keeps whole logs and counts anew each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_chat::entry::{Body, Entry, Millis, Position};
use parlor_chat::group::decide::Wish;
use parlor_chat::group::port::{ChangeGroup, Done, GroupChanged, Groups, MembersQuery};
use parlor_chat::group::{Change, GroupName, GroupRules, PastShown, SettingsPatch};
use parlor_chat::ids::{ConversationId, GroupId, Seq};
use parlor_chat::limits::Limits;
use parlor_chat::moderation::{Act, Cause, Deed, Role};
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::Action;
use parlor_chat::store::{
    Append, Appended, Authority, HistoryQuery, HistoryRange, MarkKind, Origin, Pending, Recipient,
    StoreError, Whose,
};

use super::{Fixture, NOW, device, text, user};

/// A store with its groups.
pub(super) struct Grouped {
    pub(super) store: Fixture,
    pub(super) groups: Arc<dyn Groups>,
}

fn group(name: &str) -> GroupId {
    GroupId::parse(name).expect("a good group id")
}

fn conversation(name: &str) -> ConversationId {
    ConversationId::group(&group(name))
}

impl Grouped {
    fn wish(&self, by: &str, name: &str, wish: Wish) -> Pending<GroupChanged> {
        let change = ChangeGroup {
            by: user(by),
            authority: Authority::User,
            group: group(name),
            wish,
            client_id: None,
            now: NOW,
            origin: Origin::of(0),
            limits: Limits::default(),
        };
        self.groups.change_group(change)
    }

    async fn made(&self, by: &str, name: &str, past: PastShown, members: &[&str]) {
        let changed = self.wish(by, name, create(past, members)).await.expect("it is made");
        assert!(matches!(changed.done, Done::Committed { seq: Seq(1), .. }), "{changed:?}");
    }

    fn said(&self, from: &str, name: &str, content: &str) -> Pending<Appended> {
        let append = Append {
            from: user(from),
            to: Recipient::Group(group(name)),
            client_id: None,
            content: text(content),
            now: NOW,
            origin: Origin::of(0),
        };
        self.store.store.append(append)
    }

    /// The seqs of all that somebody may see, read in pages of three.
    async fn history(&self, who: &str, name: &str, forwards: bool) -> Option<Vec<u64>> {
        let (mut seqs, mut at) = (Vec::new(), None);
        loop {
            let range = match (forwards, at) {
                (true, at) => HistoryRange::After(at.unwrap_or_default(), None),
                (false, at) => HistoryRange::Before(at),
            };
            let (user, conversation) = (user(who), conversation(name));
            let query = HistoryQuery { user, conversation, range, limit: 3 };
            let page = match self.store.store.history(query).await {
                Ok(page) => page,
                Err(StoreError::NotFound) => return None,
                Err(error) => panic!("{error}"),
            };
            seqs.extend(page.entries.iter().map(|entry| entry.seq.0));
            if let Some((from, to)) = page.covers {
                assert!(page.entries.iter().all(|entry| from <= entry.seq && entry.seq <= to));
            }
            at = page.entries.last().map(|last| last.seq);
            if !page.more {
                break;
            }
        }
        seqs.sort_unstable();
        Some(seqs)
    }
}

fn create(past: PastShown, members: &[&str]) -> Wish {
    Wish::Create {
        name: GroupName::parse("Owls").expect("a good name"),
        settings: SettingsPatch { past: Some(past), ..SettingsPatch::default() },
        members: members.iter().map(|name| user(name)).collect(),
    }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> Refusal {
    match outcome {
        Err(StoreError::Refused(refusal)) => *refusal,
        other => panic!("{other:?} is not refused"),
    }
}

pub(super) async fn a_group_is_made_once_and_its_changes_are_entries(f: &Grouped) {
    f.made("a", "g", PastShown::FromJoin, &["b", "a", "b"]).await;
    let again = f.wish("a", "g", create(PastShown::FromJoin, &["b", "a", "b"])).await;
    assert!(again.expect("the same again").repeated);
    let other = f.wish("a", "g", create(PastShown::All, &[])).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)), "{other:?}");
    let other = f.wish("c", "g", create(PastShown::FromJoin, &["b", "a", "b"])).await;
    assert!(matches!(other, Err(StoreError::ClientIdConflict)), "{other:?}");
    assert_eq!(refusal(f.wish("c", "g", Wish::Leave).await), Refusal::NotAMember);
    let missing = f.wish("a", "none", Wish::Leave).await;
    assert_eq!(refusal(missing), Refusal::NotFound);
    f.wish("a", "g", Wish::Add(vec![user("c"), user("b")])).await.expect("c is added");
    let heard = f.store.sink.heard.lock().clone();
    let changes: Vec<&Change> =
        heard.iter().filter_map(|heard| heard.entry.body.changed()).collect();
    assert!(matches!(changes[0], Change::Created { members, .. } if *members == [user("b")]));
    assert_eq!(changes[1..], [&Change::Added(vec![user("c")])]);
    let view = f.groups.group(user("b").into(), group("g")).await.expect("b is in it");
    assert_eq!((view.group.members, view.group.owner), (3, user("a")));
    let stranger = f.groups.group(user("z").into(), group("g")).await;
    assert!(matches!(stranger, Err(StoreError::NotFound)));
}

pub(super) async fn wishes_and_messages_take_their_places_in_the_order_of_the_calls(f: &Grouped) {
    f.made("a", "g", PastShown::FromJoin, &["b"]).await;
    let before = f.said("b", "g", "1");
    let kicked = f.wish("a", "g", Wish::Kick(user("b")));
    let after = f.said("b", "g", "2");
    assert_eq!(before.await.expect("still in").seq, Seq(2));
    assert!(matches!(kicked.await.expect("it may").done, Done::Committed { seq: Seq(3), .. }));
    assert_eq!(refusal(after.await), Refusal::NotAMember);
    let memberships = f.groups.memberships(user("b"), 9).await.expect("they are read");
    assert_eq!(memberships.groups, []);
    assert_eq!(memberships.as_of, f.store.head_position().await);
    assert_eq!(f.groups.memberships(user("a"), 9).await.expect("one").groups, [group("g")]);
}

pub(super) async fn a_time_before_ones_joining_begins_with_the_joining(f: &Grouped) {
    f.made("a", "g", PastShown::FromJoin, &[]).await;
    f.said("a", "g", "unseen").await.expect("kept");
    f.wish("a", "g", Wish::Add(vec![user("b")])).await.expect("b is added");
    f.said("a", "g", "seen").await.expect("kept");
    let range = HistoryRange::At(Millis(0));
    let query = HistoryQuery { user: user("b"), conversation: conversation("g"), range, limit: 9 };
    let page = f.store.store.history(query).await.expect("a page is read");
    assert_eq!((page.entries.len(), page.covers), (2, Some((Seq(3), Seq(4)))));
}

const USERS: [&str; 5] = ["o", "a", "b", "c", "d"];
const STEPS: usize = 400;

/// One group as a recount sees it.
#[derive(Default)]
struct Log {
    /// Who made each entry, whether it is a message, and who was in, or came or went by it.
    entries: Vec<(usize, bool, [bool; USERS.len()])>,
    inside: [bool; USERS.len()],
    /// From where on each may see, and is told, since when they are in.
    past: BTreeMap<usize, u64>,
    read: [u64; USERS.len()],
}

pub(super) async fn random_groups_agree_with_a_recount(f: &Grouped) {
    for (seed, past) in
        [(0x51, PastShown::FromJoin), (0x1_234, PastShown::All), (99, PastShown::All)]
    {
        println!("seed: {seed}");
        run(f, seed, past).await;
    }
}

async fn run(f: &Grouped, seed: u64, past: PastShown) {
    let mut state = seed | 1;
    let mut below = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let name = format!("g{seed}");
    let names: Vec<String> = USERS.iter().map(|short| format!("{seed}-{short}")).collect();
    f.made(&names[0], &name, past, &[]).await;
    let mut log = Log { inside: [true, false, false, false, false], ..Log::default() };
    log.entries.push((0, false, log.inside));
    log.read[0] = 0;
    for step in 0..STEPS {
        let who = below(USERS.len());
        let seq = log.entries.len() as u64 + 1;
        match below(8) {
            0 if who > 0 => {
                let added = f.wish(&names[0], &name, Wish::Add(vec![user(&names[who])])).await;
                let done = added.expect("the owner may").done;
                assert_eq!(matches!(done, Done::Committed { .. }), !log.inside[who], "{step}");
                if !log.inside[who] {
                    log.inside[who] = true;
                    log.entries.push((0, false, log.inside));
                    log.read[who] = seq - 1;
                    let from = if past == PastShown::All { 1 } else { seq };
                    log.past.entry(who).and_modify(|was| *was = from.min(*was)).or_insert(from);
                }
            }
            1 if who > 0 && log.inside[who] => {
                let leaves = below(2) == 0;
                let outcome = match leaves {
                    true => f.wish(&names[who], &name, Wish::Leave).await,
                    false => f.wish(&names[0], &name, Wish::Kick(user(&names[who]))).await,
                };
                outcome.expect("they are in");
                log.entries.push((if leaves { who } else { 0 }, false, log.inside));
                log.inside[who] = false;
            }
            2 if log.inside[who] => {
                let up_to = 1 + below(log.entries.len()) as u64;
                let kind = MarkKind::Read(device(""));
                f.store.mark(&names[who], conversation(&name), up_to, kind).await;
                if log.may_see(who, up_to, past) {
                    log.read[who] = log.read[who].max(up_to);
                }
            }
            _ => match f.said(&names[who], &name, &step.to_string()).await {
                Ok(appended) => {
                    assert!(log.inside[who], "{step}: a stranger spoke");
                    assert_eq!(appended.seq, Seq(seq));
                    log.entries.push((who, true, log.inside));
                }
                Err(error) => {
                    assert_eq!(refusal::<()>(Err(error)), Refusal::NotAMember);
                    assert!(!log.inside[who], "{step}: a member was refused");
                }
            },
        }
    }
    compare(f, &name, &names, &log, past).await;
}

impl Log {
    fn told(&self, who: usize, seq: u64) -> bool {
        self.entries[seq as usize - 1].2[who]
    }

    /// Whether somebody may see an entry: where the past is shown, also what was before the last
    /// time they came in.
    fn may_see(&self, who: usize, seq: u64, past: PastShown) -> bool {
        let last_in = (1..=self.entries.len() as u64).rev().find(|seq| self.told(who, *seq));
        match (past, last_in) {
            (_, None) => false,
            (PastShown::All, Some(last)) => seq <= last,
            (PastShown::FromJoin, Some(_)) => self.told(who, seq),
        }
    }
}

async fn compare(f: &Grouped, name: &str, names: &[String], log: &Log, past: PastShown) {
    let all = 1..=log.entries.len() as u64;
    for (who, of) in names.iter().enumerate() {
        let visible: Vec<u64> = all.clone().filter(|seq| log.may_see(who, *seq, past)).collect();
        for forwards in [true, false] {
            let read = f.history(of, name, forwards).await;
            assert_eq!(read.unwrap_or_default(), visible, "{of} reads, forwards: {forwards}");
        }
        if visible.is_empty() {
            continue;
        }
        let seqs = |entries: &[Arc<Entry>]| -> Vec<u64> {
            let here = entries.iter().filter(|entry| entry.conversation == conversation(name));
            here.map(|entry| entry.seq.0).collect()
        };
        let told: Vec<u64> = all.clone().filter(|seq| log.told(who, *seq)).collect();
        let by_others: Vec<u64> =
            told.iter().copied().filter(|seq| log.entries[*seq as usize - 1].0 != who).collect();
        let since = f.store.since(of, Position(0), 7).await;
        assert_eq!(seqs(&since), by_others, "{of} since the beginning");
        let behind = f.store.store.behind(user(of), Position(0), Whose::Everyone, 9_999).await;
        assert_eq!(behind.expect("it is counted").entries, told.len(), "{of} is behind");
        // What was read was delivered, and who comes in has nothing to confirm of what was before.
        let (undelivered, _) = f.store.undelivered(of, "", 5).await;
        let expected: Vec<u64> =
            by_others.iter().copied().filter(|seq| *seq > log.read[who]).collect();
        assert_eq!(seqs(&undelivered), expected, "undelivered to {of}");
        let page = f.store.store.conversations(user(of), None, 9).await.expect("a page");
        let line = page.conversations.iter().find(|line| line.conversation == conversation(name));
        let line = line.expect("it is listed");
        let head = *visible.last().expect("not empty");
        assert_eq!(line.head, Seq(head));
        let unread = (log.read[who] + 1..=head).filter(|seq| {
            let (by, is_message, _) = log.entries[*seq as usize - 1];
            is_message && by != who
        });
        assert_eq!(line.unread as usize, unread.count(), "unread of {of}");
        assert!(matches!(&line.last.body, Body::Said(_)) == log.entries[head as usize - 1].1);
        let role = line.group.as_ref().expect("it is a group's").role;
        assert_eq!(role.is_some(), log.inside[who]);
        let query =
            MembersQuery { viewer: user(of).into(), group: group(name), after: None, limit: 9 };
        match f.groups.members(query).await {
            Ok(page) => {
                assert!(log.inside[who]);
                let inside = log.inside.iter().filter(|inside| **inside).count();
                assert_eq!((page.members.len(), page.count), (inside, inside as u64));
            }
            Err(_) => assert!(!log.inside[who]),
        }
    }
}

pub(super) async fn a_suspended_member_neither_says_nor_changes_anything(f: &Grouped) {
    f.made("a", "owls", PastShown::FromJoin, &["b"]).await;
    f.said("b", "owls", "before").await.expect("it is kept");
    let suspend = Deed::Suspend { until: None, reason: "spam".into() };
    let act = Act {
        by: user("m"),
        role: Role::Moderator,
        cause: Cause::User(user("b")),
        deed: suspend,
        note: None,
        client_id: None,
        now: NOW,
        notices_max: 1,
    };
    f.store.store.moderation().act(act).await.expect("it is done");
    let said = f.said("b", "owls", "after").await;
    assert!(matches!(said, Err(StoreError::Suspended { until: None })), "{said:?}");
    let made = f.wish("b", "mice", create(PastShown::FromJoin, &[])).await;
    assert!(matches!(made, Err(StoreError::Suspended { until: None })), "{made:?}");
    f.said("a", "owls", "others go on").await.expect("it is kept");
    assert_eq!(f.history("a", "owls", true).await, Some(vec![1, 2, 3]));
}

pub(super) async fn a_groups_own_rules_are_kept_with_it(g: &Grouped) {
    for name in ["g1", "g2"] {
        g.made("a", name, PastShown::FromJoin, &["b"]).await;
    }
    let rules = |word: &str| {
        let words = vec![word.into(), "é\"".into()];
        Some(GroupRules { words, action: Action::Mask })
    };
    let ruled = async |after: Option<&str>| {
        let page = g.groups.ruled(after.map(group), 1).await.expect("they are read");
        page.into_iter().map(|(of, rules)| (of.as_str().to_owned(), rules)).collect::<Vec<_>>()
    };
    let denied = g.wish("b", "g1", Wish::SetRules(rules("x"))).await;
    assert!(matches!(denied, Err(StoreError::Refused(why)) if *why == Refusal::NotAllowed));
    assert_eq!(ruled(None).await, []);
    for (name, word) in [("g1", "x"), ("g1", "y"), ("g2", "z")] {
        let done = g.wish("a", name, Wish::SetRules(rules(word))).await.expect("it may").done;
        assert!(matches!(done, Done::Committed { .. }));
        let again = g.wish("a", name, Wish::SetRules(rules(word))).await.expect("it may").done;
        assert_eq!(again, Done::Unchanged);
    }
    let last = g.store.sink.heard.lock().last().map(|last| last.entry.body.clone());
    assert_eq!(last, Some(Body::Changed(Change::RulesSet(rules("z")))));
    let y = [("g1".to_owned(), rules("y").expect("some"))];
    assert_eq!((ruled(None).await, ruled(Some("g2")).await), (y.to_vec(), vec![]));
    assert_eq!(ruled(Some("g1")).await, [("g2".to_owned(), rules("z").expect("some"))]);
    g.wish("a", "g1", Wish::SetRules(None)).await.expect("it may");
    g.wish("a", "g2", Wish::Delete).await.expect("it may");
    assert_eq!(ruled(None).await, []);
}
