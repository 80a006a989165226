//! Requests to Engine.IO's path.
//!
//! A request without `sid` is a handshake and opens a session, with one it belongs to a session: a
//! GET polls, a POST brings packets, an upgrade request begins the move to a WebSocket. What does
//! not fit is refused before any session hears of it, in the order in which Node's server checks:
//! transport, session, method, revision.
//!
//! While a poll waits its future lives in hyper's connection; when the client goes away hyper drops
//! the future, and by that the session learns that it is gone.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, request};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::Site;
use super::body::{Body, Uncollected, collect, full};
use super::fallback::Peer;
use super::query::Query;
use super::refusal::Refusal;
use super::upgrade;
use crate::front::Admission;
use crate::handshake::Handshake;
use crate::ids::EngineSid;

/// A request that was answered with 101 and becomes a WebSocket when that is written.
pub(crate) struct PendingUpgrade {
    on_upgrade: OnUpgrade,
    deflate: bool,
    purpose: Purpose,
}

/// What a WebSocket is for.
enum Purpose {
    Open { handshake: Handshake, admission: Admission },
    Probe(EngineSid),
}

type Answer = (Response<Body>, Option<PendingUpgrade>);

/// Answers a request, with CORS headers where they are due.
pub(crate) async fn answer(site: &Arc<Site>, peer: Peer, request: Request<Incoming>) -> Answer {
    let cors = &site.config().cors;
    if let Some(response) = cors.preflight(request.method(), request.headers()) {
        return (response, None);
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let (mut response, pending) =
        route(site, peer, request).await.unwrap_or_else(|refusal| (refusal.response(), None));
    cors.apply(origin.as_ref(), response.headers_mut());
    (response, pending)
}

async fn route(
    site: &Arc<Site>,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let transports = site.config().transports;
    let websocket = match query.transport.as_deref() {
        Some("polling") if transports.polling() => false,
        Some("websocket") if transports.websocket() => true,
        _ => return Err(Refusal::UnknownTransport),
    };
    if websocket && !site.config().cors.admits(&parts.headers) {
        return Err(Refusal::Forbidden("pages of this origin may not open a websocket"));
    }
    let Some(sid) = query.sid else {
        if parts.method != Method::GET {
            return Err(Refusal::BadHandshakeMethod);
        }
        if websocket && !upgrade::is_wanted(&parts.headers) {
            return Err(Refusal::BadRequest("no 'Upgrade: websocket'"));
        }
        if query.revision.as_deref() != Some("4") {
            return Err(Refusal::UnsupportedProtocol);
        }
        return match websocket {
            true => open_websocket(site, peer, parts, on_upgrade).await,
            false => open_polling(site, peer, parts).await,
        };
    };
    let sid = site.front.sid(&sid)?;
    match (websocket, &parts.method) {
        (true, _) => upgrade_session(site, sid, &parts, on_upgrade).await,
        (false, &Method::GET) => {
            let payload = site.front.poll(sid, query.stamp.as_deref().map(hash)).await?;
            Ok((text(payload), None))
        }
        (false, &Method::POST) => post(site, sid, body).await,
        (false, _) => Err(Refusal::BadRequest("a session takes GET and POST")),
    }
}

/// A stamp in the size that a session remembers.
fn hash(stamp: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(stamp)
}

/// Opens a session over polling; the answer is its open packet.
async fn open_polling(
    site: &Arc<Site>,
    peer: Peer,
    parts: request::Parts,
) -> Result<Answer, Refusal> {
    let admission = site.front.admit(peer.address.ip()).await?;
    let opened = site.front.open_polling(handshake(peer, &parts), admission);
    let (sid, payload) = site.front.in_turn(opened).await?;
    let mut response = text(payload);
    if let Some(name) = &site.config().cookie {
        let cookie = format!("{name}={}; Path=/; HttpOnly; SameSite=Lax", sid.as_str());
        match HeaderValue::from_str(&cookie) {
            Ok(cookie) => {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Err(error) => tracing::warn!(%error, name, "the cookie's name fits no header"),
        }
    }
    Ok((response, None))
}

/// Agrees to a WebSocket that opens a session.
async fn open_websocket(
    site: &Arc<Site>,
    peer: Peer,
    parts: request::Parts,
    on_upgrade: OnUpgrade,
) -> Result<Answer, Refusal> {
    let agreement = upgrade::check(&parts, site.config().deflate)?;
    let admission = site.front.admit(peer.address.ip()).await?;
    let agree = async {
        let purpose = Purpose::Open { handshake: handshake(peer, &parts), admission };
        let deflate = agreement.deflate;
        (agreement.response(), Some(PendingUpgrade { on_upgrade, deflate, purpose }))
    };
    Ok(site.front.in_turn(agree).await)
}

/// Agrees to a WebSocket that a polling session wants to move to.
async fn upgrade_session(
    site: &Arc<Site>,
    sid: EngineSid,
    parts: &request::Parts,
    on_upgrade: OnUpgrade,
) -> Result<Answer, Refusal> {
    site.front.check_upgrade(sid).await?;
    let agreement = upgrade::check(parts, site.config().deflate)?;
    let deflate = agreement.deflate;
    let purpose = Purpose::Probe(sid);
    Ok((agreement.response(), Some(PendingUpgrade { on_upgrade, deflate, purpose })))
}

/// Hands the packets of a POST to its session. The session is asked before the body is read: one
/// session brings one body at a time, and none is kept for a session that there is not.
async fn post(site: &Arc<Site>, sid: EngineSid, body: Incoming) -> Result<Answer, Refusal> {
    let config = site.config();
    let limit_bytes = config.max_payload;
    let timeout = config.ping_interval + config.ping_timeout;
    let mut loss = Loss { site, sid, armed: true };
    if let Err(refusal) = site.front.begin_post(sid).await {
        loss.armed = false;
        return Err(refusal.into());
    }
    match collect(body, limit_bytes, timeout).await {
        Ok(body) => {
            loss.armed = false;
            site.front.post(sid, body).await?;
            Ok((text(Bytes::from_static(b"ok")), None))
        }
        Err(Uncollected::TooLarge) => {
            loss.armed = false;
            site.front.post_too_large(sid);
            Err(Refusal::PayloadTooLarge { limit_bytes })
        }
        Err(Uncollected::TimedOut) => Err(Refusal::BadRequest("the body took too long")),
        Err(Uncollected::Broken) => Err(Refusal::BadRequest("the body broke off")),
    }
}

/// Closes the session if the packets of a POST are lost: those behind them must not be handled.
/// When the connection breaks, hyper may drop the request's future before it sees the error.
struct Loss<'a> {
    site: &'a Site,
    sid: EngineSid,
    armed: bool,
}

impl Drop for Loss<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.site.front.post_aborted(self.sid);
        }
    }
}

/// Takes the stream of an answered upgrade out of HTTP and gives it to its shard.
pub(crate) async fn hand_over(site: &Arc<Site>, pending: PendingUpgrade) {
    let PendingUpgrade { on_upgrade, deflate, purpose } = pending;
    let (stream, leftover) = match upgrade::take(on_upgrade).await {
        Ok(taken) => taken,
        Err(error) => {
            tracing::debug!(%error, "a connection ended during its upgrade");
            return;
        }
    };
    match purpose {
        Purpose::Open { handshake, admission } => {
            site.front.open_websocket(handshake, admission, stream, leftover, deflate);
        }
        Purpose::Probe(sid) => site.front.probe_websocket(sid, stream, leftover, deflate),
    }
}

/// What is kept of the opening request.
fn handshake(peer: Peer, parts: &request::Parts) -> Handshake {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let headers = own_memory(&parts.headers);
    Handshake { headers, query, remote: peer.address, secure: peer.secure }
}

/// The same headers in memory of their own: hyper's are slices of its read buffer, of which each
/// would keep all eight kilobytes alive.
fn own_memory(headers: &HeaderMap) -> HeaderMap {
    let mut values = Vec::with_capacity(headers.values().map(HeaderValue::len).sum());
    headers.values().for_each(|value| values.extend_from_slice(value.as_bytes()));
    let mut values = Bytes::from(values);
    let mut copy = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let value = HeaderValue::from_maybe_shared(values.split_to(value.len()));
        copy.append(name, value.expect("bytes of a header value are one"));
    }
    copy
}

/// A response with text that no cache may keep.
fn text(payload: Bytes) -> Response<Body> {
    let mut response = Response::new(full(payload));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_headers_are_equal_and_keep_nothing_else_alive() {
        let buffer = Bytes::from(b"localhost, chat; other".repeat(100));
        let mut headers = HeaderMap::new();
        for (name, range) in [("host", 0..9), ("cookie", 11..15), ("cookie", 17..22), ("x-a", 0..0)]
        {
            let value = HeaderValue::from_maybe_shared(buffer.slice(range)).expect("a value");
            headers.append(name, value);
        }
        let copy = own_memory(&headers);
        assert_eq!(copy, headers);
        drop(headers);
        assert!(buffer.is_unique(), "the copy holds the buffer");
    }
}
