//! What came of a request, as an HTTP answer: which status stands for which code.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use parlor_chat::refusal::{Code, Refusal};
use parlor_service::{Answer, refusal_json};

/// What became of requests, counted.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    done: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Answered {
    fn count(&self, status: StatusCode) {
        let count = match status {
            status if status.is_success() => &self.done,
            status if status.is_server_error() => &self.failed,
            _ => &self.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far, by outcome.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 3] {
        [("done", &self.done), ("refused", &self.refused), ("failed", &self.failed)]
            .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }
}

const MILLIS_PER_SECOND: u64 = 1_000;

/// The answer to a request that was carried out or refused.
pub(super) fn answer(outcome: Answer, answered: &Answered) -> Response<Body> {
    let response = match outcome {
        Ok(json) => respond(StatusCode::OK, json),
        Err(refusal) => refused(status(&refusal), &refusal),
    };
    answered.count(response.status());
    response
}

/// A refusal with its status, and with the headers that go with either.
pub(super) fn refused(status: StatusCode, refusal: &Refusal) -> Response<Body> {
    let mut response = respond(status, refusal_json(refusal));
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(ms) = refusal.retry_after_ms() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(MILLIS_PER_SECOND)));
    }
    response
}

/// JSON that is only true now.
pub(super) fn respond(status: StatusCode, json: String) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The status of a refusal. A code that is not named here is the caller's to mend, unless waiting
/// mends it.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal.code() {
        Code::Unauthorized | Code::TokenExpired => StatusCode::UNAUTHORIZED,
        Code::MissingScope
        | Code::NotAMember
        | Code::NotAllowed
        | Code::NotAccepted
        | Code::RequestPending
        | Code::Muted
        | Code::Banned
        | Code::Suspended
        | Code::ContentRefused
        | Code::Forbidden
        | Code::Blocked
        | Code::DeviceRevoked => StatusCode::FORBIDDEN,
        Code::NotFound | Code::UnknownEvent => StatusCode::NOT_FOUND,
        Code::Conflict
        | Code::StaleClientId
        | Code::TooManyBlocks
        | Code::TooManyDevices
        | Code::GroupFull
        | Code::TooManyGroups
        | Code::TooManyInvites
        | Code::OwnerMustStay
        | Code::MessageDeleted
        | Code::TooLate
        | Code::TooManyEdits => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited | Code::SlowMode => StatusCode::TOO_MANY_REQUESTS,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        code if code.documented().retryable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: Answer) -> Response<Body> {
        super::answer(outcome, &Answered::default())
    }

    #[test]
    fn answers_are_counted_by_outcome() {
        let answered = Answered::default();
        for outcome in [
            Ok(String::from("{}")),
            Err(Refusal::NotFound),
            Err(Refusal::Conflict),
            Err(Refusal::Internal),
            Err(Refusal::unavailable()),
            Err(Refusal::overloaded()),
        ] {
            super::answer(outcome, &answered);
        }
        assert_eq!(answered.counts(), [("done", 1), ("refused", 2), ("failed", 3)]);
    }

    #[test]
    fn a_delay_is_told_in_whole_seconds_and_never_too_short() {
        for (ms, seconds) in [(1, "1"), (1_000, "1"), (1_001, "2")] {
            let response = answer(Err(Refusal::RateLimited { retry_after_ms: ms }));
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
        }
        let response = answer(Err(Refusal::overloaded()));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let response = answer(Err(Refusal::invalid("to", "is required")));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(header::RETRY_AFTER).is_none());
    }
}
