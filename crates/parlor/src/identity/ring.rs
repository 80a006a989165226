//! Keeps a key set fresh: read at an interval and, rate-limited, when a token names a key that
//! is not known. What cannot be read leaves the old keys in place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::keys::KeySet;
use super::source::{Source, SourceError};

/// The keys in use now, shared by all that verify.
pub(crate) struct KeyRing {
    pace: Pace,
    current: RwLock<Option<Arc<KeySet>>>,
    /// When a read last ended, well or not.
    last: RwLock<Option<Instant>>,
    wanted: Notify,
    refreshed: AtomicU64,
    failed: AtomicU64,
}

/// How often the keys are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// At least this often.
    pub(crate) interval: Duration,
    /// At most this often.
    pub(crate) spacing: Duration,
}

/// What becomes of a wish to have the keys read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// They are being read now, or will be in a moment.
    Begins,
    /// They were read just now, so it has to wait.
    Waits,
}

impl KeyRing {
    /// A ring without keys.
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            pace,
            current: RwLock::default(),
            last: RwLock::default(),
            wanted: Notify::new(),
            refreshed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// The keys; `None` until they have been read once.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.read().clone()
    }

    /// Asks for the keys to be read again as soon as the spacing allows. Does not block.
    pub(crate) fn refresh_soon(&self) -> Refresh {
        self.wanted.notify_one();
        match *self.last.read() {
            Some(last) if last.elapsed() < self.pace.spacing => Refresh::Waits,
            _ => Refresh::Begins,
        }
    }

    /// How often the keys were read, and how often that failed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.refreshed.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// Reads the keys once.
    ///
    /// # Errors
    /// [`SourceError`]; the old keys stay.
    ///
    /// # Cancel safety
    /// Cancel safe: keys are replaced in one step after the read.
    pub(crate) async fn refresh(&self, source: &Source) -> Result<(), SourceError> {
        let loaded = source.load().await;
        let outcome = match loaded {
            Ok(keys) => {
                let count = keys.len();
                let first = self.current.write().replace(Arc::new(keys)).is_none();
                self.refreshed.fetch_add(1, Ordering::Relaxed);
                if first {
                    tracing::info!(keys = count, "signing keys loaded");
                } else {
                    tracing::debug!(keys = count, "signing keys read again");
                }
                Ok(())
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        };
        *self.last.write() = Some(Instant::now());
        outcome
    }

    /// Keeps the keys fresh for ever.
    pub(crate) async fn keep_fresh(&self, source: Source) {
        let Pace { interval, spacing } = self.pace;
        loop {
            let last = (*self.last.read()).unwrap_or_else(Instant::now);
            // Without any keys nobody can connect, so trying again is urgent.
            let pause = if self.current.read().is_some() { interval.max(spacing) } else { spacing };
            tokio::select! {
                () = tokio::time::sleep_until(last + pause) => {}
                () = self.wanted.notified() => tokio::time::sleep_until(last + spacing).await,
            }
            if let Err(error) = self.refresh(&source).await {
                tracing::warn!(%error, "the signing keys could not be read; the old ones stay");
            }
        }
    }
}
