//! What is looked up again when something that other nodes said may have been missed.
//!
//! What is remembered of decisions is forgotten, who is watched is asked for, and every session proves again to
//! the store that its device, its token and its user are still let in. Then every user who is here is told what
//! moved meanwhile beside messages: receipts, whom they block, and their own records. Messages need no such care:
//! they come by the log, which is read.
//!
//! **Since when** something may be missing is not known: a loss shows in what is heard next. While the bus is in
//! reach that is soon, so the place in the log half a minute before, or more, is taken; while it is not, the last
//! one before it was lost, or up to which everybody was told since. What is told twice by that is told as it is
//! now. So it goes on, every half minute, as long as the bus is down.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::entry::Position;
use parlor_chat::ids::UserId;
use parlor_chat::refusal::{Refusal, of_store};
use tokio::sync::Notify;

use crate::closing::Ending;
use crate::delivery::room;
use crate::service::Service;
use crate::session::{Kind, Session};
use crate::{clock, connect, records};

use super::Address;

/// Both topics are interrupted together, which is one loss.
const GATHERED_WITHIN: Duration = Duration::from_millis(100);
/// Sessions that prove themselves at once, and the pause behind them.
const PROVED_AT_ONCE: usize = 32;
const PROVED_PAUSE: Duration = Duration::from_millis(100);

/// What may have been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// What other nodes say.
    Words,
    /// What other nodes committed and the log does not have: changes of users' own records.
    Hints,
}

/// That something was missed, until it is looked up.
#[derive(Debug, Default)]
pub(super) struct Missed {
    noted: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last two places in the log that were looked at while the bus was in reach.
    heard_up_to: [Position; 2],
    due: Option<Due>,
}

/// What is to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    /// Whether words are missing, and not hints alone.
    words: bool,
    /// After which place in the log something may be missing.
    since: Position,
}

impl Missed {
    /// Begins: nobody is here who could have missed anything.
    fn begin(&self, position: Position) {
        *self.state.lock() = State { heard_up_to: [position; 2], due: None };
    }

    /// Takes that everything that was said up to this place in the log was heard, or is told to be missed soon.
    pub(super) fn heard_up_to(&self, position: Position) {
        let mut state = self.state.lock();
        state.heard_up_to = [state.heard_up_to[1], position];
        // Somebody could not be told the last time.
        if state.due.is_some() {
            self.noted.notify_one();
        }
    }

    /// Takes that everybody knows what was said up to there.
    fn told_up_to(&self, position: Position) {
        self.state.lock().heard_up_to = [position; 2];
    }

    /// Takes that something may have been missed by now.
    pub(super) fn note(&self, what: What) {
        let since = self.state.lock().heard_up_to[0];
        self.add(Due { words: what == What::Words, since });
        self.noted.notify_one();
    }

    /// Has this looked up with what is due already.
    fn add(&self, more: Due) {
        let mut state = self.state.lock();
        let due = state.due.unwrap_or(more);
        state.due = Some(Due { words: due.words || more.words, since: due.since.min(more.since) });
    }

    /// Waits until something was missed.
    async fn next(&self) -> Due {
        loop {
            self.noted.notified().await;
            tokio::time::sleep(GATHERED_WITHIN).await;
            if let Some(due) = self.state.lock().due.take() {
                return due;
            }
        }
    }
}

/// Looks up again what may be wrong since something was missed, as long as the service runs.
pub(crate) async fn recover(service: Arc<Service>) {
    let missed = &service.nodes().missed;
    missed.begin(service.delivery().position());
    loop {
        let due = tokio::select! {
            due = missed.next() => due,
            () = service.ending.cancelled() => break,
        };
        let up_to = service.delivery().position();
        let prove = async {
            if due.words {
                let known = service.nodes().elsewhere.missed();
                service.find_elsewhere(&known).await;
                service.prove_sessions().await;
                service.find_again(&known).await;
            }
        };
        // Both go through everybody, which takes its time.
        let ((), is_told) = tokio::join!(prove, service.tell_everybody(due.since));
        match is_told {
            true => missed.told_up_to(up_to),
            // By then the store may be there again.
            false => missed.add(Due { words: false, ..due }),
        }
    }
}

impl Service {
    /// Forgets what may be wrong, since words may have been missed, and has the rest looked up again.
    pub(super) fn missed(&self) {
        self.delivery().regards.forget_all();
        self.visibility().forget_all();
        self.nodes().missed.note(What::Words);
    }

    /// Has every session prove again that it would be let in.
    async fn prove_sessions(&self) {
        for some in self.all_sessions().chunks(PROVED_AT_ONCE) {
            for session in some {
                let Some(user) = session.user() else { continue };
                let refused = connect::prove(self, session, user).await.err();
                if let Some(ending) = refused.and_then(Ending::of_refused) {
                    self.end(session, ending);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PROVED_PAUSE) => {}
                () = self.draining.cancelled() => return,
            }
        }
    }

    /// Tells every user who is here what moved since; gives whether each could be told.
    async fn tell_everybody(&self, since: Position) -> bool {
        let sessions = self.all_sessions();
        let users: BTreeSet<&UserId> = sessions
            .iter()
            .filter(|session| session.kind == Kind::Standard)
            .filter_map(|session| session.user())
            .collect();
        let mut all = true;
        for user in users {
            let told = tokio::select! {
                told = self.tell_moved(user, since) => told,
                () = self.draining.cancelled() => break,
            };
            if let Err(error) = told {
                tracing::debug!(%error, "publish: a user was not told what moved");
                all = false;
            }
        }
        all
    }

    /// Tells a user's sockets here what moved since, if anything did.
    async fn tell_moved(&self, user: &UserId, since: Position) -> Result<(), Refusal> {
        let _turn = self.turns.next().await?;
        let max = self.settings.limits.sync_conversations_max;
        let moved = self.store.moved(user.clone(), since, max).await;
        let moved = moved.map_err(|error| of_store(&error))?;
        if !moved.is_empty() {
            let room = room(Kind::Standard, user);
            let to = Address { room: (&*room).into(), except: None, volatile: false };
            let said = records::alone(&records::moved(&moved, user));
            self.tell_here(&to, None, "moved", &said);
        }
        Ok(())
    }

    fn all_sessions(&self) -> Vec<Arc<Session>> {
        let mut sessions = Vec::new();
        self.sessions().sweep(clock::now(), |session| sessions.push(Arc::clone(session)));
        sessions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn due(missed: &Missed) -> Option<Due> {
        tokio::time::timeout(GATHERED_WITHIN * 5, missed.next()).await.ok()
    }

    #[tokio::test]
    async fn what_was_missed_is_told_from_half_a_minute_before_it_showed() {
        let missed = Missed::default();
        missed.begin(Position(10));
        missed.heard_up_to(Position(20));
        missed.note(What::Hints);
        assert_eq!(due(&missed).await, Some(Due { words: false, since: Position(10) }));
        missed.heard_up_to(Position(30));
        missed.note(What::Words);
        missed.note(What::Hints);
        assert_eq!(due(&missed).await, Some(Due { words: true, since: Position(20) }));
        assert_eq!(due(&missed).await, None);
    }

    #[tokio::test]
    async fn who_could_not_be_told_is_told_from_there_the_next_time() {
        let missed = Missed::default();
        missed.begin(Position(10));
        missed.note(What::Words);
        let first = due(&missed).await.unwrap();
        missed.add(first);
        missed.heard_up_to(Position(20));
        missed.heard_up_to(Position(30));
        assert_eq!(due(&missed).await, Some(first));
        missed.told_up_to(Position(30));
        missed.note(What::Words);
        assert_eq!(due(&missed).await, Some(Due { words: true, since: Position(30) }));
    }
}
