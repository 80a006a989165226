//! Parlor's client for terminals, `parlor chat`: a screen for people, and lines for scripts.
//!
//! [`run`] makes a [`parlor_client::Parlor`] with an outbox on disk (`place`) and hands it to
//! `screen` or `plain`. What others wrote goes through `text` before it is shown, so that no
//! message can command the terminal. Failures (`failure`) say what to do.

mod failure;
mod place;
mod plain;
mod screen;
mod text;

use std::path::PathBuf;

use parlor_client::{Builder, Parlor, SqliteOutbox};

pub use failure::Failure;
pub use parlor_client::Target;

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server.
    pub url: String,
    /// Who the user is.
    pub user: String,
    /// The token; the bare name if there is none, as `parlor serve --dev` takes it.
    pub token: Option<String>,
    /// A file with the token, which is read again whenever one is needed.
    pub token_file: Option<PathBuf>,
    /// A PEM file of certificates to believe beside the system's.
    pub root_certificates: Option<PathBuf>,
    /// The conversation to begin with.
    pub with: Option<Target>,
    /// Lines instead of a screen.
    pub is_plain: bool,
    /// The folder for what is kept; the user's own if there is none.
    pub data: Option<PathBuf>,
}

/// Chats until the user has enough, or standard input has ended.
///
/// # Errors
/// What keeps it from going on, with what to do about it.
pub fn run(options: &Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let parlor = client(options)?;
        let outcome = if options.is_plain {
            plain::run(&parlor, options).await
        } else {
            screen::run(&parlor, options).await
        };
        parlor.close().await;
        outcome
    })
}

fn client(options: &Options) -> Result<Parlor, Failure> {
    let Options { url, user, .. } = options;
    let place = place::Place::of(options)?;
    let outbox =
        SqliteOutbox::open(place.outbox()).map_err(|error| failure::outbox(&error, &place))?;
    let mut builder = Parlor::builder(url).user(user).device(place.device()?).outbox(outbox);
    if let Some(file) = &options.root_certificates {
        let pem = std::fs::read(file).map_err(|error| {
            Failure::new(format!("the root certificates cannot be read: {error}"))
        })?;
        builder = builder.root_certificates(pem);
    }
    token(builder, options)?.connect().map_err(|error| Failure::new(error.to_string()))
}

fn token(builder: Builder, options: &Options) -> Result<Builder, Failure> {
    let Some(file) = options.token_file.clone() else {
        return Ok(builder.token(options.token.as_ref().unwrap_or(&options.user)));
    };
    let read = move || std::fs::read_to_string(&file).map(|text| text.trim().to_owned());
    read().map_err(|error| Failure::new(format!("the token file cannot be read: {error}")))?;
    Ok(builder.token_from(move |_| std::future::ready(read())))
}
