//! Requests as spans: part of the caller's trace, where a `traceparent` says so.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use parlor_service::follow;

use super::Api;

/// As W3C Trace Context calls it.
const TRACEPARENT: &str = "traceparent";

/// Carries a request out, as a span if it is to be traced. The path is named as a pattern: ids are in it.
pub(super) async fn trace(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let Some(mut begun) = begin(&api, &request) else { return next.run(request).await };
    let response = follow(begun.of(), next.run(request)).await;
    let status = response.status();
    begun.note("http.response.status_code", usize::from(status.as_u16()));
    if status.is_server_error() {
        begun.fail("failed");
    }
    response
}

fn begin(api: &Api, request: &Request) -> Option<Box<parlor_service::Begun>> {
    let service = api.app.service.get()?;
    let parent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    service.begin_request(parent, request.method().as_str(), route)
}
