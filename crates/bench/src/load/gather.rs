//! Makes a group of users, most of whom are connected to this and other load processes: as its owner,
//! one connection makes it and brings the others in, some at a time.

use std::io;

use super::connection::{Connection, user_name};
use crate::protocol::Reply;

/// Users brought in by one command.
const ADDED_AT_ONCE: u32 = 256;

/// Users may come and go by themselves.
const CREATE: &[u8] = br#"420["group_create",{"name":"all of them","settings":{"join":"open"}}]"#;

/// A group in the making.
pub(super) struct Gathering {
    /// The place of the owner's connection, and the number of its user.
    first: usize,
    /// The users behind the owner are brought in, until there are so many.
    members: u32,
    added: u32,
    group: Option<String>,
    waits: bool,
    refused: Option<String>,
}

impl Gathering {
    pub(super) fn new(first: usize, members: u32) -> Self {
        Self { first, members, added: 1, group: None, waits: false, refused: None }
    }

    pub(super) fn advance(&mut self, connections: &mut [Connection]) -> io::Result<()> {
        let Some(owner) = connections.get_mut(self.first).filter(|_| !self.waits) else {
            return Ok(());
        };
        match &self.group {
            None => owner.send_text(CREATE)?,
            Some(_) if self.added >= self.members => return Ok(()),
            Some(group) => {
                let end = (self.added + ADDED_AT_ONCE).min(self.members);
                let users: Vec<_> = (self.added..end)
                    .map(|user| format!("\"{}\"", user_name(owner.user + user)))
                    .collect();
                let users = users.join(",");
                let packet =
                    format!(r#"420["group_add",{{"groupId":"{group}","userIds":[{users}]}}]"#);
                owner.send_text(packet.as_bytes())?;
                self.added = end;
            }
        }
        self.waits = true;
        Ok(())
    }

    pub(super) fn on_packet(&mut self, packet: &[u8]) -> io::Result<()> {
        let Some(answer) = packet.strip_prefix(b"430") else { return Ok(()) };
        let answer: serde_json::Value = serde_json::from_slice(answer)?;
        match (answer[0]["status"].as_str(), answer[0]["groupId"].as_str()) {
            (Some("ok"), Some(group)) => self.group = Some(group.to_owned()),
            _ => self.refused = Some(answer.to_string()),
        }
        self.waits = false;
        Ok(())
    }

    pub(super) fn progress(&self) -> u64 {
        u64::from(self.added) + 1
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} users brought in", self.added, self.members)
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        if let Some(why) = &self.refused {
            return Some(Reply::Failed { why: format!("the group: {why}") });
        }
        let group = self.group.clone().filter(|_| !self.waits && self.added >= self.members)?;
        Some(Reply::Gathered { group })
    }
}
