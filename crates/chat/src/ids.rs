//! What things are called. Every id is checked once, where it enters, and is its own type.
//!
//! User ids: 1 to 128 bytes without control characters. Device ids: likewise 1 to 64. A direct
//! conversation is `dm:` and the two user ids in byte order, joined by `:`, with `%` and `:`
//! percent-encoded; that of a group is `group:` and the group's id. A message id encodes
//! conversation and seq; clients must not look inside.

use std::fmt;
use std::sync::Arc;

/// The longest user id, in bytes.
pub const USER_ID_BYTES_MAX: usize = 128;
/// The longest device id, in bytes.
pub const DEVICE_ID_BYTES_MAX: usize = 64;
/// The longest group id, in bytes.
pub const GROUP_ID_BYTES_MAX: usize = 64;
/// The longest idempotency key, in bytes.
pub const CLIENT_ID_BYTES_MAX: usize = 64;
/// What idempotency keys of the app's own server begin with. Its dot is no ASCII.
const BACKEND_MARK: &str = "api·";

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
    /// A group.
    GroupId
);
text_id!(
    /// A conversation: a direct one, or that of a group.
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
        plain_text(text, USER_ID_BYTES_MAX)
            .map(Self)
            .ok_or(InvalidId { kind: "user id", rule: "1 to 128 bytes without control characters" })
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

impl GroupId {
    /// Checks and takes a group id.
    ///
    /// # Errors
    /// [`InvalidId`] when it is not 1 to [`GROUP_ID_BYTES_MAX`] ASCII letters, digits, `-` or `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=GROUP_ID_BYTES_MAX).contains(&text.len());
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if fits && text.bytes().all(plain) {
            Ok(Self(Arc::from(text)))
        } else {
            let rule = "1 to 64 ASCII letters, digits, `-` or `_`";
            Err(InvalidId { kind: "groupId", rule })
        }
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

    /// The key under which the app's own server sends, made of the one it gave. No client can name
    /// it, since it begins with a character that theirs may not have.
    pub fn of_backend(key: &Self) -> Self {
        Self(Arc::from([BACKEND_MARK, key.as_str()].concat()))
    }

    /// Whether it was made by [`ClientId::of_backend`]: clients are not shown it.
    pub fn is_of_backend(&self) -> bool {
        self.0.starts_with(BACKEND_MARK)
    }

    /// Takes one back from where it was kept.
    ///
    /// # Errors
    /// [`InvalidId`] when it is neither a client's nor one of [`ClientId::of_backend`].
    pub fn stored(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix(BACKEND_MARK) {
            Some(key) => Self::parse(key).map(|key| Self::of_backend(&key)),
            None => Self::parse(text),
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

    /// The conversation of a group.
    pub fn group(group: &GroupId) -> Self {
        Self(Arc::from(["group:", group.as_str()].concat()))
    }

    /// Checks and takes the id of a conversation.
    ///
    /// # Errors
    /// [`InvalidId`] when it is not of a form that [`ConversationId::direct`] or
    /// [`ConversationId::group`] makes.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let rule = "`dm:` and two user ids, or `group:` and a group id";
        let invalid = InvalidId { kind: "conversationId", rule };
        if let Some(group) = text.strip_prefix("group:") {
            return GroupId::parse(group).map(|group| Self::group(&group)).map_err(|_| invalid);
        }
        let parsed = (|| {
            let (low, high) = text.strip_prefix("dm:")?.split_once(':')?;
            let low = UserId::parse(&unescape(low)?).ok()?;
            let high = UserId::parse(&unescape(high)?).ok()?;
            Some(Self::direct(&low, &high))
        })();
        parsed.filter(|id| id.as_str() == text).ok_or(invalid)
    }

    /// The two members of a direct conversation, in byte order, the same one twice for notes to
    /// oneself; `None` for a group's, whose members are not told by its name.
    pub fn direct_members(&self) -> Option<(UserId, UserId)> {
        let (low, high) = self.0.strip_prefix("dm:")?.split_once(':')?;
        let user = |text| UserId(Arc::from(unescape(text).expect("checked when it was made")));
        Some((user(low), user(high)))
    }

    /// The group whose conversation it is, if it is one's.
    pub fn group_id(&self) -> Option<GroupId> {
        self.0.strip_prefix("group:").map(|group| GroupId(Arc::from(group)))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(text: &str) -> UserId {
        UserId::parse(text).expect("shape")
    }

    fn users() -> impl Strategy<Value = UserId> {
        prop_oneof!["[a-c:%]{1,6}", "[^\\p{Cc}]{1,30}"]
            .prop_filter_map("fits", |text| UserId::parse(&text).ok())
    }

    #[test]
    fn a_conversation_is_named_by_both_in_byte_order() {
        let id = ConversationId::direct(&user("bob"), &user("alice"));
        assert_eq!(id.as_str(), "dm:alice:bob");
        assert_eq!(id, ConversationId::direct(&user("alice"), &user("bob")));
        assert_eq!(ConversationId::direct(&user("Z"), &user("a")).as_str(), "dm:Z:a");
        assert_eq!(ConversationId::direct(&user("é"), &user("z")).as_str(), "dm:z:é");
    }

    #[test]
    fn separators_in_user_ids_are_escaped() {
        let id = ConversationId::direct(&user("a:b"), &user("50%"));
        assert_eq!(id.as_str(), "dm:50%25:a%3Ab");
        assert_eq!(id.direct_members(), Some((user("50%"), user("a:b"))));
    }

    #[test]
    fn a_conversation_with_oneself_names_oneself_twice() {
        let id = ConversationId::direct(&user("al"), &user("al"));
        assert_eq!(id.as_str(), "dm:al:al");
        assert_eq!(id.direct_members(), Some((user("al"), user("al"))));
    }

    #[test]
    fn a_groups_conversation_is_named_by_the_group() {
        let group = GroupId::parse("a-B_9").expect("shape");
        let id = ConversationId::group(&group);
        assert_eq!(id.as_str(), "group:a-B_9");
        assert_eq!(ConversationId::parse("group:a-B_9"), Ok(id.clone()));
        assert_eq!((id.group_id(), id.direct_members()), (Some(group), None));
        let long = "g".repeat(64);
        assert!(GroupId::parse(&long).is_ok());
        for text in ["group:", "group:a:b", "group:é", "group: a", &format!("group:{long}g")] {
            assert!(ConversationId::parse(text).is_err(), "{text:?}");
        }
        let message = MessageId::new(&id, Seq(4));
        assert_eq!(MessageId::parse(message.as_str()), Ok((id, Seq(4))));
    }

    #[test]
    fn only_the_one_way_to_write_a_conversation_is_taken() {
        for text in [
            "dm:b:a",
            "dm:a",
            "dm::a",
            "dm:a:b:c",
            "dm:a%3a:b",
            "dm:%41:b",
            "dm:a%:b",
            "dm:a%2",
            "dm:a:b%é",
            "DM:a:b",
            "a:b",
            "",
            "dm:a\n:b",
        ] {
            assert!(ConversationId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_message_id_has_one_spelling_and_a_seq_below_two_to_the_53() {
        for text in ["dm:a:b:0", "dm:a:b:01", "dm:a:b:+1", "dm:a:b:", "dm:a:b", "1", "dm:b:a:1"] {
            assert!(MessageId::parse(text).is_err(), "{text:?}");
        }
        assert!(MessageId::parse("dm:a:b:9007199254740991").is_ok());
        assert!(MessageId::parse("dm:a:b:9007199254740992").is_err());
        assert!(MessageId::parse("dm:a:b:99999999999999999999").is_err());
    }

    #[test]
    fn ids_at_their_bounds() {
        assert!(UserId::parse(&"é".repeat(64)).is_ok());
        assert!(UserId::parse(&"é".repeat(65)).is_err());
        assert!(UserId::parse("").is_err());
        assert!(UserId::parse("a\u{85}b").is_err());
        assert!(DeviceId::parse(&"d".repeat(64)).is_ok());
        assert!(DeviceId::parse(&"d".repeat(65)).is_err());
        assert!(DeviceId::parse("").is_err());
        assert!(ClientId::parse(&" ".repeat(64)).is_ok());
        assert!(ClientId::parse("é").is_err());
        assert!(ClientId::parse("a\tb").is_err());
    }

    #[test]
    fn no_client_can_name_a_key_of_the_backend() {
        let longest = ClientId::parse(&"k".repeat(64)).expect("shape");
        for key in [ClientId::parse("k").expect("shape"), longest] {
            let kept = ClientId::of_backend(&key);
            assert!(kept.is_of_backend() && !key.is_of_backend());
            assert!(ClientId::parse(kept.as_str()).is_err());
            assert_eq!(ClientId::stored(kept.as_str()), Ok(kept));
            assert_eq!(ClientId::stored(key.as_str()), Ok(key));
        }
        assert!(ClientId::stored("api·").is_err() && ClientId::stored("é").is_err());
    }

    proptest! {
        #[test]
        fn a_conversation_id_comes_back_as_it_was(a in users(), b in users()) {
            let id = ConversationId::direct(&a, &b);
            prop_assert_eq!(ConversationId::parse(id.as_str()), Ok(id.clone()));
            let (low, high) = id.direct_members().expect("a direct one");
            prop_assert!(low.as_str().as_bytes() <= high.as_str().as_bytes());
            prop_assert!((low == a && high == b) || (low == b && high == a));
        }

        #[test]
        fn a_message_id_comes_back_as_it_was(a in users(), b in users(), seq in 1u64..1 << 53) {
            let conversation = ConversationId::direct(&a, &b);
            let id = MessageId::new(&conversation, Seq(seq));
            prop_assert_eq!(MessageId::parse(id.as_str()), Ok((conversation, Seq(seq))));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*|dm:[ab:%35A]*") {
            let _ = ConversationId::parse(&text);
            let _ = MessageId::parse(&text);
        }

        #[test]
        fn what_is_parsed_is_written_the_same(text in "dm:[ab:%235A]{0,12}") {
            if let Ok(id) = ConversationId::parse(&text) {
                let (low, high) = id.direct_members().expect("a direct one");
                prop_assert_eq!(ConversationId::direct(&low, &high), id);
            }
        }
    }
}
