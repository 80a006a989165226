//! Message requests: what a stranger writes first to a user who wants to be asked.
//!
//! Whether a conversation is a request to one of its members is among that member's own records
//! ([`crate::own::OwnKind::Request`]), so that all of the member's devices know and a device that was
//! away learns it. A request begins with the first message of a conversation, and ends for good when
//! the member writes there or makes the other a contact. [`receive`] decides on each message, and is
//! called by the store inside the commit.

use crate::own::OwnValue;
use crate::privacy::{Audience, Privacy};
use crate::refusal::Refusal;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// The member has not decided.
    Pending,
    /// The other may go on.
    Accepted,
    /// The other writes nothing more.
    Declined,
}

impl RequestState {
    /// Every state there is.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Declined];

    /// What is kept of it: its name as JSON.
    pub fn value(self) -> OwnValue {
        OwnValue::of(match self {
            Self::Pending => "\"pending\"",
            Self::Accepted => "\"accepted\"",
            Self::Declined => "\"declined\"",
        })
    }

    /// What a kept value stands for; one that nobody could have kept is not decided.
    pub fn of_value(json: &str) -> Self {
        Self::ALL.into_iter().find(|it| &*it.value().0 == json).unwrap_or(Self::Pending)
    }

    /// Whether the other is kept from seeing what the member does: what was received and read, that
    /// the member is here or types.
    pub fn hides(self) -> bool {
        self != Self::Accepted
    }
}

/// How many requests, and how much in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Messages that a request may hold before it is decided.
    pub messages_max: u64,
    /// Requests of one user that are kept, decided ones included.
    pub requests_max: u64,
}

/// How a recipient stands to the sender of a message, who is another user and not blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// From whom the recipient takes messages.
    pub messages: Audience,
    /// Whether the recipient wants to be asked by strangers.
    pub asks: bool,
    /// Whether the sender is a contact of the recipient.
    pub is_contact: bool,
    /// Whether the recipient has written in the conversation.
    pub has_written: bool,
    /// What the conversation is to the recipient.
    pub request: Option<RequestState>,
    /// Messages that the sender has written there.
    pub said: u64,
    /// Whether the conversation has no entry yet.
    pub is_new: bool,
    /// Requests of the recipient that are kept.
    pub requests: u64,
}

/// As what a message is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// As any other.
    Ordinary,
    /// As the first one of a request.
    BeginsRequest,
    /// As a further one of a request.
    OfRequest,
}

/// Decides on a message from another user.
///
/// # Errors
/// [`Refusal::NotAccepted`] when the recipient does not take it, [`Refusal::RequestPending`] when the
/// sender has to wait for the recipient's decision.
pub fn receive(standing: &Standing, bounds: &Bounds) -> Result<Reception, Refusal> {
    let Standing { messages, asks, is_contact, has_written, request, .. } = *standing;
    let is_known = has_written || request == Some(RequestState::Accepted);
    if !Privacy::accepts(messages, is_contact, is_known) {
        return Err(Refusal::NotAccepted);
    }
    if is_contact || is_known {
        return Ok(Reception::Ordinary);
    }
    match request {
        Some(RequestState::Declined) => Err(Refusal::NotAccepted),
        Some(_) if standing.said >= bounds.messages_max => Err(Refusal::RequestPending),
        Some(_) => Ok(Reception::OfRequest),
        None if !asks || !standing.is_new => Ok(Reception::Ordinary),
        None if standing.requests >= bounds.requests_max => Err(Refusal::NotAccepted),
        None => Ok(Reception::BeginsRequest),
    }
}

/// Decides on what else somebody does in a direct conversation, such as to react, by how a message of
/// theirs would be taken.
///
/// # Errors
/// [`Refusal::RequestPending`] where it would be part of a request.
pub fn allow_deed(reception: Reception) -> Result<(), Refusal> {
    match reception {
        Reception::Ordinary => Ok(()),
        Reception::BeginsRequest | Reception::OfRequest => Err(Refusal::RequestPending),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { messages_max: 3, requests_max: 9 };
    const STRANGER: Standing = Standing {
        messages: Audience::Everyone,
        asks: true,
        is_contact: false,
        has_written: false,
        request: None,
        said: 0,
        is_new: true,
        requests: 0,
    };

    fn later(request: Option<RequestState>, said: u64) -> Standing {
        Standing { request, said, is_new: false, ..STRANGER }
    }

    #[test]
    fn a_state_has_one_value() {
        for state in RequestState::ALL {
            assert_eq!(RequestState::of_value(&state.value().0), state);
        }
        assert_eq!(RequestState::of_value("7"), RequestState::Pending);
        assert_eq!(RequestState::ALL.map(RequestState::hides), [true, false, true]);
    }

    #[test]
    fn a_strangers_first_messages_are_a_request() {
        use RequestState::{Accepted, Declined, Pending};
        let open = Standing { asks: false, ..STRANGER };
        let contact = Standing { is_contact: true, ..later(Some(Declined), 9) };
        let answered = Standing { has_written: true, ..later(Some(Declined), 9) };
        let closed = Standing { messages: Audience::Contacts, ..STRANGER };
        for (standing, expected) in [
            (STRANGER, Ok(Reception::BeginsRequest)),
            (open, Ok(Reception::Ordinary)),
            (later(None, 7), Ok(Reception::Ordinary)),
            (later(Some(Pending), 2), Ok(Reception::OfRequest)),
            (later(Some(Pending), 3), Err(Refusal::RequestPending)),
            (Standing { asks: false, ..later(Some(Pending), 2) }, Ok(Reception::OfRequest)),
            (later(Some(Accepted), 9), Ok(Reception::Ordinary)),
            (later(Some(Declined), 1), Err(Refusal::NotAccepted)),
            (contact, Ok(Reception::Ordinary)),
            (answered, Ok(Reception::Ordinary)),
            (Standing { requests: 8, ..STRANGER }, Ok(Reception::BeginsRequest)),
            (Standing { requests: 9, ..STRANGER }, Err(Refusal::NotAccepted)),
            (closed, Err(Refusal::NotAccepted)),
            (Standing { request: Some(Accepted), ..closed }, Ok(Reception::Ordinary)),
            (Standing { request: Some(Pending), ..closed }, Err(Refusal::NotAccepted)),
        ] {
            assert_eq!(receive(&standing, &BOUNDS), expected, "{standing:?}");
        }
    }

    #[test]
    fn nothing_else_is_done_in_a_request() {
        for reception in [Reception::BeginsRequest, Reception::OfRequest] {
            assert_eq!(allow_deed(reception), Err(Refusal::RequestPending));
        }
        assert_eq!(allow_deed(Reception::Ordinary), Ok(()));
    }
}
