//! Whether writes can be acknowledged now.

use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::store::StoreError;

/// What is wrong, if something is.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What only a restart mends.
    lasting: Option<Arc<str>>,
    /// Why the server is not reached at the moment.
    unreachable: Option<Arc<str>>,
}

fn refused(reason: Option<&Arc<str>>) -> Result<(), StoreError> {
    reason.map_or(Ok(()), |reason| Err(StoreError::Unavailable { reason: reason.clone() }))
}

impl Health {
    /// Whether writes can be acknowledged now.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let state = self.0.lock();
        refused(state.lasting.as_ref().or(state.unreachable.as_ref()))
    }

    /// Whether there is something that only a restart mends.
    pub(crate) fn check_lasting(&self) -> Result<(), StoreError> {
        refused(self.0.lock().lasting.as_ref())
    }

    /// Nothing is acknowledged from now on until the process starts again.
    pub(crate) fn fail(&self, reason: &str) {
        let mut state = self.0.lock();
        if state.lasting.is_none() {
            tracing::error!(reason, "the store takes no writes until the server is restarted");
            state.lasting = Some(reason.into());
        }
    }

    /// The server is not reached.
    pub(crate) fn unreachable(&self, reason: &str) {
        let mut state = self.0.lock();
        if state.unreachable.is_none() {
            tracing::warn!(reason, "the database is not reached");
        }
        state.unreachable = Some(reason.into());
    }

    /// It is reached.
    pub(crate) fn reached(&self) {
        if self.0.lock().unreachable.take().is_some() {
            tracing::info!("the database is reached again");
        }
    }
}
