//! The part of the checker that asks about what programs with the Rust SDK show: is everything there
//! whenever one says that it is live, and is what it shows at the end the log, no more and no less?

use std::collections::{BTreeMap, HashMap};

use crate::checker::Verdict;
use crate::history::{History, Live, Message, Shown};
use crate::membership::Views;

/// Asks both. That each message is shown in its order is asked as of any device.
pub(crate) fn check(history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    for live in &history.live {
        check_live(live, history, views, verdict);
    }
    let mut unread = HashMap::new();
    for summary in &history.summaries {
        unread.insert((summary.user.as_str(), summary.conversation.as_str()), summary.unread);
    }
    for shown in &history.shown {
        check_shown(shown, history, views, verdict);
        let Shown { by, conversation, unread: told, .. } = shown;
        let counted = unread.get(&(by.user.as_str(), conversation.as_str())).copied();
        // Who is out of a group is not told what another device of theirs reads there.
        let counted = counted.filter(|_| views.is_in(&by.user, conversation));
        if counted.is_some_and(|counted| counted != *told) {
            let who = format!("{}/{} in {conversation}", by.user, by.device);
            verdict.wrong.push(format!("{who}: shows {told} as unread, not {counted:?}"));
        }
    }
}

/// Does it show what had been acknowledged before it began to connect?
fn check_live(live: &Live, history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    let Live { by, conversation, shown, due } = live;
    let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
    let missing = log.iter().find(|message| {
        let seq = message.seq;
        (shown + 1..=*due).contains(&seq)
            && views.is_message(conversation, seq)
            && views.is_pushed(&by.user, conversation, seq)
    });
    if let Some(missing) = missing {
        let who = format!("{}/{}", by.user, by.device);
        verdict.lost.push(format!("{who}: live, and shows {shown} but not {}", missing.id));
    }
}

/// Is it the log, as edits have left it?
fn check_shown(shown: &Shown, history: &History, views: &Views<'_>, verdict: &mut Verdict) {
    let Shown { by, conversation, messages, .. } = shown;
    let who = format!("{}/{}", by.user, by.device);
    let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
    let edits = history.edits.get(conversation);
    let may_see = |seq: &u64| views.may_see(&by.user, conversation, *seq);
    let last = log.iter().rev().map(|message| message.seq).find(may_see).unwrap_or(0);
    // What a message may be shown as: what was edited while its reader was out of the group stays what
    // it was, unless the reader came back and read it anew.
    let texts = |message: &Message| -> Vec<String> {
        let mut texts = vec![message.content.clone()];
        let edits = edits.into_iter().flat_map(|edits| edits.range(..=last));
        for (seq, edit) in edits.filter(|(_, edit)| edit.of == message.seq) {
            if may_see(seq) {
                texts.clear();
            }
            texts.push(edit.content.clone());
        }
        texts
    };
    let mut told: BTreeMap<u64, &str> = BTreeMap::new();
    for (seq, text) in messages {
        if told.insert(*seq, text).is_some() {
            verdict.doubled.push(format!("{who}: {conversation}:{seq} is shown twice"));
        }
    }
    if !messages.is_sorted_by_key(|(seq, _)| seq) {
        verdict.disordered.push(format!("{who}: {conversation} is shown out of order"));
    }
    for message in log {
        let seq = message.seq;
        if !views.is_message(conversation, seq) || !views.may_see(&by.user, conversation, seq) {
            continue;
        }
        match told.remove(&seq) {
            Some(told) if texts(message).iter().any(|text| text == told) => {}
            Some(told) => {
                verdict.wrong.push(format!("{who}: {} is shown as {told:?}", message.id));
            }
            None => verdict.lost.push(format!("{who}: {} is not shown", message.id)),
        }
    }
    for seq in told.into_keys() {
        let may_see = views.may_see(&by.user, conversation, seq);
        let list = if may_see { &mut verdict.wrong } else { &mut verdict.leaked };
        list.push(format!("{who}: {conversation}:{seq} is shown as a message"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Change, DeviceName, Edit, GroupLog, Summary};

    const DIRECT: &str = "dm:a:b";

    /// a says three things and edits the first; b shows them.
    fn kept() -> History {
        let message = |seq: u64| Message {
            id: format!("{DIRECT}:{seq}"),
            conversation: DIRECT.into(),
            seq,
            from: "a".into(),
            content: format!("text {seq}"),
            ts: seq,
        };
        let by = DeviceName { user: "b".into(), device: "app".into() };
        let shown = |seq: u64, text: &str| (seq, text.to_owned());
        History {
            log: [(DIRECT.into(), (1..=4).map(message).collect())].into(),
            edits: [(DIRECT.into(), [(3, Edit { of: 1, content: "other".into() })].into())].into(),
            live: vec![Live { by: by.clone(), conversation: DIRECT.into(), shown: 2, due: 3 }],
            shown: vec![Shown {
                by,
                conversation: DIRECT.into(),
                messages: vec![shown(1, "other"), shown(2, "text 2"), shown(4, "text 4")],
                unread: 2,
            }],
            summaries: vec![Summary {
                user: "b".into(),
                conversation: DIRECT.into(),
                head: 4,
                unread: 2,
                read: 1,
                watermarks: Vec::new(),
            }],
            ..History::default()
        }
    }

    /// The kinds of findings after `spoil` has had its way with a kept history.
    fn kinds(spoil: impl FnOnce(&mut History)) -> Vec<&'static str> {
        let mut history = kept();
        spoil(&mut history);
        let mut verdict = Verdict::default();
        check(&history, &Views::of(&history), &mut verdict);
        verdict.findings().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn a_log_that_is_shown_as_it_is_has_no_findings() {
        assert_eq!(kinds(|_| {}), [""; 0]);
    }

    #[test]
    fn who_is_live_without_what_was_acknowledged_before_lost_it() {
        assert_eq!(kinds(|history| history.live[0].due = 4), ["lost"]);
        assert_eq!(kinds(|history| history.live[0].shown = 1), ["lost"]);
    }

    #[test]
    fn what_is_not_shown_is_lost_and_what_is_shown_twice_is_doubled() {
        assert_eq!(kinds(|history| drop(history.shown[0].messages.remove(1))), ["lost"]);
        let again = |history: &mut History| {
            history.shown[0].messages.push((4, "text 4".to_owned()));
        };
        assert_eq!(kinds(again), ["doubled"]);
    }

    #[test]
    fn what_is_shown_in_another_order_is_disordered() {
        assert_eq!(kinds(|history| history.shown[0].messages.swap(0, 1)), ["disordered"]);
    }

    #[test]
    fn an_edit_that_is_not_shown_a_wrong_count_and_a_stranger_are_wrong() {
        let old = |history: &mut History| history.shown[0].messages[0].1 = "text 1".to_owned();
        assert_eq!(kinds(old), ["wrong"]);
        assert_eq!(kinds(|history| history.shown[0].unread = 3), ["wrong"]);
        let more = |history: &mut History| history.shown[0].messages.push((9, "x".to_owned()));
        assert_eq!(kinds(more), ["wrong"]);
    }

    #[test]
    fn an_edit_behind_who_was_put_out_may_be_shown_once_they_came_back() {
        let group = "group:g";
        let out = |seq| (seq, vec![Change::Left("b".into())]);
        let into = |seq| (seq, vec![Change::Joined("b".into())]);
        let edit = |text: &str| Edit { of: 2, content: text.into() };
        let message = |seq: u64| Message {
            id: format!("{group}:{seq}"),
            conversation: group.into(),
            seq,
            from: "a".into(),
            content: format!("text {seq}"),
            ts: seq,
        };
        let kinds = |text: &str| {
            let changes = [into(1), out(3), into(5), out(6)].into();
            let shown = Shown {
                by: DeviceName { user: "b".into(), device: "app".into() },
                conversation: group.into(),
                messages: vec![(2, text.to_owned())],
                unread: 0,
            };
            let history = History {
                log: [(group.into(), (1..=7).map(message).collect())].into(),
                groups: [(group.into(), GroupLog { changes, ..GroupLog::default() })].into(),
                edits: [(group.into(), [(4, edit("behind")), (7, edit("later"))].into())].into(),
                shown: vec![shown],
                ..History::default()
            };
            let mut verdict = Verdict::default();
            check(&history, &Views::of(&history), &mut verdict);
            verdict.findings().count()
        };
        assert_eq!((kinds("text 2"), kinds("behind"), kinds("later")), (0, 0, 1));
    }

    #[test]
    fn what_somebody_is_shown_of_others_is_leaked() {
        let spoil = |history: &mut History| {
            history.shown[0].by.user = "c".to_owned();
            history.live.clear();
        };
        assert_eq!(kinds(spoil), ["leaked"; 3]);
    }
}
