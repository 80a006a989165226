//! Cross-origin requests: which web pages may talk to the server.
//!
//! Browsers ask before they let a page read a poll's answer, but not before they open a WebSocket:
//! they only say whose page it is. Where origins are listed, the server itself therefore refuses
//! WebSockets of other pages, so that none can ride on a visitor's cookies or network. With
//! `Cors::Off` a browser lets only pages of the server's own origin read a response.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::body::{Body, full};
use crate::config::Cors;

/// The methods that Engine.IO's polling uses.
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,OPTIONS");

/// How long a browser may remember a preflight's answer, in seconds. Browsers cap it themselves.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("7200");

impl Cors {
    /// What `access-control-allow-origin` says to a page of `origin`, if anything.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Cors::Off => None,
            Cors::Any => Some(HeaderValue::from_static("*")),
            Cors::Origins(list) => {
                let origin = origin?;
                list.iter()
                    .any(|allowed| allowed.as_bytes() == origin.as_bytes())
                    .then(|| origin.clone())
            }
        }
    }

    /// Whether the page that sent a WebSocket's request may open it: where origins are listed, a
    /// listed one or one of the server's own. A request without an origin is no page's.
    pub(crate) fn admits(&self, request: &HeaderMap) -> bool {
        let (Cors::Origins(_), Some(origin)) = (self, request.get(header::ORIGIN)) else {
            return true;
        };
        self.allowed(Some(origin)).is_some() || is_of_host(origin, request.get(header::HOST))
    }

    /// Adds to a response what lets the page that sent `request` read it.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        let by_origin = matches!(self, Cors::Origins(_));
        // Unless the answer is the same for all, caches must keep one per origin.
        if by_origin {
            response.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(allowed) = self.allowed(origin) else { return };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if by_origin {
            response
                .insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// Answers a preflight; `None` for any other request, and where CORS is off.
    pub(crate) fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<Response<Body>> {
        if method != Method::OPTIONS || *self == Cors::Off {
            return None;
        }
        let mut response = Response::new(full(""));
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        self.apply(request.get(header::ORIGIN), headers);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
        if let Some(wanted) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            headers
                .append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
        Some(response)
    }
}

/// Whether an origin is `http` or `https` at the host (and port) that a request went to.
fn is_of_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.as_bytes();
    let own = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    own.zip(host).is_some_and(|(own, host)| own.eq_ignore_ascii_case(host.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cors: &Cors, origin: &'static str) -> (Option<String>, bool, bool) {
        let mut response = HeaderMap::new();
        cors.apply(Some(&HeaderValue::from_static(origin)), &mut response);
        let text = |name| {
            response.get(name).map(|value: &HeaderValue| value.to_str().expect("ascii").to_owned())
        };
        (
            text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            text(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_some(),
            text(header::VARY).is_some(),
        )
    }

    #[test]
    fn any_origin_is_a_star_without_credentials() {
        assert_eq!(answer(&Cors::Any, "http://a"), (Some("*".into()), false, false));
        assert_eq!(answer(&Cors::Off, "http://a"), (None, false, false));
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let cors = Cors::Origins(vec!["http://a".to_owned(), "http://b".to_owned()]);
        assert_eq!(answer(&cors, "http://b"), (Some("http://b".into()), true, true));
        assert_eq!(answer(&cors, "http://b.evil"), (None, false, true));
    }
}
