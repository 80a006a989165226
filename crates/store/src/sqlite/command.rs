//! A write on its way: what is wished, what came of it, and who waits for the answer.
//!
//! The writer decides each command inside the batch's transaction, perhaps twice, and answers all
//! of them once the batch is durable. What was not decided by then has failed.

use parlor_chat::around::port::{ChangeMessage, MessageChanged, Say};
use parlor_chat::around::schedule::{ChangeSchedule, Fire, Fired, ScheduleChanged};
use parlor_chat::around::timer::SetTimer;
use parlor_chat::entry::Millis;
use parlor_chat::group::port::{ChangeGroup, GroupChanged};
use parlor_chat::ids::{ConversationId, DeviceId, UserId};
use parlor_chat::own::{OwnChange, OwnChanged, OwnWish};
use parlor_chat::people::{ProfileChange, ProfileChanged};
use parlor_chat::rules::Screening;
use parlor_chat::store::{
    Append, Appended, AttachDevice, Block, Blocked, Mark, Marked, Revoked, StoreError,
};
use tokio::sync::oneshot;

use super::Shared;
use super::moderation;
use super::rows::Subject;

/// A write, and where its outcome goes.
#[derive(Debug)]
pub(crate) enum Command {
    Append(Append, Option<Box<Screening>>, Reply<Appended>),
    Mark(Marks, Reply<Vec<Marked>>),
    Attach(AttachDevice, Reply<()>),
    Revoke(UserId, DeviceId, Millis, Reply<Revoked>),
    Block(Block, Reply<Blocked>),
    Moderate(moderation::Write),
    Group(Box<ChangeGroup>, Reply<GroupChanged>),
    Say(Box<Say>, Reply<Appended>),
    Message(Box<ChangeMessage>, Reply<MessageChanged>),
    Timer(Box<SetTimer>, Reply<MessageChanged>),
    Schedule(Box<ChangeSchedule>, Reply<ScheduleChanged>),
    Fire(Box<Fire>, Reply<Fired>),
    Own(OwnChange, Reply<OwnChanged>),
    Profile(ProfileChange, Reply<ProfileChanged>),
    RevokeTokens(UserId, Millis, Reply<Millis>),
}

/// Watermarks of one command that may meet damage; at one more all of them are given up, since each
/// has those before it carried out again.
const DAMAGED_MARKS_MAX: usize = 16;

/// Watermarks that are moved together, though each is of its own conversation.
#[derive(Debug)]
pub(crate) struct Marks {
    pub(crate) wishes: Vec<Mark>,
    /// Those that met damage, by their place: they are as good as not there.
    pub(crate) damaged: Vec<usize>,
}

impl Marks {
    pub(crate) fn new(wishes: Vec<Mark>) -> Self {
        Self { wishes, damaged: Vec::new() }
    }
}

/// Who waits, and what they will be told once the batch is durable.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    waiting: oneshot::Sender<Result<T, StoreError>>,
    outcome: Option<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    pub(crate) fn new(waiting: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { waiting, outcome: None }
    }

    /// Notes what came of it, over what was noted before.
    pub(crate) fn decide(&mut self, outcome: Result<T, StoreError>) {
        self.outcome = Some(outcome);
    }

    pub(crate) fn answer(self, shared: &Shared) {
        let outcome = self.outcome.unwrap_or_else(|| Err(super::closed()));
        if let Err(StoreError::Corrupt { what }) = &outcome {
            shared.met_damage(what);
        }
        // Who no longer waits needs no answer.
        drop(self.waiting.send(outcome));
    }

    pub(crate) fn fail(self, error: StoreError) {
        drop(self.waiting.send(Err(error)));
    }
}

impl Command {
    /// About how much memory it holds on to.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Append(append, screening, _) => {
                let original = screening.as_ref().and_then(|it| it.original.as_ref());
                256 + append.content.0.len() + original.map_or(0, |it| it.0.len())
            }
            Self::Moderate(write) => write.weight(),
            Self::Mark(marks, _) => 64 + 128 * marks.wishes.len(),
            Self::Attach(..) | Self::Revoke(..) | Self::Block(..) | Self::RevokeTokens(..) => 256,
            Self::Group(change, _) => 1_024 + change.wish.weight(),
            Self::Say(say, _) => 1_024 + say.append.content.0.len(),
            Self::Message(change, _) => 1_024 + change.wish.weight(),
            Self::Timer(..) => 1_024,
            Self::Schedule(change, _) => {
                512 + change.scheduled.as_ref().map_or(0, |scheduled| scheduled.value.0.len())
            }
            Self::Fire(fire, _) => 1_024 + fire.say.append.content.0.len(),
            Self::Own(change, _) => {
                let value = |wish: &OwnWish| wish.value.as_ref().map_or(0, |value| value.0.len());
                256 + change.wishes.iter().map(|wish| 256 + value(wish)).sum::<usize>()
            }
            Self::Profile(..) => 8_192,
        }
    }

    /// What it is about.
    pub(crate) fn subject(&self) -> Subject {
        match self {
            Self::Moderate(write) => write.subject(),
            Self::Append(append, ..) => Subject::Conversation(append.conversation()),
            Self::Group(change, _) => Subject::Conversation(ConversationId::group(&change.group)),
            Self::Say(say, _) => Subject::Conversation(say.append.conversation()),
            Self::Message(change, _) => Subject::Conversation(change.conversation.clone()),
            Self::Timer(change, _) => Subject::Conversation(change.conversation.clone()),
            Self::Schedule(change, _) => Subject::User(change.user.clone()),
            Self::Fire(fire, _) => Subject::User(fire.say.append.from.clone()),
            Self::Mark(..) => Subject::Watermarks,
            Self::Attach(attach, _) => Subject::User(attach.user.clone()),
            Self::Revoke(user, ..) => Subject::User(user.clone()),
            Self::Block(block, _) => Subject::User(block.user.clone()),
            Self::Own(change, _) => Subject::User(change.user.clone()),
            Self::Profile(change, _) => Subject::User(change.user.clone()),
            Self::RevokeTokens(user, ..) => Subject::User(user.clone()),
        }
    }

    /// Leaves one of its watermarks out: it met damage, and must keep no other from moving.
    pub(crate) fn step_over(&mut self, place: usize, error: &rusqlite::Error, shared: &Shared) {
        let Self::Mark(marks, _) = self else { return };
        let of = marks.wishes.get(place).map(|mark| mark.conversation.clone());
        if let Some(StoreError::Corrupt { what }) =
            of.map(|of| Subject::Conversation(of).failed(error))
        {
            shared.met_damage(&what);
        }
        marks.damaged.push(place);
        if marks.damaged.len() > DAMAGED_MARKS_MAX {
            marks.damaged = (0..marks.wishes.len()).collect();
        }
    }

    /// Notes that it cannot be carried out.
    pub(crate) fn refuse(&mut self, error: StoreError) {
        match self {
            Self::Append(_, _, reply) => reply.decide(Err(error)),
            Self::Moderate(write) => write.refuse(error),
            Self::Mark(_, reply) => reply.decide(Err(error)),
            Self::Attach(_, reply) => reply.decide(Err(error)),
            Self::Revoke(_, _, _, reply) => reply.decide(Err(error)),
            Self::Block(_, reply) => reply.decide(Err(error)),
            Self::Group(_, reply) => reply.decide(Err(error)),
            Self::Say(_, reply) => reply.decide(Err(error)),
            Self::Message(_, reply) => reply.decide(Err(error)),
            Self::Timer(_, reply) => reply.decide(Err(error)),
            Self::Schedule(_, reply) => reply.decide(Err(error)),
            Self::Fire(_, reply) => reply.decide(Err(error)),
            Self::Own(_, reply) => reply.decide(Err(error)),
            Self::Profile(_, reply) => reply.decide(Err(error)),
            Self::RevokeTokens(_, _, reply) => reply.decide(Err(error)),
        }
    }

    /// Tells what was decided.
    pub(crate) fn answer(self, shared: &Shared) {
        match self {
            Self::Append(_, _, reply) => reply.answer(shared),
            Self::Moderate(write) => write.answer(shared),
            Self::Mark(_, reply) => reply.answer(shared),
            Self::Attach(_, reply) => reply.answer(shared),
            Self::Revoke(_, _, _, reply) => reply.answer(shared),
            Self::Block(_, reply) => reply.answer(shared),
            Self::Group(_, reply) => reply.answer(shared),
            Self::Say(_, reply) => reply.answer(shared),
            Self::Message(_, reply) => reply.answer(shared),
            Self::Timer(_, reply) => reply.answer(shared),
            Self::Schedule(_, reply) => reply.answer(shared),
            Self::Fire(_, reply) => reply.answer(shared),
            Self::Own(_, reply) => reply.answer(shared),
            Self::Profile(_, reply) => reply.answer(shared),
            Self::RevokeTokens(_, _, reply) => reply.answer(shared),
        }
    }

    /// Tells that it failed, whatever was decided.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Append(_, _, reply) => reply.fail(error),
            Self::Moderate(write) => write.fail(error),
            Self::Mark(_, reply) => reply.fail(error),
            Self::Attach(_, reply) => reply.fail(error),
            Self::Revoke(_, _, _, reply) => reply.fail(error),
            Self::Block(_, reply) => reply.fail(error),
            Self::Group(_, reply) => reply.fail(error),
            Self::Say(_, reply) => reply.fail(error),
            Self::Message(_, reply) => reply.fail(error),
            Self::Timer(_, reply) => reply.fail(error),
            Self::Schedule(_, reply) => reply.fail(error),
            Self::Fire(_, reply) => reply.fail(error),
            Self::Own(_, reply) => reply.fail(error),
            Self::Profile(_, reply) => reply.fail(error),
            Self::RevokeTokens(_, _, reply) => reply.fail(error),
        }
    }
}
