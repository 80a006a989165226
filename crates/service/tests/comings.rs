//! Devices that come and go as chance will have it, each in its own way, while everyone talks: what
//! each of them heard, repeats dropped, is what was said.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::client::Heard;
use crate::support::{Client, House, Plan};
use parlor_chat::limits::Limits;
use parlor_gateway::Config;
use parlor_service::Settings;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const USERS: [&str; 3] = ["ann", "ben", "cat"];
const ROUNDS: usize = 25;

/// What a device says of itself when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Resume,
    Recovery,
}

/// What a device keeps.
struct Device {
    user: &'static str,
    name: String,
    way: Way,
    rng: StdRng,
    /// By conversation and seq: who said it, on which device.
    held: BTreeMap<(String, u64), String>,
    /// In the order of first sightings, by conversation: what others said.
    sighted: HashMap<String, Vec<u64>>,
    place: Option<Value>,
    left: Option<(Value, Option<String>)>,
}

fn plan() -> Plan {
    let limits = Limits {
        connection_rate_burst: 1_000_000,
        user_rate_burst: 1_000_000,
        catch_up_page_entries: 2,
        resume_entries_max: 60,
        recovery_entries_max: 25,
        position_interval_ms: 10,
        ..Limits::default()
    };
    let gateway = Config {
        hold_bytes_max: 400,
        ping_interval: Duration::from_millis(20),
        ..Config::default()
    };
    Plan {
        settings: Settings { limits, ..Settings::default() },
        gateway,
        shards: 3,
        ..Plan::default()
    }
}

impl Device {
    fn auth(&self) -> Value {
        let mut auth = json!({ "token": self.user, "deviceId": self.name });
        match self.way {
            Way::Plain => {}
            Way::Resume => auth["resume"] = self.place.clone().unwrap_or(Value::Null),
            Way::Recovery => {
                auth["recovery"] = json!(true);
                if let Some((pid, offset)) = &self.left {
                    (auth["pid"], auth["offset"]) = (pid.clone(), json!(offset));
                }
            }
        }
        auth
    }

    /// Takes in what a connection heard, in order.
    fn take(&mut self, heard: &[Heard]) {
        let (mut ids, mut caught_up) = (HashSet::new(), false);
        for heard in heard {
            let Heard::Event(name, payload) = heard else { continue };
            match &**name {
                "private_message" => {
                    let id = payload["id"].as_str().expect("an id").to_owned();
                    assert!(
                        ids.insert(id),
                        "{} heard twice on one connection: {payload}",
                        self.name
                    );
                    self.see(payload);
                    if caught_up {
                        let place = self.place.as_mut().expect("caught_up gave it");
                        if payload["pos"].as_u64() > place["pos"].as_u64() {
                            place["pos"] = payload["pos"].clone();
                        }
                    }
                }
                "caught_up" => {
                    caught_up = true;
                    self.place = Some(json!({ "epoch": payload["epoch"], "pos": payload["pos"] }));
                }
                _ => {}
            }
        }
    }

    fn see(&mut self, message: &Value) {
        let conversation = message["conversationId"].as_str().expect("an id").to_owned();
        let seq = message["seq"].as_u64().expect("a seq");
        let content = message["content"].as_str().expect("a text").to_owned();
        let others = message["from"] != self.user;
        let before = self.held.insert((conversation.clone(), seq), content.clone());
        match before {
            None if others => self.sighted.entry(conversation).or_default().push(seq),
            None => {}
            Some(before) => assert_eq!(before, content),
        }
    }

    /// Comes, says something, hears something, and is gone at some moment.
    async fn round(&mut self, house: &House, said: &AtomicU64, last: bool) {
        let mut client = Client::open(house.address, self.auth()).await;
        let in_full = last || self.rng.random_bool(0.6);
        if in_full {
            client.event("caught_up", 0).await;
        } else {
            let pause = self.rng.random_range(0..6);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let answered = client.heard().iter().any(|it| matches!(it, Heard::Connected(_)));
        let must_read = answered && !client.now("snapshot").is_empty();
        if must_read {
            client.event("caught_up", 0).await;
            self.read_all(&client).await;
        }
        if answered && !last {
            for _ in 0..self.rng.random_range(0..12) {
                let to = USERS[self.rng.random_range(0..USERS.len())];
                if to == self.user {
                    continue;
                }
                let text = format!("{} {}", self.name, said.fetch_add(1, Ordering::Relaxed));
                let sent = client.send(to, text.clone()).await;
                let at = (
                    sent["conversationId"].as_str().expect("an id").to_owned(),
                    sent["seq"].as_u64().expect("a seq"),
                );
                self.held.insert(at, text);
            }
            let pause = self.rng.random_range(0..30);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        if last {
            client.settle().await;
        }
        client.cut().await;
        let (offset, heard) = (client.offset(), client.heard());
        let is_snapshot = |it: &Heard| matches!(it, Heard::Event(name, _) if name == "snapshot");
        if heard.iter().any(is_snapshot) && !must_read {
            // It came too late to be read: all is as before.
            return;
        }
        let answer = heard.iter().find_map(|it| match it {
            Heard::Connected(answer) => Some(answer),
            _ => None,
        });
        if self.way == Way::Recovery
            && let Some(answer) = answer
        {
            // A stock client keeps the offset of before until another comes.
            let before = self.left.take().and_then(|left| left.1);
            self.left = Some((answer["pid"].clone(), offset.or(before)));
        }
        drop(client);
        // Who comes again within the same millisecond cannot be told from who came before.
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.take(&heard);
    }

    async fn read_all(&mut self, client: &Client) {
        self.held.clear();
        self.sighted.clear();
        let user = self.user;
        for peer in USERS.iter().filter(|peer| **peer != user) {
            let mut both = [self.user, peer];
            both.sort_unstable();
            let conversation = format!("dm:{}:{}", both[0], both[1]);
            let mut after = 0;
            loop {
                let range = json!({ "conversationId": conversation, "after": after, "limit": 200 });
                let page = client.call("history", range).await;
                let Some(messages) = page["messages"].as_array() else { break };
                for message in messages {
                    self.see(message);
                    after = message["seq"].as_u64().expect("a seq");
                }
                if page["more"] != true {
                    break;
                }
            }
        }
    }

    /// Whether it has all that it must have.
    fn check(&self, log: &BTreeMap<(String, u64), (String, String)>, seed: u64) {
        for ((conversation, seq), (from, content)) in log {
            let of_user = conversation.split(':').skip(1).any(|member| member == self.user);
            let own_here = content.starts_with(&format!("{} ", self.name));
            let own_elsewhere = from == self.user && self.way == Way::Plain;
            if !of_user || own_here || own_elsewhere {
                continue;
            }
            assert_eq!(
                self.held.get(&(conversation.clone(), *seq)),
                Some(content),
                "seed {seed}: {} ({:?}) lacks {conversation} {seq}",
                self.name,
                self.way
            );
        }
        for (conversation, seqs) in &self.sighted {
            assert!(seqs.is_sorted(), "seed {seed}: {} {conversation} {seqs:?}", self.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_and_goes_has_heard_all_of_it_in_order() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let house = Arc::new(House::new(plan()).await);
    let said = Arc::new(AtomicU64::new(0));
    let mut came = Vec::new();
    for (n, user) in USERS.into_iter().enumerate() {
        for (m, way) in [Way::Plain, Way::Resume, Way::Recovery].into_iter().enumerate() {
            let rng = StdRng::seed_from_u64(seed.wrapping_add((n * 3 + m) as u64));
            let mut device = Device {
                user,
                name: format!("{user}-{m}"),
                way,
                rng,
                held: BTreeMap::new(),
                sighted: HashMap::new(),
                place: None,
                left: None,
            };
            // Each is there before anything is said that it must have.
            let mut first = Client::connect(house.address, device.auth()).await;
            first.cut().await;
            device.left = (way == Way::Recovery).then_some(first.recovery().await);
            device.take(&first.heard());
            came.push(device);
        }
    }
    let tasks = came.into_iter().map(|mut device| {
        let (house, said) = (Arc::clone(&house), Arc::clone(&said));
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                device.round(&house, &said, false).await;
            }
            device
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut devices = Vec::new();
    for task in tasks {
        devices.push(task.await.expect("a device"));
    }
    for device in &mut devices {
        device.round(&house, &said, true).await;
    }
    let mut log = BTreeMap::new();
    for user in USERS {
        let reader = house.device(user, "reader").await;
        for peer in USERS.into_iter().filter(|peer| *peer > user) {
            let conversation = format!("dm:{user}:{peer}");
            let mut after = 0;
            loop {
                let range = json!({ "conversationId": conversation, "after": after, "limit": 200 });
                let page = reader.call("history", range).await;
                let Some(messages) = page["messages"].as_array() else { break };
                for message in messages {
                    after = message["seq"].as_u64().expect("a seq");
                    let text = |name: &str| message[name].as_str().expect("a text").to_owned();
                    log.insert((conversation.clone(), after), (text("from"), text("content")));
                }
                if page["more"] != true {
                    break;
                }
            }
        }
    }
    assert_eq!(
        log.len() as u64,
        said.load(Ordering::Relaxed),
        "seed {seed}: all that was acknowledged"
    );
    let stats = house.service.stats();
    println!(
        "{} said; resumed {}, recovered {}, snapshots {}, overflowed {}",
        log.len(),
        stats.resumed,
        stats.recovered,
        stats.snapshots,
        house.gateway().holds_overflowed
    );
    devices.iter().for_each(|device| device.check(&log, seed));
    Arc::into_inner(house).expect("nobody else has it").end().await;
}
