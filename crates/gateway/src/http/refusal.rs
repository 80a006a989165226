//! Why an HTTP request is refused, in Engine.IO's numbers and words.
//!
//! A request that is refused before it reaches a session is answered with a JSON body
//! `{"code":n,"message":"…"}`, the shape that every Engine.IO client knows. The codes are the
//! protocol's; the message may say more than the protocol's own words where that helps a person
//! find the fault. Who is refused only for now is told when to come again, `retryAfterMs`.

use http::{Response, StatusCode, header};

use super::body::{Body, full};
use crate::front;
use crate::jitter;

/// The shortest time after which who is refused for now is told to come again.
const RETRY_AFTER_MS_MIN: u64 = 1_000;
/// By how much that time differs from one to the other, so that they do not come all at once.
const RETRY_AFTER_SPREAD_MS: u64 = 4_000;

/// A refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither `polling` nor `websocket`, or a transport that is switched off.
    UnknownTransport,
    /// No session has this id (any more).
    UnknownSid,
    /// A handshake that is not a GET.
    BadHandshakeMethod,
    /// The request does not fit the session's state; the text says how.
    BadRequest(&'static str),
    /// Refused by a limit or by the application; the text says which.
    Forbidden(&'static str),
    /// `EIO` is not 4.
    UnsupportedProtocol,
    /// A body larger than the limit, which is named.
    PayloadTooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The server cannot take the request now; a retry later may succeed.
    Unavailable(&'static str),
}

impl Refusal {
    /// The protocol's number; a refusal that the protocol has no number for counts as bad request.
    pub(crate) fn code(self) -> u8 {
        match self {
            Refusal::UnknownTransport => 0,
            Refusal::UnknownSid => 1,
            Refusal::BadHandshakeMethod => 2,
            Refusal::BadRequest(_) | Refusal::PayloadTooLarge { .. } => 3,
            Refusal::Forbidden(_) | Refusal::Unavailable(_) => 4,
            Refusal::UnsupportedProtocol => 5,
        }
    }

    /// The HTTP status that goes with it.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::PayloadTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The text for a person.
    pub(crate) fn message(self) -> String {
        match self {
            Refusal::UnknownTransport => "Transport unknown".to_owned(),
            Refusal::UnknownSid => "Session ID unknown".to_owned(),
            Refusal::BadHandshakeMethod => "Bad handshake method".to_owned(),
            Refusal::UnsupportedProtocol => "Unsupported protocol version".to_owned(),
            Refusal::BadRequest("") => "Bad request".to_owned(),
            Refusal::BadRequest(why) => format!("Bad request: {why}"),
            Refusal::Forbidden(why) => format!("Forbidden: {why}"),
            Refusal::PayloadTooLarge { limit_bytes } => {
                format!("Payload too large: the limit is {limit_bytes} bytes")
            }
            Refusal::Unavailable(why) => format!("Unavailable: {why}"),
        }
    }

    /// The response that carries it. `Connection: close` goes with a body that was not read.
    pub(crate) fn response(self) -> Response<Body> {
        let retry_after_ms = matches!(self, Refusal::Unavailable(_)).then(|| {
            RETRY_AFTER_MS_MIN + (jitter::fraction() * RETRY_AFTER_SPREAD_MS as f64) as u64
        });
        // The messages are this file's own and contain nothing that JSON would escape.
        let (code, message) = (self.code(), self.message());
        let json = match retry_after_ms {
            Some(ms) => format!(r#"{{"code":{code},"message":"{message}","retryAfterMs":{ms}}}"#),
            None => format!(r#"{{"code":{code},"message":"{message}"}}"#),
        };
        let mut response = Response::new(full(json));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json; charset=UTF-8"),
        );
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        if let Some(ms) = retry_after_ms {
            headers.insert(header::RETRY_AFTER, ms.div_ceil(1_000).into());
        }
        if matches!(self, Refusal::PayloadTooLarge { .. }) {
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<front::Refusal> for Refusal {
    fn from(refusal: front::Refusal) -> Self {
        match refusal {
            front::Refusal::SessionUnknown => Refusal::UnknownSid,
            front::Refusal::BadRequest => Refusal::BadRequest(""),
            front::Refusal::Overloaded => Refusal::Unavailable("too many connections"),
            front::Refusal::HandshakeLimit => Refusal::Unavailable("too many handshakes"),
            front::Refusal::AddressLimit => {
                Refusal::Forbidden("too many connections from this address")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_protocols() {
        let expected = [
            (Refusal::UnknownTransport, 0, 400),
            (Refusal::UnknownSid, 1, 400),
            (Refusal::BadHandshakeMethod, 2, 400),
            (Refusal::BadRequest("why"), 3, 400),
            (Refusal::Forbidden("why"), 4, 403),
            (Refusal::UnsupportedProtocol, 5, 400),
        ];
        for (refusal, code, status) in expected {
            assert_eq!((refusal.code(), refusal.status().as_u16()), (code, status), "{refusal:?}");
        }
    }

    #[test]
    fn a_large_body_is_told_the_limit() {
        let message = Refusal::PayloadTooLarge { limit_bytes: 1_000 }.message();
        assert!(message.contains("1000 bytes"), "{message}");
    }
}
