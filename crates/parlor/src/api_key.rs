//! `parlor api-key`: makes keys for the HTTP API. Nothing is stored; what is printed is all there
//! is.

use crate::cli::{ApiKey, ApiKeyCommand, NewApiKey};
use crate::config;
use crate::exit::{Code, Failure};
use crate::http;

/// Runs the command.
///
/// # Errors
/// A [`Failure`] for a name that is none, or without randomness.
pub(crate) fn run(arguments: &ApiKey) -> Result<(), Failure> {
    match &arguments.command {
        ApiKeyCommand::New(arguments) => new(arguments),
    }
}

fn new(arguments: &NewApiKey) -> Result<(), Failure> {
    let name = &arguments.name;
    if !config::is_key_name(name) {
        return Err(Failure::new(Code::Usage, format!("--name must be {}", config::KEY_NAME_RULE)));
    }
    let (key, sha256) = http::fresh_key()
        .map_err(|_| Failure::new(Code::Failed, "the system gives no random bytes"))?;
    let mut scopes = arguments.scopes.clone();
    scopes.dedup();
    let line = config::ApiKey { name: name.clone(), sha256, scopes };
    println!("Key, shown this once: {key}");
    println!("For the file:         [api] keys = [{}]", line.table());
    println!("Or the variable:      PARLOR_API__KEYS={}", line.text());
    Ok(())
}
