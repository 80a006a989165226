//! API keys as they are configured: by name, digest and scopes, never the key itself.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::setting::{Kind, Setting, quoted, words};

/// The longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 64;

words! {
    /// What a key allows.
    Scope {
        /// Send messages and events as any user, and as the system; edit what any user said.
        MessagesWrite = "messages:write",
        /// Read any conversation, and whose there are.
        MessagesRead = "messages:read",
        /// Delete any message.
        MessagesDelete = "messages:delete",
        /// Make, run and end any group.
        GroupsWrite = "groups:write",
        /// Read any group, and who is in which.
        GroupsRead = "groups:read",
        /// Read users' devices and blocks.
        UsersRead = "users:read",
        /// Revoke users' devices, and change their blocks.
        UsersWrite = "users:write",
        /// Revoke users' tokens.
        TokensRevoke = "tokens:revoke",
    }
}

impl Scope {
    /// All there are.
    pub(crate) const ALL: [Self; 8] = [
        Self::MessagesWrite,
        Self::MessagesRead,
        Self::MessagesDelete,
        Self::GroupsWrite,
        Self::GroupsRead,
        Self::UsersRead,
        Self::UsersWrite,
        Self::TokensRevoke,
    ];

    /// Its word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::MessagesWrite => "messages:write",
            Self::MessagesRead => "messages:read",
            Self::MessagesDelete => "messages:delete",
            Self::GroupsWrite => "groups:write",
            Self::GroupsRead => "groups:read",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::TokensRevoke => "tokens:revoke",
        }
    }
}

/// One key that the API takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    /// What logs call it.
    pub(crate) name: String,
    /// The SHA-256 of the key's text.
    pub(crate) sha256: [u8; 32],
    /// What it allows.
    pub(crate) scopes: Vec<Scope>,
}

/// A digest as text.
fn hexadecimal(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

/// Whether a text can be a key's name.
pub(crate) fn is_key_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// What a name must be.
pub(crate) const KEY_NAME_RULE: &str = "1 to 64 letters, digits, `.`, `_` or `-`";

impl ApiKey {
    /// As a table of the file.
    pub(crate) fn table(&self) -> String {
        let scopes: Vec<String> = self.scopes.iter().map(|scope| quoted(scope.word())).collect();
        let (name, sha256) = (quoted(&self.name), quoted(&hexadecimal(&self.sha256)));
        format!("{{ name = {name}, sha256 = {sha256}, scopes = [{}] }}", scopes.join(", "))
    }

    /// As one of the variable's list.
    pub(crate) fn text(&self) -> String {
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.word()).collect();
        format!("{}:{}:{}", self.name, hexadecimal(&self.sha256), scopes.join("+"))
    }

    fn checked<E: de::Error>(name: &str, sha256: &str, scopes: Vec<Scope>) -> Result<Self, E> {
        if !is_key_name(name) {
            return Err(E::custom(format_args!("the name of a key must be {KEY_NAME_RULE}")));
        }
        let Some(sha256) = digest(sha256) else {
            let rule =
                "its SHA-256 must be 64 hexadecimal digits; `parlor api-key new` prints them";
            return Err(E::custom(format_args!("the key `{name}`: {rule}")));
        };
        if scopes.is_empty() {
            return Err(E::custom(format_args!(
                "the key `{name}` has no scope, so it is of no use"
            )));
        }
        Ok(Self { name: name.to_owned(), sha256, scopes })
    }
}

/// A key as a table of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    sha256: String,
    scopes: Vec<Scope>,
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ApiKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of name, sha256 and scopes, or NAME:SHA256:SCOPE+SCOPE")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ApiKey, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                ApiKey::checked(&table.name, &table.sha256, table.scopes)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ApiKey, E> {
                let mut parts = text.splitn(3, ':');
                let (Some(name), Some(sha256), Some(scopes)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    return Err(E::custom("a key must be NAME:SHA256:SCOPE+SCOPE"));
                };
                let scope = |word| Scope::deserialize(StrDeserializer::new(word));
                let scopes = scopes.split('+').map(scope).collect::<Result<_, E>>()?;
                ApiKey::checked(name, sha256, scopes)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Setting for ApiKey {
    const KIND: Kind = Kind::Text;

    fn render(&self) -> Option<String> {
        Some(self.table())
    }
}
