//! The operations on the members of groups; see `operations`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::group_shapes::{AddMembers, GroupChanged, Measure, Members, SetRole};
use super::operations::{Shared, carry_out};
use super::parameters::{As, MembersPage, OfGroup, OfMember};
use super::shapes::{InTheWay, Refused, TooLarge, Unknown};
use crate::config::Scope;

/// List a group's members.
#[utoipa::path(
    get,
    path = "/v1/groups/{group}/members",
    operation_id = "listMembers",
    tag = "groups",
    params(OfGroup, MembersPage),
    responses(
        (status = 200, description = "A page.", body = Members), Unknown, Refused,
    ),
    security(("key" = ["groups:read"])),
)]
pub(super) async fn list_members(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsRead, request).await?;
        asked.backend.members(asked.id(0), asked.query()).await
    };
    carry_out("listMembers", operation, &api).await
}

/// Bring users into a group.
///
/// Their connections hear it from this entry on.
#[utoipa::path(
    post,
    path = "/v1/groups/{group}/members",
    operation_id = "addMembers",
    tag = "groups",
    params(OfGroup),
    request_body = AddMembers,
    responses(
        (status = 200, description = "They are in it, now or already.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn add_members(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.add_members(asked.id(0), asked.body()?).await
    };
    carry_out("addMembers", operation, &api).await
}

/// Give a member another role.
///
/// A group always has one owner: with `owner` it is given away.
#[utoipa::path(
    patch,
    path = "/v1/groups/{group}/members/{user}",
    operation_id = "setRole",
    tag = "groups",
    params(OfMember),
    request_body = SetRole,
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn set_role(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.set_role(asked.id(0), asked.id(1), asked.body()?).await
    };
    carry_out("setRole", operation, &api).await
}

/// Remove a member from a group.
///
/// Their connections hear this last.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}/members/{user}",
    operation_id = "kickMember",
    tag = "groups",
    params(OfMember, As),
    responses(
        (status = 200, description = "They are out.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn kick_member(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.kick(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("kickMember", operation, &api).await
}

/// Remove somebody from a group and keep them out.
#[utoipa::path(
    put,
    path = "/v1/groups/{group}/bans/{user}",
    operation_id = "banUser",
    tag = "groups",
    params(OfMember),
    request_body(content = Option<Measure>, description = "May be left out."),
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn ban_user(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.ban(asked.id(0), asked.id(1), asked.body()?).await
    };
    carry_out("banUser", operation, &api).await
}

/// Let somebody come back into a group.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}/bans/{user}",
    operation_id = "unbanUser",
    tag = "groups",
    params(OfMember, As),
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn unban_user(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.unban(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("unbanUser", operation, &api).await
}

/// Keep a member of a group from posting.
#[utoipa::path(
    put,
    path = "/v1/groups/{group}/mutes/{user}",
    operation_id = "muteMember",
    tag = "groups",
    params(OfMember),
    request_body(content = Option<Measure>, description = "May be left out."),
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn mute_member(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.mute(asked.id(0), asked.id(1), asked.body()?).await
    };
    carry_out("muteMember", operation, &api).await
}

/// Let a member of a group post again.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}/mutes/{user}",
    operation_id = "unmuteMember",
    tag = "groups",
    params(OfMember, As),
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn unmute_member(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.unmute(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("unmuteMember", operation, &api).await
}
