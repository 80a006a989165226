//! Random deeds against a model that keeps the log and counts anew each time.

use std::collections::{BTreeMap, BTreeSet};

use parlor_chat::around::MessageState;
use parlor_chat::around::port::Wish;
use parlor_chat::entry::Body;
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::refusal::Refusal;

use super::around::{House, about, emoji};
use super::{dm, said, text, user};

const EMOJIS: [&str; 4] = ["👍", "👎", "❤️", "x"];
const STEPS: usize = 500;

/// A message, as far as the model knows it.
#[derive(Default)]
struct Message {
    from: String,
    /// Every content it had, the newest last; none once it is gone.
    contents: Vec<String>,
    /// Who reacts with what, and in which order the emojis came.
    reactions: BTreeSet<(String, &'static str)>,
    order: Vec<&'static str>,
    is_pinned: bool,
}

/// Small and repeatable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

pub(super) async fn random_deeds_agree_with_a_recount(h: &House) {
    for seed in [0x9e37_79b9_7f4a_7c15, 42, 7_777_777] {
        println!("seed: {seed}");
        let dice = &mut Dice(seed);
        let of = h.group(&format!("g{seed}"), "a", &["b", "c"]).await;
        run(h, dice, &of, &["a", "b", "c"]).await;
        let (a, b) = (format!("{seed}a"), format!("{seed}b"));
        h.base.sent(&a, &b, "0").await;
        run(h, dice, &dm(&a, &b), &[&a, &b]).await;
    }
}

async fn run(h: &House, dice: &mut Dice, of: &ConversationId, users: &[&str]) {
    let mut log: BTreeMap<u64, Message> = BTreeMap::new();
    let mut head = 1;
    if of.group_id().is_none() {
        let from = users[0].to_owned();
        log.insert(1, Message { from, contents: vec!["0".into()], ..Message::default() });
    }
    for step in 0..STEPS {
        let by = users[dice.below(users.len())];
        if log.is_empty() || dice.below(6) == 0 {
            head = match of.group_id() {
                Some(_) => h.says(by, of, &step.to_string()).await,
                None => {
                    let other = users.iter().find(|user| **user != by).expect("two");
                    h.base.sent(by, other, &step.to_string()).await.seq.0
                }
            };
            let contents = vec![step.to_string()];
            log.insert(head, Message { from: by.into(), contents, ..Message::default() });
            continue;
        }
        let at = *log.keys().nth(dice.below(log.len())).expect("within it");
        let message = log.get_mut(&at).expect("it is there");
        let (wish, expected) = deed(dice, message, by, of.group_id().is_some());
        let before = head;
        let done = h.does(about(by, of, at, wish.clone())).await;
        if let Ok(Some(seq)) = done {
            assert_eq!(seq, before + 1);
            head = seq;
        }
        assert_eq!(done.map(|seq| seq.is_some()), expected, "{by} {wish:?} of {at}");
    }
    for who in users {
        compare(h, of, &log, who).await;
    }
}

/// Some wish, and what is to come of it; the model does it at once.
fn deed(
    dice: &mut Dice,
    message: &mut Message,
    by: &str,
    is_group: bool,
) -> (Wish, Result<bool, Refusal>) {
    let is_own = message.from == by;
    let is_gone = message.contents.is_empty();
    let gone = Err(Refusal::MessageDeleted);
    let with = EMOJIS[dice.below(EMOJIS.len())];
    let mine = (by.to_owned(), with);
    match dice.below(12) {
        0..=3 => {
            let wish = Wish::React(emoji(with));
            if is_gone {
                return (wish, gone);
            }
            if !message.order.contains(&with) {
                message.order.push(with);
            }
            (wish, Ok(message.reactions.insert(mine)))
        }
        4..=6 => {
            let wish = Wish::Unreact(emoji(with));
            if is_gone {
                return (wish, gone);
            }
            let was = message.reactions.remove(&mine);
            let left: Vec<_> = message.reactions.iter().map(|(_, emoji)| *emoji).collect();
            message.order.retain(|emoji| left.contains(emoji));
            (wish, Ok(was))
        }
        7 | 8 => {
            let new = dice.below(3).to_string();
            let wish = Wish::Edit(text(&new));
            if !is_own {
                return (wish, Err(Refusal::NotAllowed));
            }
            if is_gone {
                return (wish, gone);
            }
            let is_new = message.contents.last() != Some(&new);
            if is_new {
                message.contents.push(new);
            }
            (wish, Ok(is_new))
        }
        9 => {
            // Of the group's members only `a`, its owner, may delete what others said.
            let may = is_own || is_group && by == "a";
            if !may {
                return (Wish::Delete, Err(Refusal::NotAllowed));
            }
            *message = Message { from: std::mem::take(&mut message.from), ..Message::default() };
            (Wish::Delete, Ok(!is_gone))
        }
        number => {
            let pins = number == 10;
            let wish = if pins { Wish::Pin } else { Wish::Unpin };
            if is_group && by != "a" {
                return (wish, Err(Refusal::NotAllowed));
            }
            if is_gone {
                return (wish, gone);
            }
            (wish, Ok(std::mem::replace(&mut message.is_pinned, pins) != pins))
        }
    }
}

async fn compare(h: &House, of: &ConversationId, log: &BTreeMap<u64, Message>, who: &str) {
    let page = h.page(who, of).await;
    assert!(!page.more);
    let messages: Vec<_> = page.entries.iter().filter(|entry| entry.body.is_message()).collect();
    assert_eq!(messages.len(), log.len());
    let mut pinned = 0;
    for entry in messages {
        let expected = &log[&entry.seq.0];
        let state = page.states.get(&entry.seq).cloned().unwrap_or_default();
        let Some(newest) = expected.contents.last() else {
            assert_eq!((&entry.body, state), (&Body::Gone, MessageState::default()));
            continue;
        };
        assert_eq!(said(entry), text(&expected.contents[0]).0.as_ref());
        let is_edited = expected.contents.len() > 1;
        assert_eq!(state.edited.map(|(content, _)| content), is_edited.then(|| text(newest)));
        let shown: Vec<_> = state
            .reactions
            .iter()
            .map(|reaction| (reaction.emoji.as_str(), reaction.count as usize, reaction.mine))
            .collect();
        let counted: Vec<_> = expected
            .order
            .iter()
            .map(|emoji| {
                let of = expected.reactions.iter().filter(|(_, with)| with == emoji);
                let mine = expected.reactions.contains(&(who.to_owned(), *emoji));
                (*emoji, of.count(), mine)
            })
            .collect();
        assert_eq!(shown, counted);
        assert_eq!(state.pinned, expected.is_pinned);
        pinned += usize::from(expected.is_pinned);
    }
    let pins = h.around.pins(user(who), of.clone()).await.expect("pins are read");
    assert_eq!(pins.len(), pinned);
    assert!(pins.iter().all(|pin| log[&pin.message.seq.0].is_pinned));
    let listed = h.base.store.conversations(user(who), None, 100).await.expect("a page is read");
    let line = listed.conversations.iter().find(|line| line.conversation == *of).expect("listed");
    let others = log.values().filter(|message| message.from != who).count();
    assert_eq!(line.unread as usize, others);
    let newest = log.keys().next_back().copied().map(Seq);
    let message = line.message.as_ref().map_or(&line.last, |(message, _)| message);
    assert_eq!(Some(message.seq), newest);
}
