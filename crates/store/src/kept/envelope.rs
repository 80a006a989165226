//! What is written on the outside of a message, as its row keeps it: a JSON text.
//!
//! Files that are out there hold such texts: a name is never given another meaning.

use parlor_chat::app_event::EventName;
use parlor_chat::around::port::Say;
use parlor_chat::around::{Envelope, Reply};
use parlor_chat::ids::{MessageId, Seq, UserId};
use serde_json::{Map, Value, json};

use super::numbers::int;

/// The text that an envelope is kept as.
pub(crate) fn encode(envelope: &Envelope) -> String {
    let Envelope {
        reply_to,
        thread,
        mentions,
        mentions_all,
        forwarded,
        request,
        shadow,
        moderated,
    } = envelope;
    let mut json = Map::new();
    if let Some(reply) = reply_to {
        json.insert("reply".into(), json!({ "seq": reply.seq.0, "from": reply.from.as_str() }));
    }
    if let Some(thread) = thread {
        json.insert("thread".into(), json!(thread.0));
    }
    if !mentions.is_empty() {
        let names: Vec<&str> = mentions.iter().map(UserId::as_str).collect();
        json.insert("mentions".into(), json!(names));
    }
    let flags = [
        ("all", mentions_all),
        ("forwarded", forwarded),
        ("request", request),
        ("shadow", shadow),
        ("moderated", moderated),
    ];
    for (name, flag) in flags {
        if *flag {
            json.insert(name.into(), json!(true));
        }
    }
    Value::Object(json).to_string()
}

/// The envelope of a text; `None` for what no version writes.
pub(crate) fn decode(text: &str) -> Option<Envelope> {
    let json: Map<String, Value> = serde_json::from_str(text).ok()?;
    let user = |json: &Value| UserId::parse(json.as_str()?).ok();
    let reply_to = match json.get("reply") {
        Some(reply) => {
            Some(Reply { seq: Seq(reply.get("seq")?.as_u64()?), from: user(reply.get("from")?)? })
        }
        None => None,
    };
    let thread = match json.get("thread") {
        Some(seq) => Some(Seq(seq.as_u64()?)),
        None => None,
    };
    let mentions = match json.get("mentions") {
        Some(users) => users.as_array()?.iter().map(user).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    let flag = |name: &str| json.get(name).is_some_and(|value| value == &Value::Bool(true));
    Some(Envelope {
        reply_to,
        thread,
        mentions,
        mentions_all: flag("all"),
        forwarded: flag("forwarded"),
        request: flag("request"),
        shadow: flag("shadow"),
        moderated: flag("moderated"),
    })
}

/// The seq of the message whose thread a message is in, as its row keeps it.
pub(crate) fn thread(envelope: Option<&Envelope>) -> Option<i64> {
    envelope.and_then(|envelope| envelope.thread).map(|seq| int(seq.0))
}

/// What was wished to be outside of a message, as a text that no content ends with; nothing for
/// nothing. Files hold digests of it.
pub(crate) fn wished_outside(say: &Say) -> Option<String> {
    let Say { event, reply_to, thread, mentions, mentions_all, forward_of, .. } = say;
    // What is said under a name is nothing else.
    if let Some(name) = event {
        return Some(event_outside(name));
    }
    let forward_of = forward_of.as_ref().map(|(of, seq)| MessageId::new(of, *seq));
    outside(&Outside { reply_to, thread, mentions, mentions_all: *mentions_all, forward_of })
}

/// What is outside of an event of the app's.
pub(crate) fn event_outside(name: &EventName) -> String {
    format!("\nevent {}", name.as_str())
}

/// What was wished to be outside of the message that has this envelope, unless it forwards another: which
/// one that was is not kept.
#[cfg(feature = "postgres")]
pub(crate) fn outside_of(envelope: &Envelope) -> Option<String> {
    let Envelope { reply_to, thread, mentions, mentions_all, .. } = envelope;
    let reply_to = &reply_to.as_ref().map(|reply| reply.seq);
    outside(&Outside { reply_to, thread, mentions, mentions_all: *mentions_all, forward_of: None })
}

struct Outside<'a> {
    reply_to: &'a Option<Seq>,
    thread: &'a Option<Seq>,
    mentions: &'a [UserId],
    mentions_all: bool,
    forward_of: Option<MessageId>,
}

fn outside(wished: &Outside<'_>) -> Option<String> {
    let Outside { reply_to, thread, mentions, mentions_all, forward_of } = wished;
    let is_linked = reply_to.is_some() || thread.is_some();
    if !is_linked && mentions.is_empty() && !mentions_all && forward_of.is_none() {
        return None;
    }
    let mentions: Vec<&str> = mentions.iter().map(UserId::as_str).collect();
    let outside = json!({
        "reply": reply_to.map(|seq| seq.0),
        "thread": thread.map(|seq| seq.0),
        "mentions": mentions,
        "all": mentions_all,
        "forward": forward_of.as_ref().map(MessageId::as_str),
    });
    Some(format!("\n{outside}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_envelope_comes_back_as_it_was() {
        let user = |name: &str| UserId::parse(name).expect("an id in a test");
        let reply = Reply { seq: Seq(3), from: user("é\"") };
        for envelope in [
            Envelope::default(),
            Envelope { reply_to: Some(reply), ..Envelope::default() },
            Envelope { thread: Some(Seq(9)), ..Envelope::default() },
            Envelope { mentions: vec![user("a"), user("b")], ..Envelope::default() },
            Envelope { mentions_all: true, forwarded: true, ..Envelope::default() },
            Envelope { request: true, ..Envelope::default() },
            Envelope { shadow: true, ..Envelope::default() },
            Envelope { moderated: true, ..Envelope::default() },
        ] {
            let text = encode(&envelope);
            assert_eq!(decode(&text), Some(envelope), "{text}");
        }
        assert_eq!(decode("[]"), None);
        assert_eq!(decode(r#"{"reply":{"seq":1}}"#), None);
    }
}
