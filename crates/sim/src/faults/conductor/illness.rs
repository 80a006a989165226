//! Disks that are ill: full ones, which heal, and ones that failed to sync, after which nothing may
//! be acknowledged until the server was started anew. A connection of the run's own looks at what
//! the server says meanwhile.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::Rng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Conductor;
use crate::faults::client::Connection;
use crate::faults::disk::{Full, Site};

/// How long an illness of the disk may take to show, and to pass.
const ILLNESS_PATIENCE: Duration = Duration::from_secs(10);
/// How long a disk that only refuses growth may go unnoticed before it refuses everything.
const GROWTH_PATIENCE: Duration = Duration::from_secs(2);
/// How long a server that started after a failed fsync lives until the power is lost.
const AFTERLIFE: Duration = Duration::from_millis(400);

impl Conductor<'_> {
    /// Fills the disk and gives room again: sends are refused meanwhile, and it heals by itself.
    pub(super) async fn fill_disk(&mut self) -> Result<()> {
        let (mut probe, key) = (self.probe().await?, self.key());
        probe.beside(self.let_it_be_full()).await.context("with a full disk")?;
        let answer = send(&mut probe, &key).await?;
        if answer["code"] != "unavailable" {
            self.find(format!("with a full disk a send was answered {answer}"));
        }
        let pause = Duration::from_millis(self.rng.random_range(100..1500));
        probe.beside(sleep(pause)).await;
        self.disk.fill(None)?;
        probe.beside(self.wait_for_page(200)).await.context("with room on the disk again")?;
        let answer = send(&mut probe, &key).await?;
        if answer["status"] != "sent" {
            self.find(format!("with room on the disk again a send was answered {answer}"));
        }
        self.tally.one("full disks");
        Ok(())
    }

    /// Lets fsync fail: nothing may be acknowledged from then on, even when fsync works again,
    /// until the server is started anew.
    pub(super) async fn fail_syncs(&mut self) -> Result<()> {
        let (mut probe, key) = (self.probe().await?, self.key());
        probe.beside(self.let_a_sync_fail()).await.context("with a failed fsync")?;
        self.disk.fail_syncs(None)?;
        for _ in 0..5 {
            probe.beside(sleep(Duration::from_millis(200))).await;
            let answer = send(&mut probe, &key).await?;
            if answer["code"] != "unavailable" {
                self.find(format!("after a failed fsync a send was answered {answer}"));
            }
        }
        let (status, _) = self.server.page("/readyz").await?;
        if status != 503 {
            self.find(format!("after a failed fsync the server says it is ready ({status})"));
        }
        self.tally.one("failed fsyncs");
        self.kill().await?;
        // What the failed sync left behind is read by the next process as if it were on the disk:
        // what that one acknowledges must not rest on it.
        if self.rng.random() {
            self.start_again().await?;
            sleep(AFTERLIFE).await;
            self.kill().await?;
        }
        self.lose_power()?;
        self.start_again().await
    }

    /// Fills the disk and waits until the server says that it noticed.
    async fn let_it_be_full(&self) -> Result<()> {
        let disk = self.disk;
        let before = disk.refused()?;
        disk.fill(Some(Full::Growth))?;
        let start = Instant::now();
        while disk.refused()? == before {
            ensure!(start.elapsed() < ILLNESS_PATIENCE, "nothing was written on the full disk");
            if start.elapsed() > GROWTH_PATIENCE {
                disk.fill(Some(Full::Everything))?;
            }
            sleep(Duration::from_millis(5)).await;
        }
        self.wait_for_page(503).await
    }

    /// Lets fsync fail until the server says that it noticed.
    async fn let_a_sync_fail(&self) -> Result<()> {
        let disk = self.disk;
        let before = disk.failed_syncs()?;
        disk.fail_syncs(Some(Site::LogSync))?;
        let start = Instant::now();
        while disk.failed_syncs()? == before {
            ensure!(start.elapsed() < ILLNESS_PATIENCE, "nothing was synced on the failing disk");
            sleep(Duration::from_millis(5)).await;
        }
        self.wait_for_page(503).await
    }

    fn key(&mut self) -> String {
        format!("probe-{}", self.rng.random::<u64>())
    }

    async fn wait_for_page(&self, wanted: u16) -> Result<()> {
        let start = Instant::now();
        loop {
            let (status, text) = self.server.page("/readyz").await?;
            if status == wanted {
                return Ok(());
            }
            let waited = start.elapsed();
            ensure!(waited < ILLNESS_PATIENCE, "/readyz still says {status} {text}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends; again with the same key, as what was refused must be.
async fn send(probe: &mut Connection, key: &str) -> Result<Value> {
    let payload = json!({ "toUserId": "probe", "content": "probe", "clientId": key });
    probe.ask("private_message", &payload).await
}
