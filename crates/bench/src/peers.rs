//! How the peers that are no Rust programs are started. Their programs and configurations are in the
//! folder `peers`, and say what they leave out and why.

use std::path::Path;
use std::process::Command;

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
