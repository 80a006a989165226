//! What holds for all commands of one transaction, and what they come to.

use parlor_chat::entry::{Epoch, Millis};
use parlor_chat::own::OwnCommitted;
use parlor_chat::store::{Appended, Committed, Origin, StoreError};
use parlor_chat::trace::Took;

use super::appends::AppendDone;
use super::config::Config;
use super::conn::{Conn, Failure, params};
use crate::kept::numbers::bound;

/// A transaction that is being decided.
pub(crate) struct Turn<'a> {
    pub(crate) conn: Conn<'a>,
    pub(crate) config: &'a Config,
    pub(crate) epoch: Epoch,
    /// What is told once it is committed.
    pub(crate) work: Work,
    /// The position of the newest entry, from when the counter was locked.
    position: Option<i64>,
    /// Whether the counter has yet to be moved there.
    is_behind: bool,
}

/// What a transaction did, besides what its commands are told.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) committed: Vec<Committed>,
    pub(crate) own: Vec<OwnCommitted>,
    /// Appends answered by their idempotency key.
    pub(crate) repeats: u64,
    /// What the commit took, once there was one.
    pub(crate) took: Option<Took>,
}

impl Work {
    /// Notes an append that was carried out; gives its answer.
    pub(crate) fn told(
        &mut self,
        done: Result<AppendDone, StoreError>,
        origin: Origin,
    ) -> Result<Appended, StoreError> {
        let done = done?;
        self.repeats += u64::from(done.entry.is_none());
        self.committed.extend(done.entry.map(|entry| Committed { entry, origin }));
        self.own.extend(done.own);
        Ok(done.appended)
    }
}

const LOCK_COUNTER: &str = "SELECT position FROM counter FOR UPDATE";

async fn lock_counter(conn: Conn<'_>) -> Result<i64, tokio_postgres::Error> {
    conn.number(LOCK_COUNTER, params![]).await
}

impl<'a> Turn<'a> {
    pub(crate) fn new(conn: Conn<'a>, config: &'a Config, epoch: Epoch) -> Self {
        let work = Work::default();
        Self { conn, config, epoch, work, position: None, is_behind: false }
    }

    /// The position of the newest entry of all. From the first call on no other transaction takes one:
    /// whoever calls has all other locks by then.
    pub(crate) async fn position(&mut self) -> Result<i64, Failure> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        let position = lock_counter(self.conn).await?;
        self.position = Some(position);
        Ok(position)
    }

    /// Carries out what needs the position, likewise locked, without waiting for it in between: `then` is given the
    /// position if it is known, and otherwise finds it in the counter.
    pub(crate) async fn at_position<T>(
        &mut self,
        then: impl AsyncFnOnce(Conn<'_>, Option<i64>) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        if self.position.is_some() {
            return then(self.conn, self.position).await;
        }
        self.conn.prepare(LOCK_COUNTER, params![]).await?;
        // Each is sent when it is polled first.
        let (position, done) =
            tokio::try_join!(biased; lock_counter(self.conn), then(self.conn, None))?;
        self.position = Some(position);
        Ok(done)
    }

    /// The same, if the counter is locked already.
    pub(crate) fn known_position(&self) -> Option<i64> {
        self.position
    }

    /// Notes that positions up to this one are taken. The first who takes some moves the counter with them; what is
    /// taken behind that is written at the end.
    pub(crate) fn advanced(&mut self, position: i64) {
        self.is_behind |= self.position.is_some();
        self.position = Some(position);
    }

    /// Writes how far the counter came. To be called last.
    pub(crate) async fn finish(&self) -> Result<(), Failure> {
        if let Some(position) = self.position.filter(|_| self.is_behind) {
            self.conn.execute("UPDATE counter SET position = $1", params![position]).await?;
        }
        Ok(())
    }

    /// Whether an entry of that time is to be removed once another succeeds it.
    pub(crate) fn is_too_old(&self, ts: i64) -> bool {
        let Some(age_ms) = self.config.retention_ms else { return false };
        let now = self.config.clock.now();
        ts < bound(now.0.saturating_sub(age_ms))
    }

    pub(crate) fn now(&self) -> Millis {
        self.config.clock.now()
    }
}
