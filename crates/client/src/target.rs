//! Whom a message is for, and what conversation that is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Another user, oneself, or a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A user's id.
    User(String),
    /// A group's id.
    Group(String),
}

impl Target {
    /// The conversation's id as the protocol makes it: user ids in the order of their bytes.
    pub(crate) fn conversation_id(&self, me: &str) -> String {
        match self {
            Self::Group(group) => format!("group:{group}"),
            Self::User(other) => {
                let (one, two) =
                    if me <= other.as_str() { (me, other.as_str()) } else { (other.as_str(), me) };
                format!("dm:{}:{}", encode(one), encode(two))
            }
        }
    }

    /// Whom a conversation is with, as `me` sees it; `None` if the id is of no known form.
    pub(crate) fn of(conversation_id: &str, me: &str) -> Option<Self> {
        let mut parts = conversation_id.split(':');
        let (kind, one, two) = (parts.next()?, parts.next()?, parts.next());
        if parts.next().is_some() || one.is_empty() {
            return None;
        }
        match (kind, two) {
            ("group", None) => Some(Self::Group(one.to_owned())),
            ("dm", Some(two)) => {
                let (one, two) = (decode(one), decode(two));
                match (one == me, two == me) {
                    (true, _) => Some(Self::User(two)),
                    (_, true) => Some(Self::User(one)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The field by which commands name it.
    pub(crate) fn put_into(&self, payload: &mut Map<String, Value>) {
        let (field, id) = match self {
            Self::User(user) => ("toUserId", user),
            Self::Group(group) => ("groupId", group),
        };
        payload.insert(field.to_owned(), id.as_str().into());
    }
}

fn encode(user: &str) -> String {
    user.replace('%', "%25").replace(':', "%3A")
}

fn decode(part: &str) -> String {
    part.replace("%3A", ":").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_protocol_and_lead_back() {
        let target = |user: &str| Target::User(user.to_owned());
        assert_eq!(target("bob").conversation_id("alice"), "dm:alice:bob");
        assert_eq!(target("a:%").conversation_id("b"), "dm:a%3A%25:b");
        assert_eq!(Target::of("dm:a%3A%25:b", "b"), Some(target("a:%")));
        assert_eq!(Target::of("dm:me:me", "me"), Some(target("me")));
        assert_eq!(Target::of("group:4k", "me"), Some(Target::Group("4k".to_owned())));
        for strange in ["", "dm:a:b", "dm:me", "group:", "group:a:b", "room:me"] {
            assert_eq!(Target::of(strange, "me"), None, "{strange}");
        }
    }
}
