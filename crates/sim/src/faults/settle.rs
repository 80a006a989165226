//! The end of a run: everything is read back as its members are told it, until nothing is missing
//! and nothing moved meanwhile; what the checker finds in the end is the verdict.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::{Connection, Hello};
use super::device::message;
use super::lives::Logs;
use super::shared::Shared;
use crate::checker::Verdict;
use crate::history::{Message, Summary, Watermark};

/// How long acknowledging and catching up may take after the last fault.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How many users are asked at a time.
const READERS_MAX: usize = 8;

/// Waits until the checker finds nothing missing, and nothing that moved while it was read.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn settle(
    shared: &Arc<Shared>,
    server: SocketAddr,
    patience: Duration,
) -> Result<Verdict> {
    let deadline = Instant::now() + patience;
    loop {
        let (logs, summaries) = read_back(&shared.users, server).await?;
        {
            // Held over both: what is observed in between was not there when the logs were read.
            let lives = shared.lives.lock();
            let verdict = lives.check_newest(&logs, &summaries);
            if (verdict.lost.is_empty() && verdict.wrong.is_empty()) || Instant::now() > deadline {
                return Ok(lives.check(&logs, &summaries));
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Every conversation as its members are told it.
async fn read_back(users: &[String], server: SocketAddr) -> Result<(Logs, Vec<Summary>)> {
    let mut readers = JoinSet::new();
    let mut waiting = users.iter().cloned();
    let (mut logs, mut summaries) = (Logs::new(), Vec::new());
    loop {
        while readers.len() < READERS_MAX
            && let Some(user) = waiting.next()
        {
            readers.spawn(read_user(server, user));
        }
        let Some(read) = readers.join_next().await else { return Ok((logs, summaries)) };
        let (log, summary) = read??;
        logs.extend(log);
        summaries.extend(summary);
    }
}

/// What one user is told. Of a conversation of two, the log is read by the first in byte order.
async fn read_user(server: SocketAddr, user: String) -> Result<(Logs, Vec<Summary>)> {
    let (mut logs, mut summaries) = (Logs::new(), Vec::new());
    let mut connection = Connection::open(server, &Hello::new(&user, "reader")).await?;
    let mut cursor = Value::Null;
    loop {
        let mut query = json!({ "limit": 50 });
        if !cursor.is_null() {
            query["cursor"] = cursor;
        }
        let page = connection.request("conversations", &query).await?;
        for line in page["conversations"].as_array().context("no conversations")? {
            let conversation = line["conversationId"].as_str().context("no id")?.to_owned();
            if conversation.starts_with(&format!("dm:{user}:")) {
                let log = read_log(&mut connection, &conversation).await?;
                logs.insert(conversation.clone(), log);
            }
            let watermarks = line["watermarks"].as_array().context("no watermarks")?;
            let watermarks =
                watermarks.iter().map(watermark).collect::<Result<Vec<Watermark>>>()?;
            let mine = watermarks.iter().find(|mark| mark.user == user);
            summaries.push(Summary {
                user: user.clone(),
                conversation,
                head: line["head"].as_u64().context("no head")?,
                unread: line["unread"].as_u64().context("no unread")?,
                read: mine.context("no watermark of one's own")?.read,
                watermarks,
            });
        }
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            return Ok((logs, summaries));
        }
    }
}

fn watermark(value: &Value) -> Result<Watermark> {
    Ok(Watermark {
        user: value["userId"].as_str().context("a watermark without userId")?.to_owned(),
        delivered: value["delivered"].as_u64().context("a watermark without delivered")?,
        read: value["read"].as_u64().context("a watermark without read")?,
    })
}

async fn read_log(connection: &mut Connection, conversation: &str) -> Result<Vec<Message>> {
    let mut log: Vec<Message> = Vec::new();
    loop {
        let after = log.last().map_or(0, |message| message.seq);
        let query = json!({ "conversationId": conversation, "after": after, "limit": 200 });
        let page = connection.request("history", &query).await?;
        for value in page["messages"].as_array().context("no messages")? {
            log.push(message(value)?);
        }
        if page["more"] != true {
            return Ok(log);
        }
    }
}

/// The store's own invariants, by the command that operators have.
///
/// # Errors
/// When it finds something, with what it says.
pub(super) async fn check_store(binary: &Path, data: &Path) -> Result<()> {
    let output = Command::new(binary).arg("check").arg("--data").arg(data).output().await?;
    ensure!(
        output.status.success(),
        "parlor check found:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Waits until something holds.
///
/// # Errors
/// When it does not within a minute.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    while !holds() {
        ensure!(Instant::now() < deadline, "not within {SETTLE_TIMEOUT:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
