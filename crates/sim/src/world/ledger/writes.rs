//! What each write does to the ledger, within one commit. A refused one changes nothing.

use std::sync::Arc;

use crate::world::members::{Members, Wish};
use parlor_chat::entry::{Body, Content, Entry, Millis, Position};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{
    Append, Appended, AttachDevice, Block, Blocked, Mark, MarkKind, Marked, Origin, Recipient,
    Revoked, StoreError,
};

use super::requests;
use super::{Barred, BlockRow, DeviceRow, Key, Ledger, Talk, Who};
use crate::world::group::{change_of, group_user, text_of};
use crate::world::planted::Planted;

/// `last_seen` of a device is written at most this often.
const LAST_SEEN_STEP_MS: u64 = 10 * 60 * 1_000;
/// The planted fault's time after which a key is forgotten.
const PLANTED_TTL_MS: u64 = 700;

/// A wish to put something into a group's log.
#[derive(Debug, Clone)]
pub(crate) struct GroupAppend {
    /// Who wishes it, authenticated.
    pub(crate) by: UserId,
    /// Which group, by number.
    pub(crate) group: usize,
    /// What has to hold for it.
    pub(crate) wish: Wish,
    /// The idempotency key.
    pub(crate) client_id: ClientId,
    /// What is written.
    pub(crate) content: Content,
    /// When.
    pub(crate) now: Millis,
    /// The connection that wishes it.
    pub(crate) origin: Origin,
}

/// An append's answer, and the entry if it is new.
pub(crate) type Done = (Appended, Option<Arc<Entry>>);

impl Ledger {
    /// Appends to a direct conversation. `seq` is the planted fault's, which gives it out itself.
    pub(crate) fn append(&mut self, append: &Append, seq: Option<Seq>) -> Result<Done, StoreError> {
        let conversation = append.conversation();
        let Recipient::User(to) = &append.to else { return Err(StoreError::NotFound) };
        let key = append.client_id.clone().map(|key| (append.from.clone(), key));
        if let Some(done) =
            self.repeated(&conversation, key.as_ref(), &append.content, append.now)?
        {
            return Ok((done, None));
        }
        let blocked = self.is_blocked(to, &append.from);
        if blocked && !self.plants(Planted::BlockOutsideCommit) {
            return Err(StoreError::Blocked);
        }
        let reception = self.reception(append, to)?;
        let who = || {
            let (low, high) = conversation.direct_members().expect("a direct one");
            Who::Direct(low, high)
        };
        let talk = self.talks.entry(conversation.clone()).or_insert_with(|| Talk::new(who()));
        let entry = Entry {
            seq: seq.unwrap_or(Seq(talk.head().0 + 1)),
            position: Position(self.position.0 + 1),
            epoch: self.epoch,
            ts: talk.entries.last().map_or(append.now, |last| last.ts.max(append.now)),
            conversation,
            from: append.from.clone(),
            to: Some(to.clone()),
            client_id: append.client_id.clone(),
            envelope: requests::outside(reception),
            expires: None,
            body: Body::Said(append.content.clone()),
        };
        let done = self.put(entry, key, append.now);
        self.requested(append, to, reception);
        Ok(done)
    }

    /// Appends to a group, its precondition being checked against the log's head.
    pub(crate) fn group_append(&mut self, append: &GroupAppend) -> Result<Done, Refusal> {
        let to = group_user(append.group);
        let conversation = ConversationId::direct(&to, &to);
        let key = (append.by.clone(), append.client_id.clone());
        let repeated = self.repeated(&conversation, Some(&key), &append.content, append.now);
        if let Some(done) = repeated.map_err(|_| Refusal::Conflict)? {
            return Ok((done, None));
        }
        let group = || Talk::new(Who::Group(Members::default()));
        let talk = self.talks.entry(conversation.clone()).or_insert_with(group);
        let Who::Group(members) = &mut talk.who else { return Err(Refusal::NotFound) };
        members.admit(&append.by, &append.wish)?;
        let entry = Entry {
            seq: Seq(talk.head().0 + 1),
            position: Position(self.position.0 + 1),
            epoch: self.epoch,
            ts: talk.entries.last().map_or(append.now, |last| last.ts.max(append.now)),
            conversation,
            from: append.by.clone(),
            to: Some(to),
            client_id: Some(append.client_id.clone()),
            envelope: None,
            expires: None,
            body: Body::Said(append.content.clone()),
        };
        Ok(self.put(entry, Some(key), append.now))
    }

    fn put(&mut self, entry: Entry, key: Option<(UserId, ClientId)>, now: Millis) -> Done {
        let plants_own = self.plants(Planted::OwnSendMovesWatermark);
        let talk = self.talks.get_mut(&entry.conversation).expect("it was just found or made");
        self.position = entry.position;
        if let Some(key) = key {
            talk.keys.insert(key, Key { at: talk.entries.len(), used: now });
        }
        if let Who::Group(members) = &mut talk.who
            && let Some(change) = change_of(text_of(&entry))
        {
            members.apply(entry.seq, &entry.from, &change);
        }
        let users = match &talk.who {
            Who::Direct(low, high) => vec![low.clone(), high.clone()],
            Who::Group(_) => vec![entry.from.clone()],
        };
        for user in users {
            talk.marks.entry(user).or_default();
        }
        if plants_own {
            let mark = talk.marks.entry(entry.from.clone()).or_default();
            mark.delivered = entry.seq;
            mark.read = entry.seq;
            let devices: Vec<_> = self.devices.keys().filter(|d| d.0 == entry.from).collect();
            for device in devices {
                talk.had.insert(device.clone(), entry.seq);
            }
        }
        let entry = Arc::new(entry);
        talk.entries.push(entry.clone());
        (appended(&entry, false), Some(entry))
    }

    /// The first answer, if the key was used before.
    fn repeated(
        &self,
        conversation: &ConversationId,
        key: Option<&(UserId, ClientId)>,
        content: &Content,
        now: Millis,
    ) -> Result<Option<Appended>, StoreError> {
        let Some(talk) = self.talks.get(conversation) else { return Ok(None) };
        let Some(known) = key.and_then(|key| talk.keys.get(key)) else { return Ok(None) };
        if self.plants(Planted::DedupeTtl) && now.0 > known.used.0 + PLANTED_TTL_MS {
            return Ok(None);
        }
        let entry = &talk.entries[known.at];
        if entry.body.said() == Some(content) {
            Ok(Some(appended(entry, true)))
        } else {
            Err(StoreError::ClientIdConflict)
        }
    }

    /// Moves a watermark forward.
    pub(crate) fn mark(&mut self, mark: &Mark) -> Marked {
        let (position, goes_back) = (self.position, self.plants(Planted::WatermarkGoesBack));
        let (device, reads) = match &mark.kind {
            MarkKind::Delivered(device) => (device, false),
            MarkKind::Read(device) => (device, true),
        };
        let place = (mark.user.clone(), device.clone());
        let here = self.devices.get(&place).is_some_and(|row| row.active);
        let Some(talk) = self.talks.get_mut(&mark.conversation) else { return Marked::NotFound };
        if !talk.knows(&mark.user) {
            return Marked::NotFound;
        }
        if mark.seq.0 == 0 {
            return Marked::Unmoved;
        }
        if !talk.has_seq(mark.seq) {
            return Marked::NotFound;
        }
        if here {
            let had = talk.had.entry(place).or_default();
            *had = mark.seq.max(*had);
        }
        let before = talk.mark(&mark.user);
        let mut after = before;
        let mut moved = false;
        let mut advance = |at: &mut Seq, news: (&mut Position, &mut Millis)| {
            if mark.seq > *at {
                let others = talk.others_after(&mark.user, *at);
                moved |= others.take_while(|entry| entry.seq <= mark.seq).count() > 0;
                *at = mark.seq;
                (*news.0, *news.1) = (position, mark.now);
            } else if goes_back {
                *at = mark.seq;
            }
        };
        let (mut delivered, mut read) = (before.delivered, before.read);
        advance(&mut delivered, (&mut after.moved, &mut after.at));
        if reads {
            advance(&mut read, (&mut after.read_moved, &mut after.read_at));
        }
        (after.delivered, after.read) = (delivered, read);
        talk.marks.insert(mark.user.clone(), after);
        match moved {
            true if self.hides(&mark.user, &mark.conversation) => Marked::MovedInRequest,
            true => Marked::Moved,
            false => Marked::Unmoved,
        }
    }

    /// Notes that a device is here.
    pub(crate) fn attach_device(&mut self, attach: &AttachDevice) -> Result<(), StoreError> {
        let floor = self.token_floors.get(&attach.user);
        let is_below = |floor: &Millis| attach.token_issued.is_none_or(|issued| issued < *floor);
        if floor.is_some_and(is_below) {
            return Err(StoreError::DeviceRevoked);
        }
        if attach.device.is_shared() {
            return Ok(());
        }
        let place = (attach.user.clone(), attach.device.clone());
        let known = self.devices.get(&place);
        let refuses = |row: &DeviceRow| {
            row.revoked.is_some_and(|at| attach.token_issued.is_none_or(|issued| issued <= at))
        };
        if known.is_some_and(refuses) {
            return Err(StoreError::DeviceRevoked);
        }
        if let Some(row) = self.devices.get_mut(&place).filter(|row| row.active) {
            if row.last_seen.0 + LAST_SEEN_STEP_MS <= attach.now.0 {
                row.last_seen = attach.now;
            }
            return Ok(());
        }
        self.make_room(attach)?;
        let row = DeviceRow {
            active: true,
            created: attach.now,
            last_seen: attach.now,
            revoked: self.devices.get(&place).and_then(|row| row.revoked),
            number: self.devices.len() as u64,
        };
        for talk in self.talks.values_mut() {
            let delivered = talk.mark(&attach.user).delivered;
            if delivered > Seq(0) {
                talk.had.insert(place.clone(), delivered);
            }
        }
        self.devices.insert(place, row);
        Ok(())
    }

    /// Sees to it that the user may have one more device.
    fn make_room(&mut self, attach: &AttachDevice) -> Result<(), StoreError> {
        let of_user =
            |(place, row): &(&(UserId, DeviceId), &DeviceRow)| place.0 == attach.user && row.active;
        let active: Vec<_> = self.devices.iter().filter(of_user).collect();
        if active.len() < attach.devices_max {
            return Ok(());
        }
        let stalest = active.into_iter().min_by_key(|(_, row)| row.last_seen);
        let idle = |row: &DeviceRow| row.last_seen.0 + attach.idle_expiry_ms < attach.now.0;
        let Some((place, _)) = stalest.filter(|(_, row)| idle(row)) else {
            return Err(StoreError::TooManyDevices);
        };
        let place = place.clone();
        self.end(&place);
        Ok(())
    }

    /// Ends a device.
    pub(crate) fn revoke_device(
        &mut self,
        user: &UserId,
        device: &DeviceId,
        now: Millis,
    ) -> Revoked {
        let place = (user.clone(), device.clone());
        let Some(row) = self.devices.get_mut(&place).filter(|row| row.active) else {
            return Revoked::NotFound;
        };
        row.revoked = Some(now);
        self.end(&place);
        Revoked::Done
    }

    /// Raises the time before which a user's tokens are revoked; gives the one that holds.
    pub(crate) fn revoke_tokens(&mut self, user: &UserId, not_before: Millis) -> Millis {
        let floor = self.token_floors.entry(user.clone()).or_default();
        *floor = not_before.max(*floor);
        *floor
    }

    fn end(&mut self, place: &(UserId, DeviceId)) {
        if let Some(row) = self.devices.get_mut(place) {
            row.active = false;
        }
        for talk in self.talks.values_mut() {
            talk.had.remove(place);
        }
    }

    /// Keeps somebody out, or lets them in again.
    pub(crate) fn block(&mut self, block: &Block) -> Result<Blocked, StoreError> {
        if self.is_blocked(&block.user, &block.other) == block.blocked {
            return Ok(Blocked::Unchanged);
        }
        let conversation = ConversationId::direct(&block.user, &block.other);
        let head = self.head(&conversation);
        let position = self.position;
        let rows = self.blocks.entry(block.user.clone()).or_default();
        if block.blocked && rows.values().filter(|row| row.active).count() >= block.blocks_max {
            return Err(StoreError::TooManyBlocks);
        }
        let row = BlockRow { active: block.blocked, moved: position, at: block.now };
        rows.insert(block.other.clone(), row);
        if block.blocked {
            let other = block.other.clone();
            self.barred.push(Barred { other, conversation, after: head, until: None });
        } else {
            let open =
                self.barred.iter_mut().rev().find(|barred| {
                    barred.other == block.other && barred.conversation == conversation
                });
            if let Some(open) = open {
                open.until.get_or_insert(head);
            }
        }
        Ok(Blocked::Changed)
    }

    /// Whether `user` keeps `other` out.
    pub(crate) fn is_blocked(&self, user: &UserId, other: &UserId) -> bool {
        let row = self.blocks.get(user).and_then(|rows| rows.get(other));
        row.is_some_and(|row| row.active)
    }
}

fn appended(entry: &Entry, repeated: bool) -> Appended {
    Appended {
        conversation: entry.conversation.clone(),
        seq: entry.seq,
        ts: entry.ts,
        expires: entry.expires,
        repeated,
    }
}
