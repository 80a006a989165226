//! Events of the app's own: what an app has its clients tell each other that the server does not
//! understand. One may be an entry of a conversation's log like a message; it is then no message, so
//! it counts as unread for nobody, and nothing is done to it.

use std::sync::Arc;

use crate::entry::Content;
use crate::ids::InvalidId;

/// The longest name of an event, in bytes.
pub const EVENT_NAME_BYTES_MAX: usize = 64;

/// What an app calls an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName(Arc<str>);

impl EventName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidId`] when it is not 1 to [`EVENT_NAME_BYTES_MAX`] ASCII letters, digits, or one of
    /// `.`, `:`, `-`, `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte);
        match (1..=EVENT_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(Arc::from(text))),
            false => {
                let rule = "1 to 64 ASCII letters, digits, `.`, `:`, `-` or `_`";
                Err(InvalidId { kind: "event name", rule })
            }
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event of the app's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEvent {
    /// What the app calls it.
    pub name: EventName,
    /// What it says of it: opaque here, like the content of a message.
    pub data: Content,
}

impl AppEvent {
    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        self.name.as_str().len() + self.data.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_plain_word() {
        for good in ["x", "poll.vote:v2", "a-b_C9", &"x".repeat(EVENT_NAME_BYTES_MAX)] {
            assert_eq!(
                EventName::parse(good).map(|name| name.as_str().to_owned()),
                Ok(good.into())
            );
        }
        let long = "x".repeat(EVENT_NAME_BYTES_MAX + 1);
        for bad in ["", "a b", "é", "a\n", "\"", "a/b", &long] {
            assert!(EventName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
