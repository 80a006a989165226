//! Whose log the cluster is about, which nodes live, and this node's own lease.
//!
//! A node that finds its own lease gone knows that Redis was emptied, or that it was out of reach itself for too
//! long. The others' leases may be gone by the same, so for the time of two leases none of them is said to have left.

use std::collections::BTreeSet;
use std::time::Instant;

use parlor_chat::bus::NodeId;
use redis::{RedisError, Value};

use super::links::Command;
use super::{OpenError, OtherLog, Shared};
use crate::names::{log_text, parse_node};
use crate::peers::PEERS_MAX;

/// Why the lease could not be renewed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    #[error(transparent)]
    Engine(#[from] RedisError),
    #[error(transparent)]
    OtherLog(#[from] OtherLog),
}

impl From<LeaseError> for OpenError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Engine(error) => Self::Engine(error),
            LeaseError::OtherLog(error) => Self::OtherLog(error),
        }
    }
}

impl Shared {
    /// Takes a lease for the first time.
    ///
    /// # Errors
    /// [`LeaseError`] when Redis cannot be used, or not for this log.
    pub(super) async fn enter(&self) -> Result<(), LeaseError> {
        self.identify().await?;
        self.hold().await?;
        self.look_around().await?;
        Ok(())
    }

    /// Renews the lease. Where it was gone, the directory may be as well.
    ///
    /// # Errors
    /// [`LeaseError`] when Redis cannot be used, or not for this log.
    pub(super) async fn renew(&self) -> Result<(), LeaseError> {
        self.identify().await?;
        if !self.hold().await? {
            *self.doubt.lock() = Some(Instant::now() + self.config.lease * 2);
            self.ears.forgotten();
        }
        self.look_around().await?;
        Ok(())
    }

    /// Sees to it that the cluster is about this node's log.
    async fn identify(&self) -> Result<(), LeaseError> {
        let (key, ours) = (self.names.log_id(), log_text(self.log));
        let set = Command::new("SET", &key).arg(&ours).arg("NX");
        let answers = self.links.run(vec![set, Command::new("GET", &key)]).await?;
        let theirs = text(answers.last());
        if theirs.as_deref() == Some(ours.as_str()) {
            return Ok(());
        }
        let (cluster, theirs) = (self.names.cluster().to_owned(), theirs.unwrap_or_default());
        Err(OtherLog { cluster, key, theirs, ours }.into())
    }

    /// Gives whether the lease was still there.
    async fn hold(&self) -> Result<bool, RedisError> {
        let lease_ms = u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX);
        let lease = Command::new("SET", &self.names.node(self.node)).arg(log_text(self.log));
        let lease = lease.arg("PX").arg(lease_ms).arg("GET");
        let listed = Command::new("SADD", &self.names.nodes()).arg(self.node.to_string());
        let answers = self.links.run(vec![lease, listed]).await?;
        Ok(!matches!(answers.first(), None | Some(Value::Nil)))
    }

    /// Finds out which other nodes live, and takes the dead off the list.
    async fn look_around(&self) -> Result<(), RedisError> {
        let at = Instant::now();
        let answers = self.links.run(vec![Command::new("SMEMBERS", &self.names.nodes())]).await?;
        let (Some(Value::Array(listed)) | Some(Value::Set(listed))) = answers.first() else {
            return Ok(());
        };
        let listed = listed.iter().filter_map(|node| text(Some(node)));
        let listed = listed.filter_map(|node| parse_node(node.as_bytes()));
        let others: BTreeSet<NodeId> =
            listed.filter(|node| *node != self.node).take(PEERS_MAX).collect();
        let others: Vec<NodeId> = others.into_iter().collect();
        let leases = self.leases(&others).await?;
        let (mut alive, mut dead) = (BTreeSet::new(), Vec::new());
        for (node, lease) in others.iter().zip(leases) {
            match lease {
                Lease::Ours => drop(alive.insert(*node)),
                Lease::Ended => dead.push(node.to_string()),
                Lease::Others => {}
            }
        }
        let proves = self.doubt.lock().is_none_or(|until| until <= at);
        self.ears.alive(&alive, proves.then_some(at));
        if !dead.is_empty() {
            self.links.run(vec![Command::new("SREM", &self.names.nodes()).arg(dead)]).await?;
        }
        Ok(())
    }

    /// How it stands with nodes, one by one.
    pub(super) async fn leases(&self, nodes: &[NodeId]) -> Result<Vec<Lease>, RedisError> {
        let mut keys = nodes.iter().map(|node| self.names.node(*node));
        let Some(first) = keys.next() else { return Ok(Vec::new()) };
        let command = keys.fold(Command::new("MGET", &first), Command::arg);
        let answers = self.links.run(vec![command]).await?;
        let Some(Value::Array(values)) = answers.first() else {
            return Ok(vec![Lease::Ended; nodes.len()]);
        };
        let ours = log_text(self.log);
        let lease = |value: &Value| match value {
            Value::Nil => Lease::Ended,
            value if text(Some(value)).as_deref() == Some(ours.as_str()) => Lease::Ours,
            _ => Lease::Others,
        };
        Ok(values.iter().map(lease).collect())
    }

    /// Takes back what says that this node lives.
    pub(super) async fn give_up(&self) -> Result<(), RedisError> {
        let lease = Command::new("DEL", &self.names.node(self.node));
        let listed = Command::new("SREM", &self.names.nodes()).arg(self.node.to_string());
        self.links.run(vec![lease, listed]).await.map(drop)
    }
}

/// A node's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lease {
    /// Of a node of this log, that lives.
    Ours,
    /// Of a node of another log.
    Others,
    /// There is none.
    Ended,
}

/// A text that Redis gave.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
