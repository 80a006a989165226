//! What the server does, counted rather than timed, each count held against a fixed limit: allocations,
//! system calls and instructions per delivery and per message, bytes of heap per idle connection.
//! A count does not depend on how fast the machine is, and by a few percent on what else it does, for which the
//! limits leave room; so this may fail a build.
//!
//! A measurement starts the release program, mostly under a tool that watches it from outside, and
//! takes its counts at two sizes; the slope is what one more delivery, member, message or connection
//! costs, start-up and all else that does not grow being left out. `--planted` has server or load do
//! more than they should, and demands that each limit is exceeded.
//!
//! - `limits`: what each count may be at most, and what it is made of
//! - `measure`: what is counted, on which server, at which sizes
//! - `watched`: a server to be counted and its load
//! - `callgrind`, `heap`, `strace`: the tools; `valgrind`: what the first two share
//! - `count`: a count beside its limit, the table

mod callgrind;
mod count;
mod heap;
mod limits;
mod measure;
mod strace;
mod valgrind;
mod watched;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};

use self::count::Count;
use self::measure::{MEASUREMENTS, Measurement, Plant};
use crate::place::{Options, Place};
use crate::server::Kind;

/// Measurements at a time with something planted. Beside each other, batches are smaller and instructions some
/// percent more, so that the others are taken one by one; what is planted is more than some percent.
const PLANTED_AT_ONCE: usize = 2;

/// Takes the counts of the measurements with these names, or of all, and prints their table. With
/// `planted`, something is planted for each.
///
/// # Errors
/// A count is beyond its limit, or with something planted is not; or it cannot be taken.
pub(crate) fn run(options: &Options, only: &[String], planted: bool) -> anyhow::Result<()> {
    let chosen = choose(only)?;
    let place = Place::find(options, &[Kind::Parlor, Kind::Gateway])?;
    let plant = if planted { Plant::Excess } else { Plant::Nothing };
    let take = |Measurement { name, plant: planted_here, take }: &Measurement| {
        let told = if planted { format!(", planted: {planted_here}") } else { String::new() };
        eprintln!("bench: counts, {name}{told}");
        take(&place, plant).with_context(|| format!("cannot count {name}"))
    };
    let counts = each(&chosen, if planted { PLANTED_AT_ONCE } else { 1 }, &take)?;
    print!("{}", count::table(&counts));
    let wrong: Vec<_> = counts
        .iter()
        .filter(|count| count.is_within() == planted)
        .map(|count| count.limit.what)
        .collect();
    ensure!(!planted || wrong.is_empty(), "what was planted went unseen by: {}", wrong.join("; "));
    ensure!(wrong.is_empty(), "beyond the limit: {}", wrong.join("; "));
    Ok(())
}

/// Takes so many measurements at a time; the counts come in the order of the measurements.
fn each(
    chosen: &[&Measurement],
    at_once: usize,
    take: &(impl Fn(&Measurement) -> anyhow::Result<Vec<Count>> + Sync),
) -> anyhow::Result<Vec<Count>> {
    let next = AtomicUsize::new(0);
    let worker = || -> anyhow::Result<Vec<(usize, Vec<Count>)>> {
        let mut taken = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(measurement) = chosen.get(at) else { return Ok(taken) };
            taken.push((at, take(measurement)?));
        }
    };
    let mut counts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let mut counts = Vec::new();
        for worker in workers {
            counts.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        anyhow::Ok(counts)
    })?;
    counts.sort_by_key(|(at, _)| *at);
    Ok(counts.into_iter().flat_map(|(_, counts)| counts).collect())
}

fn choose(only: &[String]) -> anyhow::Result<Vec<&'static Measurement>> {
    let known = |name: &String| MEASUREMENTS.iter().any(|it| it.name == name);
    if let Some(unknown) = only.iter().find(|name| !known(name)) {
        let names: Vec<_> = MEASUREMENTS.iter().map(|it| it.name).collect();
        bail!("there is no measurement `{unknown}`; there are {}", names.join(", "));
    }
    let wanted = |it: &&Measurement| only.is_empty() || only.iter().any(|name| name == it.name);
    Ok(MEASUREMENTS.iter().filter(wanted).collect())
}
