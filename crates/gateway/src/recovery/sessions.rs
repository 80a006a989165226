//! What lost sockets leave, by their private ids: taken by who comes back in time, forgotten after
//! that, and before if they are too many, those first that have waited longest.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::config;
use crate::ids::SocketId;

/// What a socket leaves.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) namespace: Arc<str>,
    pub(crate) pid: Arc<str>,
    pub(crate) id: SocketId,
    /// Its rooms but that of its id.
    pub(crate) rooms: Vec<Arc<str>>,
    pub(crate) data: Option<Arc<dyn Any + Send + Sync>>,
    /// Up to where its shard had performed when it first joined.
    pub(crate) since: u64,
    /// When it is forgotten.
    pub(crate) ends_at: Instant,
}

/// The sessions that wait for their clients.
pub(super) struct Sessions {
    waiting: HashMap<Arc<str>, Session>,
    ends: BTreeSet<(Instant, Arc<str>)>,
    sessions_max: usize,
}

impl Sessions {
    pub(super) fn new(config: &config::Recovery) -> Self {
        let sessions_max = config.sessions_max;
        Self { waiting: HashMap::new(), ends: BTreeSet::new(), sessions_max }
    }

    /// Keeps a session; gives back what is forgotten for it, to be dropped where no lock is held.
    #[must_use]
    pub(super) fn save(&mut self, session: Session) -> Vec<Session> {
        let mut forgotten = Vec::new();
        forgotten.extend(self.remove(&session.pid.clone()));
        self.ends.insert((session.ends_at, Arc::clone(&session.pid)));
        self.waiting.insert(Arc::clone(&session.pid), session);
        while self.waiting.len() > self.sessions_max {
            forgotten.extend(self.remove_first());
        }
        forgotten
    }

    /// Takes out a session whose time is not over.
    pub(super) fn take(&mut self, pid: &str, now: Instant) -> Option<Session> {
        let in_time = self.waiting.get(pid).is_some_and(|session| session.ends_at > now);
        in_time.then(|| self.remove(pid))?
    }

    /// Takes out all sessions whose time is over.
    #[must_use]
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Session> {
        let mut forgotten = Vec::new();
        while self.ends.first().is_some_and(|(ends_at, _)| *ends_at <= now) {
            forgotten.extend(self.remove_first());
        }
        forgotten
    }

    fn remove(&mut self, pid: &str) -> Option<Session> {
        let session = self.waiting.remove(pid)?;
        self.ends.remove(&(session.ends_at, Arc::clone(&session.pid)));
        Some(session)
    }

    fn remove_first(&mut self) -> Option<Session> {
        let (_, pid) = self.ends.pop_first()?;
        self.waiting.remove(&pid)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sessions(sessions_max: usize) -> Sessions {
        Sessions::new(&config::Recovery { sessions_max, ..config::Recovery::default() })
    }

    fn session(pid: &str, ends_at: Instant) -> Session {
        Session {
            namespace: "/".into(),
            pid: pid.into(),
            id: SocketId::parse("twenty-characters-ok").expect("it has the shape"),
            rooms: Vec::new(),
            data: None,
            since: 0,
            ends_at,
        }
    }

    #[test]
    fn a_session_is_taken_once_and_in_time() {
        let (mut sessions, now) = (sessions(10), Instant::now());
        let later = now + Duration::from_secs(1);
        assert!(sessions.save(session("a", later)).is_empty());
        assert!(sessions.take("b", now).is_none());
        assert!(sessions.take("a", later).is_none(), "its time is over");
        assert!(sessions.take("a", now).is_some());
        assert!(sessions.take("a", now).is_none());
        assert!(sessions.waiting.is_empty() && sessions.ends.is_empty());
    }

    #[test]
    fn who_has_waited_longest_is_forgotten_first() {
        let (mut sessions, now) = (sessions(2), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(sessions.save(session("b", at(2))).is_empty());
        assert!(sessions.save(session("a", at(1))).is_empty());
        let forgotten = sessions.save(session("c", at(3)));
        assert_eq!(forgotten.iter().map(|it| &*it.pid).collect::<Vec<_>>(), ["a"]);
        assert_eq!(sessions.save(session("c", at(4))).len(), 1, "the older of the same id");
        assert_eq!(sessions.expire(at(3)).len(), 1);
        assert_eq!((sessions.waiting.len(), sessions.ends.len()), (1, 1));
        assert!(sessions.take("c", now).is_some());
    }
}
