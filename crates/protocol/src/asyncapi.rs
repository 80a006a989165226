//! The protocol as an AsyncAPI 3 document, committed as `docs/asyncapi.json`.
//!
//! It describes the server: events are what it sends, commands what it receives, acks the replies to them.
//! `PARLOR_WRITE_DOCS=1 cargo test -p parlor-protocol` writes the file; without the variable the test fails
//! when it differs. `clients/guides` holds the server's real traffic to it.

use parlor_chat::refusal::CODES;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::registry;
use crate::session::{Auth, Closing, Refused};

const ABOUT: &str = "\
What clients say to Parlor and hear from it. [protocol.md](protocol.md) says what it means; this document is made \
of the same types that the server's tests are held to.\n\n\
On the wire it is Socket.IO (protocol 5 over Engine.IO 4), by long-polling or WebSocket, in the namespace `/`: a \
message here is a Socket.IO event of that name with one argument, an object, and a reply is its ack. Objects may \
gain fields within one version of the protocol. A field that is not required is left out rather than `null`. The \
events that a server with `--dev` knows for the simplest tutorials are not in here.";

const CHANNEL: &str = "#/channels/chat";

/// The messages of the document, by their keys.
#[derive(Default)]
struct Messages(Map<String, Value>);

impl Messages {
    /// Adds one; gives a reference to it as a message of the channel.
    fn add(&mut self, kind: &str, name: &str, says: &str, payload: Schema) -> Value {
        let key = format!("{kind}.{name}");
        self.0.insert(key.clone(), json!({ "name": name, "summary": says, "payload": payload }));
        json!({ "$ref": format!("{CHANNEL}/messages/{key}") })
    }
}

/// All events, commands, answers and error codes.
pub fn asyncapi() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut messages = Messages::default();
    let mut operations = Map::new();
    connecting(&mut generator, &mut messages, &mut operations);
    for (name, payload, says) in registry::event_schemas(&mut generator) {
        let message = messages.add("event", name, says, payload);
        operations.insert(format!("event.{name}"), sends(says, &message));
    }
    let refused = generator.subschema_for::<Refused>();
    let refused = messages.add("answer", "refused", "The command is refused.", refused);
    for (name, payload, answer, says) in registry::command_schemas(&mut generator) {
        let command = messages.add("command", name, says, payload);
        let answer = messages.add("answer", name, &format!("The answer to {name}."), answer);
        operations
            .insert(format!("command.{name}"), receives(says, &command, &[&answer, &refused]));
    }
    let listed: Map<_, _> = messages
        .0
        .keys()
        .map(|key| (key.clone(), json!({ "$ref": format!("#/components/messages/{key}") })))
        .collect();
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parlor's event protocol",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": { "host": "127.0.0.1:3000", "pathname": "/socket.io/", "protocol": "ws" },
        },
        "channels": {
            "chat": {
                "address": "/",
                "description": "Socket.IO's main namespace.",
                "messages": listed,
            },
        },
        "operations": operations,
        "components": { "messages": messages.0, "schemas": generator.take_definitions(true) },
        "x-error-codes": codes(),
    });
    publish(&mut document);
    document.sort_all_objects();
    document
}

fn connecting(
    generator: &mut SchemaGenerator,
    messages: &mut Messages,
    operations: &mut Map<String, Value>,
) {
    let says = "What a client says of itself when it connects, as `auth`.";
    let auth = messages.add("packet", "connect", says, generator.subschema_for::<Auth>());
    let why = "Why it is not let in: the `data` of Socket.IO's `connect_error`, whose `message` is the code.";
    let closing = generator.subschema_for::<Closing>();
    let refusal = messages.add("packet", "connect_error", why, closing);
    operations.insert("packet.connect".into(), receives(says, &auth, &[&refusal]));
}

fn sends(says: &str, message: &Value) -> Value {
    json!({
        "action": "send",
        "channel": { "$ref": CHANNEL },
        "summary": says,
        "messages": [message],
    })
}

fn receives(says: &str, message: &Value, replies: &[&Value]) -> Value {
    json!({
        "action": "receive",
        "channel": { "$ref": CHANNEL },
        "summary": says,
        "messages": [message],
        "reply": { "channel": { "$ref": CHANNEL }, "messages": replies },
    })
}

/// What each error code means, and after how long the same may be tried again, where it may.
fn codes() -> Vec<Value> {
    let described = |code: &parlor_chat::refusal::Code| {
        let documented = code.documented();
        json!({
            "code": documented.name,
            "happened": documented.happened,
            "retryAfterMs": documented.retry_after_ms,
            "advice": documented.advice,
        })
    };
    CODES.iter().map(described).collect()
}

/// Turns what a shape says of itself into what is promised to clients: fields may be added, and one that need
/// not be there is left out rather than `null`.
fn publish(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(publish),
        Value::Object(object) => {
            if object.get("type") == Some(&json!("object")) {
                object.remove("additionalProperties");
            }
            let required = object.get("required").cloned().unwrap_or_default();
            let is_required = |name: &str| {
                required.as_array().is_some_and(|names| names.iter().any(|it| it == name))
            };
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                for (_, schema) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
                    forget_null(schema);
                }
            }
            object.values_mut().for_each(publish);
        }
        _ => {}
    }
}

/// Takes away the `null` that an `Option` adds.
fn forget_null(schema: &mut Value) {
    let null = json!({ "type": "null" });
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|it| it != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|it| !it.is_null());
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|it| *it != null);
    if let [only] = choices.as_slice() {
        *schema = only.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_that_of_the_shapes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.json");
        let made = format!("{:#}\n", asyncapi());
        if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
            std::fs::write(path, &made).expect("the documents are writable");
        }
        let committed = std::fs::read_to_string(path).expect("the file is committed");
        assert!(committed == made, "docs/asyncapi.json differs: run with PARLOR_WRITE_DOCS=1");
    }

    #[test]
    fn fields_that_need_not_be_there_are_not_null_and_others_may_be() {
        let document = asyncapi();
        let schema = |name: &str| &document["components"]["schemas"][name];
        assert_eq!(schema("Message")["properties"]["to"]["type"], "string");
        assert_eq!(schema("Message")["properties"]["pinned"]["enum"], json!([true]));
        let role = &schema("ConversationSummary")["properties"]["role"];
        assert_eq!(role["oneOf"][1]["type"], "null", "{role}");
        let device = &schema("Ready")["properties"]["deviceId"];
        assert_eq!(device["oneOf"][1]["type"], "null", "{device}");
    }

    #[test]
    fn objects_may_gain_fields() {
        assert!(!asyncapi().to_string().contains("additionalProperties"));
    }
}
