//! The operations: each admits its request, has the service carry it out, and is described here; those on
//! groups in `group_operations`, `member_operations` and `invite_operations`.
//!
//! The security of a description names the scope that the handler asks for; a test holds the one
//! against the other.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use parlor_service::Answer;
use tracing::Instrument;

use super::Api;
use super::answer;
use super::message_shapes::{
    Conversations, EditMessage, EventTold, History, MessageChanged, SendMessage, Sent, TellEvent,
};
use super::parameters::{
    As, Idempotency, OfConversation, OfDevice, OfMessage, OfTwo, OfUser, Page, Piece,
};
use super::shapes::{
    BlockUser, Blocks, Devices, Done, InTheWay, Refused, RevokeTokens, TokensRevoked, TooLarge,
    Unknown,
};
use crate::config::Scope;

pub(super) type Shared = State<Arc<Api>>;

/// Carries out an operation under a span that has its key's name, once that is known.
pub(super) async fn carry_out(
    name: &'static str,
    operation: impl Future<Output = Answer>,
    api: &Api,
) -> Response {
    let span = tracing::info_span!("api", operation = name, key = tracing::field::Empty);
    async {
        let outcome = operation.await;
        if let Err(refusal) = &outcome {
            tracing::debug!(code = refusal.name(), "api: refused");
            if let Some(service) = api.app.service.get() {
                service.backend().refused(refusal);
            }
        }
        answer::answer(outcome, &api.app.answered)
    }
    .instrument(span)
    .await
}

/// Send a message.
///
/// As the user `from`, or as the system if `api.system_user` is configured and `from` is left out.
/// What a user says is subject to that user's rights, to the recipient's blocks, to content rules and the
/// app's hook; the system says something in any group. It is answered once it is on disk; the user's own
/// devices hear it, too.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(Idempotency),
    request_body = SendMessage,
    responses(
        (status = 200, description = "It is kept.", body = Sent), Unknown, InTheWay, TooLarge,
        Refused,
    ),
    security(("key" = ["messages:write"])),
)]
pub(super) async fn send_message(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesWrite, request).await?;
        asked.without_query()?;
        asked.backend.send(asked.body()?, asked.key()?).await
    };
    carry_out("sendMessage", operation, &api).await
}

/// Read a conversation's messages.
///
/// The newest below `before` (or of all), newest first; or with `after` the oldest above it, oldest
/// first. `covers` says for which numbers the answer speaks.
#[utoipa::path(
    get,
    path = "/v1/conversations/{conversation}/messages",
    operation_id = "readMessages",
    tag = "messages",
    params(OfConversation, Piece),
    responses((status = 200, description = "A page.", body = History), Unknown, Refused),
    security(("key" = ["messages:read"])),
)]
pub(super) async fn read_messages(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesRead, request).await?;
        asked.backend.history(asked.id(0), asked.query()).await
    };
    carry_out("readMessages", operation, &api).await
}

/// Edit a message, as its author.
#[utoipa::path(
    patch,
    path = "/v1/conversations/{conversation}/messages/{message}",
    operation_id = "editMessage",
    tag = "messages",
    params(OfMessage, Idempotency),
    request_body = EditMessage,
    responses(
        (status = 200, description = "It is so, now or already.", body = MessageChanged), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["messages:write"])),
)]
pub(super) async fn edit_message(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesWrite, request).await?;
        asked.without_query()?;
        asked.backend.edit(asked.id(0), asked.id(1), asked.body()?, asked.key()?).await
    };
    carry_out("editMessage", operation, &api).await
}

/// Delete a message for everyone.
///
/// By the right of the system any message, at any time; its content is removed from the store.
#[utoipa::path(
    delete,
    path = "/v1/conversations/{conversation}/messages/{message}",
    operation_id = "deleteMessage",
    tag = "messages",
    params(OfMessage, As),
    responses(
        (status = 200, description = "It is so, now or already.", body = MessageChanged), Unknown, InTheWay, Refused,
    ),
    security(("key" = ["messages:delete"])),
)]
pub(super) async fn delete_message(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesDelete, request).await?;
        asked.backend.delete(asked.id(0), asked.id(1), asked.query()).await
    };
    carry_out("deleteMessage", operation, &api).await
}

/// Tell an event of the app's own.
///
/// To the members who are here; with `store` as an entry of the conversation's log.
#[utoipa::path(
    post,
    path = "/v1/conversations/{conversation}/events",
    operation_id = "tellEvent",
    tag = "messages",
    params(OfConversation, Idempotency),
    request_body = TellEvent,
    responses(
        (status = 200, description = "It is told.", body = EventTold), Unknown, InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["messages:write"])),
)]
pub(super) async fn tell_event(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesWrite, request).await?;
        asked.without_query()?;
        asked.backend.app_event(asked.id(0), asked.body()?, asked.key()?).await
    };
    carry_out("tellEvent", operation, &api).await
}

/// List a user's conversations, most recently moved first.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/conversations",
    operation_id = "listConversations",
    tag = "messages",
    params(OfUser, Page),
    responses((status = 200, description = "A page.", body = Conversations), Refused),
    security(("key" = ["messages:read"])),
)]
pub(super) async fn list_conversations(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::MessagesRead, request).await?;
        asked.backend.conversations(asked.id(0), asked.query()).await
    };
    carry_out("listConversations", operation, &api).await
}

/// List a user's devices and their connections.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/devices",
    operation_id = "listDevices",
    tag = "users",
    params(OfUser),
    responses((status = 200, description = "All of them.", body = Devices), Refused),
    security(("key" = ["users:read"])),
)]
pub(super) async fn list_devices(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::UsersRead, request).await?;
        asked.without_query()?.backend.devices(asked.id(0)).await
    };
    carry_out("listDevices", operation, &api).await
}

/// Revoke a user's device.
///
/// Its connections are closed at once, and tokens issued up to now do not open it again.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/devices/{device}",
    operation_id = "revokeDevice",
    tag = "users",
    params(OfDevice),
    responses((status = 200, description = "It is gone.", body = Done), Unknown, Refused),
    security(("key" = ["users:write"])),
)]
pub(super) async fn revoke_device(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::UsersWrite, request).await?;
        asked.without_query()?.backend.revoke_device(asked.id(0), asked.id(1)).await
    };
    carry_out("revokeDevice", operation, &api).await
}

/// Revoke a user's tokens.
///
/// Tokens that were issued (`iat`) before `notBefore`, or that do not say when, open nothing any
/// more, and connections that have one are closed at once. The time only grows. `iat` counts whole
/// seconds as a rule, so a token of the very second of `notBefore` counts as older.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/revoke-tokens",
    operation_id = "revokeTokens",
    tag = "users",
    params(OfUser),
    request_body(content = Option<RevokeTokens>, description = "May be left out."),
    responses(
        (status = 200, description = "They are revoked.", body = TokensRevoked), TooLarge, Refused,
    ),
    security(("key" = ["tokens:revoke"])),
)]
pub(super) async fn revoke_tokens(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::TokensRevoke, request).await?;
        asked.without_query()?.backend.revoke_tokens(asked.id(0), asked.body()?).await
    };
    carry_out("revokeTokens", operation, &api).await
}

/// List whom a user has blocked.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/blocks",
    operation_id = "listBlocks",
    tag = "users",
    params(OfUser),
    responses((status = 200, description = "All of them.", body = Blocks), Refused),
    security(("key" = ["users:read"])),
)]
pub(super) async fn list_blocks(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::UsersRead, request).await?;
        asked.without_query()?.backend.blocks(asked.id(0)).await
    };
    carry_out("listBlocks", operation, &api).await
}

/// Block somebody for a user.
///
/// Once it is answered, no message of theirs to the user is kept any more.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/blocks",
    operation_id = "blockUser",
    tag = "users",
    params(OfUser),
    request_body = BlockUser,
    responses(
        (status = 200, description = "It is so, now or already.", body = Done),
        InTheWay, TooLarge, Refused,
    ),
    security(("key" = ["users:write"])),
)]
pub(super) async fn block_user(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::UsersWrite, request).await?;
        asked.without_query()?.backend.block(asked.id(0), asked.body()?).await
    };
    carry_out("blockUser", operation, &api).await
}

/// Let somebody write to a user again.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/blocks/{other}",
    operation_id = "unblockUser",
    tag = "users",
    params(OfTwo),
    responses((status = 200, description = "It is so, now or already.", body = Done), Refused),
    security(("key" = ["users:write"])),
)]
pub(super) async fn unblock_user(State(api): Shared, request: Request) -> Response {
    let operation = async {
        let asked = api.admit(Scope::UsersWrite, request).await?;
        asked.without_query()?.backend.unblock(asked.id(0), asked.id(1)).await
    };
    carry_out("unblockUser", operation, &api).await
}
