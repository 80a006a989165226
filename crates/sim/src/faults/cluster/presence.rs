//! Who is online, asked of every node once nothing breaks any more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::faults::client::{Connection, Hello};
use crate::faults::shared::Shared;

/// Beyond what it may take by the configuration, how long a node may take to know.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many users are asked about at a time.
const USERS_AT_ONCE: usize = 100;

/// Waits, for as long as `allowed` and some seconds, until every node says that all users are online, or that
/// all are offline; what is wrong by then.
///
/// # Errors
/// When a node cannot be asked.
pub(super) async fn becomes(
    is_online: bool,
    allowed: Duration,
    shared: &Arc<Shared>,
    nodes: &[SocketAddr],
) -> Result<Vec<String>> {
    let deadline = Instant::now() + allowed + PATIENCE;
    loop {
        let mut found = Vec::new();
        for node in nodes {
            let wrong = others(*node, is_online, &shared.users).await?;
            let word = if is_online { "online" } else { "offline" };
            let wrong = wrong.into_iter();
            found.extend(wrong.map(|user| format!("for {node} {user} is not {word}")));
        }
        if found.is_empty() || Instant::now() > deadline {
            return Ok(found);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Of whom a node says otherwise.
async fn others(node: SocketAddr, is_online: bool, users: &[String]) -> Result<Vec<String>> {
    let mut connection = Connection::open(node, &Hello::new("probe", "presence")).await?;
    let mut found = Vec::new();
    for users in users.chunks(USERS_AT_ONCE) {
        let said = connection.request("presence", &json!({ "userIds": users })).await?;
        for line in said["presence"].as_array().context("no presence")? {
            if line["online"] != is_online {
                found.push(line["userId"].as_str().context("no userId")?.to_owned());
            }
        }
    }
    Ok(found)
}
