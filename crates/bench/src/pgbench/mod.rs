//! What a message costs PostgreSQL if it is written without Parlor: PostgreSQL's own benchmark, with a transaction that
//! an app would write by hand into the same tables.

use std::io::{Seek, Write};

use anyhow::{Context, ensure};

use crate::engines::Engines;

/// Makes what the transaction works on.
const BEFORE: &str = include_str!("before.sql");
/// The transaction.
const APPEND: &str = include_str!("append.sql");

/// Carries it out so often a second, by so many connections. Gives what PostgreSQL takes of a processor for each, in
/// microseconds.
///
/// # Errors
/// PostgreSQL refuses it, or there is no `pgbench`.
pub(crate) fn micros_per_append(
    engines: &Engines,
    connections: u32,
    rate: f64,
    seconds: f64,
    core: Option<u32>,
) -> anyhow::Result<f64> {
    engines.says(BEFORE)?;
    let mut script = tempfile::tempfile().context("no file for pgbench")?;
    script.write_all(APPEND.as_bytes())?;
    script.rewind()?;
    let before = engines.postgres_cpu()?;
    let mut pgbench = engines.client("pgbench", core)?;
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--file=-"]);
    pgbench.arg(format!("--client={connections}")).arg(format!("--rate={rate}"));
    pgbench.arg(format!("--time={}", seconds.ceil()));
    let output = pgbench.stdin(script).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {}", failed.trim());
    let appends = appends(&told).with_context(|| format!("pgbench did nothing: {failed}"))?;
    Ok((engines.postgres_cpu()? - before).total() * 1e6 / appends)
}

/// How many transactions it says there were.
fn appends(told: &str) -> Option<f64> {
    let said = told
        .lines()
        .find_map(|line| line.strip_prefix("number of transactions actually processed: "))?;
    said.split('/').next()?.trim().parse().ok().filter(|appends| *appends > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_says_is_read() {
        let said = "scaling factor: 1\nnumber of transactions actually processed: 1234\nnumber of failed transactions: 0";
        assert_eq!(appends(said), Some(1_234.0));
        assert_eq!(appends("number of transactions actually processed: 0"), None);
        assert_eq!(appends("pgbench: error"), None);
    }
}
