//! The embedded store without a server, each time in a process of its own: how many appends it takes by
//! itself, and a data directory filled with many messages.
//!
//! Both go through the `Store` port, as the server does; what they find comes as one line of JSON on
//! standard output.

mod alone;
mod fill;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use parlor_chat::store::{CommitSink, Committed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::pin::pinned;

pub(crate) use self::alone::Alone;
pub(crate) use self::fill::{Fill, Filled, LONG_CONVERSATION, RARE_WORD};

/// Who hears of no commit.
struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn say(outcome: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(outcome).context("an outcome is JSON")?);
    Ok(())
}

/// Runs one of this program's own commands on a core, or anywhere, and reads its line.
fn outcome_of<T: DeserializeOwned>(core: Option<u32>, arguments: &[String]) -> anyhow::Result<T> {
    let mut command: Command = pinned(core, crate::crew::own_program());
    let output = command
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the store's process cannot be started")?;
    if !output.status.success() {
        bail!("the store's process failed ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).context("the store's process said no outcome")
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("a path is not UTF-8")?.to_owned())
}
