//! The piece of a conversation's log that a client holds: without a hole from its first number to
//! its last.
//!
//! What arrives ahead of a hole waits beside it until the hole is filled, so what is in the window
//! only ever grows at its ends, and is first seen in the order of the log. What comes twice changes
//! nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::effects::{about, after};
use crate::protocol::{HistoryPage, LogEntry, Message};

/// What waits ahead of a hole, at most; what is beyond is read from the history.
const AHEAD_MAX: usize = 1_000;
/// Messages whose user does not want to see them, as many as a server keeps.
const HIDDEN_MAX: usize = 10_000;

#[derive(Debug, Clone)]
struct Item {
    entry: LogEntry,
    /// Up to which number all that was done to the message is in it.
    as_of: u64,
}

/// The window. Knows no connection and no clock.
#[derive(Debug)]
pub(crate) struct Window {
    me: String,
    /// The first number it speaks for; one more than `to` while it is empty.
    from: Option<u64>,
    to: u64,
    head: u64,
    is_at_start: bool,
    items: BTreeMap<u64, Item>,
    ahead: BTreeMap<u64, Item>,
    places: HashMap<String, u64>,
    hidden: HashSet<String>,
}

impl Window {
    /// `me` is who looks at it.
    pub(crate) fn new(me: &str) -> Self {
        Self {
            me: me.to_owned(),
            from: None,
            to: 0,
            head: 0,
            is_at_start: false,
            items: BTreeMap::new(),
            ahead: BTreeMap::new(),
            places: HashMap::new(),
            hidden: HashSet::new(),
        }
    }

    /// The first number that it speaks for, if it speaks for anything yet.
    pub(crate) fn from(&self) -> Option<u64> {
        self.from
    }

    pub(crate) fn is_placed(&self) -> bool {
        self.from.is_some()
    }

    /// The last number that it speaks for; 0 if it holds nothing.
    pub(crate) fn to(&self) -> u64 {
        if self.is_placed() { self.to } else { 0 }
    }

    /// The newest number of the log that was heard of.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Whether there is nothing before it.
    pub(crate) fn is_at_start(&self) -> bool {
        self.is_at_start || self.from == Some(1)
    }

    /// How many numbers are missing between its end and the newest that was heard of.
    pub(crate) fn missing(&self) -> u64 {
        if self.is_placed() { self.head - self.to } else { 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Its messages, oldest first.
    pub(crate) fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.items.values().filter_map(|item| match &item.entry {
            LogEntry::Message(message) if !self.hidden.contains(&message.id) => Some(message),
            _ => None,
        })
    }

    /// What it has behind this number, in order; `None` if it does not speak for all of that.
    pub(crate) fn after(&self, seq: u64) -> Option<impl Iterator<Item = &LogEntry>> {
        let speaks = seq >= self.to() || self.covers(seq + 1);
        speaks.then(|| self.items.range(seq.saturating_add(1)..).map(|(_, item)| &item.entry))
    }

    pub(crate) fn message(&self, id: &str) -> Option<&Arc<Message>> {
        match &self.items.get(self.places.get(id)?)?.entry {
            LogEntry::Message(message) => Some(message),
            LogEntry::Entry(_) => None,
        }
    }

    /// Whether it has, or knows that there is not, an entry of that number.
    pub(crate) fn covers(&self, seq: u64) -> bool {
        self.from.is_some_and(|from| seq >= from && seq <= self.to)
    }

    /// It begins behind this number, if it did not begin anywhere yet.
    pub(crate) fn place(&mut self, to: u64) {
        if self.from.is_none() {
            self.from = Some(to + 1);
            self.to = to;
            self.head_is(to);
        }
    }

    /// There is something up to this number.
    pub(crate) fn head_is(&mut self, seq: u64) {
        self.head = self.head.max(seq);
    }

    /// Takes an entry that was pushed. Gives those that are seen by that for the first time, in
    /// order.
    pub(crate) fn push(&mut self, entry: LogEntry) -> Vec<LogEntry> {
        let seq = entry.seq();
        self.head_is(seq);
        let from = match self.from {
            Some(from) => from,
            None => {
                self.from = Some(seq);
                self.to = seq.saturating_sub(1);
                seq
            }
        };
        if seq + 1 < from || self.items.contains_key(&seq) {
            return Vec::new();
        }
        if seq <= self.to {
            self.from = Some(from.min(seq));
            self.put(entry.clone(), seq);
            // What was done to it since is in the window already.
            let later: Vec<_> =
                self.items.range(seq + 1..).map(|(_, it)| it.entry.clone()).collect();
            for entry in &later {
                self.affect(entry);
            }
            return vec![entry];
        }
        if seq == self.to + 1 || self.ahead.len() < AHEAD_MAX {
            self.ahead.insert(seq, Item { entry, as_of: seq });
        }
        self.absorb()
    }

    /// Takes a page of history that begins where the window ends, or ends where it begins, or speaks
    /// for the newest there is. Gives what is seen for the first time, in order.
    pub(crate) fn page(&mut self, page: HistoryPage) -> Vec<LogEntry> {
        self.head_is(page.head);
        let Some((first, last)) = page.covers else {
            if self.from.is_none() {
                self.from = Some(self.head + 1);
                self.to = self.head;
                self.is_at_start = true;
            }
            return Vec::new();
        };
        self.head_is(last);
        let mut entries: Vec<LogEntry> = page.messages.into_iter().map(LogEntry::Message).collect();
        entries.extend(page.entries.into_iter().map(LogEntry::Entry));
        entries.sort_by_key(LogEntry::seq);
        match self.from {
            Some(from) if last + 1 < from => self.set_aside(),
            Some(_) if first > self.to + 1 => self.clear(),
            _ => {}
        }
        let end = if self.is_placed() { self.to } else { first.saturating_sub(1) };
        self.from = Some(self.from.map_or(first, |from| from.min(first)));
        self.to = end.max(last);
        let mut news = Vec::new();
        for entry in entries {
            let seq = entry.seq();
            let known = self.items.get(&seq).map(|item| item.as_of);
            if known.is_none() {
                news.push(entry.clone());
            }
            if known.is_none_or(|as_of| as_of <= page.head) {
                self.put(entry.clone(), page.head);
            }
            if seq > end {
                self.affect(&entry);
            }
        }
        // What was pushed before the page came, and was committed after it was read, is not in it.
        let later: Vec<_> =
            self.items.range(page.head + 1..).map(|(_, item)| item.entry.clone()).collect();
        later.iter().for_each(|entry| self.affect(entry));
        news.extend(self.absorb());
        news
    }

    /// There is nothing before it.
    pub(crate) fn start_reached(&mut self) {
        self.is_at_start = true;
    }

    /// What is missing up to this number is not there to be had.
    pub(crate) fn skip_to(&mut self, seq: u64) -> Vec<LogEntry> {
        if self.from.is_none() {
            return Vec::new();
        }
        let mut news = Vec::new();
        while let Some(first) = self.ahead.first_entry() {
            if *first.key() > seq {
                break;
            }
            let item = first.remove();
            news.push(item.entry.clone());
            self.accept(item);
        }
        self.to = self.to.max(seq);
        self.head_is(seq);
        news.extend(self.absorb());
        news
    }

    /// Its user does not want to see a message, or does again.
    pub(crate) fn hide(&mut self, message_id: &str, hidden: bool) {
        if !hidden {
            self.hidden.remove(message_id);
        } else if self.hidden.len() < HIDDEN_MAX {
            self.hidden.insert(message_id.to_owned());
        }
    }

    /// Forgets the oldest until so many entries are left.
    pub(crate) fn trim(&mut self, keep: usize) {
        while self.items.len() > keep {
            let Some((seq, item)) = self.items.pop_first() else { return };
            if let LogEntry::Message(message) = item.entry {
                self.places.remove(&message.id);
            }
            self.from = Some(seq + 1);
            self.is_at_start = false;
        }
    }

    fn absorb(&mut self) -> Vec<LogEntry> {
        let mut news = Vec::new();
        self.ahead = self.ahead.split_off(&(self.to + 1));
        while let Some(item) = self.ahead.remove(&(self.to + 1)) {
            news.push(item.entry.clone());
            self.accept(item);
        }
        news
    }

    fn accept(&mut self, Item { entry, as_of }: Item) {
        self.to = self.to.max(entry.seq());
        self.put(entry.clone(), as_of);
        self.affect(&entry);
    }

    /// Keeps what it has for later, as far as there is room, and is empty.
    fn set_aside(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.clear();
        self.ahead.extend(items);
        while self.ahead.len() > AHEAD_MAX {
            self.ahead.pop_last();
        }
    }

    fn clear(&mut self) {
        self.items.clear();
        self.places.clear();
        self.from = None;
        self.to = 0;
        self.is_at_start = false;
    }

    fn put(&mut self, entry: LogEntry, as_of: u64) {
        let seq = entry.seq();
        if let LogEntry::Message(message) = &entry {
            self.places.insert(message.id.clone(), seq);
        }
        self.items.insert(seq, Item { entry, as_of });
    }

    /// Does to the message that an entry is about what it says, unless the message is of later.
    fn affect(&mut self, entry: &LogEntry) {
        let place = about(entry).and_then(|id| self.places.get(id));
        let Some(item) = place.and_then(|seq| self.items.get_mut(seq)) else { return };
        if let LogEntry::Message(message) = &item.entry
            && item.as_of < entry.seq()
        {
            item.entry = LogEntry::Message(after(message, entry, &self.me));
            item.as_of = entry.seq();
        }
    }
}

#[cfg(test)]
mod tests;
