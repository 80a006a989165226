//! Payload to command, for what is done to messages and what is written on their outside: as in
//! `commands`, nothing here knows who asks.

use parlor_chat::app_event::EventName;
use parlor_chat::around::Emoji;
use parlor_chat::around::port::{Say, Wish};
use parlor_chat::ids::{ClientId, ConversationId, MessageId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::Screening;
use parlor_chat::store::{Append, Authority};

use crate::commands::{Payload, checked, limit};
use crate::fields::{Fields, required};
use crate::json::{Object, json_text};

/// Stands for all members among those whom a message mentions.
pub(crate) const ALL: &str = "@all";

/// A message, by its id.
pub(crate) type Message = (ConversationId, Seq);

/// A wish about a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) message: Message,
    pub(crate) wish: Wish,
    pub(crate) client_id: Option<ClientId>,
}

/// Reads `{messageId, content, clientId?}`.
pub(crate) fn edit(payload: Payload<'_>, limits: &Limits) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["messageId", "content", "clientId"])?;
    let message = message(&fields)?;
    let client_id = fields.id("clientId", ClientId::parse)?;
    let content = checked("content", required("content", fields.raw("content"))?, limits)?;
    Ok(About { message, wish: Wish::Edit(content), client_id })
}

/// Reads `{messageId}`.
pub(crate) fn alone(payload: Payload<'_>, wish: Wish) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["messageId"])?;
    Ok(About { message: message(&fields)?, wish, client_id: None })
}

/// Reads `{messageId, emoji}`.
pub(crate) fn emoji(
    payload: Payload<'_>,
    wish: impl FnOnce(Emoji) -> Wish,
) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["messageId", "emoji"])?;
    let message = message(&fields)?;
    let emoji = required("emoji", fields.id("emoji", Emoji::parse)?)?;
    Ok(About { message, wish: wish(emoji), client_id: None })
}

/// Reads `{conversationId}`.
pub(crate) fn conversation(payload: Payload<'_>) -> Result<ConversationId, Refusal> {
    let fields = Fields::parse(payload, ["conversationId"])?;
    required("conversationId", fields.id("conversationId", ConversationId::parse)?)
}

/// A part of a thread.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ThreadPart {
    pub(crate) root: Message,
    pub(crate) after: Seq,
    pub(crate) limit: usize,
}

/// Reads `{messageId, cursor?, limit?}`.
pub(crate) fn thread(payload: Payload<'_>, limits: &Limits) -> Result<ThreadPart, Refusal> {
    let fields = Fields::parse(payload, ["messageId", "cursor", "limit"])?;
    let after = match fields.text("cursor")? {
        None => Seq(0),
        Some(text) => Seq(text
            .parse()
            .map_err(|_| Refusal::invalid("cursor", "must be one that the server gave"))?),
    };
    let limit = limit(&fields, limits.history_limit_default, limits.history_limit_max)?;
    Ok(ThreadPart { root: message(&fields)?, after, limit })
}

fn message<const N: usize>(fields: &Fields<'_, N>) -> Result<Message, Refusal> {
    required("messageId", fields.id("messageId", MessageId::parse)?)
}

/// What is to be known of something that is said, beside its content; for a message all but the right
/// is what is written on its outside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    authority: Authority,
    /// What it is called, if it is an event of the app's own.
    event: Option<EventName>,
    reply_to: Option<Message>,
    thread: Option<Message>,
    forward_of: Option<Message>,
    mentions: Vec<UserId>,
    mentions_all: bool,
}

/// Reads `replyTo?`, `thread?` and `forwardOf?` among the fields of a message.
pub(crate) fn outside<const N: usize>(fields: &Fields<'_, N>) -> Result<Outside, Refusal> {
    let reply_to = fields.id("replyTo", MessageId::parse)?;
    let thread = fields.id("thread", MessageId::parse)?;
    let forward_of = fields.id("forwardOf", MessageId::parse)?;
    Ok(Outside { reply_to, thread, forward_of, ..Outside::default() })
}

/// Reads `mentions?` among the fields of a message to a group.
pub(crate) fn mentions<const N: usize>(
    outside: Outside,
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<Outside, Refusal> {
    let named = fields.ids("mentions", limits.mentions_max)?.unwrap_or_default();
    let mut mentions: Vec<UserId> = Vec::with_capacity(named.len());
    let mut mentions_all = false;
    for user in named {
        match user.as_str() == ALL {
            true => mentions_all = true,
            false if mentions.contains(&user) => {}
            false => mentions.push(user),
        }
    }
    Ok(Outside { mentions, mentions_all, ..outside })
}

impl Outside {
    /// That of an event of the app's own.
    pub(crate) fn of_event(name: EventName) -> Self {
        Self { event: Some(name), ..Self::default() }
    }

    /// The same, said by this right.
    pub(crate) fn by(self, authority: Authority) -> Self {
        Self { authority, ..self }
    }

    /// Whether it is that of an event of the app's own.
    pub(crate) fn is_of_event(&self) -> bool {
        self.event.is_some()
    }

    /// Whether nothing is to be written there.
    pub(crate) fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses a reply to what was said elsewhere, and a thread of it.
    pub(crate) fn fits(&self, conversation: &ConversationId) -> Result<(), Refusal> {
        for (field, message) in [("replyTo", &self.reply_to), ("thread", &self.thread)] {
            if message.as_ref().is_some_and(|(of, _)| of != conversation) {
                return Err(Refusal::invalid(field, "must be a message of this conversation"));
            }
        }
        Ok(())
    }

    /// The fields that this was read from.
    pub(crate) fn fields(&self, object: Object) -> Object {
        let fields = [
            ("replyTo", &self.reply_to),
            ("thread", &self.thread),
            ("forwardOf", &self.forward_of),
        ];
        let object = fields.into_iter().fold(object, |object, (name, message)| match message {
            Some((of, seq)) => object.text(name, MessageId::new(of, *seq).as_str()),
            None => object,
        });
        let all = self.mentions_all.then_some(ALL);
        let users = self.mentions.iter().map(UserId::as_str).chain(all);
        match users.clone().next() {
            Some(_) => object.list("mentions", users.map(json_text)),
            None => object,
        }
    }

    /// The message with this around it.
    pub(crate) fn around(
        self,
        append: Append,
        screening: Option<Screening>,
        limits: &Limits,
    ) -> Say {
        Say {
            append,
            authority: self.authority,
            event: self.event,
            screening,
            reply_to: self.reply_to.map(|(_, seq)| seq),
            thread: self.thread.map(|(_, seq)| seq),
            mentions: self.mentions,
            mentions_all: self.mentions_all,
            forward_of: self.forward_of,
            mention_all_members_max: limits.mention_all_members_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Payload<'_> {
        Some(serde_json::from_str(json).expect("valid JSON in a test"))
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.expect_err("refused").to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let limits = Limits { content_bytes_max: 9, mentions_max: 2, ..Limits::default() };
        let id = "must be an id that the server gave";
        for (got, expected) in [
            (said(edit(raw(r#"{"content":"x"}"#), &limits)), "messageId is required".to_owned()),
            (
                said(edit(raw(r#"{"messageId":"x","content":"x"}"#), &limits)),
                format!("messageId {id}"),
            ),
            (said(edit(raw(r#"{"messageId":"dm:a:b:1"}"#), &limits)), "content is required".into()),
            (
                said(edit(raw(r#"{"messageId":"dm:a:b:1","content":"12345678"}"#), &limits)),
                "the content is larger than 9 bytes".into(),
            ),
            (said(alone(raw("{}"), Wish::Pin)), "messageId is required".into()),
            (
                said(emoji(raw(r#"{"messageId":"dm:a:b:1"}"#), Wish::React)),
                "emoji is required".into(),
            ),
            (
                said(emoji(raw(r#"{"messageId":"dm:a:b:1","emoji":""}"#), Wish::React)),
                "emoji must be 1 to 32 bytes without control characters".into(),
            ),
            (said(conversation(raw("{}"))), "conversationId is required".into()),
        ] {
            assert_eq!(got, expected);
        }
        let read = |json| {
            let fields = Fields::parse(raw(json), ["replyTo", "thread", "forwardOf", "mentions"])?;
            mentions(outside(&fields)?, &fields, &limits)
        };
        assert_eq!(said(read(r#"{"replyTo":7}"#)), "replyTo must be a string");
        assert_eq!(said(read(r#"{"thread":"x"}"#)), format!("thread {id}"));
        assert_eq!(said(read(r#"{"forwardOf":"x"}"#)), format!("forwardOf {id}"));
        let many = said(read(r#"{"mentions":["a","b","c"]}"#));
        assert_eq!(many, "mentions must be at most 2 user ids");
        assert!(read("{}").is_ok_and(|outside| outside.is_blank()));
        let both = read(r#"{"mentions":["a","@all"]}"#).expect("they fit");
        assert!(both.mentions_all && both.mentions.len() == 1);
        let twice = read(r#"{"mentions":["a","a"]}"#).expect("they fit");
        assert!(!twice.mentions_all && twice.mentions.len() == 1);
    }
}
