//! The web client: files that are part of the binary, and what browsers are told about them.
//!
//! A request's path is looked up as it was sent, in one table made at build time of the client
//! (`files`), so there is nothing to decode, to normalize or to leave. The answer is a slice of the
//! binary, in the best encoding that the browser takes (`encoding`): nothing is read, compressed or
//! hashed while the server runs. Only `/web-config.json` is of this server: it says how one signs in.

mod encoding;
mod files;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use self::files::File;
use crate::config::Config;

/// Where the client asks how one signs in.
const CONFIG_PATH: &str = "/web-config.json";

/// For files whose name has a hash of what is in them.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For files that keep their name: asked about each time, and mostly answered by a 304.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// What holds for every answer of the client, beside its policy.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// The web client as this server serves it.
pub(crate) struct Web {
    policy: HeaderValue,
    config: Bytes,
}

impl Web {
    /// The client as configured; `None` where it is turned off.
    pub(crate) fn new(config: &Config, dev: bool) -> Option<Self> {
        let web = &config.web;
        if !web.enabled {
            return None;
        }
        let says = json!({
            "dev": dev,
            "signInUrl": web.sign_in_url,
            "tokenUrl": web.token_url,
            "path": config.server.path,
        });
        Some(Self {
            policy: policy(web.token_url.as_deref()),
            config: Bytes::from(says.to_string()),
        })
    }

    /// Answers a request that is for none of the server's own paths; `None` when there is no such
    /// file.
    pub(crate) fn answer(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response<Body>> {
        let mut response = match path {
            CONFIG_PATH => self.configuration(),
            _ => send(files::find(path)?, headers),
        };
        if method != Method::GET && method != Method::HEAD {
            response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        } else if method == Method::HEAD {
            // Its headers stay as they are, with the length of what a GET would bring.
            *response.body_mut() = Body::empty();
        }
        let headers = response.headers_mut();
        headers.extend(HEADERS);
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        Some(response)
    }

    fn configuration(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.config.clone()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.config.len()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A file in the best encoding, or that the browser's copy is still good. Ranges are not offered.
fn send(file: &File, asked: &HeaderMap) -> Response<Body> {
    let encoding = encoding::choose(asked, file);
    let tag = file.tag(encoding);
    let fresh = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, &tag));
    let mut response = match fresh {
        true => Response::new(Body::empty()),
        false => Response::new(Body::from(file.bytes(encoding))),
    };
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if file.hashed { FOR_EVER } else { ASK_AGAIN });
    headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("a tag is hexadecimal"));
    if file.gzip.is_some() || file.brotli.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if fresh {
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes(encoding).len()));
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// Whether an `If-None-Match` names this tag. Proxies may have weakened it.
fn names(tags: &HeaderValue, tag: &str) -> bool {
    let Ok(tags) = tags.to_str() else { return false };
    tags.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// What the client's page may load and do: its own files, pictures, this server, and the page that
/// hands out tokens.
fn policy(token_url: Option<&str>) -> HeaderValue {
    let elsewhere = token_url.and_then(origin).map(|origin| format!(" {origin}"));
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; \
         img-src 'self' https: data: blob:; connect-src 'self'{}; font-src 'self'; \
         manifest-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; \
         trusted-types parlor; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        elsewhere.unwrap_or_default()
    );
    HeaderValue::try_from(text).expect("an origin that was checked has no odd characters")
}

/// Scheme, host and port of a URL that was checked when the configuration was read.
fn origin(url: &str) -> Option<String> {
    let url: axum::http::Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?))
}

#[cfg(test)]
mod tests;
