//! What clients see of large groups, as JSON text.

use parlor_chat::group::port::ReceiptCount;
use parlor_chat::ids::{ConversationId, UserId};

use crate::json::Object;
use crate::records::text;

fn of(conversation: &ConversationId) -> Object {
    let object = Object::new().text("conversationId", conversation.as_str());
    match conversation.group_id() {
        Some(group) => object.text("groupId", group.as_str()),
        None => object,
    }
}

/// The `receipts` event: how many have each message. Who tells nobody what they read is told of no
/// reads.
pub(super) fn receipts(
    conversation: &ConversationId,
    counts: &[&ReceiptCount],
    hears_reads: bool,
) -> String {
    let counts = counts.iter().map(|count| {
        let read = if hears_reads { count.read } else { 0 };
        let object = Object::new().number("seq", count.seq.0);
        object.number("delivered", count.delivered).number("read", read).end()
    });
    of(conversation).list("counts", counts).end()
}

/// The `typing` event: how many type, and the first few.
pub(super) fn typing(conversation: &ConversationId, users: &[&UserId], named_max: usize) -> String {
    let named = users.iter().take(named_max).map(|user| text(user));
    of(conversation).number("count", users.len() as u64).list("userIds", named).end()
}

/// The `presence` event: how many are online.
pub(super) fn presence(conversation: &ConversationId, count: u64) -> String {
    of(conversation).number("count", count).end()
}

#[cfg(test)]
mod tests {
    use parlor_chat::ids::{GroupId, Seq};

    use super::*;

    #[test]
    fn everything_is_json() {
        let group = ConversationId::group(&GroupId::parse("g").expect("an id in a test"));
        let user = |name: &str| UserId::parse(name).expect("an id in a test");
        let (a, b) = (user("q\"x"), user("b"));
        let count = ReceiptCount { seq: Seq(7), author: user("a"), delivered: 3, read: 2 };
        for (text, expected) in [
            (
                receipts(&group, &[&count], true),
                r#"{"conversationId":"group:g","groupId":"g","counts":[{"seq":7,"delivered":3,"read":2}]}"#,
            ),
            (
                receipts(&group, &[&count], false),
                r#"{"conversationId":"group:g","groupId":"g","counts":[{"seq":7,"delivered":3,"read":0}]}"#,
            ),
            (
                typing(&group, &[&a, &b], 1),
                r#"{"conversationId":"group:g","groupId":"g","count":2,"userIds":["q\"x"]}"#,
            ),
            (presence(&group, 9), r#"{"conversationId":"group:g","groupId":"g","count":9}"#),
        ] {
            assert_eq!(text, expected);
            serde_json::from_str::<serde_json::Value>(&text).expect(&text);
        }
    }
}
