//! The list of checks, their times, the table at the end.
//!
//! Every step runs or fails; none is passed over because something is not installed. What needs no more
//! than the toolchain runs while the rest of what is needed is being installed. After the first failure
//! the rest is not run, unless `--keep-going` asks for it. What takes long to build is built beside them
//! (`background`), and no test runs beside a build.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::background::{self, Build, Ended};
use crate::checks::{clients, docs, documents, faults, fuzz, graph, readme, rust, sdk, sim, web};
use crate::load;
use crate::setup;
use crate::workspace::Workspace;

/// Which checks to run.
#[derive(Args)]
pub(crate) struct Selection {
    /// Only the checks that fit in five minutes
    #[arg(long)]
    quick: bool,
    /// Only these checks, by name, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Run the rest even when a check has failed
    #[arg(long)]
    keep_going: bool,
}

/// One check.
struct Step {
    name: &'static str,
    shows: &'static str,
    /// Whether the quick run has it.
    quick: bool,
    /// Whether the toolchain is all that it needs.
    bare: bool,
    /// What has to be built before.
    needs: &'static [Build],
    run: fn(&Workspace) -> Result<()>,
}

const fn step(name: &'static str, shows: &'static str, run: fn(&Workspace) -> Result<()>) -> Step {
    Step { name, shows, quick: false, bare: false, needs: &[], run }
}

const fn after(needs: &'static [Build], step: Step) -> Step {
    Step { needs, ..step }
}

const fn quick(step: Step) -> Step {
    Step { quick: true, ..step }
}

const fn bare(step: Step) -> Step {
    Step { quick: true, bare: true, ..step }
}

const SERVER: &[Build] = &[Build::Server];
const COUNTED: &[Build] = &[Build::Server, Build::Counting];
const ALL: &[Build] = &[Build::Server, Build::Peers];

/// The checks in the order they run, the bare ones first: what fails soonest and cheapest comes first.
const STEPS: &[Step] = &[
    bare(step("fmt", "the sources are formatted", rust::fmt)),
    bare(step("graph", "the crates import what ARCHITECTURE.md says", graph::check)),
    bare(step("documents", "every link between the documents leads somewhere", documents::check)),
    bare(step("web-fresh", "the web client in the binary is that of its sources", web::fresh)),
    bare(step("clippy", "no lint warns", rust::clippy)),
    quick(step("nextest", "the Rust tests pass", rust::nextest)),
    quick(step("clients-quick", "a stock client chats, with a dev build", clients::quick)),
    step("docs", "the examples in the API docs run, and their links lead somewhere", docs::check),
    step(
        "postgres",
        "the store on PostgreSQL keeps the contract, on a real server",
        rust::postgres,
    ),
    step("bus", "nodes hear each other by Redis and Redis Cluster, whatever breaks", rust::bus),
    after(
        SERVER,
        step("clients", "stock Node and Python clients get what the issue promises", clients::all),
    ),
    after(
        SERVER,
        step("nodes", "three nodes on one log are as one to stock clients", clients::several),
    ),
    after(
        SERVER,
        step("sdk", "the TypeScript client keeps the promise, in Node and in a browser", sdk::all),
    ),
    after(
        SERVER,
        step("web", "the web client in the binary is what its sources make, and works", web::same),
    ),
    after(
        SERVER,
        step("readme", "the README's commands and snippet work as printed", readme::check),
    ),
    step("sim", "simulated histories keep the promise, planted faults are found", sim::short),
    after(
        SERVER,
        step("faults", "nothing is lost, doubled or disordered, whatever breaks", faults::short),
    ),
    after(
        SERVER,
        step(
            "cluster-faults",
            "nor of three nodes, whatever dies or is cut",
            faults::short_cluster,
        ),
    ),
    step("deny", "licences, bans, sources and advisories of dependencies", rust::deny),
    after(
        &[Build::Fuzz],
        step("fuzz", "each decoder survives its corpus and a short fuzz run", fuzz::short),
    ),
    // Nothing is built any more: of what is counted, some is more while the machine is busy.
    after(
        COUNTED,
        step(
            "counts",
            "allocations, system calls, instructions, heap are in their limits",
            load::counts,
        ),
    ),
    after(ALL, step("bench", "the benchmarks run (no figures are judged)", load::smoke)),
];

/// How one check ended.
enum Ending {
    Passed,
    Failed(String),
    NotRun,
}

/// What was run so far, in the order of the table.
#[derive(Default)]
struct Rows {
    rows: Vec<(&'static str, Duration, Ending)>,
    stopped: bool,
}

/// Sets up, runs the selected checks and prints the table.
pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<ExitCode> {
    let chosen = choose(selection)?;
    let started = Instant::now();
    let setup = Step {
        name: "setup",
        shows: "what the checks need is installed",
        quick: true,
        bare: true,
        needs: &[],
        run: if chosen.iter().all(|step| step.quick) { setup::quick } else { setup::machine },
    };
    let builds: BTreeSet<Build> = chosen.iter().flat_map(|step| step.needs).copied().collect();
    let (bare, others): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|step| step.bare);
    let (mut rows, mut all) = (Rows::default(), Rows::default());
    let (set_up, was_set_up) = mpsc::sync_channel(1);
    let (built, ended) = mpsc::sync_channel(builds.len());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let row = take(workspace, &setup, &Ended::new());
            let is_ready = !matches!(row.2, Ending::Failed(_));
            set_up.send(row).expect("the checks wait for it");
            // Gone with this thread, so that whoever waits for more learns that nothing comes.
            let built = built;
            if let Err(error) = background::step_back() {
                println!("notice: builds are in the way of the lints: {error:#}");
            }
            for build in builds.into_iter().filter(|_| is_ready) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let how = build.make(workspace).map_err(|error| format!("{error:#}"));
                built.send((build, how)).expect("the other end lives as long");
            }
        });
        bare.into_iter().for_each(|step| rows.run(workspace, selection, step, &Ended::new()));
        let set_up = was_set_up.recv().expect("it is told however it ended");
        all.stopped = rows.stopped || matches!(set_up.2, Ending::Failed(_));
        all.rows.push(set_up);
        all.rows.append(&mut rows.rows);
        is_over.store(all.stopped, Ordering::Relaxed);
        let built = background::settle(&ended);
        others.into_iter().for_each(|step| all.run(workspace, selection, step, &built));
    });
    Ok(report(&all.rows, started.elapsed()))
}

impl Rows {
    fn run(
        &mut self,
        workspace: &Workspace,
        selection: &Selection,
        step: &'static Step,
        built: &Ended,
    ) {
        if self.stopped {
            return self.rows.push((step.name, Duration::ZERO, Ending::NotRun));
        }
        let row = take(workspace, step, built);
        self.stopped = matches!(row.2, Ending::Failed(_)) && !selection.keep_going;
        self.rows.push(row);
    }
}

/// Runs one step, if what it needs is built, and says how it ended.
fn take(workspace: &Workspace, step: &Step, built: &Ended) -> (&'static str, Duration, Ending) {
    println!("\n=== {}: {}", step.name, step.shows);
    let begun = Instant::now();
    let ready = background::check(built, step.needs);
    let ending = match ready.and_then(|()| (step.run)(workspace)) {
        Ok(()) => Ending::Passed,
        Err(error) => {
            eprintln!("--- {} failed: {error:#}", step.name);
            Ending::Failed(format!("{error:#}"))
        }
    };
    println!("--- {} took {:.1} s", step.name, begun.elapsed().as_secs_f64());
    (step.name, begun.elapsed(), ending)
}

fn choose(selection: &Selection) -> Result<Vec<&'static Step>> {
    for name in &selection.only {
        if !STEPS.iter().any(|step| step.name == name) {
            let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
            bail!("there is no check `{name}`; there are {}", names.join(", "));
        }
    }
    let named = |step: &Step| selection.only.iter().any(|name| name == step.name);
    Ok(STEPS
        .iter()
        .filter(|step| match (selection.only.is_empty(), selection.quick) {
            (false, _) => named(step),
            (true, true) => step.quick,
            // The whole run has the release build's clients in place of the quick ones.
            (true, false) => step.name != "clients-quick",
        })
        .collect())
}

/// Prints the table and the line that sums it up, which is the last one.
fn report(rows: &[(&'static str, Duration, Ending)], total: Duration) -> ExitCode {
    println!("\n{:<14} {:>8}  result", "check", "seconds");
    let (mut passed, mut failed, mut not_run) = (0, 0, 0);
    for (name, time, ending) in rows {
        let result = match ending {
            Ending::Passed => {
                passed += 1;
                "passed".to_owned()
            }
            Ending::Failed(why) => {
                failed += 1;
                format!("FAILED: {}", why.lines().next().unwrap_or_default())
            }
            Ending::NotRun => {
                not_run += 1;
                "not run".to_owned()
            }
        };
        println!("{name:<14} {:>8.1}  {result}", time.as_secs_f64());
    }
    println!("{:<14} {:>8.1}", "total", total.as_secs_f64());
    if not_run > 0 {
        println!("{not_run} not run after the failure");
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
