//! The served OpenAPI document is true: walked operation by operation, with random requests, good
//! and bad ones. Whatever comes, the answer is JSON as the document has it, under a status that it
//! names, and never a fault of the server. A failure prints its seed; `API_SEED` takes one.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support;
use crate::support::api::{Api, Key, SCOPES, said, serving};
use crate::support::{Client, Server, schema};
use serde_json::{Value, json};

/// Random requests for each operation.
const REQUESTS: usize = 300;

/// One operation of the document.
struct Operation<'a> {
    name: &'a str,
    method: String,
    path: &'a str,
    described: &'a Value,
}

impl Operation<'_> {
    fn scope(&self) -> &str {
        self.described["security"][0]["key"][0].as_str().expect("each names its scope")
    }

    fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.described["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    /// The schema of an answer, if the status is one that the document names.
    fn schema(&self, status: u16) -> Option<&Value> {
        let response = self.described["responses"].get(status.to_string())?;
        response.pointer("/content/application~1json/schema")
    }
}

fn document(api: &Api) -> Value {
    api.done("GET /v1/openapi.json", "")
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, described)| Operation {
            name: described["operationId"].as_str().expect("a name"),
            method: method.to_uppercase(),
            path,
            described,
        })
    });
    let found: Vec<_> = each.collect();
    assert!(found.len() >= 32, "the document has lost some of its operations");
    found
}

#[test]
fn each_operation_asks_for_the_scope_that_the_document_names() {
    let dir = tempfile::tempdir().unwrap();
    let only: Vec<Key> = SCOPES.map(|scope| Key::new(&scope.replace(':', "-"), &[scope])).into();
    let but: Vec<Key> = SCOPES
        .iter()
        .map(|scope| {
            let others: Vec<&str> = SCOPES.into_iter().filter(|other| other != scope).collect();
            Key::new(&format!("but-{}", scope.replace(':', "-")), &others)
        })
        .collect();
    let all: Vec<&Key> = only.iter().chain(&but).collect();
    let server = Server::start(&mut serving(dir.path(), &all));
    let with = |key: &Key| Api { addr: server.addr, key: key.key.clone() };
    let document = document(&with(&only[0]));
    for operation in operations(&document) {
        let at = SCOPES.iter().position(|scope| *scope == operation.scope()).expect("a scope");
        let path = operation.path.replace(['{', '}'], "");
        let line = format!("{} {path}", operation.method);
        let (status, refusal) = with(&but[at]).ask(&line, "");
        assert_eq!((status, &refusal["code"]), (403, &json!("missing_scope")), "{line}");
        assert!(refusal["error"].as_str().unwrap().ends_with(SCOPES[at]), "{refusal}");
        let (status, said) = with(&only[at]).ask(&line, "");
        assert!(said["code"] != "missing_scope" && status != 405, "{line}: {said}");
        assert!(!said["error"].to_string().contains("no such path"), "{line}");
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (_server, api) = Api::start(dir.path());
    let document = document(&api);
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 30, "{found:?}");
    for reference in found {
        let place = reference.trim_start_matches('#');
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }
}

/// Small and repeatable; knows what there is to ask about.
#[derive(Default)]
struct Dice {
    state: u64,
    groups: Vec<String>,
    invites: Vec<String>,
    messages: Vec<String>,
}

impl Dice {
    fn roll(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// Makes something of everything that can be asked about, whatever was asked before.
    fn prepare(&mut self, api: &Api) {
        for join in ["open", "request"] {
            let body = json!({
                "name": join, "members": ["alice", "bob"], "settings": { "join": join },
            });
            let group = api.done("POST /v1/groups", &body.to_string())["groupId"].clone();
            let group = group.as_str().expect("an id").to_owned();
            let of = format!("/v1/groups/{group}");
            api.done(&format!("PATCH {of}/members/alice"), "{\"role\": \"owner\"}");
            api.done(&format!("POST {of}/leave"), "{\"as\": \"system\"}");
            let made = api.done(&format!("POST {of}/invites"), "");
            self.invites.push(made["invite"].as_str().expect("a code").to_owned());
            for user in ["carol", "d ä:ve", "x/y?&"] {
                api.done(&format!("POST {of}/join"), &json!({ "as": user }).to_string());
            }
            self.send(api, &json!({ "from": "bob", "groupId": group, "content": "hello" }));
            self.groups.push(group);
        }
        for (from, to) in [("alice", "bob"), ("carol", "alice"), ("bob", "carol")] {
            self.send(api, &json!({ "from": from, "to": to, "content": "hello" }));
        }
        for known in [&mut self.groups, &mut self.invites, &mut self.messages] {
            known.drain(..known.len().saturating_sub(5));
        }
    }

    /// Sends a message, unless a block is in the way.
    fn send(&mut self, api: &Api, body: &Value) {
        let (status, sent) = api.ask("POST /v1/messages", &body.to_string());
        assert!([200, 403].contains(&status), "{sent}");
        self.messages.extend(sent["id"].as_str().map(str::to_owned));
    }

    fn one_of(&mut self, known: fn(&Self) -> &Vec<String>) -> Value {
        let at = self.below(known(self).len());
        json!(known(self)[at])
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..1 + self.below(90)).map(|_| self.roll() as u8).collect()
    }

    /// A good value for what is called so.
    fn good(&mut self, name: &str) -> Value {
        match name {
            "conversation" if self.one_in(4) => {
                let group = self.one_of(|it| &it.groups);
                json!(format!("group:{}", group.as_str().expect("an id")))
            }
            "conversation" => json!(self.pick(&["dm:alice:bob", "dm:alice:carol", "dm:bob:carol"])),
            "message" => self.one_of(|it| &it.messages),
            "group" => self.one_of(|it| &it.groups),
            "invite" => self.one_of(|it| &it.invites),
            "userIds" | "members" => json!([self.good("user"), self.good("user")]),
            "role" => json!(self.pick(&["member", "moderator", "admin", "owner"])),
            "name" => json!(format!("name-{}", self.below(9))),
            "settings" => {
                json!({"join": self.pick(&["open", "request"]), "slowModeSeconds": self.below(2)})
            }
            "forSeconds" | "uses" => json!(1 + self.below(99)),
            "store" | "screened" => json!(self.one_in(2)),
            "device" => json!(format!("d{}", self.below(12))),
            "before" | "after" | "limit" => json!(1 + self.below(9)),
            "cursor" => json!(self.below(30).to_string()),
            "notBefore" => json!(1 + self.roll() % (1 << 40)),
            "Idempotency-Key" => json!(format!("k{}", self.below(40))),
            "content" | "data" => self.json(3),
            _ => json!(self.pick(&["alice", "bob", "carol", "d ä:ve", "x/y?&"])),
        }
    }

    fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => json!(self.roll() % 10_000),
            3 => json!(String::from_utf8_lossy(&self.bytes())),
            4 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => (0..self.below(4)).map(|n| (n.to_string(), self.json(depth - 1))).collect(),
        }
    }

    /// A value that may be anything.
    fn odd(&mut self) -> Value {
        match self.below(8) {
            0 => json!(""),
            1 => json!("x".repeat(self.below(300))),
            2 => json!(-1),
            3 => json!(1.5),
            4 => json!(u64::MAX),
            5 => json!("\u{0}\u{85}\u{202e}"),
            6 => json!("x".repeat(70_000)),
            _ => self.json(2),
        }
    }

    fn encoded(&mut self, value: &Value) -> String {
        let bytes = match value {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        };
        // The path and the query have to fit a request's head.
        bytes.iter().take(600).map(|byte| format!("%{byte:02X}")).collect()
    }

    fn part(&mut self, name: &str, odd: bool) -> String {
        if odd && self.one_in(2) {
            return self.bytes().iter().map(|byte| format!("%{byte:02X}")).collect();
        }
        let value = if odd { self.odd() } else { self.good(name) };
        let part = self.encoded(&value);
        // An empty part would be another path.
        if part.is_empty() { String::from("%20") } else { part }
    }

    fn line(&mut self, operation: &Operation<'_>, odd: bool) -> String {
        let mut path = operation.path.to_owned();
        // Two parts that have to fit each other would hardly do so by chance.
        if path.contains("{message}") && !(odd && self.one_in(2)) {
            let message = self.one_of(|it| &it.messages);
            let id = message.as_str().expect("an id");
            let (conversation, _) = id.rsplit_once(':').expect("an id of a message");
            let conversation = self.encoded(&json!(conversation));
            path = path.replace("{conversation}", &conversation);
            path = path.replace("{message}", &self.encoded(&message));
        }
        if path.contains("{invite}") && !(odd && self.one_in(2)) {
            let at = self.below(self.invites.len());
            path = path.replace("{group}", &self.groups[at]).replace("{invite}", &self.invites[at]);
        }
        for parameter in operation.parameters("path") {
            let name = parameter["name"].as_str().expect("a name");
            let odd = odd && self.one_in(2);
            let part = self.part(name, odd);
            path = path.replace(&format!("{{{name}}}"), &part);
        }
        let mut query = Vec::new();
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().expect("a name");
            if self.one_in(2) {
                let odd = odd && self.one_in(2);
                query.push(format!("{name}={}", self.part(name, odd)));
            }
        }
        if odd && self.one_in(5) {
            query.push(format!("{}={}", self.part("x", true), self.part("x", true)));
        }
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {path}{mark}{}", operation.method, query.join("&"))
    }

    fn head(&mut self, operation: &Operation<'_>, odd: bool) -> String {
        let mut head = String::new();
        for parameter in operation.parameters("header") {
            let name = parameter["name"].as_str().expect("a name");
            let long = "k".repeat(60 + self.below(9));
            let values = ["", "é", "a b", "a\tb", &long, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"];
            for _ in 0..self.below(if odd { 3 } else { 2 }) {
                let good = self.good(name);
                let value = if odd { self.pick(&values) } else { good.as_str().expect("a text") };
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head
    }

    fn body(&mut self, document: &Value, operation: &Operation<'_>, odd: bool) -> Vec<u8> {
        let place = "/requestBody/content/application~1json/schema";
        let Some(schema) = operation.described.pointer(place) else { return Vec::new() };
        let named = schema.to_string();
        let named = named.split("#/components/schemas/").nth(1).and_then(|it| it.split('"').next());
        let schema = &document["components"]["schemas"][named.expect("a named schema")];
        let mut fields = serde_json::Map::new();
        for name in schema["properties"].as_object().expect("fields").keys() {
            // With a group, `to` is not looked at.
            let required = schema["required"].as_array().into_iter().flatten();
            let is_needed = required.into_iter().any(|it| it == name) || name == "to";
            let fits = match odd {
                true => !self.one_in(5),
                false => name != "groupId" && (is_needed || self.one_in(2)),
            };
            if fits {
                let value = if odd && self.one_in(4) { self.odd() } else { self.good(name) };
                fields.insert(name.clone(), value);
            }
        }
        if odd && self.one_in(6) {
            fields.insert(String::from_utf8_lossy(&self.bytes()).into_owned(), self.odd());
        }
        let mut body = Value::Object(fields).to_string().into_bytes();
        if odd {
            match self.below(8) {
                0 => body.truncate(self.below(body.len() + 1)),
                1 => body = self.bytes(),
                2 => body = self.odd().to_string().into_bytes(),
                3 => body = [&b"["[..]].concat().repeat(1 + self.below(5_000)),
                4 => {
                    let at = self.below(body.len());
                    body[at] ^= 1 << self.below(8);
                }
                _ => {}
            }
        }
        body
    }
}

fn seed() -> u64 {
    let given = std::env::var("API_SEED").ok().and_then(|text| text.parse().ok());
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    given.unwrap_or(since.as_nanos() as u64 | 1)
}

#[test]
fn whatever_is_asked_is_answered_as_the_document_says() {
    let seed = seed();
    println!("API_SEED={seed}");
    let mut dice = Dice { state: seed, ..Dice::default() };
    let dir = tempfile::tempdir().unwrap();
    let key = Key::new("all", &SCOPES);
    let mut command = serving(dir.path(), &[&key]);
    for bound in ["API_RATE_BURST", "API_RATE_PER_SECOND"] {
        command.env(format!("PARLOR_LIMITS__{bound}"), "1000000");
    }
    command.env("PARLOR_API__SYSTEM_USER", "system").env("PARLOR_DURABILITY__FSYNC", "relaxed");
    let server = Server::start(&mut command);
    let api = Api { addr: server.addr, key: key.key };
    let mut devices = Vec::new();
    for n in 0..12 {
        let minted = support::run(
            support::parlor(&["token", "--user", "alice"])
                .env("PARLOR_IDENTITY__HS256_SECRET", support::SECRET),
        );
        let token = support::stdout(&minted).trim_end().to_owned();
        let auth = json!({"token": token, "deviceId": format!("d{n}")});
        let mut device = Client::with_auth(server.addr, &auth);
        device.expect("42[\"ready\"");
        devices.push(device);
    }
    let document = document(&api);
    for operation in operations(&document) {
        dice.prepare(&api);
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for request in 0..REQUESTS {
            if request % 100 == 99 {
                dice.prepare(&api);
            }
            let odd = request % 3 > 0;
            let line = dice.line(&operation, odd);
            let head = dice.head(&operation, odd);
            let body = dice.body(&document, &operation, odd);
            let context = || format!("{line}\n{head}{}", String::from_utf8_lossy(&body));
            let (status, answer) = said(&api.send(&line, &head, &body));
            assert!(status < 500, "{status} {answer} to {}", context());
            let schema = operation.schema(status);
            let schema = schema.unwrap_or_else(|| {
                panic!(
                    "{} answers {status} {answer}, undocumented, to {}",
                    operation.name,
                    context()
                )
            });
            let fault = schema::fault(&document, schema, &answer, "$");
            assert_eq!(fault, None, "{answer} to {}", context());
            *statuses.entry(status).or_default() += 1;
        }
        println!("{}: {statuses:?}", operation.name);
        for status in [200, 400] {
            assert!(statuses.contains_key(&status), "{} never said {status}", operation.name);
        }
    }
}
