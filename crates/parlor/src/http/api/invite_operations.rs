//! The operations on who may come into groups; see `operations`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::group_shapes::{GroupChanged, Invited, Invites, MakeInvite, Requests};
use super::operations::{Shared, carry_out};
use super::parameters::{As, OfGroup, OfInvite, OfMember};
use super::shapes::{InTheWay, Refused, TooLarge, Unknown};
use crate::config::Scope;

/// Make an invite to a group.
#[utoipa::path(
    post,
    path = "/v1/groups/{group}/invites",
    operation_id = "makeInvite",
    tag = "groups",
    params(OfGroup),
    request_body(content = Option<MakeInvite>, description = "May be left out."),
    responses(
        (status = 200, description = "It is made.", body = Invited), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn make_invite(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.without_query()?;
        asked.backend.invite(asked.id(0), asked.body()?).await
    };
    carry_out("makeInvite", operation, &api).await
}

/// List a group's invites.
#[utoipa::path(
    get,
    path = "/v1/groups/{group}/invites",
    operation_id = "listInvites",
    tag = "groups",
    params(OfGroup, As),
    responses(
        (status = 200, description = "All of them.", body = Invites), Unknown, Refused,
    ),
    security(("key" = ["groups:read"])),
)]
pub(super) async fn list_invites(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsRead, request).await?;
        asked.backend.invites(asked.id(0), asked.query()).await
    };
    carry_out("listInvites", operation, &api).await
}

/// End an invite.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}/invites/{invite}",
    operation_id = "revokeInvite",
    tag = "groups",
    params(OfInvite, As),
    responses(
        (status = 200, description = "It is gone.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn revoke_invite(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.revoke_invite(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("revokeInvite", operation, &api).await
}

/// List who has asked to join a group.
#[utoipa::path(
    get,
    path = "/v1/groups/{group}/requests",
    operation_id = "listRequests",
    tag = "groups",
    params(OfGroup, As),
    responses(
        (status = 200, description = "All of them.", body = Requests), Unknown, Refused,
    ),
    security(("key" = ["groups:read"])),
)]
pub(super) async fn list_requests(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsRead, request).await?;
        asked.backend.requests(asked.id(0), asked.query()).await
    };
    carry_out("listRequests", operation, &api).await
}

/// Turn down a request to join a group.
///
/// To let somebody in, add them.
#[utoipa::path(
    delete,
    path = "/v1/groups/{group}/requests/{user}",
    operation_id = "denyRequest",
    tag = "groups",
    params(OfMember, As),
    responses(
        (status = 200, description = "It is gone.", body = GroupChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["groups:write"])),
)]
pub(super) async fn deny_request(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::GroupsWrite, request).await?;
        asked.backend.deny(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("denyRequest", operation, &api).await
}
