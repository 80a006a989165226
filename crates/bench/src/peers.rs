//! How the peers that are no Rust programs are started. Their programs and configurations are in the
//! folder `peers`, and say what they leave out and why.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::pin::pinned;
use crate::place::Place;

/// A server in the folder of a peer for Node.
pub(crate) fn node(place: &Place, peer: &str) -> Command {
    let mut command = pinned(place.server_core, "node");
    command.arg("--expose-gc").arg(place.peers.join(peer).join("server.js"));
    command.env("NODE_ENV", "production");
    command
}

/// The guide's chat, with a database in this folder.
pub(crate) fn guide(place: &Place, folder: &Path) -> Command {
    let mut command = node(place, "guide");
    command.env("DATABASE", folder.join("chat.sqlite"));
    command
}

pub(crate) fn python(place: &Place) -> Command {
    let folder = place.peers.join("python");
    let mut command = pinned(place.server_core, folder.join(".venv/bin/python"));
    command.arg(folder.join("server.py"));
    command
}

/// ejabberd with its database and logs in this folder, as `ejabberdctl foreground` starts it, but in
/// this process's name and without the port by which Erlang's nodes find each other. A line on its
/// standard input lets it collect garbage.
///
/// # Errors
/// The configuration cannot be written, or Debian's package is not as expected.
pub(crate) fn ejabberd(
    place: &Place,
    folder: &Path,
    address: SocketAddr,
    secret: &str,
) -> anyhow::Result<Command> {
    const COLLECT: &str = "spawn(fun Next() -> case io:get_line(\"\") of \
        Line when is_list(Line) -> [garbage_collect(P) || P <- processes()], Next(); \
        _ -> ok end end).";
    let key = folder.join("key.jwk");
    let secret = URL_SAFE_NO_PAD.encode(secret);
    write(&key, &format!(r#"{{"kty":"oct","k":"{secret}"}}"#))?;
    let config = folder.join("ejabberd.yml");
    let text = template(place, "ejabberd/ejabberd.yml")?;
    let text = text.replace("@PORT@", &address.port().to_string());
    write(&config, &text.replace("@JWK@", &key.display().to_string()))?;

    let mut command = pinned(place.server_core, "erl");
    // `+K` and `+P` are Debian's own, as are those in the environment.
    command.args(["-noshell", "+K", "true", "+P", "250000"]);
    // On one core a scheduler that spins while it waits takes it from the threads that write files.
    command.args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-mnesia", "dir"]);
    command.arg(format!("\"{}\"", folder.join("database").display()));
    command.args(["-s", "ejabberd", "-eval", COLLECT]);
    command.current_dir(folder);
    command.env("HOME", folder);
    command.env("ERL_LIBS", ejabberd_libraries()?);
    command.env("ERL_MAX_ETS_TABLES", "1400").env("ERL_MAX_PORTS", "32000");
    command.env("ERL_CRASH_DUMP", folder.join("crash.dump"));
    command.env("EJABBERD_CONFIG_PATH", config);
    command.env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"));
    Ok(command)
}

/// Where the package has its libraries, which depends on the processor: `ejabberdctl` names it.
fn ejabberd_libraries() -> anyhow::Result<String> {
    const SCRIPT: &str = "/usr/sbin/ejabberdctl";
    let script = std::fs::read_to_string(SCRIPT).with_context(|| format!("no {SCRIPT}"))?;
    let line = script.lines().find_map(|line| line.strip_prefix("ERL_LIBS="));
    Ok(line.with_context(|| format!("no ERL_LIBS in {SCRIPT}"))?.trim_matches('\'').to_owned())
}

/// Prosody with its data in this folder.
///
/// # Errors
/// The configuration cannot be written.
pub(crate) fn prosody(
    place: &Place,
    folder: &Path,
    address: SocketAddr,
) -> anyhow::Result<Command> {
    let certificates = folder.join("certs");
    std::fs::create_dir(&certificates)
        .with_context(|| format!("cannot make {}", certificates.display()))?;
    let config = folder.join("prosody.cfg.lua");
    let text = template(place, "prosody/prosody.cfg.lua")?;
    let modules = place.peers.join("prosody/modules");
    let text = text
        .replace("@PORT@", &address.port().to_string())
        .replace("@FOLDER@", &folder.display().to_string())
        .replace("@MODULES@", &modules.display().to_string());
    write(&config, &text)?;
    let mut command = pinned(place.server_core, "prosody");
    command.arg("--config").arg(config).arg("-F");
    Ok(command)
}

fn template(place: &Place, name: &str) -> anyhow::Result<String> {
    let path = place.peers.join(name);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
