//! The part of the checker that asks about receipts: no watermark may be beyond what its user's
//! devices saw (`delivered`) or said (`read`), none may be behind what was acknowledged, and nobody
//! may be told more than it says.

use std::collections::{HashMap, HashSet};

use crate::checker::{Claims, Verdict};
use crate::history::{History, Mark, Receipt, Watermark};
use crate::membership::Views;

/// Does each watermark equal what its user's devices saw and said?
pub(crate) fn check(history: &History, views: &Views<'_>, claims: Claims, verdict: &mut Verdict) {
    let mut marks: HashMap<(&str, &str), &Watermark> = HashMap::new();
    for summary in &history.summaries {
        for mark in &summary.watermarks {
            let place = (mark.user.as_str(), summary.conversation.as_str());
            if *marks.entry(place).or_insert(mark) != mark {
                verdict.wrong.push(format!("{} in {}: two watermarks", place.0, place.1));
            }
        }
    }
    let mut seen: HashMap<(&str, &str), u64> = HashMap::new();
    for push in &history.seen {
        let place = (push.by.user.as_str(), push.message.conversation.as_str());
        let seq = seen.entry(place).or_default();
        *seq = push.message.seq.max(*seq);
    }
    for message in history.log.values().flatten().filter(|_| claims == Claims::ByPosition) {
        let seq = seen.entry((&message.from, &message.conversation)).or_default();
        *seq = message.seq.max(*seq);
    }
    let mut read: HashMap<(&str, &str), u64> = HashMap::new();
    for mark in history.given.iter().filter(|mark| mark.receipt == Receipt::Read) {
        let seq = read.entry((&mark.user, &mark.conversation)).or_default();
        *seq = mark.seq.max(*seq);
    }
    let observed: HashSet<&str> = history.devices.iter().map(|name| name.user.as_str()).collect();
    for (place, mark) in marks.iter().filter(|(place, _)| observed.contains(place.0)) {
        // Who joins has nothing to confirm, or to read, of what was before.
        let least = views.before_joining(place.0, place.1);
        let at = |of: &HashMap<(&str, &str), u64>| of.get(place).copied().unwrap_or(0).max(least);
        let (seen, read) = (at(&seen), at(&read));
        let name = format!("{} in {}", place.0, place.1);
        // A device that says how far it is confirms its own messages with what it saw.
        let log = history.log.get(place.1).map_or(&[][..], Vec::as_slice);
        let is_due = |seq, from: &str| from != place.0 && views.is_pushed(place.0, place.1, seq);
        let after = log.iter().skip(seen as usize);
        let own = after.take_while(|message| !is_due(message.seq, &message.from));
        let seen = own.last().map_or(seen, |last| last.seq.max(seen));
        if mark.delivered > seen {
            verdict.wrong.push(format!("{name}: delivered {}, but saw {seen}", mark.delivered));
        }
        if mark.read > read {
            verdict.wrong.push(format!("{name}: read {}, but said {read}", mark.read));
        }
    }
    let up_to = |mark: &Mark| {
        let found = marks.get(&(mark.user.as_str(), mark.conversation.as_str()));
        found.map_or(0, |found| match mark.receipt {
            Receipt::Delivered => found.delivered,
            Receipt::Read => found.read,
        })
    };
    for mark in history.kept.iter().filter(|mark| mark.seq > up_to(mark)) {
        verdict.lost.push(format!("{mark:?}: acked, and the watermark is {}", up_to(mark)));
    }
    for mark in history.told.iter().filter(|mark| mark.seq > up_to(mark)) {
        verdict.wrong.push(format!("{mark:?}: told, and the watermark is {}", up_to(mark)));
    }
}
