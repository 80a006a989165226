//! Random commands against a model that keeps whole logs and counts anew each time.

use std::collections::BTreeMap;

use parlor_chat::ids::Seq;
use parlor_chat::store::{MarkKind, Marked};

use super::{Fixture, device, dm, user};

const USERS: [&str; 4] = ["a", "b", "c", "d"];
const DEVICES: [&str; 3] = ["", "phone", "laptop"];
const STEPS: usize = 600;

/// One conversation: who said each entry, and how far its members are.
#[derive(Default)]
struct Log {
    from: Vec<&'static str>,
    read: BTreeMap<&'static str, u64>,
    delivered: BTreeMap<(&'static str, &'static str), u64>,
}

impl Log {
    /// How far a user is on any device; the shared device is as far as that.
    fn delivered_to(&self, who: &str) -> u64 {
        let of_user = self.delivered.iter().filter(|((user, _), _)| *user == who);
        of_user.map(|(_, seq)| *seq).max().unwrap_or(0)
    }

    fn device(&self, who: &'static str, on: &'static str) -> u64 {
        match on {
            "" => self.delivered_to(who),
            on => self.delivered.get(&(who, on)).copied().unwrap_or(0),
        }
    }

    fn others_after(&self, who: &str, seq: u64) -> Vec<u64> {
        let others = self.from.iter().enumerate().filter(|(_, from)| **from != who);
        others.map(|(at, _)| at as u64 + 1).filter(|at| *at > seq).collect()
    }
}

/// Small and repeatable; the seed is printed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

pub(super) async fn random_commands_agree_with_a_recount(f: &Fixture) {
    for seed in [0x9e37_79b9_7f4a_7c15, 42, 7_777_777] {
        println!("seed: {seed}");
        // Other names for each seed, since they share the store.
        run(f, &mut Dice(seed), &format!("{seed}-")).await;
    }
}

async fn run(f: &Fixture, dice: &mut Dice, prefix: &str) {
    let name = |short: &str| format!("{prefix}{short}");
    for who in USERS {
        for on in DEVICES {
            f.attached(&name(who), on).await;
        }
    }
    let mut logs: BTreeMap<(&str, &str), Log> = BTreeMap::new();
    for step in 0..STEPS {
        let (a, b) = (USERS[dice.below(4)], USERS[dice.below(4)]);
        let log = logs.entry((a.min(b), a.max(b))).or_default();
        let head = log.from.len() as u64;
        if head == 0 || dice.below(3) > 0 {
            let appended = f.sent(&name(a), &name(b), &step.to_string()).await;
            log.from.push(a);
            assert_eq!(appended.seq, Seq(head + 1));
            continue;
        }
        let (on, seq) = (DEVICES[dice.below(3)], 1 + dice.below(head as usize) as u64);
        let reads = dice.below(2) == 0;
        let kind = if reads { MarkKind::Read(device(on)) } else { MarkKind::Delivered(device(on)) };
        let marked = f.mark(&name(a), dm(&name(a), &name(b)), seq, kind).await;
        let unheard = |log: &Log| {
            let delivered = log.others_after(a, log.delivered_to(a)).len();
            (delivered, log.others_after(a, log.read.get(a).copied().unwrap_or(0)).len())
        };
        let before = unheard(log);
        let delivered = log.delivered.entry((a, on)).or_default();
        *delivered = seq.max(*delivered);
        if reads {
            let read = log.read.entry(a).or_default();
            *read = seq.max(*read);
        }
        let moved = unheard(log) != before;
        assert_eq!(marked, if moved { Marked::Moved } else { Marked::Unmoved });
    }
    compare(f, &logs, prefix).await;
}

async fn compare(f: &Fixture, logs: &BTreeMap<(&'static str, &'static str), Log>, prefix: &str) {
    let name = |short: &str| format!("{prefix}{short}");
    for who in USERS {
        let of_user: Vec<_> = logs.iter().filter(|((a, b), _)| *a == who || *b == who).collect();
        for on in DEVICES {
            let mut expected = Vec::new();
            for ((a, b), log) in &of_user {
                let seqs = log.others_after(who, log.device(who, on));
                let conversation = dm(&name(a), &name(b));
                expected.extend(seqs.into_iter().map(|seq| (conversation.clone(), Seq(seq))));
            }
            let (entries, _) = f.undelivered(&name(who), on, 7).await;
            let mut got: Vec<_> =
                entries.iter().map(|entry| (entry.conversation.clone(), entry.seq)).collect();
            got.sort();
            expected.sort();
            assert_eq!(got, expected, "undelivered to {who} on {on:?}");
        }
        let page = f.store.conversations(user(&name(who)), None, 100).await.expect("a page");
        assert_eq!(page.conversations.len(), of_user.len());
        for ((a, b), log) in of_user {
            let conversation = dm(&name(a), &name(b));
            let listed = page.conversations.iter().find(|c| c.conversation == conversation);
            let listed = listed.expect("it is listed");
            let read = |of: &str| log.read.get(of).copied().unwrap_or(0);
            assert_eq!(listed.head, Seq(log.from.len() as u64));
            assert_eq!(listed.unread as usize, log.others_after(who, read(who)).len());
            for marks in &listed.watermarks {
                let of = marks.user.as_str().trim_start_matches(prefix);
                assert_eq!(marks.read, Seq(read(of)));
                assert_eq!(marks.delivered, Seq(log.delivered_to(of)));
            }
        }
    }
    let head = f.head_position().await;
    assert!(f.since(&name("a"), head, 5).await.is_empty());
}
