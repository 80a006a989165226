//! What is unread and what mentions one, of each conversation and in total, held against a naive
//! count over the log: whatever is sent, read, edited, deleted or hidden, and whoever comes and goes.

use std::collections::BTreeMap;

use parlor_chat::around::port::{Say, Wish as Deed};
use parlor_chat::group::decide::Wish;
use parlor_chat::ids::{ConversationId, MessageId, Seq};
use parlor_chat::own::OwnKind;
use parlor_chat::store::{Append, Badge, Marked, Recipient};

use super::around::{House, about};
use super::model::Dice;
use super::owning::put;
use super::{NOW, dm, text, user, wish};

const STEPS: usize = 600;

/// An entry as far as counting goes.
#[derive(Debug, Clone)]
enum Logged {
    /// A message, with whom it mentions; `None` stands for all.
    Said {
        by: usize,
        mentions: Vec<Option<usize>>,
    },
    Other,
}

/// Where somebody is in a conversation.
#[derive(Debug, Clone, Default)]
struct Place {
    /// First and last entry of each stay; the last has no end while it lasts.
    stays: Vec<(u64, Option<u64>)>,
    read: u64,
    is_muted: bool,
    is_marked: bool,
}

impl Place {
    fn is_in(&self) -> bool {
        self.stays.last().is_some_and(|(_, to)| to.is_none())
    }

    fn may_see(&self, seq: u64) -> bool {
        self.stays.iter().any(|(from, to)| *from <= seq && to.is_none_or(|to| seq <= to))
    }
}

/// A conversation as the model keeps it: all of it.
struct Talk {
    of: ConversationId,
    log: Vec<Logged>,
    places: BTreeMap<usize, Place>,
}

impl Talk {
    fn new(of: ConversationId, members: &[usize], log: Vec<Logged>) -> Self {
        let place = Place { stays: vec![(1, None)], ..Place::default() };
        Self { of, log, places: members.iter().map(|who| (*who, place.clone())).collect() }
    }

    /// What somebody has not read, and what of it mentions them.
    fn count(&self, who: usize) -> (u64, u64) {
        let place = &self.places[&who];
        let head = self.log.len() as u64;
        let end = place.stays.last().and_then(|(_, to)| *to).unwrap_or(head);
        let (mut unread, mut mentioned) = (0, 0);
        for seq in place.read + 1..=end {
            let Logged::Said { by, mentions } = &self.log[seq as usize - 1] else { continue };
            if *by != who {
                unread += 1;
                let is_meant = |it: &Option<usize>| it.is_none_or(|it| it == who);
                mentioned += u64::from(mentions.iter().any(is_meant));
            }
        }
        (unread, mentioned)
    }
}

pub(super) async fn unread_and_mentions_agree_with_a_naive_count(h: &House) {
    for seed in [0x9e37_79b9_7f4a_7c15, 42, 7_777_777] {
        println!("seed: {seed}");
        let dice = &mut Dice(seed);
        let names: Vec<String> = (0..6).map(|n| format!("{seed}u{n}")).collect();
        let mut talks = Vec::new();
        for (group, members) in [("owls", 6), ("mice", 3)] {
            let id = format!("{group}{seed}");
            let others: Vec<&str> = names[1..members].iter().map(String::as_str).collect();
            let of = h.group(&id, &names[0], &others).await;
            let inside: Vec<usize> = (0..members).collect();
            talks.push(Talk::new(of, &inside, vec![Logged::Other]));
        }
        for (a, b) in [(0, 1), (1, 2), (3, 3)] {
            h.base.sent(&names[a], &names[b], "first").await;
            let first = Logged::Said { by: a, mentions: Vec::new() };
            talks.push(Talk::new(dm(&names[a], &names[b]), &[a, b], vec![first]));
        }
        for step in 0..STEPS {
            let talk = dice.below(talks.len());
            one_step(h, dice, &names, &mut talks[talk]).await;
            if step % 20 == 19 {
                compare(h, &names, &talks).await;
            }
        }
    }
}

async fn one_step(h: &House, dice: &mut Dice, names: &[String], talk: &mut Talk) {
    let is_group = talk.of.group_id().is_some();
    let who = match is_group {
        true => dice.below(names.len()),
        false => *talk.places.keys().nth(dice.below(talk.places.len())).expect("one of two"),
    };
    let name = names[who].as_str();
    let head = talk.log.len() as u64;
    let at = 1 + dice.below(head as usize) as u64;
    let is_in = talk.places.get(&who).is_some_and(Place::is_in);
    match dice.below(16) {
        0..=4 if is_in => say(h, dice, names, talk, who).await,
        5..=7 => {
            let sees = talk.places.get(&who).is_some_and(|place| place.may_see(at));
            let marked = h.base.read(name, talk.of.clone(), at).await;
            assert_eq!(marked != Marked::NotFound, sees, "{name} reads {at} of {:?}", talk.of);
            if let Some(place) = talk.places.get_mut(&who).filter(|_| sees) {
                place.read = place.read.max(at);
                place.is_marked = false;
            }
        }
        8 if is_in => {
            h.base.delivered(name, "", talk.of.clone(), head).await;
        }
        9 if is_group && who > 0 => come_or_go(h, dice, names, talk, who).await,
        10..=12 if is_in => {
            let deed = match dice.below(3) {
                0 => Deed::Edit(text(&head.to_string())),
                1 => Deed::Delete,
                _ => Deed::React(super::around::emoji("👍")),
            };
            let is_deletion = deed == Deed::Delete;
            if let Ok(Some(seq)) = h.does(about(name, &talk.of, at, deed)).await {
                assert_eq!(seq, head + 1);
                // What is deleted is still unread, and mentions nobody.
                if let (true, Logged::Said { mentions, .. }) =
                    (is_deletion, &mut talk.log[at as usize - 1])
                {
                    mentions.clear();
                }
                talk.log.push(Logged::Other);
            }
        }
        13 if is_in => {
            let message = MessageId::new(&talk.of, Seq(at));
            put(&h.base, name, OwnKind::Hidden, message.as_str(), Some("{}")).await;
        }
        14 if is_in => {
            let Some(place) = talk.places.get_mut(&who) else { return };
            place.is_muted = !place.is_muted;
            // One that is over is none.
            let until = [NOW.0 + 1, NOW.0][usize::from(!place.is_muted)].to_string();
            put(&h.base, name, OwnKind::Muted, talk.of.as_str(), Some(&until)).await;
        }
        15 if is_in => {
            let Some(place) = talk.places.get_mut(&who) else { return };
            place.is_marked = true;
            put(&h.base, name, OwnKind::Unread, talk.of.as_str(), Some("true")).await;
        }
        _ => {}
    }
}

async fn say(h: &House, dice: &mut Dice, names: &[String], talk: &mut Talk, who: usize) {
    let inside: Vec<usize> =
        talk.places.iter().filter(|(_, place)| place.is_in()).map(|(who, _)| *who).collect();
    let by = names[who].as_str();
    let Some(group) = talk.of.group_id() else {
        let other = inside.iter().copied().find(|other| *other != who).unwrap_or(who);
        h.base.sent(by, &names[other], "x").await;
        talk.log.push(Logged::Said { by: who, mentions: Vec::new() });
        return;
    };
    let meant: Vec<usize> = (0..dice.below(3)).map(|_| inside[dice.below(inside.len())]).collect();
    let mentions_all = dice.below(5) == 0;
    let append = Append { to: Recipient::Group(group), ..wish(by, by, "x", None) };
    let say = Say {
        mentions: meant.iter().map(|who| user(&names[*who])).collect(),
        mentions_all,
        mention_all_members_max: 32,
        ..Say::plain(append)
    };
    let appended = h.around.say(say).await.expect("a member may");
    assert_eq!(appended.seq.0, talk.log.len() as u64 + 1);
    let mentions = meant.into_iter().map(Some).chain(mentions_all.then_some(None)).collect();
    talk.log.push(Logged::Said { by: who, mentions });
}

async fn come_or_go(h: &House, dice: &mut Dice, names: &[String], talk: &mut Talk, who: usize) {
    let group = talk.of.group_id().expect("a group's");
    let name = user(&names[who]);
    let next = talk.log.len() as u64 + 1;
    let place = talk.places.entry(who).or_default();
    let (by, wish) = match (place.is_in(), dice.below(2)) {
        (true, 0) => (who, Wish::Leave),
        (true, _) => (0, Wish::Kick(name)),
        (false, _) => (0, Wish::Add(vec![name])),
    };
    h.change_group(group.as_str(), &names[by], wish).await;
    talk.log.push(Logged::Other);
    match place.stays.last_mut().filter(|(_, to)| to.is_none()) {
        Some(stay) => stay.1 = Some(next),
        None => {
            place.stays.push((next, None));
            place.read = next - 1;
        }
    }
}

async fn compare(h: &House, names: &[String], talks: &[Talk]) {
    for (who, name) in names.iter().enumerate() {
        let page = h.base.store.conversations(user(name), None, 99).await.expect("a page");
        let mut badge = Badge::default();
        for talk in talks.iter().filter(|talk| talk.places.contains_key(&who)) {
            let line = page.conversations.iter().find(|line| line.conversation == talk.of);
            let line = line.expect("it is listed");
            let (unread, mentions) = talk.count(who);
            assert_eq!((line.unread, line.mentions), (unread, mentions), "{name} {:?}", talk.of);
            let place = &talk.places[&who];
            badge.mentions += mentions;
            if !place.is_muted {
                badge.unread += unread;
                badge.conversations += u64::from(unread > 0 || place.is_marked);
            }
        }
        assert_eq!(h.base.store.badge(user(name), NOW).await.expect("it is read"), badge, "{name}");
    }
}
