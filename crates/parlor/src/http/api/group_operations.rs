//! The operations on groups; see `operations`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::group_shapes::{
    CreateGroup, GroupChanged, GroupInfo, Groups, JoinGroup, LeaveGroup, UpdateGroup,
};
use super::operations::{Shared, carry_out};
use super::parameters::{As, GroupsPage, Idempotency, OfGroup, OfUser};
use super::shapes::{InTheWay, Refused, TooLarge, Unknown};
use crate::config::Scope;

/// Make a group.
///
/// Who makes it is its owner; the others are in it from the beginning.
#[utoipa::path(
    post,
    path = "/v1/groups",
    operation_id = "createGroup",
    tag = "groups",
    params(Idempotency),
    request_body = CreateGroup,
    responses(
        (status = 200, description = "It is made.", body = GroupChanged), InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn create_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.create_group(asked.body()?, asked.key()?).await
    };
    carry_out("createGroup", operation, &api).await
}

/// Read what a group is.
#[utoipa::path(
    get,
    path = "/v1/groups/{group}",
    operation_id = "readGroup",
    tag = "groups",
    params(OfGroup, As),
    responses(
        (status = 200, description = "It is there.", body = GroupInfo), Unknown, Refused,
    ),
    security(("key" = ["groups:read"])),
)]
pub(super) async fn read_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsRead, request).await?;
        asked.backend.group(asked.id(0), asked.query()).await
    };
    carry_out("readGroup", operation, &api).await
}

/// Change a group's name or settings.
#[utoipa::path(
    patch,
    path = "/v1/groups/{group}",
    operation_id = "updateGroup",
    tag = "groups",
    params(OfGroup),
    request_body = UpdateGroup,
    responses(
        (status = 200, description = "It is so, now or already.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn update_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.update_group(asked.id(0), asked.body()?).await
    };
    carry_out("updateGroup", operation, &api).await
}

/// End a group.
///
/// What was said stays readable for who was in it.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}",
    operation_id = "deleteGroup",
    tag = "groups",
    params(OfGroup, As),
    responses(
        (status = 200, description = "It is no more.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn delete_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.delete_group(asked.id(0), asked.query()).await
    };
    carry_out("deleteGroup", operation, &api).await
}

/// Let a user come into a group, as it lets people.
#[utoipa::path(
    post,
    path = "/v1/groups/{group}/join",
    operation_id = "joinGroup",
    tag = "groups",
    params(OfGroup),
    request_body = JoinGroup,
    responses(
        (status = 200, description = "They are in it, now or already, or have asked.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn join_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.join_group(asked.id(0), asked.body()?).await
    };
    carry_out("joinGroup", operation, &api).await
}

/// Let a user leave a group.
#[utoipa::path(
    post,
    path = "/v1/groups/{group}/leave",
    operation_id = "leaveGroup",
    tag = "groups",
    params(OfGroup),
    request_body = LeaveGroup,
    responses(
        (status = 200, description = "They are out.", body = GroupChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn leave_group(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.leave_group(asked.id(0), asked.body()?).await
    };
    carry_out("leaveGroup", operation, &api).await
}

/// List the groups that a user is in.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/groups",
    operation_id = "listGroups",
    tag = "groups",
    params(OfUser, GroupsPage),
    responses(
        (status = 200, description = "A page.", body = Groups), Refused,
    ),
    security(("key" = ["groups:read"])),
)]
pub(super) async fn list_groups(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsRead, request).await?;
        asked.backend.groups(asked.id(0), asked.query()).await
    };
    carry_out("listGroups", operation, &api).await
}
