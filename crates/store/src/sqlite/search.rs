//! Finding messages: newest first, over all conversations of a user or in one.
//!
//! ```text
//! conversations, by their newest entry ─┐
//! messages that the index proposes ─────┼─> turns, by position -> looked at -> found
//! what is not in the index yet ─────────┘
//! ```
//!
//! Whose turn it is says `search_scope`. Whatever is proposed is read, held against what the user may see now, and searched in its newest text. The work comes in
//! steps of [`STEP`], between which other reads have their turn, each step in a snapshot of its own; and
//! it ends at its bounds, with a cursor.

use std::time::{Duration, Instant};

use parlor_chat::entry::{Entry, Position};
use parlor_chat::search::port::{Found, SearchCursor, SearchPage, SearchQuery};

use super::names::entry_columns;
use super::queries::{ENTRY_BYTES, PAGE_BYTES_MAX, Room, Wanted};
use super::readers::Reader;
use super::rows::{Failure, bound, nat};
use super::search_scope::{Scope, Turn, What, too_broad};
use super::{visible, word_index};
use crate::kept::text::highlights;

/// How long a reader works on one search before others have their turn.
const STEP: Duration = Duration::from_millis(10);

/// A search under way.
#[derive(Debug)]
pub(crate) struct Searching {
    asked: SearchQuery,
    scope: Option<Scope>,
    worked: Duration,
    looked_at: usize,
    bytes: usize,
    /// The position of the message that was looked at last.
    last: Option<i64>,
    found: Vec<Found>,
}

/// What a step came to.
pub(crate) enum Step {
    Done(SearchPage),
    More(Box<Searching>),
}

impl Searching {
    pub(crate) fn new(asked: SearchQuery) -> Self {
        Self {
            asked,
            scope: None,
            worked: Duration::ZERO,
            looked_at: 0,
            bytes: 0,
            last: None,
            found: Vec::new(),
        }
    }

    /// Works for [`STEP`], or to the end.
    pub(crate) fn step(mut self: Box<Self>, reader: &mut Reader) -> Result<Step, Failure> {
        let began = Instant::now();
        let mut scope = match self.scope.take() {
            Some(scope) => scope,
            None => match self.begin(reader)? {
                Some(scope) => scope,
                None => return Ok(Step::Done(self.page(None, false))),
            },
        };
        while !scope.list(reader)? {
            if self.is_at_its_bounds(began) {
                return Err(too_broad().into());
            }
            if began.elapsed() >= STEP {
                return Ok(self.more(scope, began));
            }
        }
        loop {
            let Some(turn) = scope.turns.peek() else {
                return Ok(Step::Done(self.page(None, scope.is_indexing)));
            };
            if self.found.len() >= self.asked.limit {
                let last = self.found.last().map(|last| last.message.position);
                return Ok(Step::Done(self.page(last, scope.is_indexing)));
            }
            // What is proposed twice costs nothing, and a page does not end between the two.
            if self.last != Some(turn.position) && self.is_at_its_bounds(began) {
                let next = turn.position + 1;
                // Asked again, it would come no further.
                if next >= scope.top && self.found.is_empty() {
                    return Err(too_broad().into());
                }
                let next = Some(Position(nat(next)?));
                return Ok(Step::Done(self.page(next, scope.is_indexing)));
            }
            let turn = scope.turns.pop().expect("there is one, it was peeked at");
            self.take(reader, &mut scope, &turn)?;
            if began.elapsed() >= STEP {
                return Ok(self.more(scope, began));
            }
        }
    }

    fn more(mut self: Box<Self>, scope: Scope, began: Instant) -> Step {
        self.worked += began.elapsed();
        self.scope = Some(scope);
        Step::More(self)
    }

    fn page(&mut self, next: Option<Position>, is_indexing: bool) -> SearchPage {
        let found = std::mem::take(&mut self.found);
        SearchPage { found, next: next.map(SearchCursor), is_indexing }
    }

    fn is_at_its_bounds(&self, began: Instant) -> bool {
        let bounds = &self.asked.bounds;
        self.looked_at >= bounds.contents_max
            || self.bytes >= PAGE_BYTES_MAX
            || self.worked + began.elapsed() >= Duration::from_millis(bounds.work_max_ms)
    }

    fn begin(&mut self, reader: &mut Reader) -> Result<Option<Scope>, Failure> {
        if reader.names.keys().seals() {
            // Of sealed words the beginnings are not known.
            self.asked.query = self.asked.query.clone().of_whole_words();
        }
        Scope::begin(reader, &self.asked)
    }

    fn take(&mut self, reader: &mut Reader, scope: &mut Scope, turn: &Turn) -> Result<(), Failure> {
        if turn.what == What::Conversation {
            return scope.ask(reader, &self.asked, turn.conversation);
        }
        if self.last != Some(turn.position) {
            self.last = Some(turn.position);
            self.look(reader, scope.user, turn)?;
        }
        match turn.what {
            What::Proposed => scope.next_of(reader, turn.conversation),
            _ => Ok(()),
        }
    }

    /// Looks at a message, and keeps it if it is wanted and may be seen.
    fn look(&mut self, reader: &mut Reader, user: i64, turn: &Turn) -> Result<(), Failure> {
        self.looked_at += 1;
        let sql = concat!("SELECT ", entry_columns!(), " FROM entry e WHERE e.pos = ?1");
        let one = Wanted { hidden_from: Some(user), ..Wanted::by(user, 1) };
        let mut found = reader.entries(sql, [turn.position], one, &mut Room::default())?;
        let is_wanted = |entry: &Entry| {
            entry.body.said().is_some()
                && self.asked.from.as_ref().is_none_or(|from| *from == entry.from)
                && self.asked.before.is_none_or(|before| entry.ts < before)
        };
        let Some(entry) = found.first().filter(|entry| is_wanted(entry)) else { return Ok(()) };
        let thread = reader.names.thread(&reader.conn, turn.conversation)?;
        let (conn, seq) = (&reader.conn, bound(entry.seq.0));
        if thread.is_group() && !visible::may_see(conn, thread.id, user, seq)? {
            return Ok(());
        }
        let (mut states, _) = reader.states(&thread, user, &mut found)?;
        let Some(message) = found.pop() else { return Ok(()) };
        let state = states.remove(&message.seq).unwrap_or_default();
        let newest = state.edited.as_ref().map(|(content, _)| content).or(message.body.said());
        let Some(text) = newest.and_then(word_index::text_of) else { return Ok(()) };
        let Some(places) = self.asked.query.find(&text, self.asked.bounds.highlights_max) else {
            return Ok(());
        };
        self.bytes += message.body.weight()
            + state.edited.as_ref().map_or(0, |(content, _)| content.0.len())
            + ENTRY_BYTES;
        self.found.push(Found { message, state, highlights: highlights(&text, &places) });
        Ok(())
    }
}
