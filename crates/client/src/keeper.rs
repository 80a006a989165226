//! The thread that calls the outbox's store: one call at a time, with all changes that piled up.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::outbox::OutboxStore;
use crate::shared::Shared;

/// Keeps what the core wants kept, until the client is closed.
pub(crate) fn keep(
    shared: &Arc<Shared>,
    ring: &Receiver<()>,
    owner: &str,
    mut store: Box<dyn OutboxStore>,
) {
    loop {
        // Looked at before the changes: what came before the close is kept.
        let is_closed = shared.is_closed();
        let changes = shared.look().outbox.take_changes();
        if !changes.is_empty() {
            let outcome = store.apply(owner, &changes);
            shared.act(|core| core.stored(&changes, outcome));
        } else if is_closed || ring.recv().is_err() {
            break;
        }
    }
    // The file is free again before anybody is told.
    drop(store);
    shared.kept.send_replace(true);
}
