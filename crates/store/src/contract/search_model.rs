//! Random messages and deeds, and searches held against a scan of what history shows.

use parlor_chat::around::port::Wish;
use parlor_chat::entry::{Content, Millis, Position};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::group::{PastShown, SettingsPatch};
use parlor_chat::ids::{ConversationId, Seq};
use parlor_chat::search::port::{SearchBounds, SearchQuery};
use parlor_chat::store::{Append, HistoryQuery, HistoryRange, StoreError};

use super::around::{House, about};
use super::searching::{BOUNDS, looking};
use super::{NOW, dm, user, wish};

const STEPS: usize = 600;
const USERS: [&str; 4] = ["a", "b", "c", "d"];
const WORDS: [&str; 8] = ["owl", "Owlet", "crow", "Krähe", "in", "the", "tree", "我们"];

/// Small and repeatable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn of<'a>(&mut self, some: &[&'a str]) -> &'a str {
        some[self.below(some.len())]
    }

    fn text(&mut self) -> String {
        let words = 1 + self.below(4);
        (0..words).map(|_| self.of(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn content(&mut self) -> Content {
        let text = self.text();
        Content(match self.below(8) {
            0 => format!("{{\"text\":\"{text}\",\"n\":1}}").into(),
            1 => format!("{{\"title\":\"{text}\"}}").into(),
            _ => format!("\"{text}\"").into(),
        })
    }
}

pub(super) async fn random_searches_agree_with_a_scan(h: &House) {
    h.base.sent("x", "y", "beginnings").await;
    let page = h.search(looking("x", "beg")).await.expect("a page is read");
    let knows_beginnings = !page.found.is_empty();
    for seed in [0x9e37_79b9_7f4a_7c15, 5, 2_026] {
        println!("seed: {seed}");
        let dice = &mut Dice(seed);
        let name = |name: &str| format!("{name}{seed}");
        let users = USERS.map(name);
        let users = users.each_ref().map(String::as_str);
        let groups = [format!("g{seed}"), format!("h{seed}")];
        let mut places =
            vec![dm(users[0], users[1]), dm(users[0], users[2]), dm(users[1], users[1])];
        for group in &groups {
            places.push(h.group(group, users[0], &users[1..3]).await);
        }
        let settings = SettingsPatch { past: Some(PastShown::All), ..SettingsPatch::default() };
        let update = GroupWish::Update { name: None, settings };
        h.change_group(&groups[1], users[0], update).await;
        for step in 0..STEPS {
            act(h, dice, &users, &places, step).await;
            if step % 12 == 0 || step + 40 > STEPS {
                compare(h, dice, &users, &places, knows_beginnings).await;
            }
        }
    }
}

/// Does something at random; much of it is refused.
async fn act(h: &House, dice: &mut Dice, users: &[&str], places: &[ConversationId], step: usize) {
    let of = &places[dice.below(places.len())];
    let by = dice.of(users);
    let seq = 1 + dice.below(step + 1) as u64;
    match (dice.below(20), of.group_id(), of.direct_members()) {
        (0..=9, Some(group), _) => {
            let to = parlor_chat::store::Recipient::Group(group);
            let append = Append { to, content: dice.content(), ..later(by, by, step) };
            drop(h.base.store.append(append).await);
        }
        (0..=9, None, Some((low, high))) => {
            let (from, to) = if dice.below(2) == 0 { (low, high) } else { (high, low) };
            let append = later(from.as_str(), to.as_str(), step);
            let append = Append { content: dice.content(), ..append };
            h.base.store.append(append).await.expect("it is kept");
        }
        (10..=12, ..) => drop(h.does(about(by, of, seq, Wish::Edit(dice.content()))).await),
        (13, ..) => drop(h.does(about(by, of, seq, Wish::Delete)).await),
        (14 | 15, ..) => {
            let there = h.base.store.entries_at(user(by), vec![(of.clone(), Seq(seq))]).await;
            if there.expect("it is read").into_iter().flatten().next().is_some() {
                h.hides(by, of, seq, dice.below(3) > 0).await;
            }
        }
        (_, Some(group), _) => {
            let other = user(dice.of(users));
            let (by, wish) = match dice.below(4) {
                0 => (users[0], GroupWish::Kick(other)),
                1 => (by, GroupWish::Leave),
                _ => (users[0], GroupWish::Add(vec![other])),
            };
            h.try_group(group.as_str(), by, wish).await;
        }
        _ => {}
    }
}

fn later(from: &str, to: &str, step: usize) -> Append {
    Append { now: Millis(NOW.0 + step as u64), ..wish(from, to, "", None) }
}

/// Searches at random, in pages of a random size, and scans for the same.
async fn compare(
    h: &House,
    dice: &mut Dice,
    users: &[&str],
    places: &[ConversationId],
    knows_beginnings: bool,
) {
    let who = dice.of(users);
    let text = match dice.below(3) {
        0 => dice.of(&["ow", "tr", "kra", "我"]).to_owned(),
        1 => format!("\"{}\"", dice.text()),
        _ => dice.text(),
    };
    let mut query = looking(who, &text);
    query.limit = 1 + dice.below(9);
    if dice.below(3) == 0 {
        query.conversation = Some(places[dice.below(places.len())].clone());
    }
    if dice.below(3) == 0 {
        query.from = Some(user(dice.of(users)));
    }
    if dice.below(4) == 0 {
        query.before = Some(Millis(NOW.0 + dice.below(STEPS) as u64));
    }
    if dice.below(3) == 0 {
        query.bounds = SearchBounds { contents_max: 3, ..BOUNDS };
    }
    let expected = scanned(h, &query, places, knows_beginnings).await;
    let mut found = Vec::new();
    loop {
        match h.around.search(query.clone()).await {
            Err(StoreError::NotFound) => break,
            page => {
                let page = page.expect("a page is read");
                found.extend(page.found.iter().map(|found| found.message.position));
                query.after = page.next;
            }
        }
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected, "{query:?}");
}

async fn scanned(
    h: &House,
    query: &SearchQuery,
    places: &[ConversationId],
    knows_beginnings: bool,
) -> Vec<Position> {
    let wanted = match knows_beginnings {
        true => query.query.clone(),
        false => query.query.clone().of_whole_words(),
    };
    let mut found = Vec::new();
    for conversation in places {
        if query.conversation.as_ref().is_some_and(|only| only != conversation) {
            continue;
        }
        let range = HistoryRange::After(Seq(0), None);
        let (user, conversation) = (query.user.clone(), conversation.clone());
        let page = HistoryQuery { user, conversation, range, limit: 9_999 };
        let Ok(page) = h.base.store.history(page).await else { continue };
        assert!(!page.more, "one page has all of it");
        for entry in page.entries {
            let state = page.states.get(&entry.seq);
            let edited = state.and_then(|state| state.edited.as_ref());
            let newest = edited.map(|(content, _)| content).or(entry.body.said());
            let text = newest.and_then(|content| {
                let json: serde_json::Value = serde_json::from_str(&content.0).expect("JSON");
                json.as_str().or(json["text"].as_str()).map(str::to_owned)
            });
            let is_wanted = query.from.as_ref().is_none_or(|from| *from == entry.from)
                && query.before.is_none_or(|before| entry.ts < before);
            if is_wanted && text.is_some_and(|text| wanted.find(&text, 9).is_some()) {
                found.push(entry.position);
            }
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}
