//! The OpenAPI document, made once of what is said beside the operations.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{answer, operations, shapes};

/// Serves the document. It has no secrets, and needs no key.
pub(super) async fn serve() -> Response {
    static JSON: LazyLock<String> = LazyLock::new(|| {
        Document::openapi().to_json().expect("a document of texts and numbers can be written")
    });
    answer::respond(StatusCode::OK, JSON.clone())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlor",
        description = "What the app's own server can have a Parlor server do. Refusals have one of \
                       the codes of docs/errors.md.",
    ),
    paths(
        operations::send_message,
        operations::read_messages,
        operations::list_conversations,
        operations::list_devices,
        operations::revoke_device,
        operations::revoke_tokens,
        operations::list_blocks,
        operations::block_user,
        operations::unblock_user,
    ),
    components(schemas(shapes::Error)),
    modifiers(&Bearer),
)]
struct Document;

/// How a key is presented.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, `prl_…`; the scopes say what it must allow."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}
