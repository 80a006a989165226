//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::Scope;

/// A self-hosted chat server that any Socket.IO client can talk to.
///
/// To try it out on this machine: `parlor serve --dev`, then open the address it prints.
#[derive(Debug, Parser)]
#[command(
    name = "parlor",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What exit codes mean, as `--help` and docs/running.md show it.
const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `serve`: drained after SIGTERM or SIGINT
  1  failed while running; for `check`, `backup` and `restore`: the data or the backup is damaged;
     for `migrate`: the database is not complete yet;
     for `health`: the server takes no messages; for `top --once`: a server did not answer
  2  wrong command line or configuration
  3  the data directory cannot be used: not writable, damaged, or held by another server
  4  the address cannot be listened on
  5  stopped before all connections had ended: the drain took too long, or a second signal

`parlor config` prints every setting with its default.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    ///
    /// It prints where it listens and where its data lies on standard output, and logs on
    /// standard error. SIGTERM or SIGINT drains it: no new connections, what was begun is
    /// committed and acknowledged, and clients are told. A second signal ends it at once; what
    /// was acknowledged is safe even then.
    Serve(Serve),
    /// Chat in this terminal.
    ///
    /// What is written is kept on disk until the server has it, and sent once, whatever is cut or
    /// killed meanwhile. With `--plain` each line of standard input is a message, and what the other
    /// says is printed; it ends at the end of input, once all is acknowledged.
    #[cfg(feature = "chat")]
    Chat(crate::chat::Chat),
    /// Watch servers: connections, messages, commits, what waits, and the bus.
    ///
    /// It asks each server for `/metrics` and shows all of them and their sums on one screen; a
    /// server that does not answer is shown as down, and for how long. `q` quits, arrows scroll.
    #[cfg(feature = "top")]
    Top(crate::top::Top),
    /// Ask a server whether it takes messages now.
    ///
    /// Ends with 0 if it does, and else with 1 and the reason, as `/readyz` gives it: for health
    /// checks of containers, and for scripts.
    Health(crate::health::Health),
    /// Print a token for trying things out.
    ///
    /// It is signed by HS256 with the configured secret and goes where a client's `auth.token`
    /// goes. In production your own backend makes tokens.
    Token(Token),
    /// Make a key for the HTTP API.
    ApiKey(ApiKey),
    /// Print the configuration file with every setting, its meaning, unit and default.
    Config,
    /// Verify what is stored.
    ///
    /// Checks the data directory, or a backup, without changing it: every page and every message's
    /// checksum, dense sequence numbers, unique idempotency keys, watermarks that lie within their
    /// conversation. No server may be using it. Findings are printed one a line; then the exit code
    /// is 1.
    Check(Check),
    /// Copy the data to a file, while the server runs.
    ///
    /// The copy is the data at one moment: what was acknowledged before it, and nothing later. It is
    /// verified and on disk before it gets its name; nothing is overwritten. Sends do not wait for
    /// it. One that was interrupted leaves at most a file that ends in `.partial`.
    Backup(Backup),
    /// Put a backup in the place of the data.
    ///
    /// The backup is verified first, and no server may be using the directory. What was sent after
    /// the backup was made is gone; the log begins a new epoch, by which clients notice. A backup of
    /// an older version is brought to this one.
    Restore(Restore),
    /// Give the room that removed messages took back to the file system, at once.
    ///
    /// The server does this by itself, a little at a time, for data that this version made. Data of
    /// an older version can do so after it was compacted once. No server may be using the
    /// directory, and it takes as much room again as the data.
    Compact(Compact),
    /// Seal the keys of all conversations by the current master key.
    ///
    /// To replace the master key: set the new one as `encryption.master_key_file` and the old one
    /// in `encryption.previous_master_key_files`, restart the server, run this, and take the old one
    /// out. The server may be running; no message is touched. If it is interrupted, run it again.
    RotateKey(RotateKey),
    /// Move the data to PostgreSQL.
    ///
    /// The database must be empty. While a server is using the data, the messages that are there are
    /// copied, which takes long, and the command says so; run it again once the server is stopped, and
    /// it brings what is new and what has changed, compares all that the database has with the data,
    /// and gives the database to servers, which refuse it before. It may be interrupted at any time,
    /// and goes on when it is run again. The data stay as they are.
    #[cfg(feature = "postgres")]
    Migrate(Migrate),
    /// Print the version.
    Version,
}

/// Arguments of `parlor serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// For trying things out: a bare user name is a token, and no rate or number of connections
    /// is limited. Listens on this machine's loopback only.
    #[arg(long)]
    pub(crate) dev: bool,
    /// The address to listen on, over `server.listen`; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// The directory of the data, over `server.data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor token`.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// The user the token is for: 1 to 128 bytes.
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
    /// How long it is valid: a number and `s`, `m`, `h` or `d`.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) expires: Duration,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor api-key`.
#[derive(Debug, Args)]
pub(crate) struct ApiKey {
    #[command(subcommand)]
    pub(crate) command: ApiKeyCommand,
}

/// What to do about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Print a fresh key, once, and the line that lets it in.
    ///
    /// The key is for your own server, as `Authorization: Bearer`. The line has only its digest,
    /// and goes into `keys` of the section `[api]`, or into PARLOR_API__KEYS. Nothing is stored
    /// here.
    New(NewApiKey),
}

/// Arguments of `parlor api-key new`.
#[derive(Debug, Args)]
pub(crate) struct NewApiKey {
    /// What logs call it: 1 to 64 letters, digits, `.`, `_` or `-`.
    #[arg(long)]
    pub(crate) name: String,
    /// What it allows: messages:write, messages:read, messages:delete, groups:write, groups:read,
    /// users:read, users:write or tokens:revoke; may
    /// be given several times.
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = parse_scope)]
    pub(crate) scopes: Vec<Scope>,
}

/// Arguments of `parlor check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The directory of the data, over `server.data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A backup to check instead of a directory.
    #[arg(long = "file", value_name = "FILE", conflicts_with = "data")]
    pub(crate) backup: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The directory of the data, over `server.data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The file to write, or a directory in which one is written that is named by the time.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) to: PathBuf,
    /// Do not verify the copy: for data that is known to be damaged.
    #[arg(long)]
    pub(crate) no_verify: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The directory of the data, over `server.data`. It is created if it is missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Take the place of data that is there; it is kept in a directory within, named by the time.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor compact`.
#[derive(Debug, Args)]
pub(crate) struct Compact {
    /// The directory of the data, over `server.data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor rotate-key`.
#[derive(Debug, Args)]
pub(crate) struct RotateKey {
    /// The directory of the data, over `server.data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Arguments of `parlor migrate`.
#[cfg(feature = "postgres")]
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The directory of the data, as sqlite:///var/lib/parlor or as a path.
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// The database, as postgres://parlor@db/parlor; by default `store.url`, where other users of the
    /// machine do not see its password.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Open contents that are sealed: PostgreSQL keeps them as they are given.
    #[arg(long)]
    pub(crate) unsealed: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file, in TOML.
    #[arg(long = "config", value_name = "FILE", env = "PARLOR_CONFIG")]
    pub(crate) file: Option<PathBuf>,
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::ALL.into_iter().find(|scope| scope.word() == text).ok_or_else(|| {
        let words = Scope::ALL.map(Scope::word);
        format!("there are {}", words.join(", "))
    })
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    const RULE: &str = "write a whole number and s, m, h or d, such as 90s, 15m, 1h or 7d";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| String::from(RULE))?;
    let unit_s = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(String::from(RULE)),
    };
    let seconds = number.checked_mul(unit_s).filter(|s| (1..=36_500 * 86_400).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| String::from("must be from 1s to 36500d"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        for text in ["", "1", "h", "1w", "-1h", "0s", "1h30m", "99999999999999999999s", "40000d"] {
            parse_duration(text).unwrap_err();
        }
    }
}
