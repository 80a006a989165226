//! The HTTP API under `/v1`, for the app's own server.
//!
//! A request is admitted by its key (`keys`) and read whole (`request`); the service carries it out
//! by the rules that hold for users (`parlor_service::Backend`); `answer` says what came of it.
//! A request that is traced is a span (`traces`). `operations` has the handlers, each with its
//! description (on `parameters` and `shapes`), of which `document` makes the OpenAPI document. Every
//! answer is JSON; a refusal is `{code, error, retryAfterMs?}`. Keys, tokens and contents are never logged; the name of a key is.

mod answer;
mod document;
mod group_operations;
mod group_shapes;
mod invite_operations;
mod keys;
mod member_operations;
mod message_shapes;
mod operations;
mod parameters;
mod request;
mod shapes;
mod traces;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, delete, get, post, put};
use parlor_chat::rate::Rate;
use parlor_chat::refusal::Refusal;

pub(crate) use answer::Answered;
pub(crate) use keys::fresh_key;

use self::keys::Keys;
use super::App;
use crate::config::Config;

/// What the handlers share.
pub(crate) struct Api {
    app: Arc<App>,
    keys: Keys,
    /// The longest body of a request, in bytes.
    body_bytes_max: usize,
    /// How long a body may take to arrive.
    body_timeout: Duration,
}

impl Api {
    /// The API as configured; `None` without a key. `--dev` lifts its rates.
    pub(crate) fn new(app: Arc<App>, config: &Config, dev: bool) -> Option<Arc<Self>> {
        if config.api.keys.is_empty() {
            return None;
        }
        let limits = &config.limits;
        let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let rate = match dev {
            true => Rate::unlimited(),
            false => Rate::new(count(limits.api_rate_burst), count(limits.api_rate_per_second)),
        };
        Some(Arc::new(Self {
            app,
            keys: Keys::new(&config.api.keys, rate),
            body_bytes_max: usize::try_from(limits.packet_bytes_max).unwrap_or(usize::MAX),
            body_timeout: Duration::from_millis(limits.request_timeout_ms),
        }))
    }
}

/// Routes what is below `/v1`.
pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/openapi.json", get(document::serve))
        .merge(messages())
        .merge(groups())
        .route("/v1/users/{user}/conversations", get(operations::list_conversations))
        .route("/v1/users/{user}/devices", get(operations::list_devices))
        .route("/v1/users/{user}/devices/{device}", delete(operations::revoke_device))
        .route("/v1/users/{user}/revoke-tokens", post(operations::revoke_tokens))
        .route("/v1/users/{user}/blocks", get(operations::list_blocks).post(operations::block_user))
        .route("/v1/users/{user}/blocks/{other}", delete(operations::unblock_user))
        .route("/v1", any(no_such_path))
        .route("/v1/", any(no_such_path))
        .route("/v1/{*rest}", any(no_such_path))
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(&api), traces::trace))
        .with_state(api)
}

fn messages() -> Router<Arc<Api>> {
    let message = delete(operations::delete_message).patch(operations::edit_message);
    Router::new()
        .route("/v1/messages", post(operations::send_message))
        .route("/v1/conversations/{conversation}/messages", get(operations::read_messages))
        .route("/v1/conversations/{conversation}/messages/{message}", message)
        .route("/v1/conversations/{conversation}/events", post(operations::tell_event))
}

fn groups() -> Router<Arc<Api>> {
    use {group_operations as groups, invite_operations as invites, member_operations as members};

    let group = get(groups::read_group).patch(groups::update_group).delete(groups::delete_group);
    let member = delete(members::kick_member).patch(members::set_role);
    Router::new()
        .route("/v1/groups", post(groups::create_group))
        .route("/v1/groups/{group}", group)
        .route("/v1/groups/{group}/join", post(groups::join_group))
        .route("/v1/groups/{group}/leave", post(groups::leave_group))
        .route("/v1/groups/{group}/members", get(members::list_members).post(members::add_members))
        .route("/v1/groups/{group}/members/{user}", member)
        .route("/v1/groups/{group}/bans/{user}", put(members::ban_user).delete(members::unban_user))
        .route(
            "/v1/groups/{group}/mutes/{user}",
            put(members::mute_member).delete(members::unmute_member),
        )
        .route("/v1/groups/{group}/invites", get(invites::list_invites).post(invites::make_invite))
        .route("/v1/groups/{group}/invites/{invite}", delete(invites::revoke_invite))
        .route("/v1/groups/{group}/requests", get(invites::list_requests))
        .route("/v1/groups/{group}/requests/{user}", delete(invites::deny_request))
        .route("/v1/users/{user}/groups", get(groups::list_groups))
}

async fn no_such_path() -> Response {
    answer::refused(StatusCode::NOT_FOUND, &Refusal::NotFound)
}

async fn no_such_method(method: Method) -> Response {
    let refusal = Refusal::invalid("method", "must be one that this path has");
    tracing::debug!(%method, "api: no such method");
    answer::refused(StatusCode::METHOD_NOT_ALLOWED, &refusal)
}
