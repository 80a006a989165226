//! How many messages a second the embedded store commits by itself: a closed loop of appends between the
//! same pairs of users, of the same size and with the same settings as the server's, each with an fsync
//! before its answer and many in one commit.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::store::{Append, Origin, Recipient, Store};
use parlor_store::sqlite::{Config, SqliteStore};
use serde::{Deserialize, Serialize};

use super::{Nobody, outcome_of, say, text};
use crate::latency::Latency;
use crate::load::user_name;

/// What is appended.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Alone {
    /// A data directory that is not there yet
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Users, in pairs
    #[arg(long)]
    pub(crate) clients: u32,
    /// Appends unanswered at a time
    #[arg(long)]
    pub(crate) in_flight: u32,
    /// How long to go on after a fifth of it to warm up
    #[arg(long)]
    pub(crate) seconds: f64,
    /// Bytes of text
    #[arg(long)]
    pub(crate) content_bytes: usize,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AloneOutcome {
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    /// From an append to its answer.
    pub(crate) latency: Latency,
}

impl Alone {
    /// Runs it in a process of its own on a core, or anywhere.
    ///
    /// # Errors
    /// It fails.
    pub(crate) fn measure(&self, core: Option<u32>) -> anyhow::Result<AloneOutcome> {
        let Self { data, clients, in_flight, seconds, content_bytes } = self;
        let arguments = [
            "store-alone".to_owned(),
            "--data".to_owned(),
            text(data)?,
            format!("--clients={clients}"),
            format!("--in-flight={in_flight}"),
            format!("--seconds={seconds}"),
            format!("--content-bytes={content_bytes}"),
        ];
        outcome_of(core, &arguments)
    }

    /// Runs it here.
    ///
    /// # Errors
    /// The store cannot be opened or refuses an append.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let store = open(&self.data)?;
        let mut number = 0;
        runtime.block_on(self.append(&store, self.seconds / 5.0, &mut number))?;
        say(&runtime.block_on(self.append(&store, self.seconds, &mut number))?)
    }

    async fn append(
        &self,
        store: &SqliteStore,
        seconds: f64,
        number: &mut u32,
    ) -> anyhow::Result<AloneOutcome> {
        let padding = "x".repeat(self.content_bytes.saturating_sub(10));
        let (began, mut latency) = (Instant::now(), Latency::new());
        let mut waiting = VecDeque::new();
        let mut messages = 0;
        loop {
            let sending = began.elapsed().as_secs_f64() < seconds;
            if sending && waiting.len() < self.in_flight as usize {
                waiting.push_back((Instant::now(), store.append(self.message(*number, &padding)?)));
                *number += 1;
                continue;
            }
            // They are answered in the order in which they were asked for.
            let Some((sent, pending)) = waiting.pop_front() else { break };
            pending.await.context("an append was refused")?;
            latency.record(sent.elapsed());
            messages += 1;
        }
        Ok(AloneOutcome { messages, seconds: began.elapsed().as_secs_f64(), latency })
    }

    fn message(&self, number: u32, padding: &str) -> anyhow::Result<Append> {
        let from = number % (self.clients & !1);
        let to = user_name(from ^ 1);
        Ok(Append {
            from: UserId::parse(&user_name(from))?,
            to: Recipient::User(UserId::parse(&to)?),
            client_id: Some(ClientId::parse(&format!("r0-{number}-{to}"))?),
            content: Content(format!("\"#{number:08} {padding}\"").into()),
            now: now()?,
            origin: Origin::of(0),
        })
    }
}

fn open(data: &Path) -> anyhow::Result<SqliteStore> {
    SqliteStore::open(Config::new(data), Arc::new(Nobody)).context("the store cannot be opened")
}

fn now() -> anyhow::Result<Millis> {
    let now: Duration = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Millis(u64::try_from(now.as_millis())?))
}
