//! How keys and channels are called, and what is written into them.
//!
//! A cluster's leases have one hash tag, so that a Redis Cluster keeps them in one place and one command
//! reads them all; its users are spread over the whole of it.

use parlor_chat::bus::{NodeId, Topic};
use parlor_chat::ids::{DeviceId, UserId};

/// The names of one cluster's keys.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
    cluster: String,
}

/// What a prefix or the name of a cluster must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} `{name}` must be at most 64 ASCII letters, digits, `-`, `_`, `.` or `:`{rule}")]
pub struct InvalidName {
    what: &'static str,
    name: String,
    rule: &'static str,
}

impl Names {
    /// Those of a cluster.
    ///
    /// # Errors
    /// [`InvalidName`] when keys would be hard to read, or share a hash tag by mistake.
    pub(crate) fn new(prefix: &str, cluster: &str) -> Result<Self, InvalidName> {
        let plain = |name: &str, colon: bool| {
            let fits = |b: u8| {
                b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') || colon && b == b':'
            };
            name.len() <= 64 && name.bytes().all(fits)
        };
        let invalid = |what, name: &str, rule| InvalidName { what, name: name.to_owned(), rule };
        if !plain(prefix, true) {
            return Err(invalid("prefix", prefix, ""));
        }
        if cluster.is_empty() || !plain(cluster, false) {
            return Err(invalid("cluster", cluster, ", at least one, and no `:`"));
        }
        Ok(Self { prefix: prefix.to_owned(), cluster: cluster.to_owned() })
    }

    /// What the cluster is called.
    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The channel of a topic.
    pub(crate) fn channel(&self, topic: Topic) -> String {
        format!("{}{}:{}", self.prefix, self.cluster, topic.as_str())
    }

    /// Which log the cluster is about.
    pub(crate) fn log_id(&self) -> String {
        format!("{}{}:log-id", self.prefix, self.cluster)
    }

    /// The set of nodes that live, or have not been found dead.
    pub(crate) fn nodes(&self) -> String {
        format!("{}{{{}}}:nodes", self.prefix, self.cluster)
    }

    /// A node's lease.
    pub(crate) fn node(&self, node: NodeId) -> String {
        format!("{}{{{}}}:node:{node}", self.prefix, self.cluster)
    }

    /// Where a user is connected: node by node.
    pub(crate) fn user(&self, user: &UserId) -> String {
        format!("{}{}:user:{user}", self.prefix, self.cluster)
    }
}

/// A log's identity as it is written.
pub(crate) fn log_text(log: u64) -> String {
    format!("{log:016x}")
}

/// Reads what [`NodeId`]'s `Display` writes.
pub(crate) fn parse_node(text: &[u8]) -> Option<NodeId> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(text, 16).ok().map(NodeId)
}

/// Devices as one text, one a line; no device's id has a line's end in it, and the shared one's is empty.
pub(crate) fn devices_text(devices: &[DeviceId]) -> String {
    devices.iter().map(DeviceId::as_str).collect::<Vec<_>>().join("\n")
}

/// Reads what [`devices_text`] writes; what is no id is left out.
pub(crate) fn parse_devices(text: &[u8]) -> Vec<DeviceId> {
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let device = |line: &str| match line {
        "" => Some(DeviceId::shared()),
        line => DeviceId::parse(line).ok(),
    };
    text.split('\n').filter_map(device).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_clusters_are_plain() {
        let names = Names::new("parlor:", "parlor").expect("it is plain");
        assert_eq!(names.channel(Topic::Log), "parlor:parlor:log");
        assert_eq!(names.channel(Topic::Talk), "parlor:parlor:talk");
        assert_eq!(names.node(NodeId(255)), "parlor:{parlor}:node:00000000000000ff");
        assert!(Names::new("", "a").is_ok());
        for (prefix, cluster) in
            [("a{", "x"), ("a ", "x"), ("", ""), ("", "a:b"), ("", "{a}"), ("", &"a".repeat(65))]
        {
            assert!(Names::new(prefix, cluster).is_err(), "{prefix:?} {cluster:?}");
        }
    }

    proptest! {
        #[test]
        fn devices_come_back(ids in prop::collection::vec("[^\\p{Cc}]{0,16}", 1..5)) {
            let devices: Vec<DeviceId> = ids
                .iter()
                .map(|id| DeviceId::parse(id).unwrap_or_else(|_| DeviceId::shared()))
                .collect();
            prop_assert_eq!(parse_devices(devices_text(&devices).as_bytes()), devices);
        }

        #[test]
        fn nodes_come_back(id: u64) {
            let text = NodeId(id).to_string();
            prop_assert_eq!(parse_node(text.as_bytes()), Some(NodeId(id)));
        }

        #[test]
        fn whatever_is_kept_there_breaks_nothing(bytes: Vec<u8>) {
            let _ = (parse_node(&bytes), parse_devices(&bytes));
        }
    }
}
