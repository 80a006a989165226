//! The door between HTTP and the shards: all that `http` may ask of the sessions. Each call becomes
//! an operation of the shard that owns the session, which may be another than the one on whose
//! thread the request came in; a sid names its shard.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::handshake::Handshake;
use crate::handshakes::InFlight;
use crate::ids::{EngineSid, SocketId};
use crate::shard::ops::{Arrival, Op};
use crate::shared::Shared;

/// What HTTP on one shard's thread knows of the gateway.
#[derive(Clone)]
pub(crate) struct Front {
    shared: Arc<Shared>,
    shard: u8,
}

/// A stream whose HTTP is over.
pub(crate) enum Stream {
    /// TCP, as the kernel gives it.
    Plain(std::net::TcpStream),
    /// TLS, driven by the shard from now on.
    Tls(std::net::TcpStream, Box<rustls::ServerConnection>),
}

/// Why a session cannot serve a request; `http` makes the answer of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No session has this sid (any more).
    SessionUnknown,
    /// The request does not fit the session's state.
    BadRequest,
    /// Too many connections, or the server is going down.
    Overloaded,
    /// Too many connections are being opened.
    HandshakeLimit,
    /// Too many connections from one address.
    AddressLimit,
}

/// What a new connection was given before its handshake is answered.
pub(crate) struct Admission {
    /// Its place among those of its address, if these are counted.
    pub(crate) place: Option<Box<Place>>,
    /// Its part of the handshakes in flight.
    pub(crate) handshake: InFlight,
}

/// A connection's place among those of its address; the place is free again when this is dropped.
pub(crate) struct Place {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.shared.addresses.lock();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

impl Front {
    pub(crate) fn new(shared: Arc<Shared>, shard: u8) -> Self {
        Self { shared, shard }
    }

    /// The gateway's config.
    pub(crate) fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The session a `sid` parameter names; that it exists is checked by the calls below.
    pub(crate) fn sid(&self, text: &str) -> Result<EngineSid, Refusal> {
        EngineSid::parse(text)
            .filter(|sid| usize::from(sid.shard()) < self.shared.inboxes.len())
            .ok_or(Refusal::SessionUnknown)
    }

    /// A place for a new connection from an address, to be asked for before a handshake is
    /// answered; it may have to be waited for.
    ///
    /// # Cancel safety
    /// Cancel safe; the place in the order of those who wait is lost.
    pub(crate) async fn admit(&self, address: IpAddr) -> Result<Admission, Refusal> {
        if self.shared.draining.is_cancelled() {
            return Err(Refusal::Overloaded);
        }
        let counters = &self.shared.inboxes[usize::from(self.shard)].counters;
        let open = counters.connections.load(Ordering::Relaxed);
        if open >= self.config().connections_per_shard_max as u64 {
            return Err(Refusal::Overloaded);
        }
        let place = self.place_of(address)?;
        let draining = &self.shared.draining;
        let Some(handshake) = self.shared.handshakes.begin(draining).await else {
            if draining.is_cancelled() {
                return Err(Refusal::Overloaded);
            }
            counters.handshakes_refused.fetch_add(1, Ordering::Relaxed);
            return Err(Refusal::HandshakeLimit);
        };
        Ok(Admission { place, handshake })
    }

    /// A place among the connections of an address, if these are counted.
    fn place_of(&self, address: IpAddr) -> Result<Option<Box<Place>>, Refusal> {
        let Some(limit) = self.config().connections_per_address_max else { return Ok(None) };
        let mut addresses = self.shared.addresses.lock();
        let count = addresses.entry(address).or_insert(0);
        if *count >= limit {
            return Err(Refusal::AddressLimit);
        }
        *count += 1;
        drop(addresses);
        Ok(Some(Box::new(Place { shared: Arc::clone(&self.shared), address })))
    }

    /// Does what a handshake that was admitted needs when it is its turn.
    ///
    /// # Cancel safety
    /// As cancel safe as `work`.
    pub(crate) async fn in_turn<T>(&self, work: impl Future<Output = T>) -> T {
        self.shared.handshakes.in_turn(work).await
    }

    /// Opens a polling session on this shard; gives the text of its secret sid (for the cookie) and
    /// the first payload, the open packet.
    pub(crate) async fn open_polling(
        &self,
        handshake: Handshake,
        admission: Admission,
    ) -> Result<(SocketId, Bytes), Refusal> {
        self.ask(self.shard, |reply| Op::OpenPolling {
            handshake: Box::new(handshake),
            admission,
            reply,
        })
        .await
    }

    /// Opens a session whose transport is a WebSocket, on this shard. The 101 has been answered.
    pub(crate) fn open_websocket(
        &self,
        handshake: Handshake,
        admission: Admission,
        stream: Stream,
        leftover: Bytes,
        deflate: bool,
    ) {
        let arrival = Box::new(Arrival { stream, leftover, deflate });
        let handshake = Box::new(handshake);
        self.shared.push_always(self.shard, Op::OpenWebSocket { handshake, admission, arrival });
    }

    /// Waits for packets; a stamp that comes again marks the request as a repetition of the last.
    /// Dropping the future before it completes tells the shard that the request
    /// was aborted, which closes the session.
    pub(crate) async fn poll(&self, sid: EngineSid, stamp: Option<u64>) -> Result<Bytes, Refusal> {
        let (reply, answer) = oneshot::channel();
        let op = Op::Poll { sid, stamp, reply };
        self.shared.push(sid.shard(), op).map_err(|_| Refusal::Overloaded)?;
        let mut abort = Abort { shared: &self.shared, sid, armed: true };
        let answer = answer.await;
        abort.armed = false;
        answer.unwrap_or(Err(Refusal::SessionUnknown))
    }

    /// Whether a POST may bring its body; to be asked before it is read. A second one beside the
    /// first closes the session, since nobody could say which packets are first.
    pub(crate) async fn begin_post(&self, sid: EngineSid) -> Result<(), Refusal> {
        self.ask(sid.shard(), |reply| Op::BeginPost { sid, reply }).await
    }

    /// Hands the packets of a POST to the session, in order.
    pub(crate) async fn post(&self, sid: EngineSid, body: Bytes) -> Result<(), Refusal> {
        self.ask(sid.shard(), |reply| Op::Post { sid, body, reply }).await
    }

    /// A POST to this session was over `max_payload`: closes it, saying so.
    pub(crate) fn post_too_large(&self, sid: EngineSid) {
        self.shared.push_always(sid.shard(), Op::PostTooLarge { sid });
    }

    /// A POST to this session broke off, and what it carried is lost: closes the session.
    pub(crate) fn post_aborted(&self, sid: EngineSid) {
        self.shared.push_always(sid.shard(), Op::PollAborted { sid });
    }

    /// Whether this session may be upgraded now; to be asked before the 101 is answered.
    pub(crate) async fn check_upgrade(&self, sid: EngineSid) -> Result<(), Refusal> {
        if self.config().own_file_tables && sid.shard() != self.shard {
            // The descriptor could not go there. Clients stay with polling then.
            return Err(Refusal::BadRequest);
        }
        self.ask(sid.shard(), |reply| Op::CheckUpgrade { sid, reply }).await
    }

    /// Hands over the WebSocket of an upgrade, whose probe is still to come.
    pub(crate) fn probe_websocket(
        &self,
        sid: EngineSid,
        stream: Stream,
        leftover: Bytes,
        deflate: bool,
    ) {
        let arrival = Box::new(Arrival { stream, leftover, deflate });
        self.shared.push_always(sid.shard(), Op::Probe { sid, arrival });
    }

    async fn ask<T>(
        &self,
        shard: u8,
        op: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Op,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.shared.push(shard, op(reply)).map_err(|_| Refusal::Overloaded)?;
        answer.await.unwrap_or(Err(Refusal::Overloaded))
    }
}

/// Tells the shard that a waiting poll is gone.
struct Abort<'a> {
    shared: &'a Shared,
    sid: EngineSid,
    armed: bool,
}

impl Drop for Abort<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.push_always(self.sid.shard(), Op::PollAborted { sid: self.sid });
        }
    }
}
