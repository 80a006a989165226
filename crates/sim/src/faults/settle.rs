//! The end of a run: everything is read back as its members are told it, until nothing is missing
//! and nothing moved meanwhile; what the checker finds in the end is the verdict.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::apps::Apps;
use super::client::{Connection, Hello};
use super::device::pushed;
use super::grouping::Group;
use super::lives::Told;
use super::owner;
use super::shared::Shared;
use crate::checker::Verdict;
use crate::history::{Having, Message, ReadBack, Roster, Summary, Watermark};

/// How long acknowledging and catching up may take after the last fault.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How many users are asked at a time.
const READERS_MAX: usize = 8;

/// What came of a run, once nothing moved any more.
#[derive(Debug)]
pub(super) struct Settled {
    /// What the checker found.
    pub(super) verdict: Verdict,
    /// Sends that a program was killed before it had them on disk, and that nobody ever had.
    pub(super) forgotten: usize,
}

/// Waits until the checker finds nothing missing, and nothing that moved while it was read.
///
/// # Errors
/// When the server, or a program, cannot be asked.
pub(super) async fn settle(
    shared: &Arc<Shared>,
    server: SocketAddr,
    apps: &Apps,
    patience: Duration,
) -> Result<Settled> {
    let deadline = Instant::now() + patience;
    loop {
        let told = read_back(shared, server).await?;
        apps.show(shared).await?;
        {
            // Held over both: what is observed in between was not there when the logs were read.
            let lives = shared.lives.lock();
            let verdict = lives.check_newest(&told);
            if (verdict.lost.is_empty() && verdict.wrong.is_empty()) || Instant::now() > deadline {
                let verdict = lives.check(&told);
                return Ok(Settled { verdict, forgotten: lives.forgotten(&told) });
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Every conversation as its members are told it.
async fn read_back(shared: &Arc<Shared>, server: SocketAddr) -> Result<Told> {
    let mut readers = JoinSet::new();
    let mut waiting = shared.users.iter().cloned();
    let mut all = Told::default();
    loop {
        while readers.len() < READERS_MAX
            && let Some(user) = waiting.next()
        {
            readers.spawn(read_user(server, shared.clone(), user));
        }
        let Some(read) = readers.join_next().await else { break };
        let told = read??;
        all.logs.extend(told.logs);
        all.summaries.extend(told.summaries);
        all.now.extend(told.now);
        all.read_back.extend(told.read_back);
    }
    for group in &shared.groups {
        read_group(server, group, &mut all).await?;
    }
    Ok(all)
}

/// What one user is told. Of a conversation of two, the log is read by the first in byte order; of a
/// group, by its owner, and by some who may be in it.
async fn read_user(server: SocketAddr, shared: Arc<Shared>, user: String) -> Result<Told> {
    let mut told = Told::default();
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
            let group = shared.groups.iter().find(|group| group.conversation == conversation);
            if conversation.starts_with(&format!("dm:{user}:")) {
                let log = read_log(&mut connection, &conversation, &mut told.now).await?;
                told.logs.insert(conversation.clone(), log);
            } else if group.is_some_and(|group| group.is_reader(&user)) {
                let log = read_log(&mut connection, &conversation, &mut told.now).await?;
                let (user, conversation) = (user.clone(), conversation.clone());
                let seqs = log.iter().map(|entry| entry.seq).collect();
                told.read_back.push(ReadBack { user, conversation, seqs });
            }
            let watermarks = line["watermarks"].as_array().context("no watermarks")?;
            let watermarks =
                watermarks.iter().map(watermark).collect::<Result<Vec<Watermark>>>()?;
            let mine = watermarks.iter().find(|mark| mark.user == user);
            told.summaries.push(Summary {
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
            return Ok(told);
        }
    }
}

/// What a group's owner is told of it: the whole log, who is in, and who has some of the entries.
async fn read_group(server: SocketAddr, group: &Group, told: &mut Told) -> Result<()> {
    let Group { conversation, owner, .. } = group;
    let mut connection = Connection::open(server, &Hello::new(owner, "reader")).await?;
    let log = read_log(&mut connection, conversation, &mut told.now).await?;
    let members = owner::members(&mut connection, group).await?;
    told.rosters.push(Roster { conversation: conversation.clone(), members });
    let head = log.len() as u64;
    for seq in [1, 2, 4, 20, 100].map(|back| head.saturating_sub(back) + 1) {
        let mut query = json!({ "conversationId": conversation, "seq": seq, "limit": 20 });
        let mut having = Having { conversation: conversation.clone(), seq, members: [].into() };
        loop {
            let page = connection.request("receipts", &query).await?;
            for line in page["receipts"].as_array().context("no receipts")? {
                let user = line["userId"].as_str().context("a receipt without userId")?;
                having.members.insert(user.to_owned(), line["read"] == true);
            }
            if page["cursor"].is_null() {
                break;
            }
            query["cursor"] = page["cursor"].clone();
        }
        told.having.push(having);
    }
    told.logs.insert(conversation.clone(), log);
    Ok(())
}

fn watermark(value: &Value) -> Result<Watermark> {
    Ok(Watermark {
        user: value["userId"].as_str().context("a watermark without userId")?.to_owned(),
        delivered: value["delivered"].as_u64().context("a watermark without delivered")?,
        read: value["read"].as_u64().context("a watermark without read")?,
    })
}

/// A log, and into `now` what is told of its messages that were edited.
async fn read_log(
    connection: &mut Connection,
    conversation: &str,
    now: &mut BTreeMap<String, String>,
) -> Result<Vec<Message>> {
    let mut log: Vec<Message> = Vec::new();
    loop {
        let after = log.last().map_or(0, |message| message.seq);
        let query = json!({ "conversationId": conversation, "after": after, "limit": 200 });
        let page = connection.request("history", &query).await?;
        let messages = page["messages"].as_array().context("no messages")?;
        let entries = page["entries"].as_array().into_iter().flatten();
        for value in messages.iter().chain(entries) {
            let entry = pushed(value)?;
            if !value["editedAt"].is_null() {
                let content = value["content"].as_str().context("no content")?;
                now.insert(entry.id.clone(), content.to_owned());
            }
            log.push(entry);
        }
        log.sort_by_key(|entry| entry.seq);
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
