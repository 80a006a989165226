//! Pieces of logs that are read back: the newest page of what is opened, older ones, and what fills a
//! hole; and how much of a log is kept.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::warn;

use super::held::{Held, Reader, Reading};
use super::reads::Wish;
use super::{Core, Timer};
use crate::error::Error;
use crate::protocol::HistoryPage;
use crate::target::Target;
use crate::update::News;

/// Messages of a page that is read back.
const PAGE_MESSAGES: u64 = 50;
/// Entries of a page by which a hole is filled.
const HOLE_PAGE_ENTRIES: u64 = 200;
/// A larger hole is not filled: the newest page is read, and what is before it when it is asked for.
const HOLE_ENTRIES_MAX: u64 = 1_000;
/// How long a hole may be there before it is read: what is missing is mostly under way.
const HOLE_PATIENCE: Duration = Duration::from_millis(250);
/// What is kept of a conversation that nobody looks at, before and after it is cut.
const UNWATCHED_ENTRIES: (usize, usize) = (400, 200);
/// The same of one that is open.
const OPEN_ENTRIES: (usize, usize) = (20_000, 15_000);
/// Conversations whose messages are kept.
const CONVERSATIONS_MAX: usize = 1_000;

impl Core {
    /// Opens a conversation: its newest messages are read if there are few.
    pub(crate) fn open(&mut self, target: &Target, reader: Reader) {
        let held = self.held(target);
        let was_open = std::mem::replace(&mut held.is_open, true);
        let is_enough = held.window.is_placed()
            && (held.window.is_at_start() || held.window.len() as u64 >= PAGE_MESSAGES);
        if is_enough {
            let _ = reader.send(Ok(()));
        } else {
            held.readers.push(reader);
            // One thing is read at a time: what fills a hole does not answer who opens.
            held.is_older_wanted |= matches!(held.reading, Some(Reading::Hole(_)));
            self.read_newest(target);
        }
        if !was_open {
            self.say_opened(target, true);
        }
    }

    pub(crate) fn close_conversation(&mut self, target: &Target) {
        let held = self.held(target);
        if std::mem::replace(&mut held.is_open, false) {
            self.say_opened(target, false);
            self.settle(target);
        }
    }

    /// Reads a page of older messages.
    pub(crate) fn load_older(&mut self, target: &Target, reader: Reader) {
        let held = self.held(target);
        if !held.has_older() {
            let _ = reader.send(Ok(()));
            return;
        }
        held.readers.push(reader);
        held.is_older_wanted = true;
        self.settle(target);
    }

    /// Reads the newest page, or what is before the window if there is one.
    pub(super) fn read_newest(&mut self, target: &Target) {
        let held = self.held(target);
        let reading = if held.window.is_placed() { Reading::Older } else { Reading::Newest };
        self.read(target, reading);
    }

    fn read(&mut self, target: &Target, reading: Reading) {
        let held = self.held(target);
        if held.reading.is_none() {
            held.reading = Some(reading);
            self.wish(Wish::History(target.clone()));
        }
    }

    /// Fills the hole behind the window.
    pub(super) fn fill(&mut self, target: &Target) {
        let held = self.held(target);
        held.is_patient = false;
        if held.window.missing() > 0 {
            let head = held.window.head();
            self.read(target, Reading::Hole(head));
        }
    }

    /// What to ask `history`, given what is to be read now.
    pub(super) fn history_question(
        &mut self,
        target: &Target,
    ) -> Option<(&'static str, Value, u64)> {
        let held = self.held.get_mut(target)?;
        let conversation_id = &held.id;
        let newest = json!({ "conversationId": conversation_id, "limit": PAGE_MESSAGES });
        let question = match held.reading? {
            Reading::Newest => newest,
            Reading::Older => {
                let mut question = newest;
                question["before"] = held.window.from()?.into();
                question
            }
            Reading::Hole(_) if held.window.missing() > HOLE_ENTRIES_MAX => newest,
            Reading::Hole(_) => {
                let (after, head) = (held.window.to(), held.window.head());
                held.reading = Some(Reading::Hole(head));
                json!({
                    "conversationId": conversation_id, "after": after, "before": head + 1,
                    "limit": HOLE_PAGE_ENTRIES,
                })
            }
        };
        Some(("history", question, held.life))
    }

    pub(super) fn history_answered(
        &mut self,
        target: &Target,
        life: u64,
        outcome: Result<Value, Error>,
    ) {
        let outcome = match outcome {
            Ok(answer) => match self.understood::<HistoryPage>(answer, "history") {
                Some(page) => Ok(page),
                None => return,
            },
            Err(error) => Err(error),
        };
        let held = self.held(target);
        // After a reset another reading has taken its place.
        if held.life != life {
            return;
        }
        let Some(reading) = held.reading.take() else { return };
        let mut failure = None;
        let news = match (outcome, reading) {
            (Ok(page), Reading::Hole(head)) => {
                let is_jump = page.covers.is_some_and(|(first, _)| first > held.window.to() + 1);
                let is_end = !page.more && !is_jump;
                let mut news = held.window.page(page);
                if is_end {
                    news.extend(held.window.skip_to(head));
                }
                if is_jump {
                    held.told = held.told.max(Some(held.window.to()));
                    self.tell(News::Anew);
                }
                news
            }
            (Ok(page), _) => {
                let is_end = !page.more;
                let was_nowhere = !held.window.is_placed() && held.told.is_none();
                let news = held.window.page(page);
                if is_end {
                    held.window.start_reached();
                }
                // What is read back is no news.
                if was_nowhere {
                    held.told = Some(held.window.to());
                }
                news
            }
            // The server will not say what is there: go on without it.
            (Err(_), Reading::Hole(head)) => held.window.skip_to(head),
            // A conversation that nobody has said anything in is not there yet.
            (Err(error), _) if error.code() == Some("not_found") && held.window.head() == 0 => {
                held.window.place(0);
                held.window.start_reached();
                Vec::new()
            }
            (Err(error), _) => {
                warn!(%error, "history is refused");
                held.is_older_wanted = false;
                failure = Some(error);
                Vec::new()
            }
        };
        self.seen(target, news);
        let held = self.held(target);
        if held.window.missing() > 0 && matches!(reading, Reading::Hole(_)) && failure.is_none() {
            self.fill(target);
        } else if !matches!(reading, Reading::Hole(_)) && !held.is_older_wanted {
            for reader in std::mem::take(&mut held.readers) {
                let _ = reader.send(failure.clone().map_or(Ok(()), Err));
            }
        }
        self.settle(target);
    }

    /// After anything happened: drop what is no longer needed, look for holes, and tell.
    pub(super) fn settle(&mut self, target: &Target) {
        let held = self.held(target);
        let window = &mut held.window;
        if window.is_placed() {
            held.acked = held.acked.split_off(&(window.to() + 1));
            if held.reading.is_none() {
                held.stale = None;
            }
        }
        let (max, keep) = if held.is_open { OPEN_ENTRIES } else { UNWATCHED_ENTRIES };
        if window.len() > max && !held.is_older_wanted {
            window.trim(keep);
        }
        let is_missing = window.missing() > 0;
        if held.is_older_wanted && held.reading.is_none() {
            held.is_older_wanted = false;
            self.read_newest(target);
        } else if is_missing && held.reading.is_none() && !held.is_patient {
            held.is_patient = true;
            self.after(HOLE_PATIENCE, Timer::Fill(target.clone()));
        }
        self.tell(News::Changed(target.clone()));
    }

    /// On a new connection: holes that were waited for on the last one.
    pub(super) fn settle_holes(&mut self) {
        let is_holed = |held: &&Held| held.window.missing() > 0;
        let holed: Vec<_> =
            self.held.values().filter(is_holed).map(|it| it.target.clone()).collect();
        for target in holed {
            self.settle(&target);
        }
    }

    /// Forgets messages of the conversation that moved longest ago, if there are many.
    pub(super) fn make_room(&mut self) {
        let placed = || self.held.values().filter(|held| held.window.is_placed());
        if placed().count() < CONVERSATIONS_MAX {
            return;
        }
        let is_idle = |held: &&Held| !held.is_open && held.reading.is_none();
        let oldest =
            placed().filter(is_idle).min_by_key(|held| held.order).map(|it| it.target.clone());
        if let Some(held) = oldest.and_then(|target| self.held.get_mut(&target)) {
            held.forget_messages();
        }
    }

    /// Says which groups are open: of larger ones, receipts and typing are told to those alone who
    /// have them open.
    pub(super) fn say_open(&mut self) {
        let open: Vec<_> =
            self.held.values().filter(|held| held.is_open).map(|it| it.target.clone()).collect();
        for target in open {
            self.say_opened(&target, true);
        }
        self.settle_holes();
    }

    fn say_opened(&mut self, target: &Target, is_open: bool) {
        if let Target::Group(_) = target {
            let conversation_id = target.conversation_id(&self.me);
            let command = if is_open { "conversation_open" } else { "conversation_close" };
            self.say(command, json!({ "conversationId": conversation_id }));
        }
    }
}
