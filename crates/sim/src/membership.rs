//! The part of the checker that knows who may see what: counted anew from the logs, by nothing
//! that the server uses, and whether somebody said something while they were kept out.

use crate::checker::Verdict;
use crate::history::{Change, History};

/// Whether an entry of a log may be seen by a user. In a group: from joining to leaving, both
/// included; in a direct conversation: by its two members.
pub(crate) fn may_see(history: &History, user: &str, conversation: &str, seq: u64) -> bool {
    let Some(changes) = history.changes.get(conversation) else {
        return is_direct_member(user, conversation);
    };
    let mut is_in = false;
    for (at, change) in changes.range(..=seq) {
        match change {
            Change::Joined(who) if who == user => is_in = true,
            // The entry by which somebody is out is the last that they see.
            Change::Left(who) if who == user && *at < seq => is_in = false,
            Change::Joined(_) | Change::Left(_) => {}
        }
    }
    is_in
}

/// Users of a run have names without characters that need escaping.
fn is_direct_member(user: &str, conversation: &str) -> bool {
    conversation.split(':').skip(1).any(|member| member == user)
}

/// Did somebody say something in a conversation that they were kept out of?
pub(crate) fn check_barred(history: &History, verdict: &mut Verdict) {
    for barred in &history.barred {
        let log = history.log.get(&barred.conversation).map_or(&[][..], Vec::as_slice);
        let within = |seq: u64| seq > barred.after && barred.until.is_none_or(|until| seq <= until);
        for message in log.iter().filter(|m| m.from == barred.other && within(m.seq)) {
            verdict.wrong.push(format!("{}: {} was kept out", message.id, message.from));
        }
    }
}

/// Did somebody change or say something in a group that they were not in?
pub(crate) fn check_groups(history: &History, verdict: &mut Verdict) {
    for (conversation, changes) in &history.changes {
        let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
        let mut here: Vec<&str> = Vec::new();
        for message in log {
            let change = changes.get(&message.seq);
            let founds = matches!(change, Some(Change::Joined(who)) if *who == message.from);
            let might = here.contains(&message.from.as_str()) || (here.is_empty() && founds);
            if !might {
                verdict.wrong.push(format!("{}: {} was not in it", message.id, message.from));
            }
            match change {
                Some(Change::Joined(who)) => here.push(who),
                Some(Change::Left(who)) => here.retain(|other| other != who),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Barred, Message};

    const GROUP: &str = "dm:g:g";

    fn message(conversation: &str, seq: u64, from: &str) -> Message {
        Message {
            id: format!("{conversation}:{seq}"),
            conversation: conversation.into(),
            seq,
            from: from.into(),
            content: format!("{conversation} {seq}"),
            ts: seq,
        }
    }

    /// a founds a group, takes b in, says something, puts b out, says something.
    fn group() -> History {
        let joined = |user: &str| Change::Joined(user.into());
        let changes = [(1, joined("a")), (2, joined("b")), (4, Change::Left("b".into()))];
        History {
            log: [(GROUP.into(), (1..=5).map(|seq| message(GROUP, seq, "a")).collect())].into(),
            changes: [(GROUP.into(), changes.into())].into(),
            ..History::default()
        }
    }

    fn wrong(check: fn(&History, &mut Verdict), history: &History) -> usize {
        let mut verdict = Verdict::default();
        check(history, &mut verdict);
        verdict.wrong.len()
    }

    #[test]
    fn a_member_may_see_from_joining_to_leaving() {
        let seen = |user| -> Vec<u64> {
            (1..=5).filter(|seq| may_see(&group(), user, GROUP, *seq)).collect()
        };
        assert_eq!((seen("a"), seen("b"), seen("c")), (vec![1, 2, 3, 4, 5], vec![2, 3, 4], vec![]));
        assert!(may_see(&group(), "a", "dm:a:b", 1) && !may_see(&group(), "c", "dm:a:b", 1));
    }

    #[test]
    fn something_said_by_who_is_out_is_wrong() {
        let mut history = group();
        assert_eq!(wrong(check_groups, &history), 0);
        let log = history.log.get_mut(GROUP).expect("it is there");
        log[2].from = "b".into();
        assert_eq!(wrong(check_groups, &history), 0, "b is in");
        let log = history.log.get_mut(GROUP).expect("it is there");
        log[4].from = "b".into();
        assert_eq!(wrong(check_groups, &history), 1);
    }

    #[test]
    fn something_said_by_who_is_kept_out_is_wrong() {
        let log = vec![message("dm:a:b", 1, "b"), message("dm:a:b", 2, "b")];
        let barred = |after, until| Barred {
            other: "b".into(),
            conversation: "dm:a:b".into(),
            after,
            until,
        };
        let history = |barred| History {
            log: [("dm:a:b".into(), log.clone())].into(),
            barred: vec![barred],
            ..History::default()
        };
        assert_eq!(wrong(check_barred, &history(barred(2, None))), 0);
        assert_eq!(wrong(check_barred, &history(barred(1, Some(1)))), 0);
        assert_eq!(wrong(check_barred, &history(barred(1, Some(2)))), 1);
        assert_eq!(wrong(check_barred, &history(barred(0, None))), 2);
    }
}
