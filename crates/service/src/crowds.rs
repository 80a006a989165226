//! Groups in which many are: `conversation_open` and `conversation_close`, and what is told of such a
//! group's receipts, typing and presence, to whom.
//!
//! Chat's machine knows who has what open and when something is due; `tell` looks up the present truth
//! then, outside of every lock, and emits it to each socket that has the conversation open, and receipts
//! to the authors' other sockets. Nothing of it touches what is sent in a group. Open conversations are an
//! index and not rooms, as subscriptions to presence are: what a socket is told depends on what it knows,
//! on whose it is and since when that user is in.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::crowds::{Bounds, Crowds, Kind};
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, GroupId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::StoreError;
use parlor_gateway::SocketKey;
use tokio::sync::Notify;

use crate::clock;
use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::receipts::is_a_member;
use crate::records;
use crate::service::Service;
use crate::session::Session;

mod lines;
mod sizes;
mod tell;

use sizes::Sizes;
pub(crate) use tell::run;

/// Who has what open, and which groups are large.
#[derive(Debug)]
pub(crate) struct Crowd {
    machine: Mutex<Crowds<SocketKey>>,
    /// Told when something is due earlier than before.
    sooner: Notify,
    pub(crate) sizes: Sizes,
}

/// `conversation_open {conversationId}`.
pub(crate) fn open(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let conversation = conversation(payload)?;
    caller.charge(service)?;
    is_a_member(caller.user, &conversation)?;
    let (user, key) = (caller.user.clone(), caller.socket.key());
    let Some(group) = conversation.group_id() else {
        let opened = service.crowd().open(key, &user, &conversation, Seq(0), caller.now);
        return opened.map(|()| Work::Done(records::ok()));
    };
    let (service, socket) = (Arc::clone(service), caller.socket.clone());
    Ok(Work::Later(Box::pin(async move {
        let failed = |error: StoreError| of_store(&error);
        service.know_roster(&user).await?;
        service.prove_in_group(&user, &group).await?;
        let view =
            service.groups.group(user.clone().into(), group.clone()).await.map_err(failed)?;
        let since = view.membership.ok_or(Refusal::NotAMember)?.joined;
        // Under the roster's lock: who is removed meanwhile is so before, or finds it open.
        service.sessions().with_roster(&user, |roster| match roster.has(&group) {
            true => service.crowd().open(key, &user, &conversation, since, clock::now()),
            false => Err(Refusal::NotAMember),
        })?;
        // What a socket has open ends with it, also if it was gone before this.
        let is_here = |session: &Session| {
            service.sessions().of(&user).iter().any(|here| std::ptr::eq(&**here, session))
        };
        if !socket.data::<Session>().is_some_and(is_here) {
            service.crowd().forget(key);
        }
        Ok(records::ok())
    })))
}

/// `conversation_close {conversationId}`.
pub(crate) fn close(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let conversation = conversation(payload)?;
    caller.charge(service)?;
    service.crowd().with(|machine| machine.close(caller.socket.key(), &conversation));
    Ok(Work::Done(records::ok()))
}

fn conversation(payload: Payload<'_>) -> Result<ConversationId, Refusal> {
    let fields = Fields::parse(payload, ["conversationId"])?;
    required("conversationId", fields.id("conversationId", ConversationId::parse)?)
}

impl Crowd {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bounds =
            Bounds { gather_ms: limits.crowd_gather_ms, open_max: limits.open_conversations_max };
        let machine = Mutex::new(Crowds::new(bounds));
        let sizes = Sizes::new(limits.receipts_members_max);
        Self { machine, sooner: Notify::new(), sizes }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Crowds<SocketKey>) -> T) -> T {
        let mut machine = self.machine.lock();
        let before = machine.next_due();
        let done = act(&mut machine);
        let is_sooner = match (before, machine.next_due()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => after < before,
        };
        drop(machine);
        if is_sooner {
            self.sooner.notify_one();
        }
        done
    }

    fn open(
        &self,
        key: SocketKey,
        user: &UserId,
        conversation: &ConversationId,
        since: Seq,
        now: Millis,
    ) -> Result<(), Refusal> {
        let opened = self.with(|machine| machine.open(key, user, conversation, since, now));
        opened.map_err(|_| Refusal::TooManyOpen)
    }

    /// The groups that somebody has open.
    pub(crate) fn open_groups(&self) -> BTreeSet<GroupId> {
        self.with(|machine| machine.all_open().filter_map(ConversationId::group_id).collect())
    }

    /// Whether somebody has a group open.
    pub(crate) fn is_open(&self, group: &GroupId) -> bool {
        self.with(|machine| machine.is_open(&ConversationId::group(group)))
    }

    /// Closes all that a socket has open that is gone.
    pub(crate) fn forget(&self, key: SocketKey) {
        self.with(|machine| machine.forget(key));
    }

    /// Closes a group for a user who is out of it, or for everybody.
    pub(crate) fn end(&self, group: &GroupId, user: Option<&UserId>) {
        self.with(|machine| machine.end(&ConversationId::group(group), user));
    }

    /// Says that a mark moved in a large group.
    pub(crate) fn marked(&self, conversation: &ConversationId, after: Seq, up_to: Seq) {
        self.with(|machine| machine.marked(conversation, after, up_to, clock::now()));
    }

    /// Says that who types in a group, or how many of it are here, has changed.
    pub(crate) fn changed(&self, group: &GroupId, kind: Kind) {
        let conversation = ConversationId::group(group);
        self.with(|machine| machine.changed(&conversation, kind, clock::now()));
    }

    /// Says that a user of these groups has come.
    pub(crate) fn came<'a>(&self, groups: impl Iterator<Item = &'a GroupId>) {
        groups.for_each(|group| self.changed(group, Kind::Presence));
    }

    /// Says that a user of these groups has gone, and counts as online until then.
    pub(crate) fn went<'a>(&self, groups: impl Iterator<Item = &'a GroupId>, until: Millis) {
        self.with(|machine| {
            groups.for_each(|group| machine.changes_at(&ConversationId::group(group), until));
        });
    }
}

impl Service {
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.delivery().crowd
    }

    /// Whether a group has more members than are told of each other.
    ///
    /// # Errors
    /// [`StoreError`] when it is not known and cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn is_large(&self, group: &GroupId) -> Result<bool, StoreError> {
        let sizes = &self.crowd().sizes;
        let changes = match sizes.fresh(group) {
            Ok(is_large) => return Ok(is_large),
            Err(changes) => changes,
        };
        let members = self.groups.group_size(group.clone()).await?;
        Ok(sizes.read(group, members, changes))
    }
}
