//! What clients see of presence, as JSON text.

use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::presence::View;

use crate::json::{Object, push_text};
use crate::records;

/// The `presence` event.
pub(super) fn event(user: &UserId, view: View) -> String {
    seen(user, view).end()
}

/// Another user in an answer; how many devices are connected only if that is to be seen.
pub(super) fn other(user: &UserId, view: View, devices: usize) -> String {
    match view.online {
        true => seen(user, view).number("devices", devices as u64).end(),
        false => seen(user, view).end(),
    }
}

/// The user who asks; the device shared by connections that name none has the id `null`.
pub(super) fn oneself(user: &UserId, devices: &[DeviceId]) -> String {
    let view = View { online: true, last_seen: None };
    let ids = devices.iter().map(|device| match device.is_shared() {
        true => "null".to_owned(),
        false => {
            let mut text = String::new();
            push_text(&mut text, device.as_str());
            text
        }
    });
    seen(user, view).number("devices", devices.len() as u64).list("deviceIds", ids).end()
}

/// The answer to `presence` and `presence_subscribe`.
pub(super) fn answer(lines: Vec<String>) -> String {
    records::ok_with().list("presence", lines).end()
}

fn seen(user: &UserId, view: View) -> Object {
    let object = Object::new().text("userId", user.as_str()).flag("online", view.online);
    match view.last_seen {
        Some(at) => object.number("lastSeen", at.0),
        None => object.raw("lastSeen", "null"),
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::entry::Millis;

    use super::*;

    #[test]
    fn everything_is_json() {
        let user = UserId::parse("q\"x").expect("an id in a test");
        let phone = DeviceId::parse("pho\\ne").expect("an id in a test");
        let gone = View { online: false, last_seen: Some(Millis(7)) };
        let there = View { online: true, last_seen: None };
        let mine = oneself(&user, &[phone, DeviceId::shared()]);
        for (text, expected) in [
            (event(&user, gone), r#"{"userId":"q\"x","online":false,"lastSeen":7}"#),
            (other(&user, gone, 0), r#"{"userId":"q\"x","online":false,"lastSeen":7}"#),
            (
                other(&user, there, 2),
                r#"{"userId":"q\"x","online":true,"lastSeen":null,"devices":2}"#,
            ),
            (
                mine.as_str().to_owned(),
                r#"{"userId":"q\"x","online":true,"lastSeen":null,"devices":2,"deviceIds":["pho\\ne",null]}"#,
            ),
        ] {
            assert_eq!(text, expected);
            serde_json::from_str::<serde_json::Value>(&text).expect(&text);
        }
    }
}
