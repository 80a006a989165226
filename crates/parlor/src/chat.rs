//! `parlor chat`: the command line of the terminal's client.

use std::path::PathBuf;

use clap::Args;
use parlor_terminal::{Options, Target};

use crate::exit::{Code, Failure};

/// Arguments of `parlor chat`.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// Who you are.
    #[arg(long, value_name = "ID")]
    user: String,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// Your token. Without one your name is it, as `parlor serve --dev` takes it.
    #[arg(long, env = "CHAT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with the token, read again whenever one is needed.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// A PEM file of certificates to believe beside the system's.
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,
    /// Whom to write to.
    #[arg(long, value_name = "ID", conflicts_with = "group")]
    to: Option<String>,
    /// The group to write to.
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Lines instead of a screen, for pipes and scripts.
    #[arg(long)]
    plain: bool,
    /// The folder for what is kept; `parlor` in the user's data folder if not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(arguments: Chat) -> Result<(), Failure> {
    let Chat { user, url, token, token_file, root_certificates, to, group, plain, data } =
        arguments;
    let with = to.map(Target::User).or(group.map(Target::Group));
    let options =
        Options { url, user, token, token_file, root_certificates, with, is_plain: plain, data };
    parlor_terminal::run(&options).map_err(|error| Failure::new(Code::Failed, error.to_string()))
}
