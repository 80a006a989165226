//! Moves the write-ahead log into the database beside the writer, so that no commit waits for it.
//!
//! When the log has grown to its soft bound, a passive checkpoint copies what it can while the
//! writer goes on. What was written meanwhile keeps the log from being started anew; so then the
//! gate is closed, for as long as it takes to copy that rest: the writer and the readers wait
//! between their batches. This bounds the log, and the wait, by what is written during one
//! passive checkpoint. Where that is more than the hard bound, the writer waits for the checkpoint
//! from there on. A reader that outlasts it, such as a backup, keeps the log from being started
//! anew for as long as it reads; then it is tried again after a pause, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::Shared;
use super::health::{self, Lasting};
use super::rows::int;

/// Wakes the checkpointer; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Wake {
    wakes: SyncSender<()>,
    rounds: Arc<Rounds>,
}

impl Wake {
    /// Says that the log has grown to its soft bound.
    pub(crate) fn wake(&self) {
        // Full means that it is awake already.
        let _ = self.wakes.try_send(());
    }

    /// Wakes it, and waits until a checkpoint has ended, well or not; not at all while a reader
    /// keeps checkpoints from ending, or when there will be none.
    pub(crate) fn wait(&self) {
        let mut state = self.rounds.state.lock();
        let before = state.ended;
        self.wake();
        while state.ended == before && !state.vain {
            self.rounds.changed.wait(&mut state);
        }
    }
}

/// The checkpoints so far, for who waits for the next.
#[derive(Debug, Default)]
struct Rounds {
    state: Mutex<Round>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Round {
    /// How many have ended.
    ended: u64,
    /// Whether it is in vain to wait: a reader keeps the log as it is, or nobody checkpoints.
    vain: bool,
}

impl Rounds {
    fn end(&self, vain: bool) {
        let mut state = self.state.lock();
        *state = Round { ended: state.ended + 1, vain };
        self.changed.notify_all();
    }
}

/// The end of [`Wake`] that the checkpointer has.
pub(crate) struct Woken {
    wakes: Receiver<()>,
    rounds: Arc<Rounds>,
}

pub(crate) fn channel() -> (Wake, Woken) {
    let (wake, woken) = sync_channel(1);
    let rounds = Arc::<Rounds>::default();
    (Wake { wakes: wake, rounds: rounds.clone() }, Woken { wakes: woken, rounds })
}

/// Without checkpoints the log would grow without end: a panic ends the store's promises. Whoever
/// waits for one goes on.
struct Guard<'a>(&'a Shared, &'a Rounds);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.health.fail("the checkpointer panicked", Lasting::UntilRestart);
        }
        self.1.end(true);
    }
}

/// How long a checkpoint is left alone that somebody's snapshot keeps from ending.
const BUSY_PAUSE: Duration = Duration::from_millis(250);

/// Checkpoints when woken, until every [`Wake`] is gone.
pub(crate) fn run(conn: &Connection, shared: &Arc<Shared>, woken: &Woken) {
    let Woken { wakes, rounds } = woken;
    let _guard = Guard(shared, rounds);
    while wakes.recv().is_ok() {
        let outcome = checkpoint(conn, shared);
        let is_busy =
            |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        rounds.end(outcome.as_ref().is_err_and(is_busy));
        if let Err(error) = outcome {
            if is_busy(&error) {
                tracing::debug!("a reader keeps the log from being started anew");
                pause(wakes);
                continue;
            }
            // Whatever was acknowledged is in the log; but a failed fsync may have lost pages of
            // either file, and a full disk would fail the next commit too.
            match health::lasting(&error) {
                Lasting::UntilProbed => tracing::warn!(%error, "the checkpoint failed"),
                Lasting::UntilRestart => {
                    shared.health.fail(&error.to_string(), Lasting::UntilRestart);
                    return;
                }
            }
        }
    }
}

/// Waits, but not for longer than there is anybody to wake.
fn pause(woken: &Receiver<()>) {
    let until = Instant::now() + BUSY_PAUSE;
    while let left = until.saturating_duration_since(Instant::now())
        && !left.is_zero()
        && woken.recv_timeout(left) != Err(RecvTimeoutError::Disconnected)
    {}
}

fn checkpoint(conn: &Connection, shared: &Shared) -> Result<(), rusqlite::Error> {
    let main = None::<&str>;
    let soft = shared.config.wal_soft_bytes;
    let bytes = |frames: i32| u64::try_from(frames).unwrap_or(0) * shared.page_bytes;
    let (frames, _) = conn.wal_checkpoint_v2(main, CheckpointMode::NOOP)?;
    if bytes(frames) < soft {
        return Ok(());
    }
    conn.wal_checkpoint_v2(main, CheckpointMode::PASSIVE)?;
    let position = shared.position.load(Ordering::Acquire);
    {
        let _gate = shared.gate.write();
        let (frames, _) = conn.wal_checkpoint_v2(main, CheckpointMode::NOOP)?;
        let mode = if bytes(frames) >= shared.config.wal_hard_bytes {
            CheckpointMode::TRUNCATE
        } else {
            CheckpointMode::RESTART
        };
        conn.wal_checkpoint_v2(main, mode)?;
        shared.counters.wal_bytes.store(0, Ordering::Relaxed);
    }
    shared.counters.add(|c| &c.checkpoints, 1);
    if let Err(error) = shared.sidecar.reached(int(position)) {
        tracing::warn!(%error, "the position could not be noted beside the store");
    }
    Ok(())
}
