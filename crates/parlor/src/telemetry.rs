//! Logs: structured, on standard error, as text or JSON lines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// Starts logging for the whole process.
///
/// # Errors
/// [`ConfigError`] when `log.level` cannot be read.
pub(crate) fn start(config: &Log) -> Result<(), ConfigError> {
    let filter = filter(&config.level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            lines.with_ansi(colours).try_init()
        }
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    // Logging that is already on stays as it is.
    if let Err(error) = started {
        tracing::debug!(%error, "logging was on already");
    }
    Ok(())
}

/// Reads `log.level`: a level, and perhaps others per part.
fn filter(text: &str) -> Result<EnvFilter, ConfigError> {
    // A lone word that is no level would be taken for the name of a part, and silence the rest.
    let readable = text.split(',').map(str::trim).all(|part| match part.rsplit_once('=') {
        Some((_, level)) => !level.is_empty() && level.parse::<LevelFilter>().is_ok(),
        None => !part.is_empty() && part.parse::<LevelFilter>().is_ok(),
    });
    let filter = EnvFilter::try_new(text).ok().filter(|_| readable);
    filter.ok_or_else(|| ConfigError {
        faults: vec![format!(
            "log.level: `{text}` is no level; write error, warn, info, debug, trace or off, also \
             per part as in `info,parlor_gateway=debug`"
        )],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_parts_are_read_and_misspellings_refused() {
        for good in ["info", "off", "WARN", "info,parlor_gateway=debug"] {
            filter(good).unwrap();
        }
        for bad in ["", "infoo", "info,", "info,parlor=loud", "parlor"] {
            let fault = filter(bad).unwrap_err().to_string();
            assert!(fault.contains("log.level"), "{bad}: {fault}");
        }
    }
}
