//! A process of programs with Parlor's Rust client, for fault runs: each keeps its outbox on disk, and
//! the process is killed in the middle of whatever it does and started again on the same files.
//!
//! The first line of standard input is a [`Plan`], each further one a phase (`send`, `finish`) or
//! `show`. What the programs (`program`) do and show (`timeline`) is reported as JSON lines, written
//! before or after the deed as it takes for a kill not to make them lies; nothing is judged here.
//! The end of the input is the end of the process.
//!
//! All of it is one thread: between two awaits nothing that the client does can come between.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;
use tokio::task::LocalSet;

mod program;
mod timeline;

use program::Program;

/// What a process is to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The server.
    pub url: String,
    /// Where the outboxes lie.
    pub folder: PathBuf,
    /// How often the process was started, this time included.
    pub life: u32,
    /// What all chance follows from.
    pub seed: u64,
    /// How long a program waits between two sends, on average.
    pub pause_ms: u64,
    /// The programs.
    pub cast: Vec<Cast>,
}

/// Who a program is, and whom it talks to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cast {
    /// The user.
    pub user: String,
    /// What it shows to be that user.
    pub token: String,
    /// The device.
    pub device: String,
    /// Users that it writes to.
    pub peers: Vec<String>,
    /// Groups that its user is in now and then.
    pub groups: Vec<String>,
}

/// What the programs are to do now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Orders {
    phase: Phase,
    /// How often they were asked to show everything.
    shows: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// Connect and listen.
    #[default]
    Gather,
    /// Write, read, be ended and begun again.
    Send,
    /// Send what is not sent yet.
    Finish,
}

/// Runs until standard input ends.
///
/// # Errors
/// There is no plan, or standard output is closed.
pub async fn run() -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let plan = lines.next_line().await?.context("the first line is the plan")?;
    let plan: Rc<Plan> = Rc::new(serde_json::from_str(&plan)?);
    let orders = watch::Sender::new(Orders::default());
    let programs = LocalSet::new();
    for index in 0..plan.cast.len() {
        let program = Program::new(index, Rc::clone(&plan), orders.subscribe());
        programs.spawn_local(program.run());
    }
    let listening = async {
        while let Some(line) = lines.next_line().await? {
            orders.send_modify(|orders| match line.as_str() {
                "send" => orders.phase = Phase::Send,
                "finish" => orders.phase = Phase::Finish,
                _ => orders.shows += 1,
            });
        }
        anyhow::Ok(())
    };
    programs.run_until(listening).await
}

/// Reports a line. It is out of the process when this returns, so that a kill cannot take it back.
fn report(index: usize, mut line: Value) {
    line["index"] = index.into();
    // Who is no longer listened to is about to end.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
