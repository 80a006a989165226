//! `parlor health`: whether a server takes messages now, as an exit code for those who ask often.

use std::time::Duration;

use clap::Args;
use http::StatusCode;

use crate::cli::ConfigFile;
use crate::config::Overrides;
use crate::exit::{Code, Failure};
use crate::fetch::{Address, Fetcher};

/// The longest reason that is told, in characters.
const REASON_CHARS_MAX: usize = 300;

/// Arguments of `parlor health`.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// The server; the one that the configuration makes on this machine, if not given.
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    url: Option<Address>,
    /// How long the answer may take, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "2500", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout_ms: u64,
    #[command(flatten)]
    config: ConfigFile,
}

/// Asks the server whether it is ready.
///
/// # Errors
/// A [`Failure`] with the reason why it is not.
pub(crate) fn run(arguments: Health) -> Result<(), Failure> {
    let address = match arguments.url {
        Some(address) => address,
        None => Address::local(&crate::load(&arguments.config, &Overrides::default())?),
    };
    let name = address.name().to_owned();
    let failed = |why: String| Failure::new(Code::Failed, format!("{name}: {why}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("cannot start the runtime: {error}")))?;
    let timeout = Duration::from_millis(arguments.timeout_ms);
    let (status, body) = runtime
        .block_on(async { Fetcher::new(address, timeout)?.get("/readyz").await })
        .map_err(failed)?;
    let said = plain(&body);
    if status == StatusCode::OK {
        println!("{said}");
        return Ok(());
    }
    Err(failed(if said.is_empty() { format!("it answered {status}") } else { said }))
}

/// What was answered as one line that does nothing to a terminal.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|char| !char.is_control()).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_without_controls_and_has_a_bound() {
        assert_eq!(plain(b"not ready: \x1b[2Jdraining\nmore"), "not ready: [2Jdraining");
        assert_eq!(plain(b""), "");
        assert_eq!(plain(&[b'x'; 301]).len(), 300);
        assert_eq!(plain(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
