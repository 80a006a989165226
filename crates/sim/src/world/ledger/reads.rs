//! What each read of the ledger sees, between two commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::world::members::Members;
use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::order as log;
use parlor_chat::requests::RequestState;
use parlor_chat::store::{
    Behind, Blocks, ConversationSummary, ConversationsCursor, ConversationsPage, Device,
    HistoryPage, HistoryQuery, HistoryRange, MOVED_TOLD_WITHIN_MS, Moved, MovedPage, SincePage,
    StoreError, UndeliveredCursor, UndeliveredPage, Watermarks, Whose,
};

use super::{ENTRY_BYTES, Ledger, PAGE_BYTES_MAX, Talk, Who};
use crate::world::planted::Planted;

/// A page that fills up: by number, or by bytes once it holds something.
struct Page {
    entries: Vec<Arc<Entry>>,
    limit: usize,
    bytes: usize,
    more: bool,
}

impl Page {
    fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), limit, bytes: 0, more: false }
    }

    /// Takes an entry if there is room; if not, notes that there was one.
    fn take(&mut self, entry: &Arc<Entry>) {
        self.more |= self.entries.len() >= self.limit || self.bytes >= PAGE_BYTES_MAX;
        if !self.more {
            self.bytes += entry.body.weight() + ENTRY_BYTES;
            self.entries.push(entry.clone());
        }
    }
}

impl Ledger {
    /// A user's devices, most recently seen first.
    pub(crate) fn devices(&self, user: &UserId) -> Vec<Device> {
        let mut rows: Vec<_> =
            self.devices.iter().filter(|(place, row)| place.0 == *user && row.active).collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.last_seen, row.number)));
        let device = |(place, row): (&(UserId, DeviceId), &super::DeviceRow)| Device {
            device: place.1.clone(),
            created: row.created,
            last_seen: row.last_seen,
        };
        rows.into_iter().map(device).collect()
    }

    /// When a user was last seen on any named device.
    pub(crate) fn last_seen(&self, user: &UserId) -> Option<Millis> {
        let of_user = self.devices.iter().filter(|(place, _)| place.0 == *user);
        of_user.map(|(_, row)| row.last_seen).max()
    }

    /// Up to where a device has had a conversation; the shared one, and one that is not known, is
    /// as far as its user.
    fn had(&self, talk: &Talk, user: &UserId, device: &DeviceId) -> Seq {
        let place = (user.clone(), device.clone());
        let named = !device.is_shared() && self.devices.get(&place).is_some_and(|row| row.active);
        if named {
            talk.had.get(&place).copied().unwrap_or_default()
        } else {
            talk.mark(user).delivered
        }
    }

    fn talks_of(&self, user: &UserId) -> impl Iterator<Item = (&ConversationId, &Talk)> {
        self.talks.iter().filter(move |(_, talk)| talk.knows(user) && !talk.entries.is_empty())
    }

    /// What others said that this device has not confirmed.
    pub(crate) fn undelivered(
        &self,
        user: &UserId,
        device: &DeviceId,
        after: Option<&UndeliveredCursor>,
        limit: usize,
    ) -> UndeliveredPage {
        let mut page = Page::new(limit);
        for (conversation, talk) in self.talks_of(user) {
            let mut had = self.had(talk, user, device);
            if let Some(after) = after {
                if *conversation < after.conversation {
                    continue;
                }
                if *conversation == after.conversation {
                    had = had.max(after.seq);
                }
            }
            talk.others_after(user, had).for_each(|entry| page.take(entry));
            if page.more {
                break;
            }
        }
        let next = page.entries.last().filter(|_| page.more).map(|last| UndeliveredCursor {
            conversation: last.conversation.clone(),
            seq: last.seq,
        });
        UndeliveredPage { entries: page.entries, next, as_of: self.position }
    }

    /// The entries of a user's conversations after a position, in commit order.
    fn entries_since(&self, user: &UserId, after: Position, whose: Whose) -> Vec<&Arc<Entry>> {
        let mut entries = Vec::new();
        for (_, talk) in self.talks_of(user) {
            let from = talk.entries.partition_point(|entry| entry.position <= after);
            let wanted = |entry: &&Arc<Entry>| {
                (whose == Whose::Everyone || entry.from != *user) && talk.may_see(user, entry.seq)
            };
            entries.extend(talk.entries[from..].iter().filter(wanted));
        }
        entries.sort_unstable_by_key(|entry| entry.position);
        entries
    }

    /// What was committed after a position, in commit order.
    pub(crate) fn since(
        &self,
        user: &UserId,
        after: Position,
        whose: Whose,
        limit: usize,
    ) -> SincePage {
        let mut page = Page::new(limit);
        self.entries_since(user, after, whose).into_iter().for_each(|entry| page.take(entry));
        SincePage { entries: page.entries, more: page.more, as_of: self.position }
    }

    /// How much [`Ledger::since`] would give.
    pub(crate) fn behind(
        &self,
        user: &UserId,
        after: Position,
        whose: Whose,
        max: usize,
    ) -> Behind {
        let missed = self.entries_since(user, after, whose);
        let oldest = missed.first().map(|entry| entry.ts);
        let entries = missed.len().min(max.saturating_add(1));
        Behind { entries, oldest, as_of: self.position }
    }

    /// Which conversations moved since a position.
    pub(crate) fn moved(&self, user: &UserId, after: Position, limit: usize) -> MovedPage {
        let told = self.told_until(after);
        let mut conversations = Vec::new();
        for (conversation, talk) in self.talks_of(user) {
            let position = talk.entries.last().map_or(Position(0), |last| last.position);
            let marked = after.0 > 0
                && talk.marks.iter().any(|(member, mark)| {
                    if member != user && self.hides(member, conversation) {
                        return false;
                    }
                    let reads = mark.read_moved >= after || mark.read_at >= told;
                    let is_told = member == user || self.tells_reads(user, member);
                    mark.moved >= after || mark.at >= told || (reads && is_told)
                });
            if position > after || marked {
                conversations.push(Moved {
                    conversation: conversation.clone(),
                    head: talk.head(),
                    position,
                    unread: self.unread(talk, user),
                    watermarks: self.watermarks_for(user, conversation, talk),
                });
            }
        }
        let more = conversations.len() > limit;
        conversations.truncate(limit);
        let rows = self.blocks.get(user).into_iter().flat_map(|rows| rows.values());
        let mut news = rows.filter(|row| row.moved >= after || row.at >= told);
        let blocks = news.next().map(|_| self.blocks(user));
        let own = self.own_moved(user, after, told);
        MovedPage { conversations, more, blocks, own, as_of: self.position }
    }

    /// What moved at this time or later may be news to who is at a position.
    fn told_until(&self, position: Position) -> Millis {
        let newest = |talk: &Talk| {
            let at = talk.entries.partition_point(|entry| entry.position <= position);
            talk.entries[..at].last().map(|entry| (entry.position, entry.ts))
        };
        let newest = self.talks.values().filter_map(newest).max();
        let (_, ts) = newest.unwrap_or((Position(0), Millis(u64::MAX)));
        Millis(ts.0.saturating_sub(MOVED_TOLD_WITHIN_MS))
    }

    /// What a device that has everything up to a position has not confirmed.
    pub(crate) fn received(
        &self,
        user: &UserId,
        device: &DeviceId,
        up_to: Position,
        limit: usize,
    ) -> Vec<(ConversationId, Seq)> {
        let place = (user.clone(), device.clone());
        if !device.is_shared() && !self.devices.contains_key(&place) {
            return Vec::new();
        }
        let mut received = Vec::new();
        for (conversation, talk) in self.talks_of(user) {
            let at = talk.entries.partition_point(|entry| entry.position <= up_to);
            let seen = |entry: &&Arc<Entry>| talk.may_see(user, entry.seq);
            let last = talk.entries[..at].iter().rev().find(seen);
            let seq = last.map_or(Seq(0), |last| last.seq);
            if seq > self.had(talk, user, device) && received.len() < limit {
                received.push((conversation.clone(), seq));
            }
        }
        received
    }

    /// A piece of one conversation's log.
    pub(crate) fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, StoreError> {
        let talk = self.talks.get(&query.conversation).filter(|talk| talk.knows(&query.user));
        let talk = talk.ok_or(StoreError::NotFound)?;
        let mut page = Page::new(query.limit);
        let is_shown = |entry: &&Arc<Entry>| talk.may_see(&query.user, entry.seq);
        let seen = |entry: &&Arc<Entry>| is_shown(entry) && !self.is_hidden(&query.user, entry);
        let (newest_first, after, before) = match query.range {
            HistoryRange::Before(before) => (true, Seq(0), before),
            HistoryRange::After(after, before) => (false, after, before),
            HistoryRange::At(since) => {
                let mut later = talk.entries.iter().filter(|entry| entry.ts >= since);
                let first = later.find(is_shown).map_or(talk.head().0 + 1, |first| first.seq.0);
                (false, Seq(first - 1), None)
            }
        };
        let below = |entry: &&Arc<Entry>| before.is_none_or(|before| entry.seq < before);
        if newest_first {
            let entries = talk.entries.iter().rev().filter(below).filter(seen);
            entries.for_each(|entry| page.take(entry));
        } else {
            let entries = talk.after(after).iter().take_while(below).filter(seen);
            entries.for_each(|entry| page.take(entry));
        }
        let claims_all = self.plants(Planted::CoversSkipped);
        let last = page.entries.last().filter(|_| page.more && !claims_all).map(|last| last.seq);
        let to =
            before.map_or(talk.head(), |before| talk.head().min(Seq(before.0.saturating_sub(1))));
        // Up to its last entry if there are more, else to the end of the range.
        let (from, to) = match newest_first {
            true => (last.unwrap_or(Seq(1)), to),
            false => (Seq(after.0.saturating_add(1)), last.unwrap_or(to)),
        };
        let covers = (from <= to).then_some((from, to));
        Ok(HistoryPage {
            entries: page.entries,
            more: page.more,
            covers,
            head: talk.head(),
            states: Default::default(),
        })
    }

    /// A user's conversations that are no undecided or declined request, most recently moved first.
    pub(crate) fn conversations(
        &self,
        user: &UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> ConversationsPage {
        self.listed(user, cursor, limit, |request| !request.is_some_and(RequestState::hides))
    }

    /// Those that are undecided requests.
    pub(crate) fn message_requests(
        &self,
        user: &UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
    ) -> ConversationsPage {
        self.listed(user, cursor, limit, |request| request == Some(RequestState::Pending))
    }

    fn listed(
        &self,
        user: &UserId,
        cursor: Option<ConversationsCursor>,
        limit: usize,
        is_listed: impl Fn(Option<RequestState>) -> bool,
    ) -> ConversationsPage {
        let mut found: Vec<_> = self
            .talks_of(user)
            .filter(|(conversation, _)| is_listed(self.request(user, conversation)))
            .filter_map(|(conversation, talk)| {
                let may_see = |entry: &&Arc<Entry>| talk.may_see(user, entry.seq);
                let last = talk.entries.iter().rev().find(may_see)?;
                Some((conversation, talk, last))
            })
            .filter(|(_, _, last)| cursor.is_none_or(|cursor| last.position < cursor.0))
            .collect();
        found.sort_unstable_by_key(|(_, _, last)| std::cmp::Reverse(last.position));
        let mut page = Page::new(limit);
        found.iter().for_each(|(_, _, last)| page.take(last));
        found.truncate(page.entries.len());
        let summary = |(conversation, talk, last): (&ConversationId, &Talk, &Arc<Entry>)| {
            ConversationSummary {
                conversation: conversation.clone(),
                head: last.seq,
                unread: self.unread(talk, user),
                last: last.clone(),
                message: None,
                mentions: 0,
                timer_ms: None,
                watermarks: self.watermarks_for(user, conversation, talk),
                group: None,
            }
        };
        let conversations: Vec<_> = found.into_iter().map(summary).collect();
        let last = conversations.last().filter(|_| page.more);
        let next = last.map(|last| ConversationsCursor(last.last.position));
        ConversationsPage { conversations, next }
    }

    fn unread(&self, talk: &Talk, user: &UserId) -> u64 {
        let read = talk.mark(user).read;
        if self.plants(Planted::UnreadCountsOwn) {
            return talk.after(read).len() as u64;
        }
        talk.others_after(user, read).count() as u64
    }

    /// How far a user is: delivered and read.
    pub(crate) fn watermarks_of(&self, user: &str, conversation: &str) -> (Seq, Seq) {
        let named = |(name, _): &(&ConversationId, &Talk)| name.as_str() == conversation;
        let talk = self.talks.iter().find(named).map(|(_, talk)| talk);
        let mark = UserId::parse(user).ok().and_then(|user| talk?.marks.get(&user));
        mark.map_or((Seq(0), Seq(0)), |mark| (mark.delivered, mark.read))
    }

    fn tells_reads(&self, one: &UserId, other: &UserId) -> bool {
        [one, other].into_iter().all(|user| self.regard(user, user).privacy.read_receipts)
    }

    /// How far the members are, as one of them may see it.
    fn watermarks_for(
        &self,
        viewer: &UserId,
        conversation: &ConversationId,
        talk: &Talk,
    ) -> Vec<Watermarks> {
        let mut marks = talk.watermarks();
        let reads = |user: &UserId| self.regard(user, user).privacy.read_receipts;
        if !marks.iter().all(|mark| reads(&mark.user)) {
            let others = marks.iter_mut().filter(|mark| mark.user != *viewer);
            others.for_each(|mark| mark.read = Seq(0));
        }
        let others = marks.iter_mut().filter(|mark| mark.user != *viewer);
        for mark in others.filter(|mark| self.hides(&mark.user, conversation)) {
            (mark.delivered, mark.read) = (Seq(0), Seq(0));
        }
        marks
    }

    /// The entries at some places.
    pub(crate) fn entries_at(
        &self,
        user: &UserId,
        places: &[(ConversationId, Seq)],
    ) -> Vec<Option<Arc<Entry>>> {
        let find = |(conversation, seq): &(ConversationId, Seq)| {
            let talk = self.talks.get(conversation).filter(|talk| talk.may_see(user, *seq))?;
            talk.entries.iter().find(|entry| entry.seq == *seq).cloned()
        };
        places.iter().map(find).collect()
    }

    /// Whom a user keeps out.
    pub(crate) fn blocks(&self, user: &UserId) -> Blocks {
        let rows = self.blocks.get(user);
        let active = rows.into_iter().flatten().filter(|(_, row)| row.active);
        Blocks { users: active.map(|(other, _)| other.clone()).collect() }
    }

    /// A page of the whole log, as a node reads it to follow; no reader is asked after.
    pub(crate) fn log(&self, after: u64, positions_max: u64) -> log::Page {
        let head = self.position.0.max(after);
        let up_to = head.min(after + positions_max);
        let is_within = |entry: &&Arc<Entry>| (after + 1..=up_to).contains(&entry.position.0);
        let mut entries: Vec<_> =
            self.talks.values().flat_map(|talk| talk.entries.iter().filter(is_within)).collect();
        entries.sort_unstable_by_key(|entry| entry.position);
        log::Page { entries: entries.into_iter().cloned().collect(), up_to, head }
    }

    /// Who belongs to each group.
    pub(crate) fn groups(&self) -> BTreeMap<ConversationId, Members> {
        let group = |(conversation, talk): (&ConversationId, &Talk)| match &talk.who {
            Who::Direct(..) => None,
            Who::Group(members) => Some((conversation.clone(), members.clone())),
        };
        self.talks.iter().filter_map(group).collect()
    }
}

impl Talk {
    fn watermarks(&self) -> Vec<Watermarks> {
        let of = |user: UserId| {
            let mark = self.mark(&user);
            Watermarks { user, delivered: mark.delivered, read: mark.read }
        };
        self.shown().into_iter().map(of).collect()
    }
}
