//! How broadcasts come to the shards. With recovery, numbering and pushing are one step under the
//! log's lock; nothing is encoded and nobody waited for meanwhile. Whether there is room is asked
//! before, so that an event reaches all shards or none: what is over the bound by then is as little
//! as there are callers.

use std::sync::Arc;

use super::Recovery;
use crate::frame::Frame;
use crate::ids::{SocketId, SocketKey};
use crate::io::{Broadcast, Selection};
use crate::shard::ops::{Batch, Busy, Op, TargetAction};
use crate::shared::Shared;

/// The number of what is not in the log.
pub(crate) const UNNUMBERED: u64 = 0;

impl Shared {
    /// Sends an event to the sockets of a selection.
    pub(crate) fn publish(&self, selection: Selection, frame: Frame) -> Result<(), Busy> {
        let emit = |frame, number| TargetAction::Emit { frame, volatile: false, number };
        let Some(recovery) = &self.recovery else {
            return self.act(selection, || emit(frame.clone(), UNNUMBERED));
        };
        let selection = Arc::new(selection);
        let mut log = recovery.log.lock();
        if let Some(full) = self.inboxes.iter().find(|inbox| inbox.is_full()) {
            full.count_busy();
            return Err(Busy);
        }
        let number = log.next();
        let frame = log.append(&selection, None, frame);
        for inbox in &self.inboxes {
            let (selection, action) = (Arc::clone(&selection), emit(frame.clone(), number));
            inbox.push_always(Op::Target { selection, action });
        }
        Ok(())
    }

    /// Sends an event to one socket. With recovery it goes to the room of the socket's id, where a
    /// later life of the socket hears it too.
    pub(crate) fn publish_to(
        &self,
        key: SocketKey,
        id: impl FnOnce() -> SocketId,
        frame: Frame,
    ) -> Result<(), Busy> {
        let namespace = self.recovery.as_ref().and_then(|_| frame.namespace());
        let Some(mut selection) = namespace.map(|it| Selection::of(it.into())) else {
            return self.push(key.shard(), Op::Emit { key, frame, volatile: false });
        };
        selection.rooms.push(id().as_str().into());
        self.publish(selection, frame)
    }

    /// Sends a batch. Blocks while an inbox is full.
    pub(crate) fn publish_batch(&self, batch: Batch) {
        let Some(recovery) = &self.recovery else {
            let batch = Arc::new(batch);
            for inbox in &self.inboxes {
                inbox.push_blocking(Op::Batch(Arc::clone(&batch)));
            }
            return;
        };
        self.inboxes.iter().for_each(|inbox| inbox.wait_for_room());
        self.publish_numbered(recovery, batch);
    }

    fn publish_numbered(&self, recovery: &Recovery, mut batch: Batch) {
        let ids: Vec<_> =
            batch.broadcasts.iter().map(|it| it.except.map(|key| self.id_of(key))).collect();
        let mut log = recovery.log.lock();
        batch.first_number = log.next();
        for (Broadcast { room, frame, .. }, except) in batch.broadcasts.iter_mut().zip(ids) {
            let mut selection = Selection::of(Arc::clone(&batch.namespace));
            selection.rooms.push(Arc::clone(room));
            *frame = log.append(&selection, except, frame.clone());
        }
        let batch = Arc::new(batch);
        for inbox in &self.inboxes {
            inbox.push_always(Op::Batch(Arc::clone(&batch)));
        }
    }

    /// Hands a claim to a shard, behind all that its client can have heard. The lock is what makes it
    /// so: an event may be on its way to one shard, and be heard there, while its caller has not
    /// come to the next one yet.
    pub(crate) fn push_claim(&self, shard: u8, op: Op) {
        let _log = self.recovery.as_ref().map(|recovery| recovery.log.lock());
        self.inboxes[usize::from(shard)].push_always(op);
    }

    /// Asks every shard to do something with the sockets of a selection, unless it is busy.
    pub(crate) fn act(
        &self,
        selection: Selection,
        action: impl Fn() -> TargetAction,
    ) -> Result<(), Busy> {
        let selection = Arc::new(selection);
        let mut outcome = Ok(());
        for shard in 0..self.inboxes.len() {
            let op = Op::Target { selection: Arc::clone(&selection), action: action() };
            outcome = self.push(shard as u8, op).and(outcome);
        }
        outcome
    }

    /// The same, busy or not.
    pub(crate) fn act_always(&self, selection: Selection, action: impl Fn() -> TargetAction) {
        let selection = Arc::new(selection);
        for shard in 0..self.inboxes.len() {
            let op = Op::Target { selection: Arc::clone(&selection), action: action() };
            self.push_always(shard as u8, op);
        }
    }
}
