//! The end of a simulation: what the store holds is written into the history, and the checker of
//! the fault runs is asked. And what a restore does to the history.

use parlor_chat::entry::Entry;
use parlor_chat::group::Gone;
use parlor_chat::store::Watermarks;

use super::device::{self, Device};
use super::group::{change_of, is_group, text_of};
use super::{World, ledger};
use crate::checker::{self, Verdict};
use crate::history::{self, Barred, Summary, Watermark};

impl World<'_> {
    /// What was acknowledged after the copy is lost, as whoever restores one knows: the history
    /// goes back with the log.
    pub(super) fn forgive(&mut self) {
        let ledger = self.out.disk.ledger();
        let heads: std::collections::BTreeMap<String, u64> = ledger
            .logs()
            .map(|(conversation, log)| (conversation.to_string(), log.len() as u64))
            .collect();
        let kept =
            |conversation: &str, seq: u64| heads.get(conversation).is_some_and(|h| seq <= *h);
        let of_id = |id: &str| id.rsplit_once(':').map(|(conversation, _)| conversation.to_owned());
        let history = &mut self.out.history;
        history.acked.retain(|ack| of_id(&ack.id).is_some_and(|at| kept(&at, ack.seq)));
        history.seen.retain(|seen| kept(&seen.message.conversation, seen.message.seq));
        history.given.retain(|mark| kept(&mark.conversation, mark.seq));
        let stands = |mark: &history::Mark| {
            let (delivered, read) = ledger.watermarks_of(&mark.user, &mark.conversation);
            match mark.receipt {
                history::Receipt::Delivered => mark.seq <= delivered.0,
                history::Receipt::Read => mark.seq <= read.0,
            }
        };
        history.kept.retain(stands);
        history.told.retain(stands);
    }

    /// Writes down what the store holds and asks the checker.
    pub(super) fn judge(&mut self) -> Verdict {
        let history = &mut self.out.history;
        history.log.clear();
        history.groups.clear();
        history.summaries.clear();
        let ledger = self.out.disk.ledger();
        for (conversation, log) in ledger.logs() {
            let messages: Vec<_> = log.iter().map(|entry| device::message(entry)).collect();
            if is_group(conversation) {
                let changes = log.iter().filter_map(|entry| changed(entry)).collect();
                // Here a change is written as something that is said.
                let log = history::GroupLog { changes, counts_changes: true, ..Default::default() };
                history.groups.insert(conversation.to_string(), log);
            }
            history.log.insert(conversation.to_string(), messages);
        }
        for user in &self.users {
            for line in ledger.conversations(user, None, usize::MAX).conversations {
                let watermark = |mark: Watermarks| Watermark {
                    user: mark.user.to_string(),
                    delivered: mark.delivered.0,
                    read: mark.read.0,
                };
                let watermarks: Vec<_> = line.watermarks.into_iter().map(watermark).collect();
                let mine = watermarks.iter().find(|mark| mark.user == user.as_str());
                history.summaries.push(Summary {
                    user: user.to_string(),
                    conversation: line.conversation.to_string(),
                    head: line.head.0,
                    unread: line.unread,
                    read: mine.map_or(0, |mark| mark.read),
                    watermarks,
                });
            }
        }
        let barred = |barred: &ledger::Barred| Barred {
            other: barred.other.to_string(),
            conversation: barred.conversation.to_string(),
            after: barred.after.0,
            until: barred.until.map(|until| until.0),
        };
        history.barred = ledger.barred().iter().map(barred).collect();
        history.refused = self.out.disk.refused().to_vec();
        history.pending = self.devices.iter().filter_map(Device::pending).collect();
        let mut verdict = checker::check(history);
        verdict.wrong.extend_from_slice(&self.out.echoes);
        for node in self.nodes.iter().filter(|node| node.mismatches() > 0) {
            let name = node.me().node;
            verdict.wrong.push(format!("node {name} heard another entry than the log has"));
        }
        verdict
    }
}

/// The seq of an entry that changes who is in a group, and whom.
fn changed(entry: &Entry) -> Option<(u64, Vec<history::Change>)> {
    let change = change_of(text_of(entry))?;
    let joined = change.joined(&entry.from).map(|user| history::Change::Joined(user.to_string()));
    let mut changes: Vec<_> = joined.collect();
    if let Gone::One(user) = change.left(&entry.from) {
        changes.push(history::Change::Left(user.to_string()));
    }
    Some((entry.seq.0, changes))
}
