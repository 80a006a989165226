//! The HTTP API under `/v1`, for the app's own server.
//!
//! A request is admitted by its key (`keys`) and read whole (`request`); the service carries it out
//! by the rules that hold for users (`parlor_service::Backend`); `answer` says what came of it.
//! `operations` has the handlers, each with its description (on `parameters` and `shapes`), of
//! which `document` makes the OpenAPI document. Every answer is JSON; a refusal is `{code, error,
//! retryAfterMs?}`. Keys, tokens and contents are never logged; the name of a key is.

mod answer;
mod document;
mod keys;
mod operations;
mod parameters;
mod request;
mod shapes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, delete, get, post};
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
        .route("/v1/messages", post(operations::send_message))
        .route("/v1/conversations/{conversation}/messages", get(operations::read_messages))
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
        .with_state(api)
}

async fn no_such_path() -> Response {
    answer::refused(StatusCode::NOT_FOUND, &Refusal::NotFound)
}

async fn no_such_method(method: Method) -> Response {
    let refusal = Refusal::invalid("method", "must be one that this path has");
    tracing::debug!(%method, "api: no such method");
    answer::refused(StatusCode::METHOD_NOT_ALLOWED, &refusal)
}
