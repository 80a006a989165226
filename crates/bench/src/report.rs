//! What a run leaves: a page per scenario or one for all, the samples as CSV, the plots as SVG.

use std::fs;
use std::process::Command;

use anyhow::Context;

use crate::bars::{self, Measured, Sizes};
use crate::place::Place;
use crate::server::{Kind, SOCKETIOXIDE};
use crate::suite::{Entry, Plan, Scope};

/// The page that sums up a run of all scenarios.
const PAGE: &str = "README.md";

/// Writes the files of the scenario at a place among the entries, and the page.
///
/// # Errors
/// A file cannot be written, or a plot cannot be drawn.
pub(crate) fn publish(
    plan: &Plan<'_>,
    entries: &[Entry],
    at: usize,
    place: &Place,
) -> anyhow::Result<()> {
    let entry = &entries[at];
    let (scenario, results) = (&entry.scenario, &entry.scenario.results);
    write(place, &format!("{}.csv", scenario.name), &results.csv())?;
    for picture in &scenario.pictures {
        let svg = picture.draw(results);
        let svg = svg.with_context(|| format!("cannot draw: {}", picture.title()))?;
        if let Some(svg) = svg {
            write(place, &picture.file(scenario.name), &svg)?;
        }
    }
    let (name, text) = match plan.scope {
        Scope::One => (format!("{}.md", scenario.name), page(plan, &entries[at..=at], place)),
        Scope::All => (PAGE.to_owned(), page(plan, entries, place)),
    };
    write(place, &name, &text)
}

/// Prints what a person wants to see at once: the tables of one scenario, or the bars of all.
pub(crate) fn print(plan: &Plan<'_>, entries: &[Entry], place: &Place) {
    match plan.scope {
        Scope::One => print!("{}", page(plan, entries, place)),
        Scope::All => {
            print!("{}{}", failures(entries), bars_of(plan, entries));
            eprintln!("bench: the report is {}", place.report.join(PAGE).display());
        }
    }
}

fn write(place: &Place, name: &str, content: &str) -> anyhow::Result<()> {
    let path = place.report.join(name);
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn page(plan: &Plan<'_>, entries: &[Entry], place: &Place) -> String {
    let mut kinds: Vec<Kind> = Vec::new();
    for kind in entries.iter().flat_map(|entry| &entry.scenario.kinds) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    let mut text = String::new();
    if plan.scope == Scope::All {
        text.push_str("# What Parlor costs, and what others do\n\n");
        text.push_str("Written by `cargo xtask bench`; the [bars](#the-bars) are at the end.\n\n");
    }
    for line in head(&kinds, place) {
        text.push_str(&format!("- {line}\n"));
    }
    text.push_str(
        "- tables: the median of all rounds (least–greatest); rounds of all servers are interleaved\n",
    );
    if plan.quick {
        text.push_str(
            "- **a quick run: sizes are small; it shows that all works, and nothing of speed**\n",
        );
    }
    text.push_str(&failures(entries));
    for entry in entries {
        text.push_str(&section(entry));
    }
    if plan.scope == Scope::All {
        text.push_str(&bars_of(plan, entries));
    }
    text
}

fn section(entry: &Entry) -> String {
    let scenario = &entry.scenario;
    let (name, results) = (scenario.name, &scenario.results);
    let rounds = match entry.begun {
        0 => return String::new(),
        begun if begun == entry.rounds => format!("{begun} rounds"),
        begun => format!("{begun} of {} rounds so far", entry.rounds),
    };
    let rounds = if entry.rounds == 1 { "one round".to_owned() } else { rounds };
    let mut text = format!("\n## {}\n\n", scenario.title);
    text.push_str(&format!("`cargo xtask bench {name}`, {rounds}: {}.\n", scenario.settings));
    // The main table is the one that is called like the scenario.
    let (main, others): (Vec<_>, Vec<_>) =
        results.tables().iter().partition(|table| table.name() == name);
    for table in main.into_iter().chain(others) {
        if table.name() != name {
            text.push_str(&format!("\n### {}\n", table.name()));
        }
        text.push_str(&format!("\n{}", table.markdown()));
    }
    let conclusion = (scenario.conclusion)(results);
    if !conclusion.is_empty() {
        text.push_str(&format!("\n{conclusion}"));
    }
    let shown = scenario.pictures.iter().filter(|picture| picture.shows_something(results));
    for picture in shown {
        text.push_str(&format!("\n![{}]({})\n", picture.title(), picture.file(name)));
    }
    if !results.is_empty() {
        text.push_str(&format!("\nEvery sample: [{name}.csv]({name}.csv).\n"));
    }
    text
}

fn failures(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        for failure in &entry.failures {
            if text.is_empty() {
                text.push_str("\n## Failed\n\n");
            }
            let (name, server) = (entry.scenario.name, failure.kind.name());
            let why = failure.why.replace('\n', " ");
            text.push_str(&format!("- {name} with {server}, round {}: {why}\n", failure.round));
        }
    }
    text
}

fn bars_of(plan: &Plan<'_>, entries: &[Entry]) -> String {
    let all = entries.iter().map(|entry| (entry.scenario.name, &entry.scenario.results));
    let sizes = if plan.quick { Sizes::Small } else { Sizes::Full };
    format!("\n## The bars\n\n{}", bars::table(&Measured(all.collect()), sizes))
}

fn head(kinds: &[Kind], place: &Place) -> Vec<String> {
    let command = without_paths(std::env::args().skip(1));
    let pins = match (place.server_core, place.load_core) {
        (Some(server), Some(load)) => format!("server on core {server}, load on core {load}"),
        _ => "nothing pinned".to_owned(),
    };
    vec![
        format!("machine: {}", machine()),
        format!("versions: {}", versions(kinds, place).join(", ")),
        format!("command: `parlor-bench {}`; {pins}", command.join(" ")),
        format!(
            "date: {}",
            output("date", &["-u", "+%Y-%m-%d %H:%M UTC"], place).unwrap_or_else(|| "?".to_owned())
        ),
    ]
}

/// The words of a command without the options that name a file or a folder: they say nothing to readers
/// elsewhere.
fn without_paths(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        if !word.contains('/') {
            kept.push(word);
        } else if !word.starts_with("--") && kept.last().is_some_and(|it| it.starts_with("--")) {
            kept.pop();
        }
    }
    kept
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
            Kind::Parlor | Kind::Gateway | Kind::Bare => {
                format!("{} {}{}", kind.name(), env!("CARGO_PKG_VERSION"), commit(place))
            }
            Kind::Heartbeat => format!("{}{}", kind.name(), commit(place)),
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
        Kind::Parlor
        | Kind::Gateway
        | Kind::Heartbeat
        | Kind::Bare
        | Kind::Socketioxide
        | Kind::Node => String::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_name_a_path_are_left_out() {
        let words = "all --bins target/release --quick --report=/x --only node --parlor-bin /y";
        let kept = without_paths(words.split(' ').map(str::to_owned));
        assert_eq!(kept, ["all", "--quick", "--only", "node"]);
    }
}
