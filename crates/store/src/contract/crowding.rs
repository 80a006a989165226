//! Larger groups: who has what of many members, held against what each has marked.

use std::pin::Pin;
use std::sync::Arc;

use parlor_chat::around::port::Say;
use parlor_chat::group::decide::Wish;
use parlor_chat::group::port::{ReceiptCount, ReceiptsQuery};
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::own::OwnKind;
use parlor_chat::store::{AttachDevice, Authority, CommitSink, Mark, MarkKind, Marked, Recipient};

use super::around::{House, MadeWhole};
use super::model::Dice;
use super::owning::put;
use super::{Fixture, NOW, Sink, attach, counting, device, user};

/// Members up to which a group is told of each of them, in the stores of these claims.
pub const CROWD_MEMBERS_MAX: u64 = 3;

type Claim = for<'a> fn(&'a House) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! claims {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |house| Box::pin($module::$name(house)))),*]
    };
}

use self as crowding;

const CLAIMS: &[(&str, Claim)] = claims![
    crowding::a_mark_says_over_what_it_moved_where_many_are_in,
    crowding::who_has_a_message_is_listed_and_counted,
    crowding::what_the_system_says_is_counted_of_all_members,
    crowding::each_named_device_has_its_own_mark_however_many_there_are,
    crowding::a_device_that_was_away_learns_of_the_users_own_marks,
    crowding::random_crowds_agree_with_a_recount,
    counting::unread_and_mentions_agree_with_a_naive_count,
];

/// Runs the claims about larger groups, each on a store of its own to which more than
/// [`CROWD_MEMBERS_MAX`] members are many.
///
/// # Panics
/// When a claim does not hold.
pub async fn run_crowds<G>(make: impl Fn(Arc<dyn CommitSink>) -> MadeWhole<G>) {
    for (name, claim) in CLAIMS {
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
    /// Who has an entry as somebody sees it, read in pages of two: whether they have read it.
    async fn receipts(&self, who: &str, of: &ConversationId, seq: u64) -> Vec<(String, bool)> {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let group = of.group_id().expect("a group's");
            let query = ReceiptsQuery { user: user(who), group, seq: Seq(seq), after, limit: 2 };
            let page = self.groups.group_receipts(query).await.expect("a page");
            assert!(page.members.len() <= 2);
            listed.extend(page.members.iter().map(|it| (it.user.as_str().to_owned(), it.read)));
            after = page.next;
            if after.is_none() {
                return listed;
            }
        }
    }

    async fn counts(&self, of: &ConversationId, after: u64, up_to: u64) -> Vec<ReceiptCount> {
        let group = of.group_id().expect("a group's");
        self.groups.receipt_counts(group, Seq(after), Seq(up_to), 99).await.expect("counts")
    }
}

fn count(seq: u64, author: &str, delivered: u64, read: u64) -> ReceiptCount {
    ReceiptCount { seq: Seq(seq), author: user(author), delivered, read }
}

fn read_receipts(on: bool) -> Option<&'static str> {
    (!on).then_some("false")
}

async fn a_mark_says_over_what_it_moved_where_many_are_in(h: &House) {
    let few = h.group("few", "a", &["b", "c"]).await;
    let many = h.group("many", "a", &["b", "c", "d"]).await;
    for of in [&few, &many] {
        for n in 2..=6 {
            assert_eq!(h.says("a", of, "x").await, n);
        }
    }
    let f = &h.base;
    let among = |seq| Marked::MovedAmongMany { after: Seq(seq) };
    assert_eq!(f.read("b", few.clone(), 3).await, Marked::Moved);
    // Who came in by the first entry has it.
    assert_eq!(f.delivered("b", "", many.clone(), 4).await, among(0));
    assert_eq!(f.read("b", many.clone(), 6).await, among(0));
    assert_eq!(f.read("b", many.clone(), 6).await, Marked::Unmoved);
    assert_eq!(f.read("c", many.clone(), 2).await, among(0));
    assert_eq!(f.delivered("c", "", many.clone(), 5).await, among(2));
    assert_eq!(f.read("a", many.clone(), 6).await, Marked::Unmoved, "all is their own");
    assert_eq!(f.read("x", many.clone(), 6).await, Marked::NotFound);
    assert_eq!(f.read("b", many.clone(), 7).await, Marked::NotFound);
    assert_eq!(h.groups.group_size(few.group_id().expect("one")).await.expect("it is read"), 3);
    assert_eq!(h.groups.group_size(many.group_id().expect("one")).await.expect("it is read"), 4);
    let marks = vec![("d", 3), ("d", 9), ("d", 5), ("c", 6)].into_iter().map(|(who, seq)| Mark {
        user: user(who),
        conversation: many.clone(),
        seq: Seq(seq),
        kind: MarkKind::Read(device("")),
        now: NOW,
    });
    let marked = f.store.mark(marks.collect()).await.expect("they are answered");
    assert_eq!(marked, [among(0), Marked::NotFound, among(3), among(2)]);
}

async fn who_has_a_message_is_listed_and_counted(h: &House) {
    let of = h.group("owls", "a", &["b", "c", "d", "e"]).await;
    let f = &h.base;
    assert_eq!(h.says("a", &of, "x").await, 2);
    f.read("b", of.clone(), 2).await;
    f.delivered("c", "", of.clone(), 2).await;
    f.read("d", of.clone(), 2).await;
    // One who tells nobody what is read, and is told nothing of it.
    put(f, "e", OwnKind::Privacy, "readReceipts", Some("false")).await;
    f.read("e", of.clone(), 2).await;
    let named = |names: &[(&str, bool)]| -> Vec<(String, bool)> {
        names.iter().map(|(name, read)| ((*name).to_owned(), *read)).collect()
    };
    let all = [("b", true), ("c", false), ("d", true), ("e", false)];
    assert_eq!(h.receipts("a", &of, 2).await, named(&all));
    assert_eq!(h.receipts("e", &of, 2).await, named(&all.map(|(name, _)| (name, false))));
    assert_eq!(h.counts(&of, 0, 2).await, [count(2, "a", 4, 2)]);
    put(f, "e", OwnKind::Privacy, "readReceipts", None).await;
    put(f, "b", OwnKind::Privacy, "readReceipts", Some("false")).await;
    assert_eq!(h.counts(&of, 0, 2).await, [count(2, "a", 4, 2)]);
    assert_eq!(h.receipts("a", &of, 2).await[3], ("e".to_owned(), true));
    // Who says something is not counted for it, who comes later not for what was before.
    assert_eq!(h.says("d", &of, "y").await, 3);
    h.change_group("owls", "a", Wish::Add(vec![user("f")])).await;
    for who in ["a", "d", "f"] {
        f.read(who, of.clone(), 4).await;
    }
    assert_eq!(h.counts(&of, 0, 9).await, [count(2, "a", 4, 2), count(3, "d", 1, 1)]);
    assert_eq!(h.counts(&of, 2, 4).await, [count(3, "d", 1, 1)]);
    assert_eq!(h.receipts("a", &of, 3).await, named(&[("a", true)]));
    // Who goes is counted no more, and who comes back not for what they had then.
    h.change_group("owls", "a", Wish::Kick(user("d"))).await;
    assert_eq!(h.counts(&of, 0, 2).await, [count(2, "a", 3, 1)]);
    h.change_group("owls", "a", Wish::Add(vec![user("d")])).await;
    assert_eq!(h.counts(&of, 0, 2).await, [count(2, "a", 3, 1)]);
    assert!(h.receipts("a", &of, 2).await.iter().all(|(name, _)| name != "d"));
}

async fn what_the_system_says_is_counted_of_all_members(h: &House) {
    let of = h.group("owls", "a", &["b", "c", "d"]).await;
    let append = super::Append {
        to: Recipient::Group(of.group_id().expect("a group's")),
        ..super::wish("system", "a", "hear", None)
    };
    let say = Say { authority: Authority::System, ..Say::plain(append) };
    assert_eq!(h.around.say(say).await.expect("it is kept").seq, Seq(2));
    h.base.read("a", of.clone(), 2).await;
    h.base.delivered("b", "", of.clone(), 2).await;
    assert_eq!(h.counts(&of, 0, 2).await, [count(2, "system", 2, 1)]);
    let listed = h.receipts("c", &of, 2).await;
    assert_eq!(listed, [("a".to_owned(), true), ("b".to_owned(), false)]);
}

async fn each_named_device_has_its_own_mark_however_many_there_are(h: &House) {
    let of = h.group("owls", "a", &["b", "c", "d"]).await;
    let f = &h.base;
    let join = |name: &str| AttachDevice { devices_max: 99, ..attach("b", name, NOW.0) };
    f.store.attach_device(join("first")).await.expect("there is room");
    for _ in 0..9 {
        h.says("a", &of, "x").await;
    }
    let behind = async |on: &str| f.undelivered("b", on, 99).await.0.len();
    assert_eq!(behind("first").await, 10);
    f.delivered("b", "first", of.clone(), 4).await;
    assert_eq!((behind("first").await, behind("").await), (6, 6));
    // A new one starts where its user is.
    for n in 0..40 {
        let name = format!("d{n}");
        f.store.attach_device(join(&name)).await.expect("there is room");
        assert_eq!(behind(&name).await, 6, "{name}");
    }
    for n in 0..40 {
        f.delivered("b", &format!("d{n}"), of.clone(), 5 + n % 3).await;
    }
    for n in 0..40 {
        assert_eq!(behind(&format!("d{n}")).await, 5 - (n as usize % 3), "d{n}");
    }
    assert_eq!((behind("first").await, behind("").await), (6, 3));
    // One that was revoked and comes back is new.
    f.store.revoke_device(user("b"), device("d0"), NOW).await.expect("it goes");
    let later = AttachDevice { now: join("d0").now, token_issued: None, ..join("d0") };
    assert!(f.store.attach_device(later).await.is_err(), "its old tokens open it no more");
    let mut again = join("d0");
    again.token_issued = Some(parlor_chat::entry::Millis(NOW.0 + 1));
    f.store.attach_device(again).await.expect("it comes back");
    assert_eq!(behind("d0").await, 3);
    // What a device has outlives that its user goes and comes back.
    h.change_group("owls", "a", Wish::Kick(user("b"))).await;
    assert_eq!(behind("first").await, 7);
    h.change_group("owls", "a", Wish::Add(vec![user("b")])).await;
    f.delivered("b", "first", of.clone(), 12).await;
    assert_eq!((behind("first").await, behind("").await), (0, 0));
}

async fn a_device_that_was_away_learns_of_the_users_own_marks(h: &House) {
    let of = h.group("owls", "a", &["b", "c", "d"]).await;
    let f = &h.base;
    h.says("a", &of, "x").await;
    let later = parlor_chat::entry::Millis(NOW.0 + 9_000_000);
    let other = super::Append { now: later, ..super::wish("x", "b", "later", None) };
    f.store.append(other).await.expect("it is kept");
    let at = f.head_position().await;
    let moved = async |who: &str| -> Vec<ConversationId> {
        let page = f.store.moved(user(who), at, 9).await.expect("a page");
        page.conversations.into_iter().map(|it| it.conversation).filter(|it| *it == of).collect()
    };
    assert_eq!(moved("c").await, []);
    f.read("c", of.clone(), 2).await;
    assert_eq!(moved("c").await, std::slice::from_ref(&of));
    assert_eq!(moved("d").await, [], "others are told nothing of it");
}

/// What the model knows of a member.
#[derive(Debug, Clone, Default)]
struct Member {
    /// By which entry they came in, while they are in.
    joined: Option<u64>,
    delivered: u64,
    read: u64,
    is_silent: bool,
}

async fn random_crowds_agree_with_a_recount(h: &House) {
    for seed in [0x9e37_79b9_7f4a_7c15, 42, 7_777_777] {
        println!("seed: {seed}");
        let dice = &mut Dice(seed);
        let names: Vec<String> = (0..9).map(|n| format!("{seed}u{n}")).collect();
        let others: Vec<&str> = names[1..].iter().map(String::as_str).collect();
        let of = h.group(&format!("g{seed}"), &names[0], &others).await;
        let there = Member { joined: Some(1), ..Member::default() };
        let mut members = vec![there; names.len()];
        let mut log: Vec<Option<usize>> = vec![None];
        for step in 0..400 {
            random_step(h, dice, &of, &names, &mut members, &mut log).await;
            if step % 20 == 19 {
                compare(h, &of, &names, &members, &log).await;
            }
        }
    }
}

async fn random_step(
    h: &House,
    dice: &mut Dice,
    of: &ConversationId,
    names: &[String],
    members: &mut [Member],
    log: &mut Vec<Option<usize>>,
) {
    let who = dice.below(names.len());
    let next = log.len() as u64 + 1;
    let (name, member) = (names[who].as_str(), &mut members[who]);
    let id = of.group_id().expect("a group's");
    match (dice.below(12), member.joined) {
        (0..=2, Some(_)) => {
            h.says(name, of, "x").await;
            log.push(Some(who));
        }
        (3, joined) if who > 0 => {
            let wish = match joined {
                Some(_) => Wish::Kick(user(name)),
                None => Wish::Add(vec![user(name)]),
            };
            h.change_group(id.as_str(), &names[0], wish).await;
            log.push(None);
            match joined {
                Some(_) => member.joined = None,
                None => {
                    member.joined = Some(next);
                    (member.delivered, member.read) = (next - 1, next - 1);
                }
            }
        }
        (4, _) => {
            member.is_silent = !member.is_silent;
            let value = read_receipts(!member.is_silent);
            put(&h.base, name, OwnKind::Privacy, "readReceipts", value).await;
        }
        (5..=8, Some(joined)) => {
            let seq = joined + dice.below((next - joined) as usize) as u64;
            member.read = member.read.max(seq);
            member.delivered = member.delivered.max(seq);
            h.base.read(name, of.clone(), seq).await;
        }
        (9..=11, Some(joined)) => {
            let seq = joined + dice.below((next - joined) as usize) as u64;
            member.delivered = member.delivered.max(seq);
            h.base.delivered(name, "", of.clone(), seq).await;
        }
        _ => {}
    }
}

async fn compare(
    h: &House,
    of: &ConversationId,
    names: &[String],
    members: &[Member],
    log: &[Option<usize>],
) {
    let mut expected = Vec::new();
    for (seq, author) in (1..).zip(log) {
        let Some(author) = *author else { continue };
        let others = || members.iter().enumerate().filter(|(who, _)| *who != author);
        let has = |member: &Member| {
            member.joined.is_some_and(|joined| joined <= seq) && member.delivered >= seq
        };
        let delivered = others().filter(|(_, member)| has(member)).count() as u64;
        let reads = |member: &Member| has(member) && member.read >= seq && !member.is_silent;
        let read = others().filter(|(_, member)| reads(member)).count() as u64;
        expected.push(count(seq, &names[author], delivered, read));
        let mut listed = h.receipts(&names[0], of, seq).await;
        listed.sort();
        let hears = !members[0].is_silent;
        let list = others().filter(|(_, member)| has(member));
        let list = list.map(|(who, member)| (names[who].clone(), hears && reads(member)));
        assert_eq!(listed, list.collect::<Vec<_>>(), "who has {seq}");
    }
    assert_eq!(h.counts(of, 0, log.len() as u64).await, expected);
}
