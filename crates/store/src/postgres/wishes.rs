//! What can be wished of the store besides saying something: each with what has to be held while it is
//! decided, and what carries it out.

use std::sync::Arc;

use parlor_chat::around::port::{ChangeMessage, MessageChanged};
use parlor_chat::around::schedule::{ChangeSchedule, Fire, Fired, ScheduleChanged};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::entry::Millis;
use parlor_chat::group::port::{ChangeGroup, GroupChanged};
use parlor_chat::ids::{ConversationId, DeviceId, UserId};
use parlor_chat::moderation::{Act, Acted, Filed, NewReport, NoticeId, Report, TakeReport};
use parlor_chat::own::{OwnChange, OwnChanged};
use parlor_chat::people::{ProfileChange, ProfileChanged};
use parlor_chat::store::{AttachDevice, Block, Blocked, Mark, Marked, Revoked};

use super::appends::Spoken;
use super::command::{Wish, lock_spoken};
use super::conn::Failure;
use super::locks::Locks;
use super::turn::Turn;
use super::{acts, devices, groups, marks, moderation, own, people, reports, schedules};

pub(crate) struct Marks(pub(crate) Vec<Mark>);

impl Wish for Marks {
    type Answer = Vec<Marked>;

    fn weight(&self) -> usize {
        64 + 128 * self.0.len()
    }

    fn lock(&self, locks: &mut Locks) {
        for mark in &self.0 {
            locks.conversation(&mark.conversation);
            // A read mark may end a record of its user's.
            match mark.is_read() {
                true => locks.user(&mark.user),
                false => locks.rely_on(&mark.user),
            }
        }
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Vec<Marked>, Failure> {
        marks::mark(turn, &self.0).await
    }
}

impl Wish for AttachDevice {
    type Answer = ();

    fn weight(&self) -> usize {
        256
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.user);
        locks.rely_on_moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<(), Failure> {
        devices::attach(turn, self).await
    }
}

pub(crate) struct Revoke(pub(crate) UserId, pub(crate) DeviceId, pub(crate) Millis);

impl Wish for Revoke {
    type Answer = Revoked;

    fn weight(&self) -> usize {
        256
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.0);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Revoked, Failure> {
        devices::revoke(turn, &self.0, &self.1, self.2).await
    }
}

pub(crate) struct RevokeTokens(pub(crate) UserId, pub(crate) Millis);

impl Wish for RevokeTokens {
    type Answer = Millis;

    fn weight(&self) -> usize {
        256
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.0);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Millis, Failure> {
        devices::revoke_tokens(turn, &self.0, self.1).await
    }
}

impl Wish for Block {
    type Answer = Blocked;

    fn weight(&self) -> usize {
        256
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.user);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Blocked, Failure> {
        people::block(turn, self).await
    }
}

impl Wish for OwnChange {
    type Answer = OwnChanged;

    fn weight(&self) -> usize {
        let value = |value: &parlor_chat::own::OwnValue| value.0.len();
        256 + self
            .wishes
            .iter()
            .map(|wish| 256 + wish.value.as_ref().map_or(0, value))
            .sum::<usize>()
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.user);
        // What becomes of a request is noted in the conversation, too.
        for wish in self.wishes.iter().filter(|it| it.kind == parlor_chat::own::OwnKind::Request) {
            if let Ok(conversation) = ConversationId::parse(wish.key.as_str()) {
                locks.conversation(&conversation);
            }
        }
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<OwnChanged, Failure> {
        let (done, told) = own::change(turn, self).await?;
        if !told.records.is_empty() {
            turn.work.own.push(told);
        }
        Ok(done)
    }
}

impl Wish for ProfileChange {
    type Answer = ProfileChanged;

    fn weight(&self) -> usize {
        8_192
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.user);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<ProfileChanged, Failure> {
        people::change(turn, self).await
    }
}

impl Wish for ChangeGroup {
    type Answer = GroupChanged;

    fn weight(&self) -> usize {
        1_024 + self.wish.weight()
    }

    fn lock(&self, locks: &mut Locks) {
        locks.conversation(&ConversationId::group(&self.group));
        groups::named(self).into_iter().for_each(|user| locks.rely_on(user));
        locks.rely_on_moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<GroupChanged, Failure> {
        groups::change(turn, self).await
    }
}

impl Wish for ChangeMessage {
    type Answer = MessageChanged;

    fn weight(&self) -> usize {
        1_024 + self.wish.weight()
    }

    fn lock(&self, locks: &mut Locks) {
        locks.conversation(&self.conversation);
        locks.rely_on(&self.by);
        locks.rely_on_members(&self.conversation);
        let flags = self.screening.as_ref().is_some_and(|it| it.flagged.is_some());
        match self.removal.is_some() || flags {
            true => locks.moderation(),
            false => locks.rely_on_moderation(),
        }
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<MessageChanged, Failure> {
        acts::change_message(turn, self).await
    }
}

impl Wish for SetTimer {
    type Answer = MessageChanged;

    fn weight(&self) -> usize {
        1_024
    }

    fn lock(&self, locks: &mut Locks) {
        locks.conversation(&self.conversation);
        locks.rely_on_members(&self.conversation);
        locks.rely_on_moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<MessageChanged, Failure> {
        acts::set_timer(turn, self).await
    }
}

impl Wish for ChangeSchedule {
    type Answer = ScheduleChanged;

    fn weight(&self) -> usize {
        512 + self.scheduled.as_ref().map_or(0, |scheduled| scheduled.value.0.len())
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.user);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<ScheduleChanged, Failure> {
        schedules::change(turn, self).await
    }
}

impl Wish for Fire {
    type Answer = Fired;

    fn weight(&self) -> usize {
        1_024 + self.say.append.content.0.len()
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.say.append.from);
        let (append, screening) = (&self.say.append, self.say.screening.as_ref());
        lock_spoken(&Spoken { append, outside: Some(&self.say), screening }, locks);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Fired, Failure> {
        schedules::fire(turn, self).await
    }
}

impl Wish for NewReport {
    type Answer = Filed;

    fn weight(&self) -> usize {
        512 + self.reason.len() + self.comment.as_ref().map_or(0, |text| text.len())
    }

    fn lock(&self, locks: &mut Locks) {
        locks.moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Filed, Failure> {
        reports::file(turn, self).await
    }
}

impl Wish for TakeReport {
    type Answer = Arc<Report>;

    fn weight(&self) -> usize {
        512
    }

    fn lock(&self, locks: &mut Locks) {
        locks.moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Arc<Report>, Failure> {
        moderation::take(turn, self).await
    }
}

impl Wish for Act {
    type Answer = Acted;

    fn weight(&self) -> usize {
        2_048 + self.note.as_ref().map_or(0, |text| text.len())
    }

    fn lock(&self, locks: &mut Locks) {
        locks.moderation();
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<Acted, Failure> {
        moderation::act(turn, self).await
    }
}

pub(crate) struct Confirm(pub(crate) UserId, pub(crate) NoticeId);

impl Wish for Confirm {
    type Answer = ();

    fn weight(&self) -> usize {
        256
    }

    fn lock(&self, locks: &mut Locks) {
        locks.user(&self.0);
    }

    async fn carry_out(&self, turn: &mut Turn<'_>) -> Result<(), Failure> {
        moderation::confirm(turn, &self.0, self.1).await
    }
}
