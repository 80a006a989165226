//! The questions that every run of faults ends with, asked of a [`History`].
//!
//! Lost: an acked message that the log lacks, or one in the log that a device of the other member
//! never saw. Doubled: a send that is in the log twice, or a push repeated within one connection.
//! Disordered: a log that is not dense, an answer that changed, a first sighting out of order, one
//! device's sends in another order than it sent them. Wrong: a body, author or count that differs,
//! a watermark beyond what its user's devices saw or said, or a receipt beyond the watermark; a
//! message said by somebody who might not. Leaked: something seen by somebody who might not. A
//! receipt that was acked and is not in the watermark is lost, and so is what a device waits for in
//! vain. Of changes of groups and of edits the same is asked as of what is said.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::history::{Acked, DeviceName, History, Message, Seen};
use crate::membership::{self, Views};
use crate::{edits, groups, receipts, shown};

/// What the checker found; a kept promise is five empty lists.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Acked and gone, or never seen by a device that should have.
    pub lost: Vec<String>,
    /// Once sent, twice there.
    pub doubled: Vec<String>,
    /// Not in the order promised.
    pub disordered: Vec<String>,
    /// Present, in order, and not what was said.
    pub wrong: Vec<String>,
    /// Seen by somebody who might not see it.
    pub leaked: Vec<String>,
}

impl Verdict {
    /// Whether the promise was kept.
    pub fn is_kept(&self) -> bool {
        self.findings().next().is_none()
    }

    /// Every finding, the kind first.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("disordered", &self.disordered),
            ("wrong", &self.wrong),
            ("leaked", &self.leaked),
        ]
        .into_iter()
        .flat_map(|(kind, list)| list.iter().map(move |text| (kind, text.as_str())))
    }
}

/// Asks all questions.
pub fn check(history: &History) -> Verdict {
    check_until(history, Until::Settled, Claims::BySight)
}

/// When an observation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When everybody had everything.
    Settled,
    /// Earlier: what a device has not seen may still have been on its way.
    Interrupted,
}

/// How devices confirm what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claims {
    /// Message by message: what others said.
    BySight,
    /// Some by their position too, which covers what their own user said.
    ByPosition,
}

/// Asks all questions that the end of the observation allows.
pub fn check_until(history: &History, until: Until, claims: Claims) -> Verdict {
    let mut verdict = Verdict::default();
    check_log(history, &mut verdict);
    check_sends(history, &mut verdict);
    let views = Views::of(history);
    check_devices(history, &views, until, &mut verdict);
    check_summaries(history, &views, &mut verdict);
    receipts::check(history, &views, claims, &mut verdict);
    membership::check_barred(history, &mut verdict);
    membership::check_groups(history, &mut verdict);
    groups::check(history, &views, &mut verdict);
    edits::check(history, &mut verdict);
    shown::check(history, &views, &mut verdict);
    verdict.lost.extend(history.pending.iter().cloned());
    verdict
}

/// Is each log dense, its time never going back?
fn check_log(history: &History, verdict: &mut Verdict) {
    for (conversation, log) in &history.log {
        let mut ts = 0;
        for (index, message) in log.iter().enumerate() {
            let expected = index as u64 + 1;
            if message.seq != expected {
                verdict
                    .disordered
                    .push(format!("{conversation}: seq {} where {expected} belongs", message.seq));
                break;
            }
            if message.ts < ts {
                verdict.disordered.push(format!("{}: time went back", message.id));
            }
            ts = message.ts;
        }
    }
}

/// Is each acked send in the log once, as it was told, and in its device's order?
fn check_sends(history: &History, verdict: &mut Verdict) {
    let mut by_content: HashMap<&str, Vec<&Message>> = HashMap::new();
    for message in history.log.values().flatten() {
        by_content.entry(&message.content).or_default().push(message);
    }
    let mut acks: HashMap<&str, Vec<&Acked>> = HashMap::new();
    for ack in &history.acked {
        acks.entry(&ack.client_id).or_default().push(ack);
    }
    let refused: HashSet<&str> = history.refused.iter().map(String::as_str).collect();
    let mut last_seq: HashMap<(&DeviceName, &str), u64> = HashMap::new();
    for sent in &history.sent {
        let found = by_content.get(sent.content.as_str()).map_or(&[][..], Vec::as_slice);
        let acks = acks.get(sent.client_id.as_str()).map_or(&[][..], Vec::as_slice);
        let name = &sent.client_id;
        if found.len() > 1 {
            verdict.doubled.push(format!("{name}: {} times in the log", found.len()));
        }
        if let Some(other) = acks.iter().find(|ack| **ack != acks[0]) {
            verdict
                .disordered
                .push(format!("{name}: told seq {} and later {}", acks[0].seq, other.seq));
        }
        let Some(message) = found.first() else {
            if !acks.is_empty() {
                verdict.lost.push(format!("{name}: acked and not in the log"));
            }
            continue;
        };
        if message.from != sent.by.user || message.conversation != sent.conversation {
            verdict.wrong.push(format!("{name}: stored as {} by {}", message.id, message.from));
        }
        for ack in acks {
            if (ack.seq, ack.ts, &ack.id) != (message.seq, message.ts, &message.id) {
                verdict
                    .wrong
                    .push(format!("{name}: the ack says {}, the log {}", ack.id, message.id));
            }
        }
        if refused.contains(name.as_str()) {
            continue;
        }
        let last = last_seq.entry((&sent.by, &sent.conversation)).or_default();
        if message.seq <= *last {
            verdict.disordered.push(format!("{name}: committed before an earlier send"));
        }
        *last = message.seq;
    }
    let sent = history.sent.iter().map(|sent| sent.content.as_str());
    let wished = history.wished.iter().map(|wished| wished.content.as_str());
    let known: HashSet<&str> = sent.chain(wished).collect();
    for message in history.log.values().flatten() {
        if !known.contains(message.content.as_str()) {
            verdict.wrong.push(format!("{}: nobody sent this", message.id));
        }
    }
}

/// Did each device see all that others said to it, first sightings in order, repeats only later?
fn check_devices(history: &History, views: &Views<'_>, until: Until, verdict: &mut Verdict) {
    let mut seen: BTreeMap<&DeviceName, BTreeMap<&str, Vec<&Seen>>> = BTreeMap::new();
    for device in &history.devices {
        seen.entry(device).or_default();
    }
    for push in &history.seen {
        let conversations = seen.entry(&push.by).or_default();
        conversations.entry(&push.message.conversation).or_default().push(push);
    }
    for (device, conversations) in &seen {
        let DeviceName { user, device: name } = device;
        let is_app = history.apps.contains(device);
        for (conversation, log) in &history.log {
            let pushes = conversations.get(conversation.as_str()).map_or(&[][..], Vec::as_slice);
            if pushes.is_empty() && !views.knows(user, conversation) {
                continue;
            }
            let due = |message: &Message| {
                message.from != *user
                    && views.is_pushed(user, conversation, message.seq)
                    && (!is_app || views.is_message(conversation, message.seq))
            };
            let first = check_device(device, log, &due, pushes, verdict);
            let unseen = log.iter().filter(|m| !first.contains_key(&m.seq) && due(m));
            for message in unseen.filter(|_| until == Until::Settled) {
                verdict.lost.push(format!("{user}/{name} never saw {}", message.id));
            }
        }
        for push in conversations.values().flatten() {
            let Message { id, conversation, seq, .. } = &push.message;
            if !views.may_see(user, conversation, *seq) {
                verdict.leaked.push(format!("{user}/{name} saw {id}"));
            } else if push.connection > 0 && !is_app && !views.is_pushed(user, conversation, *seq) {
                verdict.wrong.push(format!("{user}/{name} was pushed {id} of the time before"));
            }
        }
    }
}

/// Asks about one device in one conversation; returns what it saw, and on which connection first.
fn check_device(
    device: &DeviceName,
    log: &[Message],
    due: &dyn Fn(&Message) -> bool,
    pushes: &[&Seen],
    verdict: &mut Verdict,
) -> HashMap<u64, u32> {
    let who = format!("{}/{}", device.user, device.device);
    let mut first: HashMap<u64, u32> = HashMap::new();
    let mut highest = 0;
    for push in pushes {
        let message = &push.message;
        match log.get((message.seq as usize).wrapping_sub(1)) {
            Some(kept) if kept == message => {}
            Some(_) => verdict.wrong.push(format!("{who}: {} differs from the log", message.id)),
            None => verdict.wrong.push(format!("{who}: {} is not in the log", message.id)),
        }
        if let Some(connection) = first.get(&message.seq) {
            if *connection == push.connection {
                verdict.doubled.push(format!("{who}: {} twice on one connection", message.id));
            }
            continue;
        }
        first.insert(message.seq, push.connection);
        // What was before one joined can be read at any time.
        if message.from != device.user && !due(message) {
            continue;
        }
        // One's own are no sightings: the connection that sent one is not told of it.
        if message.seq < highest && message.from != device.user {
            verdict.disordered.push(format!("{who}: {} after {highest}", message.id));
        }
        let skipped = log
            .iter()
            .skip(highest as usize)
            .take_while(|kept| kept.seq < message.seq)
            .find(|kept| !first.contains_key(&kept.seq) && due(kept));
        if let Some(skipped) = skipped {
            verdict.disordered.push(format!("{who}: {} before {}", message.id, skipped.id));
        }
        highest = highest.max(message.seq);
    }
    first
}

/// Do the counts that the server tells equal what the log implies?
fn check_summaries(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    for summary in &history.summaries {
        let log = history.log.get(&summary.conversation).map_or(&[][..], Vec::as_slice);
        let seen =
            |message: &&Message| views.may_see(&summary.user, &summary.conversation, message.seq);
        let by_others = |message: &&Message| {
            let counts = views.counts(&summary.conversation, message.seq);
            message.from != summary.user && counts && seen(message)
        };
        let unread = log.iter().filter(|m| m.seq > summary.read).filter(by_others).count() as u64;
        let head = log.iter().rev().find(seen).map_or(0, |message| message.seq);
        let name = format!("{} in {}", summary.user, summary.conversation);
        if summary.unread != unread {
            verdict.wrong.push(format!("{name}: unread {} is {unread}", summary.unread));
        }
        if summary.head != head {
            verdict.wrong.push(format!("{name}: head {} is {head}", summary.head));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Mark, Receipt, Sent, Summary, Watermark};

    fn device(user: &str) -> DeviceName {
        DeviceName { user: user.into(), device: "d".into() }
    }

    fn message(seq: u64, from: &str) -> Message {
        Message {
            id: format!("dm:a:b:{seq}"),
            conversation: "dm:a:b".into(),
            seq,
            from: from.into(),
            content: format!("text {seq}"),
            ts: 1000 + seq,
        }
    }

    fn push(connection: u32, seq: u64) -> Seen {
        Seen { by: device("b"), connection, message: message(seq, "a") }
    }

    fn ack(seq: u64) -> Acked {
        Acked { client_id: format!("key {seq}"), id: format!("dm:a:b:{seq}"), seq, ts: 1000 + seq }
    }

    fn mark(receipt: Receipt, seq: u64) -> Mark {
        Mark { receipt, user: "b".into(), conversation: "dm:a:b".into(), seq }
    }

    fn watermark(user: &str, delivered: u64, read: u64) -> Watermark {
        Watermark { user: user.into(), delivered, read }
    }

    /// Three messages from a to b, all acked and seen, the second pushed again after a reconnect.
    fn kept() -> History {
        let sent = |seq: u64| Sent {
            by: device("a"),
            client_id: format!("key {seq}"),
            conversation: "dm:a:b".into(),
            content: format!("text {seq}"),
        };
        History {
            devices: vec![device("a"), device("b")],
            sent: vec![sent(1), sent(2), sent(3)],
            acked: vec![ack(1), ack(2), ack(2), ack(3)],
            seen: vec![push(1, 1), push(1, 2), push(2, 2), push(2, 3)],
            log: [("dm:a:b".into(), vec![message(1, "a"), message(2, "a"), message(3, "a")])]
                .into(),
            summaries: vec![Summary {
                user: "b".into(),
                conversation: "dm:a:b".into(),
                head: 3,
                unread: 2,
                read: 1,
                watermarks: vec![watermark("a", 0, 0), watermark("b", 3, 1)],
            }],
            given: vec![mark(Receipt::Delivered, 3), mark(Receipt::Read, 1)],
            kept: vec![mark(Receipt::Read, 1)],
            told: vec![mark(Receipt::Delivered, 3), mark(Receipt::Read, 1)],
            ..History::default()
        }
    }

    /// The kinds of findings after `spoil` has had its way with a kept history.
    fn kinds(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
        let mut history = kept();
        spoil(&mut history);
        let verdict = check(&history);
        let mut kinds: Vec<_> = verdict.findings().map(|(kind, _)| kind).collect();
        kinds.dedup();
        kinds
    }

    fn forget_summaries(history: &mut History) {
        history.summaries.clear();
        history.kept.clear();
        history.told.clear();
    }

    fn log(history: &mut History) -> &mut Vec<Message> {
        history.log.get_mut("dm:a:b").expect("it is there")
    }

    #[test]
    fn kept_promise_has_no_findings() {
        assert_eq!(kinds(|_| {}), [""; 0]);
    }

    #[test]
    fn acked_message_missing_from_the_log_is_lost() {
        assert!(kinds(|h| drop(log(h).pop())).contains(&"lost"));
    }

    #[test]
    fn unacked_message_missing_from_the_log_is_no_finding() {
        let spoil = |h: &mut History| {
            log(h).pop();
            h.acked.pop();
            h.seen.pop();
            forget_summaries(h);
        };
        assert_eq!(kinds(spoil), [""; 0]);
    }

    #[test]
    fn message_that_a_device_never_saw_is_lost() {
        // Whatever was delivered there is then too much as well.
        assert_eq!(kinds(|h| drop(h.seen.pop())), ["lost", "wrong"]);
    }

    #[test]
    fn message_not_seen_yet_is_no_finding_where_the_observation_was_interrupted() {
        let mut history = kept();
        history.seen.pop();
        forget_summaries(&mut history);
        assert!(!check(&history).is_kept());
        assert!(check_until(&history, Until::Interrupted, Claims::BySight).is_kept());
    }

    #[test]
    fn send_twice_in_the_log_is_doubled() {
        let spoil = |h: &mut History| {
            let again = Message { content: "text 3".into(), ..message(4, "a") };
            log(h).push(again.clone());
            h.seen.push(Seen { by: device("b"), connection: 2, message: again });
            forget_summaries(h);
        };
        assert_eq!(kinds(spoil), ["doubled"]);
    }

    #[test]
    fn repeat_within_one_connection_is_doubled() {
        assert_eq!(kinds(|h| h.seen.push(push(2, 3))), ["doubled"]);
    }

    #[test]
    fn answer_that_changed_is_disordered() {
        assert!(kinds(|h| h.acked[2].seq = 3).contains(&"disordered"));
    }

    #[test]
    fn gap_in_the_log_is_disordered() {
        assert!(kinds(|h| log(h)[1].seq = 7).contains(&"disordered"));
    }

    #[test]
    fn first_sighting_before_an_earlier_one_is_disordered() {
        assert_eq!(kinds(|h| h.seen = vec![push(1, 2), push(1, 1), push(1, 3)]), ["disordered"]);
    }

    #[test]
    fn sends_committed_in_another_order_are_disordered() {
        assert_eq!(kinds(|h| h.sent.swap(0, 1)), ["disordered"]);
    }

    #[test]
    fn a_send_that_was_refused_before_has_no_place_in_the_order() {
        let spoil = |h: &mut History| {
            h.sent.swap(0, 1);
            h.refused.push("key 1".into());
        };
        assert_eq!(kinds(spoil), [""; 0]);
    }

    #[test]
    fn what_a_device_waits_for_in_vain_is_lost() {
        assert_eq!(kinds(|h| h.pending.push("b/d: never answered".into())), ["lost"]);
    }

    #[test]
    fn changed_body_is_wrong() {
        assert_eq!(kinds(|h| h.seen[0].message.content = "other".into()), ["wrong"]);
    }

    #[test]
    fn push_to_a_stranger_is_leaked() {
        let spoil = |h: &mut History| {
            h.seen.push(Seen { by: device("c"), connection: 1, message: message(1, "a") });
        };
        assert_eq!(kinds(spoil), ["leaked"]);
    }

    #[test]
    fn drifted_unread_count_is_wrong() {
        assert_eq!(kinds(|h| h.summaries[0].unread = 3), ["wrong"]);
    }

    #[test]
    fn watermark_beyond_what_was_seen_or_said_is_wrong() {
        assert_eq!(kinds(|h| h.summaries[0].watermarks[1].delivered = 4), ["wrong"]);
        assert_eq!(kinds(|h| drop(h.given.pop())), ["wrong"]);
    }

    #[test]
    fn acked_receipt_that_is_not_kept_is_lost() {
        assert_eq!(kinds(|h| h.kept.push(mark(Receipt::Read, 2))), ["lost"]);
    }

    #[test]
    fn receipt_told_beyond_the_watermark_is_wrong() {
        assert_eq!(kinds(|h| h.told.push(mark(Receipt::Read, 2))), ["wrong"]);
    }
}
