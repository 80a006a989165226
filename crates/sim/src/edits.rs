//! The part of the checker that asks about edits: is each by the author of what it edits, and is a
//! message at the end what its newest edit says?

use std::collections::BTreeMap;

use crate::checker::Verdict;
use crate::history::{Edit, History, Message};

/// Asks both. That no edit is lost, doubled or out of order is asked of it as of what is said.
pub(crate) fn check(history: &History, verdict: &mut Verdict) {
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for (conversation, edits) in &history.edits {
        let log = history.log.get(conversation).map_or(&[][..], Vec::as_slice);
        let at = |seq: u64| log.get((seq as usize).wrapping_sub(1));
        for (seq, Edit { of, content }) in edits {
            let (edit, message): (Option<&Message>, _) = (at(*seq), at(*of));
            match (edit, message) {
                (Some(edit), Some(message)) if edit.from == message.from && of < seq => {
                    newest.insert(&message.id, content);
                }
                _ => verdict.wrong.push(format!("{conversation}: {seq} edits {of}")),
            }
        }
    }
    let Some(now) = &history.now else { return };
    for (id, content) in &newest {
        let told = now.get(*id).map(String::as_str);
        if told != Some(content) {
            verdict.lost.push(format!("{id}: edited to {content:?}, told as {told:?}"));
        }
    }
    for id in now.keys().filter(|id| !newest.contains_key(id.as_str())) {
        verdict.wrong.push(format!("{id}: told as edited, and nobody did"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: &str = "dm:a:b";

    /// a says something and edits it twice.
    fn edited() -> History {
        let message = |seq: u64| Message {
            id: format!("{DIRECT}:{seq}"),
            conversation: DIRECT.into(),
            seq,
            from: "a".into(),
            content: format!("text {seq}"),
            ts: seq,
        };
        let edit = |seq: u64| (seq, Edit { of: 1, content: format!("version {seq}") });
        History {
            log: [(DIRECT.into(), (1..=3).map(message).collect())].into(),
            edits: [(DIRECT.into(), [edit(2), edit(3)].into())].into(),
            now: Some([(format!("{DIRECT}:1"), "version 3".into())].into()),
            ..History::default()
        }
    }

    /// How many findings of kinds lost and wrong there are after `spoil` has had its way.
    fn findings(spoil: impl FnOnce(&mut History)) -> (usize, usize) {
        let mut history = edited();
        spoil(&mut history);
        let mut verdict = Verdict::default();
        check(&history, &mut verdict);
        (verdict.lost.len(), verdict.wrong.len())
    }

    #[test]
    fn the_newest_edit_is_what_is_told() {
        let tell = |id: &str, content: &str| {
            let told = (format!("{DIRECT}:{id}"), content.to_owned());
            move |history: &mut History| history.now.get_or_insert_default().extend([told])
        };
        assert_eq!(findings(|_| {}), (0, 0));
        assert_eq!(findings(tell("1", "version 2")), (1, 0));
        assert_eq!(findings(|history| history.now = Some(BTreeMap::new())), (1, 0));
        assert_eq!(findings(tell("2", "version 3")), (0, 1));
        assert_eq!(findings(|history| history.now = None), (0, 0));
    }

    #[test]
    fn an_edit_of_what_somebody_else_said_is_wrong() {
        let spoil = |history: &mut History| {
            history.log.get_mut(DIRECT).expect("it is there")[0].from = "b".into();
            history.now = None;
        };
        assert_eq!(findings(spoil), (0, 2));
    }
}
