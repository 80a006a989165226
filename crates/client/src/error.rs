//! What can go wrong, by what the caller can do about it.

use std::time::Duration;

use thiserror::Error;

use crate::outbox::StoreError;
use crate::protocol::Closing;
use crate::status::Reason;

/// Any error of this library.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Error {
    /// Refused for now: the same may succeed after `refusal.retry_after`.
    #[error("{0}")]
    Busy(Refusal),
    /// Refused because of who the user is, or no longer is: sign in anew.
    #[error("{0}")]
    Identity(Refusal),
    /// Refused because the user may not do that here: say so.
    #[error("{0}")]
    Permission(Refusal),
    /// Refused because as many are there as allowed, or it is too large or too late: say so.
    #[error("{0}")]
    Limit(Refusal),
    /// Refused for another reason: its code is in `docs/errors.md`.
    #[error("{0}")]
    Refused(Refusal),
    /// There is no connection, or it ended before an answer came: it may or may not be done.
    #[error("the connection ended before an answer came")]
    Disconnected,
    /// No answer came in time: it may or may not be done.
    #[error("no answer came in time")]
    TimedOut,
    /// The client is closed: nothing more comes of it. Make another one, say with a good token.
    #[error("the client is closed: {0}")]
    Closed(Reason),
    /// The message was taken out of the outbox by `discard`.
    #[error("the message was discarded")]
    Discarded,
    /// As many messages wait in the outbox as it takes: send again when some are gone.
    #[error("the outbox is full: {0} messages wait in it")]
    OutboxFull(usize),
    /// The outbox cannot keep messages: mend its place.
    #[error("the outbox cannot be used")]
    Store(#[source] StoreError),
    /// The client was made in a way that cannot work: mend the code.
    #[error("{0}")]
    Usage(String),
    /// The server said what this library does not understand: update one of the two.
    #[error("the answer to `{0}` is not understood")]
    NotUnderstood(String),
}

impl Error {
    /// What the server said, if it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Busy(it)
            | Self::Identity(it)
            | Self::Permission(it)
            | Self::Limit(it)
            | Self::Refused(it) => Some(it),
            _ => None,
        }
    }

    /// The code of the refusal, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the server said when it refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text} ({code})")]
#[non_exhaustive]
pub struct Refusal {
    /// One of `docs/errors.md`; a newer server may have others.
    pub code: String,
    /// A text for people.
    pub text: String,
    /// After so long the same may succeed; `None` if it will not.
    pub retry_after: Option<Duration>,
    /// Until when it holds, in milliseconds since 1970, where the server said so.
    pub until: Option<u64>,
    /// The id of the content rule, with `content_refused`.
    pub rule: Option<String>,
}

/// Delays of refusals that name none, in milliseconds: `docs/errors.md`.
const DELAYS_MS: [(&str, u64); 7] = [
    ("rate_limited", 1_000),
    ("overloaded", 250),
    ("unavailable", 2_000),
    ("shutting_down", 500),
    ("aborted", 250),
    ("too_many_connections", 5_000),
    ("slow_mode", 1_000),
];

const IDENTITY: [&str; 5] =
    ["unauthorized", "token_expired", "device_revoked", "suspended", "not_registered"];

const PERMISSION: [&str; 10] = [
    "not_a_member",
    "blocked",
    "forbidden",
    "content_refused",
    "not_allowed",
    "muted",
    "banned",
    "not_accepted",
    "request_pending",
    "owner_must_stay",
];

impl From<Closing> for Refusal {
    fn from(said: Closing) -> Self {
        let usual = || DELAYS_MS.iter().find(|(code, _)| *code == said.code).map(|(_, ms)| *ms);
        let retry_after = said.retry_after_ms.or_else(usual).map(Duration::from_millis);
        let Closing { code, error: text, until, rule, .. } = said;
        Self { code, text, retry_after, until, rule }
    }
}

impl From<Closing> for Error {
    fn from(said: Closing) -> Self {
        let refusal = Refusal::from(said);
        let code = refusal.code.as_str();
        if IDENTITY.contains(&code) {
            Self::Identity(refusal)
        } else if refusal.retry_after.is_some() {
            Self::Busy(refusal)
        } else if PERMISSION.contains(&code) {
            Self::Permission(refusal)
        } else if code.starts_with("too_") || code == "group_full" {
            Self::Limit(refusal)
        } else {
            Self::Refused(refusal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> Error {
        Closing {
            code: code.into(),
            error: String::new(),
            retry_after_ms: None,
            until: None,
            rule: None,
        }
        .into()
    }

    #[test]
    fn refusals_are_sorted_by_what_can_be_done() {
        assert!(matches!(error("rate_limited"), Error::Busy(_)));
        assert!(matches!(error("suspended"), Error::Identity(_)));
        assert!(matches!(error("blocked"), Error::Permission(_)));
        assert!(matches!(error("too_large"), Error::Limit(_)));
        assert!(matches!(error("of_another_year"), Error::Refused(_)));
    }

    #[test]
    fn delays_are_those_of_the_documents() {
        let documents = include_str!("../../../docs/errors.md");
        for (code, delay_ms) in DELAYS_MS {
            let row = documents.lines().find(|line| line.starts_with(&format!("| `{code}` |")));
            let row = row.unwrap_or_else(|| panic!("{code} is not documented"));
            assert!(row.contains(&format!("yes, after {delay_ms} ms")), "{row}");
        }
        let retryable = documents.lines().filter(|line| line.contains("| yes, after")).count();
        assert_eq!(retryable, DELAYS_MS.len());
    }
}
