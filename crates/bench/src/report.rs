//! The head of a report (machine, versions, command) and the files it is kept in.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::place::Place;
use crate::server::{Kind, SOCKETIOXIDE};
use crate::table::Table;

/// Prints the report on standard output and writes `NAME.md` and `NAME.csv` beside the logs.
///
/// # Errors
/// The files cannot be written.
pub(crate) fn publish(
    name: &str,
    title: &str,
    notes: &[String],
    kinds: &[Kind],
    table: &Table,
    place: &Place,
) -> anyhow::Result<()> {
    let mut text = format!("## {title}\n\n");
    for line in head(kinds, place).iter().chain(notes) {
        text.push_str(&format!("- {line}\n"));
    }
    text.push('\n');
    text.push_str(&table.markdown());
    print!("{text}");
    for (kind, content) in [("md", text), ("csv", table.csv())] {
        let path = place.report.join(format!("{name}.{kind}"));
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("bench: samples in {}", place.report.join(format!("{name}.csv")).display());
    Ok(())
}

fn head(kinds: &[Kind], place: &Place) -> Vec<String> {
    let command: Vec<String> = std::env::args().skip(1).filter(|word| !is_path(word)).collect();
    let pins = match (place.server_core, place.load_core) {
        (Some(server), Some(load)) => format!("server on core {server}, load on core {load}"),
        _ => "nothing pinned".to_owned(),
    };
    vec![
        format!("machine: {}", machine()),
        format!("versions: {}", versions(kinds, place).join(", ")),
        format!("command: `parlor-bench {}`; {pins}", command.join(" ")),
    ]
}

/// Paths say nothing to readers elsewhere.
fn is_path(word: &str) -> bool {
    Path::new(word).is_absolute()
}

fn machine() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let gigabytes = memory.trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1_048_576.0;
    let cores = fs::read_to_string("/proc/cpuinfo")
        .map_or(0, |text| text.lines().filter(|line| line.starts_with("processor")).count());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    format!("{cpu}, {cores} cores, {gigabytes:.0} GiB, Linux {release}, loopback")
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn versions(kinds: &[Kind], place: &Place) -> Vec<String> {
    let mut versions = Vec::new();
    for kind in kinds {
        versions.push(match kind {
            Kind::Parlor | Kind::Gateway => {
                format!("{} {}{}", kind.name(), env!("CARGO_PKG_VERSION"), commit(place))
            }
            Kind::Socketioxide => format!("socketioxide {SOCKETIOXIDE} on axum 0.8"),
            Kind::Node => format!(
                "socket.io {} on Node {}",
                or_unknown(node_package(place, "node/node_modules/socket.io")),
                or_unknown(output("node", &["--version"], place)),
            ),
            Kind::Uws | Kind::Guide | Kind::Python | Kind::Ejabberd | Kind::Prosody => {
                peer_version(*kind, place)
            }
        });
    }
    versions
}

fn commit(place: &Place) -> String {
    let commit = output("git", &["rev-parse", "--short", "HEAD"], place);
    commit.map_or_else(String::new, |commit| format!(" ({commit})"))
}

/// What the peers that are no Rust programs are made of.
fn peer_version(kind: Kind, place: &Place) -> String {
    let npm = |folder: &str| or_unknown(node_package(place, folder));
    let debian = |package: &str| {
        or_unknown(output("dpkg-query", &["-W", "-f", "${Version}", package], place))
    };
    match kind {
        Kind::Uws => format!(
            "socket.io {} on uWebSockets.js {}",
            npm("uws/node_modules/socket.io"),
            npm("uws/node_modules/@trufflesuite/uws-js-unofficial"),
        ),
        Kind::Guide => format!(
            "socket.io {} with Express {} and better-sqlite3 {}",
            npm("guide/node_modules/socket.io"),
            npm("guide/node_modules/express"),
            npm("guide/node_modules/better-sqlite3"),
        ),
        Kind::Python => {
            const ASK: &str = "import sys; from importlib.metadata import version as v; \
                print(f\"python-socketio {v('python-socketio')} on uvicorn {v('uvicorn')}, \
                Python {sys.version.split()[0]}\")";
            let python = place.peers.join("python/.venv/bin/python");
            or_unknown(output(&python.to_string_lossy(), &["-c", ASK], place))
        }
        Kind::Ejabberd => {
            format!("ejabberd {} on erlang-base {}", debian("ejabberd"), debian("erlang-base"))
        }
        Kind::Prosody => format!("Prosody {} on lua5.4 {}", debian("prosody"), debian("lua5.4")),
        Kind::Parlor | Kind::Gateway | Kind::Socketioxide | Kind::Node => String::new(),
    }
}

fn or_unknown(version: Option<String>) -> String {
    version.unwrap_or_else(|| "?".to_owned())
}

fn node_package(place: &Place, folder: &str) -> Option<String> {
    let path = place.peers.join(folder).join("package.json");
    let package: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    Some(package["version"].as_str()?.to_owned())
}

fn output(program: &str, arguments: &[&str], place: &Place) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(&place.root).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
