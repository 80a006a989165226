//! Finding messages: newest first, over all conversations of a user or in one.
//!
//! The words of a message are in the index from its own commit on, so nothing is ever behind. The index
//! proposes messages of the user's own conversations, some at a time from the newest; each is read, held
//! against what the user may see now, and searched in its newest text, which alone decides. The work ends
//! at its bounds, with a cursor.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_chat::entry::{Entry, Position};
use parlor_chat::refusal::Refusal;
use parlor_chat::search::port::{Found, SearchCursor, SearchPage, SearchQuery};
use parlor_chat::search::query::Query;

use super::conn::{Failure, params};
use super::entries::{entry, entry_columns};
use super::reads::{ENTRY_BYTES, PAGE_BYTES_MAX, Reader, weight};
use super::speaking::refused;
use super::threads;
use super::visible::{seen, shown};
use crate::kept::numbers::{bound, nat};
use crate::kept::text::{highlights, text_of};

/// Messages that the index is asked for at a time.
const PROPOSED_AT_ONCE: usize = 64;

/// What the index is asked, in the language of `tsquery`, made of nothing but words and their beginnings.
fn wanted(query: &Query) -> String {
    let mut wanted = String::new();
    for phrase in query.phrases() {
        let last = phrase.words.len() - 1;
        for (at, word) in phrase.words.iter().enumerate() {
            if !wanted.is_empty() {
                wanted.push_str(" & ");
            }
            // Within quotes a quote is doubled, and so is a backslash.
            let word = word.replace('\\', "\\\\").replace('\'', "''");
            let goes_on = if phrase.is_beginning && at == last { ":*" } else { "" };
            // Writing to a text cannot fail.
            let _ = write!(wanted, "'{word}'{goes_on}");
        }
    }
    wanted
}

impl Reader<'_> {
    /// A page of what is found.
    pub(crate) async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Failure> {
        let began = Instant::now();
        if let Some(conversation) = &query.conversation {
            threads::of_member(self.conn, conversation, &query.user).await?;
        }
        let head = self.head_position().await?;
        let after = query.after.map(|after| bound(after.0.0));
        let top = after.unwrap_or(i64::MAX).min(bound(head.0) + 1);
        let work_max = Duration::from_millis(query.bounds.work_max_ms);
        let (mut below, mut looked_at, mut bytes) = (top, 0, 0);
        let mut page = SearchPage { found: Vec::new(), next: None, is_indexing: false };
        loop {
            if began.elapsed() >= work_max {
                return ended(page, below, top);
            }
            let proposed = self.proposed(query, below).await?;
            let is_all = proposed.len() < PROPOSED_AT_ONCE;
            let mut states = self.states(Some(&query.user), &proposed).await?;
            for message in proposed {
                if page.found.len() >= query.limit {
                    page.next = page.found.last().map(|last| SearchCursor(last.message.position));
                    return Ok(page);
                }
                let is_at_its_bounds = looked_at >= query.bounds.contents_max
                    || bytes >= PAGE_BYTES_MAX
                    || began.elapsed() >= work_max;
                if is_at_its_bounds {
                    return ended(page, below, top);
                }
                below = bound(message.position.0);
                looked_at += 1;
                let at = (message.conversation.clone(), message.seq);
                let state = states.remove(&at).unwrap_or_default();
                let newest = state.edited.as_ref().map(|(content, _)| content);
                let newest = newest.or(message.body.said());
                let Some(text) = newest.and_then(text_of) else { continue };
                let places = query.query.find(&text, query.bounds.highlights_max);
                let Some(places) = places else { continue };
                bytes += message.body.weight() + weight(&state) + ENTRY_BYTES;
                let highlights = highlights(&text, &places);
                page.found.push(Found { message, state, highlights });
            }
            if is_all {
                return Ok(page);
            }
        }
    }

    /// The next messages below a position that may have what is wanted, and may be seen.
    async fn proposed(&self, query: &SearchQuery, below: i64) -> Result<Vec<Arc<Entry>>, Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM message_words w \
             JOIN member m ON m.conversation = w.conversation AND m.user_id = $1 \
             JOIN entry e ON e.conversation = w.conversation AND e.seq = w.seq \
             WHERE w.pos < $2 AND (w.words IS NULL OR w.words @@ $3::text::tsquery) \
             AND ($4::text IS NULL OR w.conversation = $4) \
             AND ($5::text IS NULL OR e.sender = $5) AND ($6::bigint IS NULL OR e.ts < $6) \
             AND (NOT e.shadow OR e.sender = $1) AND ",
            seen!(),
            " AND ",
            shown!(),
            " ORDER BY w.pos DESC LIMIT $7"
        );
        let only = query.conversation.as_ref().map(|only| only.as_str());
        let from = query.from.as_ref().map(|from| from.as_str());
        let before = query.before.map(|before| bound(before.0));
        let (user, words) = (query.user.as_str(), wanted(&query.query));
        let limit = PROPOSED_AT_ONCE as i64;
        let params = params![user, below, words, only, from, before, limit];
        let rows = self.conn.query(sql, params).await?;
        // However large they are, each is looked at: the bounds of the search are its own.
        rows.iter().map(|row| entry(row, self.clock)).collect::<Result<Vec<_>, _>>()
    }
}

/// A page that ends at its bounds, from where it was last.
fn ended(mut page: SearchPage, below: i64, top: i64) -> Result<SearchPage, Failure> {
    // Asked again, it would come no further.
    if below >= top && page.found.is_empty() {
        return Err(refused(Refusal::SearchTooBroad).into());
    }
    page.next = Some(SearchCursor(Position(nat(below)?)));
    Ok(page)
}
