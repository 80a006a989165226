//! What is answered to a request that cannot be read: whoever asked waits for every member.

use serde::Deserialize;

use super::read::{name, parse, text};
use super::{Answer, Dialect, MESSAGE_BYTES_MAX, classic, sharded};
use crate::json::DEPTH_MAX;
use crate::packet::Limits;

/// What is looked at may have been refused for its limits.
const LIMITS: Limits = Limits {
    attachments_max: usize::MAX,
    attachment_bytes_max: MESSAGE_BYTES_MAX,
    depth_max: DEPTH_MAX,
};

/// Who asked, and what is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Who asked.
    pub from: Box<str>,
    /// What the answer is to name.
    pub request: Box<str>,
    /// That there is nothing.
    pub answer: Answer<'static>,
}

#[derive(Deserialize)]
struct Head {
    uid: Box<str>,
    #[serde(rename = "type")]
    kind: u64,
    #[serde(rename = "requestId")]
    request: Option<Box<str>>,
    data: Option<serde_json::Value>,
}

/// What to answer to a message that was refused, if it asks for something.
pub fn refused(bytes: &[u8], dialect: Dialect) -> Option<Refused> {
    let (json, _) = text(bytes, &LIMITS).ok()?;
    let head: Head = parse(&json).ok()?;
    let (request, answer) = match dialect {
        Dialect::Classic => (head.request, classic_answer(head.kind)?),
        Dialect::Sharded => {
            let request = head.data.as_ref()?.get("requestId")?.as_str();
            (request.map(Box::from), sharded_answer(head.kind)?)
        }
    };
    Some(Refused { from: name(head.uid).ok()?, request: name(request?).ok()?, answer })
}

fn classic_answer(kind: u64) -> Option<Answer<'static>> {
    match kind {
        classic::SOCKETS => Some(Answer::SocketIds("[]")),
        classic::ALL_ROOMS => Some(Answer::Rooms("[]")),
        classic::REMOTE_FETCH => Some(Answer::Sockets("[]")),
        classic::SERVER_SIDE_EMIT => Some(Answer::NoCode),
        classic::BROADCAST => Some(Answer::Asked(0)),
        _ => None,
    }
}

fn sharded_answer(kind: u64) -> Option<Answer<'static>> {
    match kind {
        sharded::BROADCAST => Some(Answer::Asked(0)),
        sharded::FETCH_SOCKETS => Some(Answer::Sockets("[]")),
        sharded::SERVER_SIDE_EMIT => Some(Answer::NoCode),
        _ => None,
    }
}
