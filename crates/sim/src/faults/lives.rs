//! What was observed, by the life of the log in which it was: a restore of an older copy ends one
//! life and begins another, in which what the copy lacks is gone and its seqs are given anew.
//!
//! Devices record under the epoch that their connection's `ready` named. At a restore the run says
//! what the old log was and how far the copy goes. Each life is then asked the checker's questions
//! by itself: an earlier life's acks and pushes count in a later one as far as the copy goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::editing;
use super::group_log::{self, is_group};
use crate::checker::{Claims, Until, Verdict, check_until};
use crate::clock::now_ms;
use crate::history::{
    Acked, DeviceName, Edit, Having, History, Live, Mark, Message, ReadBack, Receipt, Roster, Sent,
    Shown, Summary, Wished,
};

/// Logs by conversation, oldest entry first.
pub(super) type Logs = BTreeMap<String, Vec<Message>>;
/// How far each conversation goes.
pub(super) type Heads = BTreeMap<String, u64>;

/// What the server says when it is asked at the end.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Every log.
    pub(super) logs: Logs,
    /// What messages are that were edited, by id.
    pub(super) now: BTreeMap<String, String>,
    /// Every user's conversations.
    pub(super) summaries: Vec<Summary>,
    /// Who is in each group.
    pub(super) rosters: Vec<Roster>,
    /// What some users read of groups.
    pub(super) read_back: Vec<ReadBack>,
    /// Who has some entries of groups.
    pub(super) having: Vec<Having>,
}

/// Everything observed in a run.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// Every device that takes part.
    pub(super) devices: Vec<DeviceName>,
    /// Each distinct message, in the order each device first sent them.
    pub(super) sent: Vec<Sent>,
    /// Keys of sends that later ones of the same device may have overtaken.
    pub(super) unordered: HashSet<String>,
    /// Keys of sends that were refused for good.
    pub(super) refused: Vec<String>,
    /// Keys of sends that were in an outbox on disk.
    pub(super) written: HashSet<String>,
    /// What programs with the SDK showed when they were asked last.
    pub(super) shown: Vec<Shown>,
    /// Devices of which it is observed what such a program shows.
    pub(super) apps: BTreeSet<DeviceName>,
    /// Each change of a group that was wished.
    pub(super) wished: Vec<Wished>,
    lives: Vec<Life>,
    /// What is wrong with the lives themselves, or was found on the way.
    pub(super) findings: Vec<String>,
}

#[derive(Debug)]
struct Life {
    epoch: String,
    /// Without devices, sends and logs.
    observed: History,
    /// The furthest that each mark was told to be: what was told before says less.
    told: HashMap<(bool, String, String), u64>,
    /// How far each conversation was acknowledged, and since when at the latest, in milliseconds.
    heads: HashMap<String, Vec<(u64, u64)>>,
    ended: Option<End>,
}

#[derive(Debug)]
struct End {
    logs: Logs,
    copied: Heads,
}

impl Lives {
    /// Where observations of a connection in that epoch belong.
    pub(super) fn of(&mut self, epoch: &str) -> &mut History {
        let index = self.index(epoch);
        &mut self.lives[index].observed
    }

    fn index(&mut self, epoch: &str) -> usize {
        let known = self.lives.iter().position(|life| life.epoch == epoch);
        known.unwrap_or_else(|| {
            if let Some(Life { epoch: before, ended: None, .. }) = self.lives.last() {
                let what = format!("the epoch went from {before} to {epoch} without a restore");
                self.findings.push(what);
            }
            self.lives.push(Life {
                epoch: epoch.to_owned(),
                observed: History::default(),
                told: HashMap::new(),
                heads: HashMap::new(),
                ended: None,
            });
            self.lives.len() - 1
        })
    }

    /// Notes a receipt that a device was told in that epoch, unless one that goes further was.
    pub(super) fn tell(&mut self, epoch: &str, mark: Mark) {
        let index = self.index(epoch);
        let life = &mut self.lives[index];
        let is_read = mark.receipt == Receipt::Read;
        let place = (is_read, mark.user.clone(), mark.conversation.clone());
        let furthest = life.told.entry(place).or_default();
        if mark.seq > *furthest {
            *furthest = mark.seq;
            life.observed.told.push(mark);
        }
    }

    /// Notes an ack of that epoch, which came by now.
    pub(super) fn ack(&mut self, epoch: &str, acked: Acked) {
        let index = self.index(epoch);
        let life = &mut self.lives[index];
        if let Some((conversation, _)) = acked.id.rsplit_once(':') {
            let heads = life.heads.entry(conversation.to_owned()).or_default();
            if heads.last().is_none_or(|(_, head)| acked.seq > *head) {
                heads.push((now_ms(), acked.seq));
            }
        }
        life.observed.acked.push(acked);
    }

    /// A program is live in that epoch, and began to connect after `since`: it must show what was
    /// acknowledged to anybody by then.
    pub(super) fn live(
        &mut self,
        epoch: &str,
        by: DeviceName,
        conversation: String,
        shown: u64,
        since_ms: u64,
    ) {
        let index = self.index(epoch);
        let life = &mut self.lives[index];
        let heads = life.heads.get(&conversation).map_or(&[][..], Vec::as_slice);
        let before = heads.partition_point(|(at, _)| *at < since_ms);
        let due = before.checked_sub(1).map_or(0, |last| heads[last].1);
        life.observed.live.push(Live { by, conversation, shown, due });
    }

    /// The newest life's epoch.
    pub(super) fn epoch(&self) -> Option<&str> {
        self.lives.last().map(|life| life.epoch.as_str())
    }

    /// The newest life is over: its log was this, and the next begins with so much of it.
    pub(super) fn end(&mut self, logs: Logs, copied: Heads) {
        if let Some(life) = self.lives.last_mut() {
            life.ended = Some(End { logs, copied });
        }
    }

    /// How many pushes were observed.
    pub(super) fn seen(&self) -> usize {
        self.lives.iter().map(|life| life.observed.seen.len()).sum()
    }

    /// Asks the checker about the newest life, of which the server was asked.
    pub(super) fn check_newest(&self, told: &Told) -> Verdict {
        let Some(newest) = self.lives.len().checked_sub(1) else { return Verdict::default() };
        check_until(&self.history(newest, told), Until::Settled, Claims::ByPosition)
    }

    /// Asks the checker about each life.
    pub(super) fn check(&self, told: &Told) -> Verdict {
        let mut verdict = self.check_newest(told);
        verdict.wrong.splice(..0, self.findings.iter().cloned());
        for index in 0..self.lives.len().saturating_sub(1) {
            let history = self.history(index, told);
            let found = check_until(&history, Until::Interrupted, Claims::ByPosition);
            verdict.lost.extend(found.lost);
            verdict.doubled.extend(found.doubled);
            verdict.disordered.extend(found.disordered);
            verdict.wrong.extend(found.wrong);
            verdict.leaked.extend(found.leaked);
            self.check_copy(index, &told.logs, &mut verdict);
        }
        self.check_written(told, &mut verdict);
        verdict
    }

    /// Writes everything down, a record a line, for people.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for sent in &self.sent {
            writeln!(out, "{sent:?}")?;
        }
        self.wished.iter().try_for_each(|wished| writeln!(out, "{wished:?}"))?;
        self.shown.iter().try_for_each(|shown| writeln!(out, "{shown:?}"))?;
        for life in &self.lives {
            writeln!(out, "epoch {}", life.epoch)?;
            let observed = &life.observed;
            observed.changed.iter().try_for_each(|record| writeln!(out, "{record:?}"))?;
            observed.acked.iter().try_for_each(|record| writeln!(out, "{record:?}"))?;
            observed.live.iter().try_for_each(|record| writeln!(out, "{record:?}"))?;
            observed.seen.iter().try_for_each(|record| writeln!(out, "{record:?}"))?;
            observed.given.iter().try_for_each(|record| writeln!(out, "given {record:?}"))?;
            observed.kept.iter().try_for_each(|record| writeln!(out, "kept {record:?}"))?;
            observed.told.iter().try_for_each(|record| writeln!(out, "told {record:?}"))?;
            if let Some(end) = &life.ended {
                writeln!(out, "ended; the copy goes up to {:?}", end.copied)?;
            }
        }
        out.flush()
    }

    /// The history of one life as the checker takes it.
    fn history(&self, index: usize, told: &Told) -> History {
        let life = &self.lives[index];
        let logs = life.ended.as_ref().map_or(&told.logs, |end| &end.logs);
        let groups = logs.iter().filter(|(conversation, _)| is_group(conversation));
        let mut history = History {
            devices: self.devices.clone(),
            sent: self.sent.iter().map(|sent| self.in_its_order(sent)).collect(),
            log: logs.clone(),
            groups: groups.map(|(name, log)| (name.clone(), group_log::group_log(log))).collect(),
            edits: logs.iter().map(|(name, log)| (name.clone(), edits(log))).collect(),
            wished: self.wished.clone(),
            refused: self.refused.clone(),
            apps: self.apps.clone(),
            live: life.observed.live.clone(),
            ..History::default()
        };
        for (before, earlier) in self.lives[..index].iter().enumerate() {
            let observed = &earlier.observed;
            let ends = || self.lives[before..index].iter().filter_map(|life| life.ended.as_ref());
            let is_carried = |conversation: &str, seq: u64| {
                ends().all(|end| seq <= end.copied.get(conversation).copied().unwrap_or(0))
            };
            let conversation = |id: &str| id.rsplit_once(':').map(|(it, _)| it.to_owned());
            history.acked.extend(
                observed
                    .acked
                    .iter()
                    .filter(|ack| conversation(&ack.id).is_some_and(|it| is_carried(&it, ack.seq)))
                    .cloned(),
            );
            let changed = observed.changed.iter();
            history.changed.extend(
                changed
                    .filter(|ack| conversation(&ack.id).is_some_and(|it| is_carried(&it, ack.seq)))
                    .cloned(),
            );
            // A program shows each log anew, and of a group perhaps what was before it was in: in this
            // life it may never have come in.
            let seen = observed.seen.iter().filter(|seen| !self.apps.contains(&seen.by));
            history.seen.extend(
                seen.filter(|seen| is_carried(&seen.message.conversation, seen.message.seq))
                    .cloned(),
            );
            let given = observed.given.iter();
            history
                .given
                .extend(given.filter(|mark| is_carried(&mark.conversation, mark.seq)).cloned());
        }
        history.acked.extend_from_slice(&life.observed.acked);
        history.changed.extend_from_slice(&life.observed.changed);
        history.seen.extend_from_slice(&life.observed.seen);
        // A device reads everything anew in each life, and what lives share once for each.
        let mut read = HashSet::new();
        history.seen.retain(|seen| {
            seen.connection > 0 || read.insert((seen.by.clone(), seen.message.id.clone()))
        });
        // Of an ended life nobody asked the server how far its watermarks were.
        if life.ended.is_none() {
            history.given.extend_from_slice(&life.observed.given);
            history.kept.clone_from(&life.observed.kept);
            history.told.clone_from(&life.observed.told);
            history.summaries.clone_from(&told.summaries);
            history.rosters.clone_from(&told.rosters);
            history.now = Some(told.now.clone());
            history.read_back.clone_from(&told.read_back);
            history.having.clone_from(&told.having);
            history.shown.clone_from(&self.shown);
        }
        history
    }

    /// A send of which no order is asked, as of all edits, stands for itself, as if by a device of
    /// its own.
    fn in_its_order(&self, sent: &Sent) -> Sent {
        let mut sent = sent.clone();
        if self.unordered.contains(&sent.client_id) || editing::is_edit(&sent.content) {
            sent.by.device = sent.client_id.clone();
        }
        sent
    }

    /// Sends that a program was killed before it had them on disk, and that nobody ever had.
    pub(super) fn forgotten(&self, told: &Told) -> usize {
        let logged = self.logged(told);
        let is_forgotten = |sent: &&Sent| {
            let Sent { by, client_id, content, .. } = sent;
            self.apps.contains(by)
                && !self.written.contains(client_id)
                && !self.refused.contains(client_id)
                && !logged.contains(content.as_str())
        };
        self.sent.iter().filter(is_forgotten).count()
    }

    /// Is in a log what was in an outbox on disk?
    fn check_written(&self, told: &Told, verdict: &mut Verdict) {
        let logged = self.logged(told);
        let refused: HashSet<&str> = self.refused.iter().map(String::as_str).collect();
        for Sent { client_id, content, .. } in &self.sent {
            let is_due = self.written.contains(client_id) && !refused.contains(client_id.as_str());
            if is_due && !logged.contains(content.as_str()) {
                verdict.lost.push(format!("{client_id}: in an outbox on disk, and in no log"));
            }
        }
    }

    /// What is, or was in an earlier life, in a log.
    fn logged<'a>(&'a self, told: &'a Told) -> HashSet<&'a str> {
        let earlier = self.lives.iter().filter_map(|life| life.ended.as_ref());
        let logs = earlier.map(|end| &end.logs).chain([&told.logs]);
        logs.flat_map(BTreeMap::values).flatten().map(|entry| entry.content.as_str()).collect()
    }

    /// Does the next life begin with what the copy held, unchanged?
    fn check_copy(&self, index: usize, logs: &Logs, verdict: &mut Verdict) {
        let Some(End { logs: old, copied }) = &self.lives[index].ended else { return };
        let next = self.lives.get(index + 1).and_then(|life| life.ended.as_ref());
        let new = next.map_or(logs, |end| &end.logs);
        for (conversation, head) in copied {
            let part = |logs: &Logs| {
                let log = logs.get(conversation).map_or(&[][..], Vec::as_slice);
                log[..log.len().min(*head as usize)].to_vec()
            };
            if part(old) != part(new) || part(new).len() as u64 != *head {
                verdict.lost.push(format!("{conversation}: the copy's {head} entries changed"));
            }
        }
    }
}

/// The entries of a log that edit messages.
fn edits(log: &[Message]) -> BTreeMap<u64, Edit> {
    log.iter().filter_map(|entry| Some((entry.seq, editing::edit(entry)?))).collect()
}

#[cfg(test)]
mod tests;
