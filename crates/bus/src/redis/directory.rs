//! Who is connected where: a hash for each user, with a field for each node.
//!
//! An entry is believed while its node's lease lasts. One of a node that is gone is taken out by whoever finds it; a
//! node that was gone and is back says all again, so what is taken out in between is not lost for long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlor_chat::bus::{BusDown, Elsewhere, NodeId};
use parlor_chat::ids::{DeviceId, UserId};
use redis::{RedisError, Value};

use super::Shared;
use super::lease::{Lease, text};
use super::links::Command;
use crate::names::{devices_text, parse_devices, parse_node};
use crate::seats::Seat;

/// How long a user's entries are kept unless they are said again.
const KEPT_SECONDS: u64 = 24 * 3_600;

/// Entries of dead nodes that are remembered to be taken out; others are found again.
const DEAD_MAX: usize = 1_024;

impl Shared {
    /// Where users are connected but here. Cancel safe.
    ///
    /// # Errors
    /// [`BusDown`] when Redis does not say so in time.
    pub(super) async fn elsewhere(
        self: Arc<Self>,
        users: Vec<UserId>,
    ) -> Result<Vec<Elsewhere>, BusDown> {
        let down = |reason: Arc<str>| BusDown { reason };
        if !self.can_speak.load(Ordering::Relaxed) {
            return Err(down(Arc::clone(&self.trouble.lock())));
        }
        if users.is_empty() {
            return Ok(Vec::new());
        }
        match tokio::time::timeout(self.config.elsewhere_timeout, self.look_up(&users)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(down(Arc::from(error.to_string()))),
            Err(_) => Err(down(Arc::from("it did not answer in time"))),
        }
    }

    async fn look_up(&self, users: &[UserId]) -> Result<Vec<Elsewhere>, RedisError> {
        let ask = |user| Command::new("HGETALL", &self.names.user(user));
        let answers = self.links.run(users.iter().map(ask).collect()).await?;
        let mut found: Vec<Elsewhere> = answers.iter().map(|answer| self.others(answer)).collect();
        let nodes: BTreeSet<NodeId> = found.iter().flatten().map(|(node, _)| *node).collect();
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        let leases = self.leases(&nodes).await?;
        let leases: BTreeMap<NodeId, Lease> = nodes.into_iter().zip(leases).collect();
        let mut dead = self.dead.lock();
        for (user, nodes) in users.iter().zip(&mut found) {
            nodes.retain(|(node, _)| {
                let lease = leases.get(node).copied().unwrap_or(Lease::Ended);
                if lease == Lease::Ended && dead.len() < DEAD_MAX {
                    dead.push((user.clone(), *node));
                }
                lease == Lease::Ours
            });
        }
        if !dead.is_empty() {
            self.wake.notify_one();
        }
        Ok(found)
    }

    /// The entries of one user but that of this node; what is none is left out.
    fn others(&self, answer: &Value) -> Elsewhere {
        let entries = answer.as_map_iter().into_iter().flatten();
        let entry = |(node, devices): (&Value, &Value)| {
            let node = parse_node(text(Some(node))?.as_bytes())?;
            Some((node, parse_devices(text(Some(devices))?.as_bytes())))
        };
        let entries = entries.filter_map(entry);
        entries.filter(|(node, devices)| *node != self.node && !devices.is_empty()).collect()
    }

    /// Writes where users are connected on this node.
    pub(super) async fn write(&self, seats: &[Seat]) -> Result<(), RedisError> {
        let commands = seats.iter().flat_map(|(user, devices)| self.seat(user, devices)).collect();
        self.links.run(commands).await.map(drop)
    }

    fn seat(&self, user: &UserId, devices: &[DeviceId]) -> Vec<Command> {
        let (key, node) = (self.names.user(user), self.node.to_string());
        if devices.is_empty() {
            return vec![Command::new("HDEL", &key).arg(node)];
        }
        let entry = Command::new("HSET", &key).arg(node).arg(devices_text(devices));
        vec![entry, Command::new("EXPIRE", &key).arg(KEPT_SECONDS)]
    }

    /// Takes out entries of nodes that were found dead.
    pub(super) async fn take_out_dead(&self) -> Result<(), RedisError> {
        let dead = std::mem::take(&mut *self.dead.lock());
        if dead.is_empty() {
            return Ok(());
        }
        let out = |(user, node): (UserId, NodeId)| {
            Command::new("HDEL", &self.names.user(&user)).arg(node.to_string())
        };
        self.links.run(dead.into_iter().map(out).collect()).await.map(drop)
    }
}
