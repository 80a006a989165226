use proptest::prelude::*;

use super::*;

/// A subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Subscriber(u64);

type Presence = super::Presence<Subscriber>;

const GRACE_MS: u64 = 10_000;
const GATHER_MS: u64 = 250;

fn bounds() -> Bounds {
    let (grace_ms, gather_ms) = (GRACE_MS, GATHER_MS);
    let (subscriptions_max, in_grace_max, remembered_max) = (4, 1_000, 100);
    Bounds { grace_ms, gather_ms, subscriptions_max, in_grace_max, remembered_max }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("an id in a test")
}

/// Subscribes and lets the answer out.
fn subscribed(presence: &mut Presence, by: u64, to: &str, here: bool, now: u64) -> View {
    let (by, to) = (Subscriber(by), user(to));
    let users = [(to.clone(), here)];
    let ticket = presence.subscribe(by, &user("viewer"), &users).expect("few enough");
    let view = presence.answer(by, &to, here, Sight::FULL, Millis(now));
    presence.answered(by, &[to], ticket);
    view
}

/// All that is told at a time.
fn told(presence: &mut Presence, now: u64) -> Vec<(u64, bool)> {
    let mut all = Vec::new();
    for user in presence.due(Millis(now), usize::MAX) {
        let tells = presence.tell(&user, |_| Sight::FULL);
        all.extend(tells.iter().map(|tell| (tell.to.0, tell.view.online)));
    }
    all.sort_unstable();
    all
}

fn offline(since: u64) -> View {
    View { online: false, last_seen: Some(Millis(since)) }
}

const ONLINE: View = View { online: true, last_seen: None };

#[test]
fn a_return_within_the_grace_says_nothing() {
    let mut presence = Presence::new(bounds());
    assert_eq!(subscribed(&mut presence, 1, "a", true, 0), ONLINE);
    presence.changed(&user("a"), false, Millis(1_000));
    assert_eq!(presence.next_due(), Some(Millis(11_000)));
    presence.changed(&user("a"), true, Millis(10_999));
    assert_eq!(presence.next_due(), None);
    assert_eq!(told(&mut presence, 99_000), []);
    assert_eq!(presence.coalesced(), 0);
}

#[test]
fn who_stays_away_is_offline_since_the_last_session_ended() {
    let mut presence = Presence::new(bounds());
    subscribed(&mut presence, 1, "a", true, 0);
    presence.changed(&user("a"), false, Millis(1_000));
    assert_eq!(presence.state(&user("a"), false, Millis(10_999)), State::Online);
    assert_eq!(
        presence.state(&user("a"), false, Millis(11_000)),
        State::Offline(Some(Millis(1_000)))
    );
    assert_eq!(told(&mut presence, 11_249), []);
    let due = presence.due(Millis(11_250), 9);
    assert_eq!(due, [user("a")]);
    let tell = Tell { to: Subscriber(1), view: offline(1_000) };
    assert_eq!(presence.tell(&user("a"), |_| Sight::FULL), [tell]);
    presence.changed(&user("a"), true, Millis(20_000));
    assert_eq!(told(&mut presence, 20_250), [(1, true)]);
}

#[test]
fn several_changes_within_the_window_tell_only_the_last_state() {
    let mut presence = Presence::new(Bounds { grace_ms: 0, ..bounds() });
    subscribed(&mut presence, 1, "a", true, 0);
    for (here, at) in [(false, 10), (true, 20), (false, 30)] {
        presence.changed(&user("a"), here, Millis(at));
    }
    assert_eq!(told(&mut presence, 259), []);
    assert_eq!(told(&mut presence, 260), [(1, false)]);
    assert_eq!(presence.coalesced(), 2);
    for (here, at) in [(true, 300), (false, 310)] {
        presence.changed(&user("a"), here, Millis(at));
    }
    assert_eq!(told(&mut presence, 999), []);
    assert_eq!(presence.coalesced(), 4);
}

#[test]
fn subscriptions_end_at_their_bound_and_count_users_once() {
    let mut presence = Presence::new(bounds());
    let users: Vec<_> = ["a", "b", "c", "d", "a"].map(|name| (user(name), false)).into();
    let by = Subscriber(1);
    assert!(presence.subscribe(by, &user("v"), &users).is_ok());
    assert!(presence.subscribe(by, &user("v"), &users[..2]).is_ok());
    assert_eq!(presence.subscribe(by, &user("v"), &[(user("e"), true)]), Err(TooMany));
    assert_eq!(presence.subscriptions(), 4);
    presence.unsubscribe(by, &[user("a"), user("a"), user("z")]);
    assert!(presence.subscribe(by, &user("v"), &[(user("e"), true)]).is_ok());
    presence.forget(by);
    presence.forget(by);
    assert_eq!(presence.subscriptions(), 0);
    assert!(presence.watched.is_empty() && presence.subscribers.is_empty());
}

#[test]
fn nothing_is_told_before_the_answer_and_nothing_is_missed() {
    let mut presence = Presence::new(bounds());
    let (by, a) = (Subscriber(1), user("a"));
    let all = std::slice::from_ref(&a);
    let first = presence.subscribe(by, &user("v"), &[(a.clone(), false)]).expect("few enough");
    let view = presence.answer(by, &a, false, Sight::FULL, Millis(0));
    assert_eq!(view, View { online: false, last_seen: None });
    let second = presence.subscribe(by, &user("v"), &[(a.clone(), false)]).expect("few enough");
    presence.changed(&a, true, Millis(1));
    assert_eq!(told(&mut presence, 1_000), []);
    presence.answered(by, all, first);
    assert_eq!(told(&mut presence, 1_000), [], "it has asked again");
    presence.answered(by, all, second);
    assert_eq!(told(&mut presence, 1_000), [(1, true)]);
}

#[test]
fn what_was_not_answered_is_as_it_was_before() {
    let mut presence = Presence::new(bounds());
    let (by, a) = (Subscriber(1), user("a"));
    let all = std::slice::from_ref(&a);
    let ask = |presence: &mut Presence, here| {
        presence.subscribe(by, &user("v"), &[(a.clone(), here)]).expect("few enough")
    };
    let (first, second) = (ask(&mut presence, false), ask(&mut presence, false));
    presence.unanswered(by, all, first);
    assert_eq!(presence.subscriptions(), 1, "the second may be answered");
    presence.unanswered(by, all, second);
    assert_eq!(presence.subscriptions(), 0);
    subscribed(&mut presence, 1, "a", false, 0);
    let third = ask(&mut presence, false);
    presence.changed(&a, true, Millis(1));
    assert_eq!(told(&mut presence, 1_000), []);
    presence.unanswered(by, all, third);
    assert_eq!((told(&mut presence, 1_000), presence.subscriptions()), (vec![(1, true)], 1));
}

#[test]
fn what_is_hidden_looks_like_offline_and_a_change_of_sight_is_told() {
    let mut presence = Presence::new(bounds());
    subscribed(&mut presence, 1, "a", true, 0);
    presence.look_again(&user("a"), Millis(5));
    assert_eq!(presence.due(Millis(5), 9), [user("a")]);
    let tells = presence.tell(&user("a"), |_| Sight::NONE);
    assert_eq!(tells, [Tell { to: Subscriber(1), view: View { online: false, last_seen: None } }]);
    assert_eq!(presence.tell(&user("a"), |_| Sight::NONE), []);
    presence.changed(&user("a"), false, Millis(10));
    presence.due(Millis(50_000), 9);
    assert_eq!(presence.tell(&user("a"), |_| Sight::NONE), []);
    let partly = Sight { online: true, last_seen: false };
    let state = State::Offline(Some(Millis(10)));
    assert_eq!(View::new(state, partly).last_seen, None);
    assert_eq!(View::new(state, Sight { online: false, last_seen: true }).last_seen, None);
}

#[test]
fn what_could_not_be_handed_over_is_told_again() {
    let mut presence = Presence::new(bounds());
    subscribed(&mut presence, 1, "a", false, 0);
    presence.changed(&user("a"), true, Millis(0));
    presence.due(Millis(GATHER_MS), 9);
    let tells = presence.tell(&user("a"), |_| Sight::FULL);
    presence.untold(&user("a"), &tells[0], 50);
    assert_eq!(told(&mut presence, GATHER_MS + 49), []);
    assert_eq!(told(&mut presence, GATHER_MS + 50), [(1, true)]);
}

#[test]
fn the_longest_gone_are_forgotten_and_a_flood_ends_their_grace() {
    let mut presence = Presence::new(Bounds { in_grace_max: 2, remembered_max: 1, ..bounds() });
    subscribed(&mut presence, 1, "a", true, 0);
    presence.changed(&user("a"), false, Millis(0));
    presence.changed(&user("b"), false, Millis(1));
    assert_eq!(told(&mut presence, 1_000), []);
    presence.changed(&user("c"), false, Millis(1_000));
    assert_eq!(told(&mut presence, 1_000 + GATHER_MS), [(1, false)]);
    let state = |presence: &mut Presence, name| presence.state(&user(name), false, Millis(10_500));
    assert_eq!(state(&mut presence, "c"), State::Online);
    assert_eq!(state(&mut presence, "b"), State::Offline(Some(Millis(1))));
    assert_eq!(state(&mut presence, "a"), State::Offline(None), "only one is remembered");
    assert_eq!(presence.in_grace(Millis(10_999)).collect::<Vec<_>>(), [&user("c")]);
    assert_eq!(presence.in_grace(Millis(11_000)).count(), 0);
}

/// A restart of all that fifty thousand users run, each watched by three.
#[test]
fn a_storm_tells_as_much_as_subscriptions_warrant() {
    const USERS: u64 = 50_000;
    let mut presence = Presence::new(Bounds { in_grace_max: USERS as usize, ..bounds() });
    let all: Vec<_> = (0..USERS).map(|n| user(&n.to_string())).collect();
    for by in 0..3 * USERS / 4 {
        let of: Vec<_> =
            (0..4).map(|n| (all[((by * 4 + n) % USERS) as usize].clone(), true)).collect();
        let ticket = presence.subscribe(Subscriber(by), &user("v"), &of).expect("few enough");
        for (user, here) in &of {
            presence.answer(Subscriber(by), user, *here, Sight::FULL, Millis(0));
            presence.answered(Subscriber(by), std::slice::from_ref(user), ticket);
        }
    }
    let subscriptions = presence.subscriptions();
    assert_eq!(subscriptions as u64, 3 * USERS);
    let storm = |presence: &mut Presence, here, at| {
        all.iter().for_each(|user| presence.changed(user, here, Millis(at)));
    };
    storm(&mut presence, false, 1_000);
    storm(&mut presence, true, 1_000 + GRACE_MS - 1);
    assert_eq!(told(&mut presence, 100_000).len(), 0);
    storm(&mut presence, false, 200_000);
    let gone = told(&mut presence, 200_000 + GRACE_MS);
    assert_eq!(gone.len(), 0, "the window is not over");
    let gone = told(&mut presence, 200_000 + GRACE_MS + GATHER_MS);
    assert!(gone.len() == subscriptions && gone.iter().all(|(_, online)| !online));
    storm(&mut presence, true, 300_000);
    let back = told(&mut presence, 300_000 + GATHER_MS);
    assert!(back.len() == subscriptions && back.iter().all(|(_, online)| *online));
    assert_eq!(told(&mut presence, 999_000).len(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Changed(u8, bool),
    Subscribe(u8, u8),
    Unsubscribe(u8, u8),
    Forget(u8),
    Tell,
    Fail,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        6 => (0u8..3, any::<bool>()).prop_map(|(user, here)| Step::Changed(user, here)),
        2 => (0u8..3, 0u8..3).prop_map(|(by, of)| Step::Subscribe(by, of)),
        1 => (0u8..3, 0u8..3).prop_map(|(by, of)| Step::Unsubscribe(by, of)),
        1 => (0u8..3).prop_map(Step::Forget),
        4 => Just(Step::Tell),
        1 => Just(Step::Fail),
    ];
    let pause = prop_oneof![Just(0), 1u64..300, 1u64..12_000];
    prop::collection::vec((step, pause), 1..120)
}

/// What the model keeps: since when each user is gone, and what each subscriber was last told.
#[derive(Default)]
struct Model {
    here: [bool; 3],
    gone: [Option<u64>; 3],
    known: HashMap<(u8, u8), bool>,
}

impl Model {
    fn is_online(&self, of: u8, now: u64) -> bool {
        let of = usize::from(of);
        self.here[of] || self.gone[of].is_some_and(|at| now < at + GRACE_MS)
    }
}

fn name(of: u8) -> UserId {
    user(["a", "b", "c"][usize::from(of)])
}

proptest! {
    #[test]
    fn told_states_alternate_and_end_with_the_truth(steps in steps()) {
        let mut presence = Presence::new(Bounds { subscriptions_max: 3, ..bounds() });
        let (mut model, mut now) = (Model::default(), 1u64);
        let steps = steps.into_iter().chain([(Step::Tell, GRACE_MS + 1), (Step::Tell, GATHER_MS)]);
        // The last of them comes behind every grace and window.
        for (step, pause) in steps.chain([(Step::Tell, 0)]) {
            match step {
                Step::Changed(of, here) => {
                    let at = usize::from(of);
                    if model.here[at] && !here {
                        model.gone[at] = Some(now);
                    }
                    model.here[at] = here;
                    // A user who was never here is not known to have left.
                    if here || model.gone[at].is_some() {
                        presence.changed(&name(of), here, Millis(now));
                    }
                }
                Step::Subscribe(by, of) => {
                    let here = model.here[usize::from(of)];
                    let (subscriber, of_user) = (Subscriber(by.into()), name(of));
                    let users = [(of_user.clone(), here)];
                    let ticket = presence.subscribe(subscriber, &user("v"), &users);
                    let at = Millis(now);
                    let view = presence.answer(subscriber, &of_user, here, Sight::FULL, at);
                    presence.answered(subscriber, &[of_user], ticket.expect("few enough"));
                    prop_assert_eq!(view.online, model.is_online(of, now));
                    model.known.insert((by, of), view.online);
                }
                Step::Unsubscribe(by, of) => {
                    presence.unsubscribe(Subscriber(by.into()), &[name(of)]);
                    model.known.remove(&(by, of));
                }
                Step::Forget(by) => {
                    presence.forget(Subscriber(by.into()));
                    model.known.retain(|(other, _), _| *other != by);
                }
                Step::Tell | Step::Fail => {
                    for user in presence.due(Millis(now), usize::MAX) {
                        let of = (0..3).find(|of| name(*of) == user).expect("one of them");
                        for tell in presence.tell(&user, |_| Sight::FULL) {
                            if matches!(step, Step::Fail) {
                                presence.untold(&user, &tell, 5);
                                continue;
                            }
                            let key = (tell.to.0 as u8, of);
                            let known = model.known.insert(key, tell.view.online);
                            prop_assert_eq!(known, Some(!tell.view.online));
                            prop_assert_eq!(tell.view.online, model.is_online(of, now));
                        }
                    }
                }
            }
            prop_assert_eq!(presence.subscriptions(), model.known.len());
            now += pause;
        }
        for ((_, of), known) in &model.known {
            prop_assert_eq!(*known, model.is_online(*of, now));
        }
        prop_assert_eq!(presence.next_due(), None);
    }
}
