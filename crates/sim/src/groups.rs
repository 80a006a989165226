//! The part of the checker that asks about groups: is each change that was acknowledged in the log
//! once, and does what the server says at the end of who is in, who has what and who may read what
//! equal a recount of the logs?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::checker::Verdict;
use crate::history::{Changed, History, Wished};
use crate::membership::Views;

/// Asks all of it.
pub(crate) fn check(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    check_changes(history, verdict);
    check_rosters(history, views, verdict);
    check_read_back(history, views, verdict);
    check_having(history, views, verdict);
}

/// Is each acknowledged change in the log, as it was told, and none more often than it was wished?
fn check_changes(history: &History, verdict: &mut Verdict) {
    let mut wishes: HashMap<(&str, &str), usize> = HashMap::new();
    let by_key: HashMap<&str, &Wished> =
        history.wished.iter().map(|wished| (wished.key.as_str(), wished)).collect();
    for wished in &history.wished {
        *wishes.entry((&wished.conversation, &wished.content)).or_default() += 1;
    }
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (conversation, group) in &history.groups {
        let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
        for entry in log.iter().filter(|entry| group.changes.contains_key(&entry.seq)) {
            *found.entry((conversation, &entry.content)).or_default() += 1;
        }
    }
    for ((conversation, content), times) in found {
        let wished = wishes.get(&(conversation, content)).copied().unwrap_or(0);
        if wished > 0 && times > wished {
            let what = format!("{conversation}: {content}: wished {wished}, there {times} times");
            verdict.doubled.push(what);
        }
    }
    let mut told: HashMap<&str, &Changed> = HashMap::new();
    let mut taken: HashMap<&str, &str> = HashMap::new();
    for changed in &history.changed {
        let name = &changed.key;
        let first = *told.entry(name).or_insert(changed);
        if first != changed {
            let what = format!("{name}: told {} and later {}", first.id, changed.id);
            verdict.disordered.push(what);
        }
        let other = *taken.entry(&changed.id).or_insert(name);
        if other != name {
            verdict.wrong.push(format!("{name}: told {}, as {other} was", changed.id));
        }
        let Some(wished) = by_key.get(name.as_str()) else { continue };
        let log = history.log.get(&wished.conversation).map_or(&[][..], Vec::as_slice);
        match log.get((changed.seq as usize).wrapping_sub(1)) {
            Some(entry) if entry.content == wished.content && entry.from == wished.by => {
                if (&entry.id, entry.ts) != (&changed.id, changed.ts) {
                    let what = format!("{name}: the ack says {}, the log {}", changed.id, entry.id);
                    verdict.wrong.push(what);
                }
            }
            _ => {
                let Wished { content, .. } = wished;
                let what = format!("{name}: {content}: acked as {} and not there", changed.id);
                verdict.lost.push(what);
            }
        }
    }
}

/// Is in each group who came in and did not go?
fn check_rosters(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    for roster in &history.rosters {
        let expected = views.members(&roster.conversation);
        let told: BTreeSet<&str> = roster.members.iter().map(String::as_str).collect();
        let expected: BTreeSet<&str> = expected.into_keys().collect();
        for user in told.symmetric_difference(&expected) {
            let is = if told.contains(user) { "is told as a member" } else { "is not told" };
            verdict.wrong.push(format!("{}: {user} {is}", roster.conversation));
        }
    }
}

/// Does everybody read what they may, and nothing else?
fn check_read_back(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    for read in &history.read_back {
        let log = history.log.get(&read.conversation).map_or(&[][..], Vec::as_slice);
        for entry in log {
            let may_see = views.may_see(&read.user, &read.conversation, entry.seq);
            match (may_see, read.seqs.contains(&entry.seq)) {
                (false, true) => verdict.leaked.push(format!("{} read {}", read.user, entry.id)),
                (true, false) => {
                    verdict.lost.push(format!("{} cannot read {}", read.user, entry.id));
                }
                _ => {}
            }
        }
    }
}

/// Do receipts say what the watermarks of all but the author do?
fn check_having(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    let mut marks = HashMap::new();
    for summary in &history.summaries {
        for mark in &summary.watermarks {
            marks.insert((summary.conversation.as_str(), mark.user.as_str()), mark);
        }
    }
    for having in &history.having {
        let log = history.log.get(&having.conversation).map_or(&[][..], Vec::as_slice);
        let author = log.get((having.seq as usize).wrapping_sub(1)).map(|entry| &*entry.from);
        let others = views.members(&having.conversation).into_iter();
        let others = others.filter(|(user, _)| Some(*user) != author);
        let has = |(user, joined): (&str, u64)| {
            let mark = marks.get(&(having.conversation.as_str(), user))?;
            let has = joined <= having.seq && having.seq <= mark.delivered;
            has.then(|| (user.to_owned(), having.seq <= mark.read))
        };
        let expected: BTreeMap<String, bool> = others.filter_map(has).collect();
        if expected != having.members {
            let (conversation, seq) = (&having.conversation, having.seq);
            let differing: Vec<_> = expected
                .iter()
                .filter(|(user, read)| having.members.get(*user) != Some(read))
                .chain(having.members.iter().filter(|(user, _)| !expected.contains_key(*user)))
                .map(|(user, _)| user.as_str())
                .collect();
            let what = format!("{conversation}: receipts of {seq} differ for {differing:?}");
            verdict.wrong.push(what);
        }
    }
}

#[cfg(test)]
mod tests;
