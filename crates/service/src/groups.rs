//! Groups: what their members say, and whatever changes them.
//!
//! The rules are chat's and are asked by the store inside the commit; here a command is read, charged
//! and handed on, and its answer told. Sockets enter and leave the rooms of groups as the log says
//! (`delivery`), never because a client asks.

use std::sync::Arc;

use parlor_chat::group::decide::{InviteCode, Wish};
use parlor_chat::group::port::{ChangeGroup, Done, MembersQuery, ReceiptsQuery};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Authority, Viewer};

use crate::commands::{Payload, group_send};
use crate::dispatch::{Caller, Work};
use crate::group_commands::{self as read, About, Page};
use crate::new_ids::{new_id, random_digits};
use crate::paces::Action;
use crate::queries::failed;
use crate::service::Service;
use crate::traces;
use crate::{group_records as records, sends};

/// So many users in a command count as one command more.
const USERS_PER_COMMAND: usize = 16;
/// Admins and the like who are told of a request to join, at most.
const TOLD_OF_REQUESTS_MAX: usize = 32;
/// What the ids of groups are made of besides.
const GROUP_OF: &str = "parlor: group of";

/// `group_message {groupId, content, clientId?, echo?, replyTo?, thread?, forwardOf?, mentions?, sendAt?}`.
pub(crate) fn message(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    sends::send(service, caller, group_send(payload, &service.settings.limits)?)
}

/// `group_create {name, members?, settings?, clientId?}`.
pub(crate) fn create(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let command = read::create(payload, &service.settings.limits)?;
    let group = new_group_id(service, caller.user, command.client_id.as_ref())?;
    change(service, caller, About { group, wish: command.wish })
}

/// `group_update {groupId, name?, settings?}`.
pub(crate) fn update(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::update(payload, &service.settings.limits)?)
}

/// `group_delete {groupId}`.
pub(crate) fn delete(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, About { group: read::alone(payload)?, wish: Wish::Delete })
}

/// `group_add {groupId, userIds}`.
pub(crate) fn add(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::add(payload, &service.settings.limits)?)
}

/// `group_join {groupId, invite?}`.
pub(crate) fn join(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::join(payload)?)
}

/// `group_leave {groupId}`.
pub(crate) fn leave(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, About { group: read::alone(payload)?, wish: Wish::Leave })
}

/// `group_kick {groupId, userId}`.
pub(crate) fn kick(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user) = read::member(payload)?;
    change(service, caller, About { group, wish: Wish::Kick(user) })
}

/// `group_ban {groupId, userId, forSeconds?}`.
pub(crate) fn ban(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user, until) = read::measure(payload, caller.now)?;
    change(service, caller, About { group, wish: Wish::Ban(user, until) })
}

/// `group_unban {groupId, userId}`.
pub(crate) fn unban(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user) = read::member(payload)?;
    change(service, caller, About { group, wish: Wish::Unban(user) })
}

/// `group_mute {groupId, userId, forSeconds?}`.
pub(crate) fn mute(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user, until) = read::measure(payload, caller.now)?;
    change(service, caller, About { group, wish: Wish::Mute(user, until) })
}

/// `group_unmute {groupId, userId}`.
pub(crate) fn unmute(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user) = read::member(payload)?;
    change(service, caller, About { group, wish: Wish::Unmute(user) })
}

/// `group_role {groupId, userId, role}`.
pub(crate) fn role(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::role(payload)?)
}

/// `group_deny {groupId, userId}`.
pub(crate) fn deny(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, user) = read::member(payload)?;
    change(service, caller, About { group, wish: Wish::Deny(user) })
}

/// `group_invite_revoke {groupId, invite}`.
pub(crate) fn revoke_invite(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    change(service, caller, read::revoke_invite(payload)?)
}

/// `group_invite {groupId, forSeconds?, uses?}`.
pub(crate) fn invite(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let command = read::invite(payload, caller.now, &service.settings.limits)?;
    let read::Invite { group, until, uses } = command;
    let code = new_code()?;
    let wish = Wish::Invite { code: code.clone(), until, uses };
    let changed = submit(service, caller, &group, wish)?;
    Ok(Work::Later(Box::pin(async move {
        changed.await.map_err(failed)?;
        Ok(records::invited(&group, &code, until, uses))
    })))
}

/// `group_invites {groupId}`.
pub(crate) fn invites(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let group = read::alone(payload)?;
    caller.charge(service)?;
    let invites = service.groups.invites(caller.user.clone().into(), group);
    Ok(Work::Later(Box::pin(async move { Ok(records::invites(&invites.await.map_err(failed)?)) })))
}

/// `group_requests {groupId}`.
pub(crate) fn requests(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let group = read::alone(payload)?;
    caller.charge(service)?;
    let max = requests_max(service);
    let requests = service.groups.requests(caller.user.clone().into(), group, max);
    Ok(Work::Later(Box::pin(
        async move { Ok(records::requests(&requests.await.map_err(failed)?)) },
    )))
}

/// `group_info {groupId}`.
pub(crate) fn info(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let group = read::alone(payload)?;
    caller.charge(service)?;
    let viewer = Viewer::User(caller.user.clone());
    let view = service.groups.group(viewer.clone(), group.clone());
    Ok(Work::Later(Box::pin(async move {
        Ok(records::view(&group, &view.await.map_err(failed)?, &viewer))
    })))
}

/// `group_members {groupId, cursor?, limit?}`.
pub(crate) fn members(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, Page { after, limit }) = read::members(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let query = MembersQuery { viewer: caller.user.clone().into(), group, after, limit };
    let page = service.groups.members(query);
    Ok(Work::Later(Box::pin(async move { Ok(records::members(&page.await.map_err(failed)?)) })))
}

/// `groups {cursor?, limit?}`.
pub(crate) fn groups(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let Page { after, limit } = read::groups(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let lines = service.groups.groups(caller.user.clone(), after, limit);
    Ok(Work::Later(Box::pin(async move { Ok(records::groups(&lines.await.map_err(failed)?)) })))
}

/// `receipts {conversationId, seq, cursor?, limit?}`.
pub(crate) fn receipts(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let (group, seq, Page { after, limit }) = read::receipts(payload, &service.settings.limits)?;
    caller.charge(service)?;
    let query = ReceiptsQuery { user: caller.user.clone(), group, seq, after, limit };
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        service.receipts.stored(&ConversationId::group(&query.group)).await;
        let page = service.groups.group_receipts(query).await;
        Ok(records::receipts(&page.map_err(failed)?))
    })))
}

/// Hands a wish about a group to the store; its answer says what became of it.
///
/// # Errors
/// [`Refusal`] when nothing can be written or the caller is too fast.
pub(crate) fn change(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    about: About,
) -> Result<Work, Refusal> {
    let About { group, wish } = about;
    let changed = submit(service, caller, &group, wish)?;
    let (service, user) = (Arc::clone(service), caller.user.clone());
    Ok(Work::Later(Box::pin(async move {
        let changed = changed.await.map_err(failed)?;
        if changed.done == Done::Asked {
            tell_of_request(&service, &group, &user).await;
        }
        Ok(records::changed(&group, &changed))
    })))
}

fn submit(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    group: &GroupId,
    wish: Wish,
) -> Result<parlor_chat::store::Pending<parlor_chat::group::port::GroupChanged>, Refusal> {
    service.accepts_writes()?;
    let users = match &wish {
        Wish::Create { members: users, .. } | Wish::Add(users) => users.len(),
        _ => 0,
    };
    caller.charge_as(service, 1 + u32::try_from(users / USERS_PER_COMMAND).unwrap_or(u32::MAX))?;
    match wish {
        Wish::Create { .. } => service.paces.act(caller.user, Action::MakeGroup, caller.now)?,
        Wish::Join(_) => service.paces.act(caller.user, Action::JoinGroup, caller.now)?,
        _ => {}
    }
    Ok(service.groups.change_group(ChangeGroup {
        by: caller.user.clone(),
        authority: Authority::User,
        group: group.clone(),
        wish,
        client_id: None,
        now: caller.now,
        origin: traces::origin(caller.socket.key().get()),
        limits: service.settings.limits.clone(),
    }))
}

/// Tells those who may let somebody in, and are among the group's first members, that somebody asks.
pub(crate) async fn tell_of_request(service: &Service, group: &GroupId, user: &UserId) {
    let admins = service.groups.admins(group.clone(), TOLD_OF_REQUESTS_MAX);
    let Ok(admins) = admins.await else { return };
    let said = records::request(group, user);
    admins.iter().for_each(|admin| service.tell_user(admin, None, "group_request", &said));
}

/// The id of a group that is made.
///
/// # Errors
/// [`Refusal::Internal`] when there is no chance to be had.
pub(crate) fn new_group_id(
    service: &Service,
    user: &UserId,
    key: Option<&ClientId>,
) -> Result<GroupId, Refusal> {
    GroupId::parse(&new_id(service, GROUP_OF, user, key)?).map_err(|_| Refusal::Internal)
}

/// The code of an invite that is made.
///
/// # Errors
/// [`Refusal::Internal`] when there is no chance to be had.
pub(crate) fn new_code() -> Result<InviteCode, Refusal> {
    InviteCode::parse(&random_digits()?).map_err(|_| Refusal::Internal)
}

/// The requests to join that a group has at most.
pub(crate) fn requests_max(service: &Service) -> usize {
    usize::try_from(service.settings.limits.requests_per_group_max).unwrap_or(usize::MAX)
}
