//! A message that is to be said later, as its record keeps it and as the user's devices see it.
//!
//! Files hold such texts: a name is never given another meaning.

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::ClientId;
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnRecord, OwnValue};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::Recipient;
use serde_json::value::RawValue;

use crate::commands::{self, Send};
use crate::json::Object;

use super::text;

/// What a record's value says.
#[derive(Debug, Clone, serde::Deserialize)]
struct Written {
    /// The fields that the message was sent with, but for when.
    message: Box<RawValue>,
    #[serde(rename = "sendAt")]
    send_at: u64,
    /// Why it could not be said.
    code: Option<String>,
    /// Whether it is not as it was first wished.
    #[serde(default)]
    changed: bool,
}

/// A message that is to be said later.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    message: Box<str>,
    pub(super) send_at: Millis,
    code: Option<String>,
    has_changed: bool,
}

impl Stored {
    /// One that was just wished.
    pub(super) fn new(send: &Send, send_at: Millis) -> Self {
        let message = message(send).into_boxed_str();
        Self { message, send_at, code: None, has_changed: false }
    }

    /// That of a record; `None` for what no version writes.
    pub(super) fn of(record: &OwnRecord) -> Option<Self> {
        Self::read(text(record.value.as_ref()))
    }

    fn read(value: &str) -> Option<Self> {
        let Written { message, send_at, code, changed } = serde_json::from_str(value).ok()?;
        let message: Box<str> = message.into();
        Some(Self { message, send_at: Millis(send_at), code, has_changed: changed })
    }

    /// The value that it is kept as.
    pub(super) fn value(&self) -> OwnValue {
        let object = Object::new().raw("message", &self.message).number("sendAt", self.send_at.0);
        let object = match &self.code {
            Some(code) => object.text("code", code),
            None => object,
        };
        let object = match self.has_changed {
            true => object.flag("changed", true),
            false => object,
        };
        OwnValue::of(&object.end())
    }

    /// Whether this may be what a wish came to that was kept as `value`.
    pub(super) fn may_come_of(&self, value: &OwnValue) -> bool {
        self.has_changed
            || Self::read(&value.0).is_some_and(|wished| {
                (&wished.message, wished.send_at) == (&self.message, self.send_at)
            })
    }

    /// This with another time or content, and to be said.
    ///
    /// # Errors
    /// Why the message may not be, by the limits of today.
    pub(super) fn changed(
        self,
        at: Option<Millis>,
        content: Option<&Content>,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let message = match content {
            None => self.message,
            Some(content) => {
                let send = read_message(&self.message, limits)?;
                message(&Send { content: content.clone(), ..send }).into_boxed_str()
            }
        };
        let send_at = at.unwrap_or(self.send_at);
        Ok(Self { message, send_at, code: None, has_changed: true })
    }

    /// This as one that could not be said.
    pub(super) fn failed(self, code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..self }
    }

    /// The message.
    ///
    /// # Errors
    /// Why it may not be, by the limits of today.
    pub(super) fn send(&self, limits: &Limits) -> Result<Send, Refusal> {
        read_message(&self.message, limits)
    }
}

fn read_message(message: &str, limits: &Limits) -> Result<Send, Refusal> {
    let raw: &RawValue = serde_json::from_str(message).map_err(|_| Refusal::Internal)?;
    commands::any_send(Some(raw), limits)
}

/// The fields of a message as a client may have sent them.
fn message(send: &Send) -> String {
    let object = Object::sized(128 + send.content.0.len());
    let object = match &send.to {
        Recipient::User(to) => object.text("toUserId", to.as_str()),
        Recipient::Group(group) => object.text("groupId", group.as_str()),
    };
    let object = object.raw("content", &send.content.0);
    let object = match send.client_id.as_ref().map(ClientId::as_str) {
        Some(key) => object.text("clientId", key),
        None => object,
    };
    send.outside.fields(object).end()
}

/// A record as the user's devices see it, without its time.
pub(crate) fn described(record: &OwnRecord) -> Object {
    let object = Object::new().text("scheduleId", record.key.as_str());
    let object = object.flag("scheduled", record.value.is_some());
    let Some(stored) = Stored::of(record) else { return object };
    let object = object.raw("message", &stored.message).number("sendAt", stored.send_at.0);
    match &stored.code {
        Some(code) => object.text("state", "failed").text("code", code),
        None => object.text("state", "pending"),
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::own::{OwnKey, OwnKind};

    use super::*;

    fn send(json: &str) -> Send {
        let raw = serde_json::from_str(json).expect("valid JSON in a test");
        commands::any_send(Some(raw), &Limits::default()).expect("a message")
    }

    fn record(value: Option<OwnValue>) -> OwnRecord {
        let key = OwnKey::parse("s1").expect("a key in a test");
        OwnRecord { kind: OwnKind::Schedule, key, value, at: Millis(1) }
    }

    #[test]
    fn what_is_kept_reads_like_what_was_sent() {
        for json in [
            r#"{"toUserId":"q\"x","content":[ 1.50 ],"clientId":"k","replyTo":"dm:a:b:1"}"#,
            r#"{"groupId":"g1","content":"x","thread":"group:g1:2","mentions":["a","@all"]}"#,
        ] {
            let stored = Stored::new(&send(json), Millis(7));
            assert_eq!(&*stored.message, json);
            let back = Stored::of(&record(Some(stored.value()))).expect("it was written here");
            assert_eq!(back.send(&Limits::default()), Ok(send(json)));
            assert!(back.may_come_of(&stored.value()));
        }
    }

    #[test]
    fn a_change_is_no_other_wish_and_a_failure_is_told() {
        let first = Stored::new(&send(r#"{"toUserId":"b","content":"x"}"#), Millis(7));
        let other = Stored::new(&send(r#"{"toUserId":"b","content":"y"}"#), Millis(7));
        assert!(!first.may_come_of(&other.value()));
        let failed = first.clone().failed("blocked");
        assert_eq!(
            described(&record(Some(failed.value()))).end(),
            r#"{"scheduleId":"s1","scheduled":true,"message":{"toUserId":"b","content":"x"},"sendAt":7,"state":"failed","code":"blocked"}"#
        );
        let content = Content("\"z\"".into());
        let changed = failed.changed(Some(Millis(9)), Some(&content), &Limits::default());
        let changed = changed.expect("it fits");
        assert!(changed.may_come_of(&first.value()));
        assert_eq!(
            described(&record(Some(changed.value()))).end(),
            r#"{"scheduleId":"s1","scheduled":true,"message":{"toUserId":"b","content":"z"},"sendAt":9,"state":"pending"}"#
        );
        assert_eq!(described(&record(None)).end(), r#"{"scheduleId":"s1","scheduled":false}"#);
        let odd = described(&record(Some(OwnValue::of("[]")))).end();
        assert_eq!(odd, r#"{"scheduleId":"s1","scheduled":true}"#);
    }
}
