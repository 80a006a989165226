//! What went wrong, as a sentence that says what to do.

use parlor_client::{Reason, StoreError};
use thiserror::Error;

use crate::Options;
use crate::place::Place;

/// Why it cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What to do when the outbox cannot be opened.
pub(crate) fn outbox(error: &StoreError, place: &Place) -> Failure {
    let text = error.to_string();
    let advice = if text.contains("another program") {
        "end the other `parlor chat` of this user, or give another folder with --data"
    } else {
        "look whether the folder can be written, or give another with --data"
    };
    Failure::new(format!("{text} (in {}): {advice}", place.folder().display()))
}

/// What to do when the connection is in a bad way.
pub(crate) fn advice(reason: &Reason, options: &Options) -> String {
    let Options { url, user, .. } = options;
    match reason {
        Reason::Network(what) => format!(
            "no Parlor can be reached at {url} ({what}): start one with `parlor serve --dev`, or \
             name another with --url"
        ),
        Reason::TimedOut => format!("{url} does not answer: look whether the address is right"),
        Reason::AnotherUser(other) => {
            format!("the token is {other}'s: give --user {other}, or a token of {user}")
        }
        Reason::Refused(refusal) => match refusal.code.as_str() {
            "unauthorized" | "token_expired" => format!(
                "the server does not take the token of {user} ({}): make one with \
                 `parlor token --user {user}` where the server is configured, and give it with \
                 --token or --token-file",
                refusal.text
            ),
            "device_revoked" => {
                format!("this device was signed out ({}): give a new token", refusal.text)
            }
            "suspended" => format!("{user} is suspended by a moderator ({})", refusal.text),
            "too_many_devices" => {
                format!("{user} has too many devices ({}): revoke one elsewhere", refusal.text)
            }
            _ => format!("the server says: {refusal}"),
        },
        Reason::Version(version) => {
            format!(
                "the server speaks version {version} of the protocol: update the older of the two"
            )
        }
        other => other.to_string(),
    }
}

/// What to tell of a message that was refused.
pub(crate) fn refused(code: &str, text: &str) -> String {
    let advice = match code {
        "blocked" => "they have blocked you",
        "not_accepted" => "they take no messages from you",
        "request_pending" => "wait until they answer",
        "not_a_member" | "not_found" => "look whether you are in that group, and its id is right",
        "muted" => "you may not write there for now",
        "not_allowed" => "you may not write there",
        "too_large" => "send less at once",
        "content_refused" => "a rule of the server keeps it out",
        _ => return format!("{text} ({code})"),
    };
    format!("{advice} ({code})")
}
