//! Where the connection stands, and why.

use std::fmt;
use std::time::Duration;

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It asks for a token and opens a connection.
    Connecting,
    /// It is let in, and hears what it missed.
    CatchingUp,
    /// It has everything, and hears what comes at once.
    Live,
    /// There is no connection; it tries again by itself.
    Offline,
    /// It does not try again: `close` was called, or the server will not let it in.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::CatchingUp => "catching up",
            Self::Live => "live",
            Self::Offline => "offline",
            Self::Closed => "closed",
        })
    }
}

/// Why a connection ended, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `close` was called.
    ClosedByApp,
    /// The server could not be reached, or the connection was cut.
    Network(String),
    /// The server's certificate is not believed, for this reason.
    Certificate(String),
    /// The server did not answer in time.
    TimedOut,
    /// No token could be had.
    NoToken(String),
    /// The token is of this user, and not of the one who was named.
    AnotherUser(String),
    /// The server speaks this version of the protocol.
    Version(String),
    /// The server said why.
    Refused(crate::error::Refusal),
}

impl Reason {
    /// The server's code, if it is the server that said why.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedByApp => f.write_str("it was closed"),
            Self::Network(what) => f.write_str(what),
            Self::Certificate(why) => write!(f, "the server's certificate is refused: {why}"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::NoToken(what) => write!(f, "there is no token: {what}"),
            Self::AnotherUser(user) => write!(f, "the token is of another user, {user}"),
            Self::Version(version) => {
                write!(f, "the server speaks version {version} of the protocol")
            }
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// The state with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the connection stands.
    pub state: State,
    /// Why it is offline or closed; while connecting, why the last connection ended.
    pub reason: Option<Reason>,
    /// While offline: how long after it went offline it tries again.
    pub retry_in: Option<Duration>,
}

impl Status {
    pub(crate) fn new(state: State, reason: Option<Reason>) -> Self {
        Self { state, reason, retry_in: None }
    }
}
