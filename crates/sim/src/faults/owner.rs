//! The owner of a group, who brings in and puts out members all through a run: one wish after the
//! other, each said again until it is acknowledged, over whatever happens to the server but a restore.
//!
//! Only the owner changes the group, so a wish that changes nothing when it is said for the first
//! time is a finding; said again, it may have been carried out before. After a restore the members
//! are those of the copy: the owner reads them anew.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::client::{Connection, Hello};
use super::group_log;
use super::grouping::{Group, changed};
use super::shared::{Phase, Shared};
use crate::history::Wished;

/// How long the owner rests between two wishes, in milliseconds.
const REST_MS: std::ops::Range<u64> = 100..800;
/// How long after a refusal or a failed connect it tries again.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// One saying of a wish in so many is cut off before its answer.
const CUT_ONE_IN: u32 = 10;

/// The owner of one group.
pub(super) struct Owner {
    group: Group,
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
    rng: StdRng,
    wishes: u64,
    connection: Option<Connection>,
    /// The life of the log that the connection, and what is known of members, is in.
    epoch: String,
    /// Who of the pool is in.
    members: BTreeSet<String>,
}

/// Something to be done to the group.
struct Wish {
    key: String,
    event: &'static str,
    payload: Value,
    /// How often it was said.
    said: u32,
    /// The life of the log for which it was thought of.
    epoch: String,
}

impl Owner {
    /// An owner who is not connected yet.
    pub(super) fn new(
        group: Group,
        shared: Arc<Shared>,
        phase: watch::Receiver<Phase>,
        seed: u64,
    ) -> Self {
        Self {
            group,
            shared,
            phase,
            rng: StdRng::seed_from_u64(seed),
            wishes: 0,
            connection: None,
            epoch: String::new(),
            members: BTreeSet::new(),
        }
    }

    /// Wishes until the phase is [`Phase::Finish`] and the last wish is acknowledged.
    pub(super) async fn run(mut self) {
        loop {
            self.rest().await;
            self.shared.unacked.fetch_add(1, Ordering::Relaxed);
            let phase = *self.phase.borrow();
            if phase == Phase::Send {
                self.wish().await;
            }
            self.shared.unacked.fetch_sub(1, Ordering::Relaxed);
            if phase >= Phase::Finish {
                return;
            }
        }
    }

    /// Hears what there is, to be there for the server's pings, and drops it.
    async fn rest(&mut self) {
        let pause = Duration::from_millis(self.rng.random_range(REST_MS));
        let Some(connection) = &mut self.connection else { return sleep(pause).await };
        let listening = async { while connection.next().await.is_ok() {} };
        if timeout(pause, listening).await.is_ok() {
            self.connection = None;
        }
    }

    /// Wishes for one thing until it is acknowledged.
    async fn wish(&mut self) {
        let mut wish = None;
        loop {
            match self.say(&mut wish).await {
                Ok(true) => return,
                Ok(false) => {}
                // The connection is gone: that is what the run is about.
                Err(_) => self.connection = None,
            }
            sleep(RETRY_DELAY).await;
        }
    }

    /// Says a wish, which is thought of once the members are known; true when it is done with. One
    /// that a restore came over is given up: in the copy it may be so in part.
    async fn say(&mut self, wish: &mut Option<Wish>) -> Result<bool> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        let wish = match wish {
            Some(wish) => wish,
            None => wish.insert(self.think()),
        };
        if wish.epoch != self.epoch {
            return Ok(true);
        }
        let connection = self.connection.as_mut().context("it is there")?;
        wish.said += 1;
        let id = connection.emit_with_ack(wish.event, &wish.payload).await?;
        self.shared.wished.notify_waiters();
        if self.rng.random_ratio(1, CUT_ONE_IN) {
            sleep(Duration::from_millis(self.rng.random_range(0..10))).await;
            self.shared.count_cut();
            bail!("cut before the answer");
        }
        let answer = connection.answer(id).await?;
        let is_done = if answer["status"] == "ok" {
            answer["unchanged"] == true
        } else if answer["code"] == "not_found" && wish.event == "group_kick" {
            true
        } else if answer["retryAfterMs"].is_u64() || answer["code"] == "internal" {
            return Ok(false);
        } else {
            self.find(format!("{} was answered {answer}", wish.key));
            return Ok(true);
        };
        if is_done && wish.said == 1 {
            self.find(format!("{}: {} was so already: {answer}", wish.key, wish.payload));
        }
        self.shared.repeated.fetch_add(u64::from(is_done), Ordering::Relaxed);
        if !is_done {
            let changed = changed(wish.key.clone(), &answer)?;
            self.shared.lives.lock().of(&self.epoch).changed.push(changed);
        }
        let user = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match wish.event {
            "group_kick" => drop(self.members.remove(&user(&wish.payload["userId"]))),
            "group_add" => {
                let users = wish.payload["userIds"].as_array().into_iter().flatten();
                self.members.extend(users.map(user));
            }
            _ => {}
        }
        Ok(true)
    }

    /// Connects, and reads who is in if the log is another one.
    async fn connect(&mut self) -> Result<()> {
        let hello = Hello::new(&self.group.owner, "phone");
        let mut connection = Connection::open(self.shared.any_door(&mut self.rng), &hello).await?;
        let ready = connection.event("ready").await?;
        let epoch = ready["epoch"].as_str().context("a ready without epoch")?;
        if epoch != self.epoch {
            self.members = members(&mut connection, &self.group).await?;
            self.members.remove(&self.group.owner);
            self.epoch = epoch.to_owned();
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Something to wish for that is not so yet.
    fn think(&mut self) -> Wish {
        self.wishes += 1;
        let Group { id, conversation, owner, pool } = &self.group;
        let key = format!("{owner}/{}", self.wishes);
        let rng = &mut self.rng;
        let out: Vec<&String> = pool.iter().filter(|user| !self.members.contains(*user)).collect();
        let inside: Vec<&String> = self.members.iter().collect();
        // Two thirds are in on average.
        let (event, payload, entry) = match rng.random_range(0..10) {
            0 => {
                let name = format!("named by {key}");
                let entry = json!({ "kind": "group_updated", "name": name });
                ("group_update", json!({ "groupId": id, "name": name }), entry)
            }
            1..=6 if out.len() * 2 > inside.len() || inside.is_empty() => {
                let some = rng.random_range(1..=3);
                let users: Vec<&&String> = out.choose_multiple(rng, some).collect();
                let entry = json!({ "kind": "member_added", "userIds": users });
                ("group_add", json!({ "groupId": id, "userIds": users }), entry)
            }
            _ => {
                let user = inside.choose(rng).copied().unwrap_or(owner);
                let entry = json!({ "kind": "member_kicked", "userId": user });
                ("group_kick", json!({ "groupId": id, "userId": user }), entry)
            }
        };
        self.shared.lives.lock().wished.push(Wished {
            key: key.clone(),
            by: owner.clone(),
            conversation: conversation.clone(),
            content: group_log::content(&entry),
        });
        Wish { key, event, payload, said: 0, epoch: self.epoch.clone() }
    }

    fn find(&self, what: String) {
        self.shared.lives.lock().findings.push(what);
    }
}

/// Who is in a group, as it tells its owner.
///
/// # Errors
/// When the connection is gone or the server refuses.
pub(super) async fn members(
    connection: &mut Connection,
    group: &Group,
) -> Result<BTreeSet<String>> {
    let mut members = BTreeSet::new();
    let mut query = json!({ "groupId": group.id, "limit": 20 });
    loop {
        let page = connection.request("group_members", &query).await?;
        let lines = page["members"].as_array().context("no members")?;
        members.extend(lines.iter().filter_map(|line| line["userId"].as_str()).map(str::to_owned));
        if page["cursor"].is_null() {
            return Ok(members);
        }
        query["cursor"] = page["cursor"].clone();
    }
}
