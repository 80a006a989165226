//! The README's first commands and its client, run as a newcomer would run them.
//!
//! The README's first `sh` block starts the server; its first `js` block is the client, saved as
//! `chat.mjs` and started twice, `alice bob` and `bob alice`. A line typed to one must be printed
//! by the other, before and after the server is killed and started again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::checks::documents::blocks;
use crate::setup::node_folder;
use crate::workspace::{Profile, Workspace};

/// Where the README says that the server listens.
const ADDRESS: &str = "127.0.0.1:3000";
/// For the server to be ready after its build, and for a line to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a person takes to read a line.
const READING_TIME: Duration = Duration::from_secs(1);
/// Lines of one program not yet looked at; more hold the program up.
const LINES_MAX: usize = 1_000;

/// What one terminal showed: the lines typed and printed, in order.
pub(crate) struct Terminal {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<String>,
}

/// Runs what the README tells a newcomer to run.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    play(workspace).map(drop)
}

/// The same, and what the terminals of the server, of alice and of bob showed.
pub(crate) fn play(workspace: &Workspace) -> Result<[Terminal; 3]> {
    let readme = std::fs::read_to_string(workspace.root().join("README.md"))
        .context("cannot read README.md")?;
    let command = first(&readme, "sh")?;
    let client = first(&readme, "js")?;
    if TcpListener::bind(ADDRESS).is_err() {
        bail!("{ADDRESS} is in use; the README's command needs it");
    }
    // The README's command builds too; built here, its build time is not waited for below.
    workspace.build_server(Profile::Release)?;

    let folder = Folder::new(workspace, &client)?;
    let mut server = serve(workspace, command.trim(), &folder.data)?;
    let mut alice = Program::node(&folder.path, ["alice", "bob"])?;
    let mut bob = Program::node(&folder.path, ["bob", "alice"])?;
    alice.types("Hello 👋")?;
    alice.prints("sent as number 1")?;
    bob.prints("alice: Hello 👋")?;

    // What bob's `delivered` confirms is stored in the background. Killed before that, the server
    // would rightly show him the message again, and the picture would tell more than it should.
    bob.prints_on(READING_TIME)?;
    server.kill()?;
    bob.types("are you there?")?;
    let again = serve(workspace, command.trim(), &folder.data)?;
    bob.prints("sent as number 2")?;
    alice.prints("bob: are you there?")?;
    alice.types("always 🙂")?;
    alice.prints("sent as number 3")?;
    bob.prints("alice: always 🙂")?;

    let listens = |line: &&String| line.starts_with("Parlor listens");
    let mut lines = vec![format!("$ {}", command.trim())];
    lines.extend(server.seen.iter().filter(listens).cloned());
    lines.extend(["Killed (kill -9)".to_owned(), format!("$ {}", command.trim())]);
    lines.extend(again.seen.iter().filter(listens).cloned());
    let person = |name: &str, program: &mut Program| {
        let mut lines = vec![format!("$ node chat.mjs {name}")];
        lines.append(&mut program.seen);
        lines
    };
    Ok([
        Terminal { title: "the server", lines },
        Terminal { title: "alice", lines: person("alice bob", &mut alice) },
        Terminal { title: "bob", lines: person("bob alice", &mut bob) },
    ])
}

fn first(readme: &str, language: &str) -> Result<String> {
    let found = blocks(readme, language).into_iter().next();
    found.with_context(|| format!("README.md has no block fenced as `{language}`"))
}

/// The newcomer's folder: the client beside the packages it needs, and the server's data.
struct Folder {
    path: PathBuf,
    data: PathBuf,
}

impl Folder {
    fn new(workspace: &Workspace, client: &str) -> Result<Self> {
        let path = workspace.scratch("readme")?;
        let data = path.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        std::fs::write(path.join("chat.mjs"), client)?;
        // An earlier run may have linked to packages that are gone.
        let packages = path.join("node_modules");
        if packages.is_symlink() {
            std::fs::remove_file(&packages)?;
        }
        std::os::unix::fs::symlink(node_folder(workspace).join("node_modules"), &packages)?;
        Ok(Self { path, data })
    }
}

/// A started program, killed when dropped, and the lines that it prints.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start")?;
        let (sender, lines) = sync_channel(LINES_MAX);
        read_lines(child.stdout.take().context("no output")?, sender.clone());
        read_lines(child.stderr.take().context("no error output")?, sender);
        Ok(Self { stdin: child.stdin.take(), child, lines, seen: Vec::new() })
    }

    fn node(folder: &Path, arguments: [&str; 2]) -> Result<Self> {
        Self::start(Command::new("node").arg("chat.mjs").args(arguments).current_dir(folder))
    }

    fn types(&mut self, line: &str) -> Result<()> {
        self.seen.push(line.to_owned());
        let stdin = self.stdin.as_mut().context("nothing can be typed")?;
        writeln!(stdin, "{line}").context("the program no longer reads")
    }

    /// Waits for a line that has this text in it.
    fn prints(&mut self, text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = line.contains(text);
                    self.seen.push(line);
                    if found {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("did not print `{text}` in {PATIENCE:?}, but {:#?}", self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("ended without printing `{text}`, after {:#?}", self.seen)
                }
            }
        }
    }

    /// Takes what it prints during a time.
    fn prints_on(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => bail!("ended after {:#?}", self.seen),
            }
        }
    }

    fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("cannot end a program: {error:#}");
        }
    }
}

fn read_lines(stream: impl Read + Send + 'static, sender: SyncSender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

/// Starts the server as the README does, but with data of its own, and waits until it listens.
fn serve(workspace: &Workspace, command: &str, data: &Path) -> Result<Program> {
    println!("$ {command}");
    // `exec`, so that killing the child kills the server and not a shell above it.
    let mut server = Program::start(
        Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .env("PARLOR_SERVER__DATA", data)
            .current_dir(workspace.root()),
    )?;
    server.prints(&format!("http://{ADDRESS}"))?;
    Ok(server)
}
