//! How the service ends a connection: it says why, then closes.
//!
//! The client first hears `closing {code, error, retryAfterMs?}`. What a retry can mend, or a
//! fresh token, closes the transport, after which stock clients reconnect by themselves; what it
//! cannot mend is a disconnect by the server, after which they stay away. Nothing is said to a
//! socket whose CONNECT was not answered: a stock client would hear it on its next connection.

use parlor_chat::entry::Millis;
use parlor_chat::refusal::Refusal;
use parlor_gateway::{Close, CloseReason, Frame, Io, SocketKey};

use crate::delivery::NAMESPACE;
use crate::{jitter, records};

/// Why the service ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server cannot serve it now: the device comes back and resumes.
    Resume(Refusal),
    /// Its token has ended: the client comes back with a fresh one.
    Expired,
    /// Its device was revoked.
    Revoked,
    /// Its user was suspended, until then or until that is ended.
    Suspended(Option<Millis>),
    /// It was the stalest of too many connections of its user.
    Replaced,
    /// Its socket has been recovered on another connection.
    TakenOver,
}

/// Gives each client another delay, so that those who are sent away together do not come back
/// together.
fn spread(refusal: Refusal) -> Refusal {
    let spread = jitter::spread;
    match refusal {
        Refusal::Overloaded { retry_after_ms: ms } => {
            Refusal::Overloaded { retry_after_ms: spread(ms) }
        }
        Refusal::Unavailable { retry_after_ms: ms } => {
            Refusal::Unavailable { retry_after_ms: spread(ms) }
        }
        other => other,
    }
}

impl Ending {
    /// How a connection ends that would be refused now; `None` where the reason may pass.
    pub(crate) fn of_refused(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::DeviceRevoked => Some(Self::Revoked),
            Refusal::Suspended { until } => Some(Self::Suspended(until)),
            _ => None,
        }
    }

    /// What the client is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Resume(refusal) => refusal.clone(),
            Self::Expired => Refusal::TokenExpired,
            Self::Revoked => Refusal::DeviceRevoked,
            Self::Suspended(until) => Refusal::Suspended { until: *until },
            Self::Replaced | Self::TakenOver => Refusal::TooManyConnections,
        }
    }

    /// Says it to one socket, and closes it.
    pub(crate) fn carry_out(&self, io: &Io, key: SocketKey) {
        let said = records::alone(&records::reason(&spread(self.refusal())));
        if let Err(error) = io.emit_to(key, Frame::event_raw(NAMESPACE, "closing", &said)) {
            tracing::debug!(%error, "a connection is closed without a word");
        }
        self.close(io, key);
    }

    /// Closes a socket without a word.
    pub(crate) fn close(&self, io: &Io, key: SocketKey) {
        match self {
            Self::Resume(_) => io.close(key, CloseReason::ForcedClose),
            Self::Expired => io.close(key, CloseReason::Expired),
            Self::TakenOver => io.close(key, CloseReason::Replaced),
            Self::Revoked | Self::Suspended(_) | Self::Replaced => {
                io.disconnect(key, Close::Connection)
            }
        }
    }
}
