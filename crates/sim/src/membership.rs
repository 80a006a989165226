//! The part of the checker that knows who may see what: counted anew from the logs, by nothing
//! that the server uses, and whether somebody said or changed something while they were kept out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::checker::Verdict;
use crate::history::{Change, GroupLog, History};

/// A time of membership: first and last seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u64,
    to: Option<u64>,
}

impl Span {
    fn ends(&self) -> u64 {
        self.to.unwrap_or(u64::MAX)
    }
}

/// Who was in which group when, as the logs of a history say.
pub(crate) struct Views<'a> {
    groups: BTreeMap<&'a str, View<'a>>,
    history: &'a History,
}

struct View<'a> {
    spans: HashMap<&'a str, Vec<Span>>,
    log: &'a GroupLog,
}

impl<'a> Views<'a> {
    /// Folds the changes of each group.
    pub(crate) fn of(history: &'a History) -> Self {
        let view = |log: &'a GroupLog| {
            let mut spans: HashMap<&str, Vec<Span>> = HashMap::new();
            for (seq, change) in
                log.changes.iter().flat_map(|(seq, all)| all.iter().map(move |c| (seq, c)))
            {
                match change {
                    Change::Joined(user) => {
                        let spans = spans.entry(user).or_default();
                        if spans.last().is_none_or(|last| last.to.is_some()) {
                            spans.push(Span { from: *seq, to: None });
                        }
                    }
                    Change::Left(user) => {
                        let last = spans.get_mut(user.as_str()).and_then(|spans| spans.last_mut());
                        last.into_iter().for_each(|last| last.to = last.to.or(Some(*seq)));
                    }
                }
            }
            View { spans, log }
        };
        let groups = history.groups.iter();
        Self { groups: groups.map(|(name, log)| (name.as_str(), view(log))).collect(), history }
    }

    /// Whether a user may see an entry of a log. In a group: from joining to leaving, both
    /// included, and what was before where that is shown; in a direct conversation: its two members
    /// all of it.
    pub(crate) fn may_see(&self, user: &str, conversation: &str, seq: u64) -> bool {
        let Some(view) = self.groups.get(conversation) else {
            return is_direct_member(user, conversation);
        };
        let spans = self.spans(user, conversation).iter();
        spans
            .into_iter()
            .any(|span| (view.log.shows_past || span.from <= seq) && seq <= span.ends())
    }

    /// Whether an entry that a user may see is pushed to them: not what was before they joined.
    pub(crate) fn is_pushed(&self, user: &str, conversation: &str, seq: u64) -> bool {
        if !self.groups.contains_key(conversation) {
            return is_direct_member(user, conversation);
        }
        let mut spans = self.spans(user, conversation).iter();
        spans.any(|span| span.from <= seq && seq <= span.ends())
    }

    /// Whether a user is or ever was in a conversation.
    pub(crate) fn knows(&self, user: &str, conversation: &str) -> bool {
        match self.groups.contains_key(conversation) {
            true => !self.spans(user, conversation).is_empty(),
            false => is_direct_member(user, conversation),
        }
    }

    /// The entry before the one by which a user came into a group last: who joins counts as having
    /// had and read all up to there. 0 elsewhere.
    pub(crate) fn before_joining(&self, user: &str, conversation: &str) -> u64 {
        self.spans(user, conversation).last().map_or(0, |last| last.from.saturating_sub(1))
    }

    /// Whether an entry counts as unread for who did not say it.
    pub(crate) fn counts(&self, conversation: &str, seq: u64) -> bool {
        let view = self.groups.get(conversation);
        let edits = self.history.edits.get(conversation);
        edits.is_none_or(|edits| !edits.contains_key(&seq))
            && view
                .is_none_or(|view| view.log.counts_changes || !view.log.changes.contains_key(&seq))
    }

    /// Whether a user is in a conversation at the end of its log.
    pub(crate) fn is_in(&self, user: &str, conversation: &str) -> bool {
        match self.groups.contains_key(conversation) {
            true => self.members(conversation).contains_key(user),
            false => is_direct_member(user, conversation),
        }
    }

    /// Whether an entry says something, rather than to change a group or a message.
    pub(crate) fn is_message(&self, conversation: &str, seq: u64) -> bool {
        let is_change = |view: &View<'_>| view.log.changes.contains_key(&seq);
        let edits = self.history.edits.get(conversation);
        !self.groups.get(conversation).is_some_and(is_change)
            && edits.is_none_or(|edits| !edits.contains_key(&seq))
    }

    /// Who is in a group at the end of its log, and by which entry.
    pub(crate) fn members(&self, conversation: &str) -> BTreeMap<&'a str, u64> {
        let Some(view) = self.groups.get(conversation) else { return BTreeMap::new() };
        let now =
            |spans: &[Span]| spans.last().filter(|last| last.to.is_none()).map(|last| last.from);
        view.spans.iter().filter_map(|(user, spans)| Some((*user, now(spans)?))).collect()
    }

    fn spans(&self, user: &str, conversation: &str) -> &[Span] {
        let view = self.groups.get(conversation);
        view.and_then(|view| view.spans.get(user)).map_or(&[], Vec::as_slice)
    }
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

/// Did somebody change or say something in a group that they were not in, or change what was so
/// already?
pub(crate) fn check_groups(history: &History, verdict: &mut Verdict) {
    for (conversation, group) in &history.groups {
        let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
        let mut here: BTreeSet<&str> = BTreeSet::new();
        for message in log {
            let changes = group.changes.get(&message.seq).map_or(&[][..], Vec::as_slice);
            let founds = changes.contains(&Change::Joined(message.from.clone()));
            let might = here.contains(message.from.as_str()) || (here.is_empty() && founds);
            if !might {
                verdict.wrong.push(format!("{}: {} was not in it", message.id, message.from));
            }
            for change in changes {
                let changed = match change {
                    Change::Joined(who) => here.insert(who),
                    Change::Left(who) => here.remove(who.as_str()),
                };
                if !changed {
                    verdict.doubled.push(format!("{}: {change:?}, as it was", message.id));
                }
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

    fn joined(user: &str) -> Change {
        Change::Joined(user.into())
    }

    fn left(user: &str) -> Change {
        Change::Left(user.into())
    }

    /// a founds a group, takes b in, says something, puts b out, says something.
    fn group() -> History {
        let changes = [(1, vec![joined("a")]), (2, vec![joined("b")]), (4, vec![left("b")])];
        let group = GroupLog { changes: changes.into(), ..GroupLog::default() };
        History {
            log: [(GROUP.into(), (1..=5).map(|seq| message(GROUP, seq, "a")).collect())].into(),
            groups: [(GROUP.into(), group)].into(),
            ..History::default()
        }
    }

    fn verdict(check: fn(&History, &mut Verdict), history: &History) -> Verdict {
        let mut verdict = Verdict::default();
        check(history, &mut verdict);
        verdict
    }

    fn wrong(check: fn(&History, &mut Verdict), history: &History) -> usize {
        verdict(check, history).wrong.len()
    }

    #[test]
    fn a_member_may_see_from_joining_to_leaving() {
        let history = group();
        let views = Views::of(&history);
        let seen =
            |user| -> Vec<u64> { (1..=5).filter(|seq| views.may_see(user, GROUP, *seq)).collect() };
        assert_eq!((seen("a"), seen("b"), seen("c")), (vec![1, 2, 3, 4, 5], vec![2, 3, 4], vec![]));
        assert!(views.may_see("a", "dm:a:b", 1) && !views.may_see("c", "dm:a:b", 1));
        assert!(views.knows("b", GROUP) && !views.knows("c", GROUP));
        assert_eq!(views.members(GROUP), [("a", 1)].into());
    }

    #[test]
    fn who_comes_back_sees_nothing_of_the_time_between_unless_the_past_is_shown() {
        let mut history = group();
        let group = history.groups.get_mut(GROUP).expect("it is there");
        group.changes.insert(6, vec![joined("b")]);
        let seen = |history: &History, may: fn(&Views<'_>, u64) -> bool| -> Vec<u64> {
            let views = Views::of(history);
            (1..=7).filter(|seq| may(&views, *seq)).collect()
        };
        let may_see = |views: &Views<'_>, seq| views.may_see("b", GROUP, seq);
        let is_pushed = |views: &Views<'_>, seq| views.is_pushed("b", GROUP, seq);
        assert_eq!(seen(&history, may_see), [2, 3, 4, 6, 7]);
        assert_eq!(Views::of(&history).before_joining("b", GROUP), 5);
        history.groups.get_mut(GROUP).expect("it is there").shows_past = true;
        assert_eq!(seen(&history, may_see), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(seen(&history, is_pushed), [2, 3, 4, 6, 7]);
        history.groups.get_mut(GROUP).expect("it is there").changes.remove(&6);
        assert_eq!(seen(&history, may_see), [1, 2, 3, 4], "all up to leaving");
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
    fn change_that_changes_nothing_is_doubled() {
        for (seq, change) in [(3, joined("b")), (5, left("b"))] {
            let mut history = group();
            assert!(verdict(check_groups, &history).is_kept());
            let group = history.groups.get_mut(GROUP).expect("it is there");
            group.changes.insert(seq, vec![change]);
            assert_eq!(verdict(check_groups, &history).doubled.len(), 1);
        }
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
