//! What things are called. Every id is checked once, where it enters, and is its own type.
//!
//! User ids: 1 to 128 bytes without control characters. Device ids: likewise 1 to 64. A direct
//! conversation is `dm:` and the two user ids in byte order, joined by `:`, with `%` and `:`
//! percent-encoded. A message id encodes conversation and seq; clients must not look inside.

use std::fmt;
use std::sync::Arc;

/// The longest user id, in bytes.
pub const USER_ID_BYTES_MAX: usize = 128;
/// The longest device id, in bytes.
pub const DEVICE_ID_BYTES_MAX: usize = 64;
/// The longest idempotency key, in bytes.
pub const CLIENT_ID_BYTES_MAX: usize = 64;

/// An id that is not of the shape its kind asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct InvalidId {
    /// Which kind of id.
    pub kind: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Who: exists by being named in a token.
    UserId
);
text_id!(
    /// One of a user's devices.
    DeviceId
);
text_id!(
    /// The sender's idempotency key.
    ClientId
);
text_id!(
    /// A direct conversation (groups later).
    ConversationId
);
text_id!(
    /// One message; opaque to clients.
    MessageId
);

impl UserId {
    /// Checks and takes a user id.
    ///
    /// # Errors
    /// [`InvalidId`] when it is empty, longer than [`USER_ID_BYTES_MAX`] or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        plain_text(text, USER_ID_BYTES_MAX).map(Self).ok_or(InvalidId {
            kind: "user id",
            rule: "1 to 128 bytes without control characters",
        })
    }
}

impl DeviceId {
    /// Checks and takes a device id.
    ///
    /// # Errors
    /// [`InvalidId`] when it is empty, longer than [`DEVICE_ID_BYTES_MAX`] or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        plain_text(text, DEVICE_ID_BYTES_MAX).map(Self).ok_or(InvalidId {
            kind: "device id",
            rule: "1 to 64 bytes without control characters",
        })
    }

    /// The device shared by all of a user's connections that name none.
    pub fn shared() -> Self {
        Self(Arc::from(""))
    }

    /// Whether this is the shared device.
    pub fn is_shared(&self) -> bool {
        self.0.is_empty()
    }
}

impl ClientId {
    /// Checks and takes an idempotency key.
    ///
    /// # Errors
    /// [`InvalidId`] when it is not 1 to [`CLIENT_ID_BYTES_MAX`] printable ASCII characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=CLIENT_ID_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidId { kind: "clientId", rule: "1 to 64 printable ASCII characters" })
        }
    }
}

fn plain_text(text: &str, bytes_max: usize) -> Option<Arc<str>> {
    let fits = (1..=bytes_max).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then(|| Arc::from(text))
}

/// A place in a conversation: 1 is the first entry, 0 is before it. Below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ConversationId {
    /// The conversation of two users, whoever speaks first.
    pub fn direct(a: &UserId, b: &UserId) -> Self {
        let (low, high) = if a.as_str() <= b.as_str() { (a, b) } else { (b, a) };
        let mut text = String::with_capacity(4 + low.as_str().len() + high.as_str().len());
        text.push_str("dm:");
        escape_into(&mut text, low.as_str());
        text.push(':');
        escape_into(&mut text, high.as_str());
        Self(Arc::from(text))
    }

    /// Checks and takes the id of a direct conversation.
    ///
    /// # Errors
    /// [`InvalidId`] when it is not of the form [`ConversationId::direct`] makes.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { kind: "conversationId", rule: "`dm:` and two user ids" };
        let parsed = (|| {
            let (low, high) = text.strip_prefix("dm:")?.split_once(':')?;
            let low = UserId::parse(&unescape(low)?).ok()?;
            let high = UserId::parse(&unescape(high)?).ok()?;
            Some(Self::direct(&low, &high))
        })();
        parsed.filter(|id| id.as_str() == text).ok_or(invalid)
    }

    /// The two members, in byte order; the same one twice for notes to oneself.
    pub fn members(&self) -> (UserId, UserId) {
        let pair = self.0.strip_prefix("dm:").and_then(|rest| rest.split_once(':'));
        let (low, high) = pair.expect("checked when it was made");
        let user = |text| UserId(Arc::from(unescape(text).expect("checked when it was made")));
        (user(low), user(high))
    }
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            ':' => out.push_str("%3A"),
            c => out.push(c),
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        out.push(match after.get(..2)? {
            "25" => '%',
            "3A" => ':',
            _ => return None,
        });
        rest = &after[2..];
    }
    out.push_str(rest);
    (!text.contains(':')).then_some(out)
}

impl MessageId {
    /// The id of the entry at `seq`.
    pub fn new(conversation: &ConversationId, seq: Seq) -> Self {
        Self(Arc::from(format!("{conversation}:{seq}")))
    }

    /// Takes a message id apart.
    ///
    /// # Errors
    /// [`InvalidId`] when it was not made by [`MessageId::new`].
    pub fn parse(text: &str) -> Result<(ConversationId, Seq), InvalidId> {
        let invalid = InvalidId { kind: "messageId", rule: "an id that the server gave" };
        let (conversation, seq) = text.rsplit_once(':').ok_or(invalid.clone())?;
        let canonical = seq.bytes().all(|b| b.is_ascii_digit()) && !seq.starts_with('0');
        let seq: u64 = seq.parse().ok().filter(|_| canonical).ok_or(invalid.clone())?;
        let conversation = ConversationId::parse(conversation).map_err(|_| invalid.clone())?;
        if seq >= 1 << 53 { Err(invalid) } else { Ok((conversation, Seq(seq))) }
    }
}
