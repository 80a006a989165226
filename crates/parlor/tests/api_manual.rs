//! docs/http-api.md is true: its commands are run as printed, in their order, and answer in the
//! shape that is printed below each.

use std::process::Command;

use crate::support;
use crate::support::api::{Api, Key, SCOPES, serving};
use crate::support::{Client, SECRET, Server, parlor, run, stdout};
use serde_json::{Value, json};

const MANUAL: &str = include_str!("../../../docs/http-api.md");

/// The fenced blocks of a text with their languages.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let (mut found, mut lines) = (Vec::new(), text.lines());
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        found.push((language, body.join("\n")));
    }
    found
}

/// Whether two values have the same fields of the same types; texts that are no ids and times may
/// differ.
fn alike(printed: &Value, got: &Value) -> bool {
    match (printed, got) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::String(a), Value::String(b)) => a == b || a.len() == b.len(),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_u64() > Some(1 << 40) && b.is_u64(),
        (a, b) => a == b,
    }
}

#[test]
fn every_command_of_the_manual_answers_as_printed() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let mut command = serving(dir.path(), &[&key]);
    let server = Server::start(command.env("PARLOR_API__SYSTEM_USER", "system"));
    let api = Api { addr: server.addr, key: key.key };
    let mut mint = parlor(&["token", "--user", "bob"]);
    let token = stdout(&run(mint.env("PARLOR_IDENTITY__HS256_SECRET", SECRET)));
    let auth = json!({"token": token.trim_end(), "deviceId": "phone"});
    // Never says `delivered`, and no poll that would confirm anything follows.
    Client::with_auth(server.addr, &auth).expect("42[\"ready\"");
    let blocks = blocks(MANUAL);
    let (mut ran, mut group, mut invite) = (0, String::new(), String::new());
    for pair in blocks.windows(2) {
        let [("sh", command), ("json", printed)] = pair else { continue };
        let printed: Value = serde_json::from_str(printed).expect(printed);
        let output = Command::new("sh")
            .args(["-ec", command])
            .env("URL", format!("http://{}", server.addr))
            .env("KEY", &api.key)
            .env("GROUP", &group)
            .env("INVITE", &invite)
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{command}: {}", support::stderr(&output));
        let got: Value = serde_json::from_str(&stdout(&output)).expect(command);
        assert!(alike(&printed, &got), "{command}\nprinted: {printed}\nanswered: {got}");
        for (name, known) in [("groupId", &mut group), ("invite", &mut invite)] {
            if known.is_empty() {
                got[name].as_str().unwrap_or_default().clone_into(known);
            }
        }
        ran += 1;
    }
    let curls = blocks.iter().filter(|(_, text)| text.starts_with("curl ")).count();
    assert_eq!(ran, curls, "a command has no answer below it");
    assert!(ran >= 10, "{ran}");
}

#[test]
fn the_manual_names_every_path_scope_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, api) = Api::start(dir.path());
    let document = api.done("GET /v1/openapi.json", "");
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{conversation}", "{conversationId}")
            .replace("{user}", "{userId}")
            .replace("{device}", "{deviceId}")
            .replace("{group}", "{groupId}")
            .replace("{message}", "{messageId}");
        for (method, described) in methods.as_object().unwrap() {
            let heading = |line: &str| {
                line.starts_with("### ")
                    && line.contains(&format!("{path}`"))
                    && line.contains(&method.to_uppercase())
            };
            assert!(MANUAL.lines().any(heading), "{method} {path} has no heading");
            for status in described["responses"].as_object().unwrap().keys() {
                let row = format!("\n| {status} |");
                assert!(status == "200" || MANUAL.contains(&row), "{status} has no row");
            }
        }
    }
    for scope in SCOPES {
        assert!(MANUAL.contains(&format!("\n| `{scope}` |")), "{scope} has no row");
    }
}

#[test]
fn the_manual_makes_a_key_as_the_command_does() {
    let blocks = blocks(MANUAL);
    let (_, command) = blocks.iter().find(|(_, text)| text.starts_with("parlor api-key")).unwrap();
    let words: Vec<&str> = command.split_whitespace().filter(|word| *word != "\\").collect();
    let printed = stdout(&run(&mut parlor(&words[1..])));
    assert!(printed.starts_with("Key, shown this once: prl_"), "{printed}");
    assert_eq!(printed.lines().count(), 3, "{printed}");
}
