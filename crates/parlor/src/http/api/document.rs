//! The OpenAPI document, made once of what is said beside the operations.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{answer, group_operations, invite_operations, member_operations, operations, shapes};

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
        operations::edit_message,
        operations::delete_message,
        operations::tell_event,
        operations::list_conversations,
        group_operations::create_group,
        group_operations::read_group,
        group_operations::update_group,
        group_operations::delete_group,
        group_operations::join_group,
        group_operations::leave_group,
        group_operations::list_groups,
        member_operations::list_members,
        member_operations::add_members,
        member_operations::set_role,
        member_operations::kick_member,
        member_operations::ban_user,
        member_operations::unban_user,
        member_operations::mute_member,
        member_operations::unmute_member,
        invite_operations::make_invite,
        invite_operations::list_invites,
        invite_operations::revoke_invite,
        invite_operations::list_requests,
        invite_operations::deny_request,
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
