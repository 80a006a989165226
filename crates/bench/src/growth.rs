//! What things cost by their number: each cost at several sizes, drawn on logarithmic axes, and the exponent
//! of the power law that fits it best.
//!
//! A cost of the whole (the memory of all connections, the time for all members) may grow with the size, at
//! an exponent of 1; the cost of one thing among many (a message among so many clients) should not grow, at an
//! exponent of 0, or of a little more where it is looked up in a tree. Any is flagged where it is steeper by more
//! than a tenth: then the whole grows faster than its size.

use std::collections::{BTreeMap, btree_map};

use anyhow::Context;

use crate::crew::Crew;
use crate::direct;
use crate::fanout;
use crate::groups;
use crate::plot::{Axes, Picture};
use crate::process;
use crate::results::{Point, Results};
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::start::{self, RARE_SEARCH, SAME_PAGE, Stored};
use crate::stats::{median, slope};
use crate::table::{markdown, number};

/// A cost that is measured at several sizes.
struct Cost {
    plot: &'static str,
    axes: Axes,
    /// The exponent that it may have.
    exponent_max: f64,
}

/// A tree of a hundred times as many messages is half as deep again, which looks like this exponent.
const TREE: f64 = 0.1;

const MEMORY: Cost = cost("memory of all idle connections", "connections", "MB", 1.0);
const CONNECTS: Cost = cost("connecting all", "connections", "CPU seconds", 1.0);
const FANOUT: Cost = cost("one event to all members", "members", "CPU ms", 1.0);
const DELIVERY: Cost = cost("one delivery of an event", "members", "CPU µs", 0.0);
const DIRECT: Cost = cost("one direct message", "clients", "CPU µs", 0.0);
const GROUP: Cost = cost("one message to a group", "members", "CPU ms", 1.0);
const HISTORY: Cost = cost("a page of old messages, in memory", "stored messages", "ms", TREE);
const SEARCH: Cost = cost("a search by a rare word", "stored messages", "ms", TREE);
const START: Cost = cost("starting", "stored messages", "ms", TREE);
const COSTS: [&Cost; 9] =
    [&MEMORY, &CONNECTS, &FANOUT, &DELIVERY, &DIRECT, &GROUP, &HISTORY, &SEARCH, &START];

const fn cost(
    plot: &'static str,
    across: &'static str,
    up: &'static str,
    exponent_max: f64,
) -> Cost {
    Cost { plot, axes: Axes { across, up }, exponent_max }
}

impl Cost {
    fn title(&self) -> String {
        let (first, rest) = self.plot.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    }
}

/// How much steeper than it may be is still taken for noise.
const STEEPER: f64 = 0.1;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Numbers of connections, of members and of clients
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..=18_000))]
    sizes: Vec<u32>,
    /// Numbers of stored messages
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1_000..))]
    stored: Vec<u64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (sizes, stored): (&[u32], &[u64]) = match quick {
            true => (&[20, 200], &[1_000, 10_000]),
            false => (&[100, 300, 1_000, 3_000, 10_000], &[10_000, 100_000, 1_000_000]),
        };
        let or = |chosen: &[u32], default: &[u32]| match chosen {
            [] => default.to_vec(),
            chosen => chosen.iter().map(|size| size & !1).collect(),
        };
        let sizes = or(&self.sizes, sizes);
        let stored = if self.stored.is_empty() { stored.to_vec() } else { self.stored.clone() };
        let settings = format!(
            "connections, members and clients: {sizes:?}; stored messages: {stored:?}, of which a tenth are in \
             the conversation that is read; costs are the server's CPU time, its anonymous pages above those \
             without a connection, or the median time of an answer"
        );
        let pictures =
            COSTS.map(|cost| Picture::sizes(cost.plot, &cost.title(), cost.axes.clone()));
        let mut filled = BTreeMap::new();
        let kinds = [Kind::Parlor, Kind::Gateway];
        Scenario::new(
            "growth",
            "What things cost by their number",
            settings,
            &kinds,
            move |run, kind, results| {
                idle(run, kind, &sizes, results)?;
                for size in &sizes {
                    sends(run, kind, *size, quick, results)?;
                }
                if kind == Kind::Parlor {
                    for messages in &stored {
                        reads(run, *messages, quick, &mut filled, results)?;
                    }
                }
                Ok(())
            },
        )
        .with_estimate(if quick { 15.0 } else { 180.0 })
        .with_pictures(pictures)
        .with_conclusion(fits)
    }
}

/// Memory and processor time of so many connections, on one server that gets more and more of them.
fn idle(run: &Run, kind: Kind, sizes: &[u32], results: &mut Results) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::default())?;
    let most = sizes.iter().max().copied().context("there are sizes")?;
    let (core, address) = (run.place.load_core, server.address());
    let mut crew = Crew::start(most, core, address, kind.auth(), run.at_once)?;
    // What a first connection makes a server set up is not the price of a connection.
    crew.connect(2)?;
    crew.drop_connections()?;
    let empty = server.settled_memory()?.anonymous;
    let before = process::cpu(server.pid())?;
    let mut connected = 0;
    for size in sizes {
        crew.connect(size - connected)?;
        connected = *size;
        let cpu = (process::cpu(server.pid())? - before).total();
        let memory = server.settled_memory()?.anonymous - empty;
        let at = f64::from(*size);
        results.add_point(MEMORY.plot, kind.name(), at, memory / 1e6);
        // Processor time is counted in hundredths of a second; less than a few says nothing.
        if cpu >= 0.05 {
            results.add_point(CONNECTS.plot, kind.name(), at, cpu);
        }
    }
    crew.count_events()?;
    Ok(())
}

/// Events, direct messages and messages to a group among so many.
fn sends(
    run: &Run,
    kind: Kind,
    size: u32,
    quick: bool,
    results: &mut Results,
) -> anyhow::Result<()> {
    let (at, name) = (f64::from(size), kind.name());
    let mut found = Results::default();
    let median = |found: &Results, table: &str, metric: &str| {
        found.median(table, name, metric).with_context(|| format!("no {metric} in {table}"))
    };
    // As many deliveries at each size, so that the clock's hundredths of a second mean as little.
    let deliveries = if quick { 20_000 } else { 1_000_000 };
    let to_all = fanout::Sizes {
        members: size,
        rooms: 1,
        broadcasts: (deliveries / size).clamp(20, 5_000),
        in_flight: 1,
        payload_bytes: 80,
    };
    if kind == Kind::Gateway {
        fanout::round(run, kind, to_all, "fanout", &mut found)?;
        let each = median(&found, "fanout", "CPU µs per delivery")?;
        results.add_point(DELIVERY.plot, name, at, each);
        results.add_point(FANOUT.plot, name, at, each * at / 1e3);
    }
    groups::round(run, kind, to_all, 0, "groups", &mut found)?;
    let each = median(&found, "groups", "CPU µs per delivery")?;
    results.add_point(GROUP.plot, name, at, each * at / 1e3);
    let among = direct::Sizes {
        clients: size,
        in_flight: 64,
        seconds: if quick { 0.5 } else { 3.0 },
        content_bytes: 100,
        receipts: false,
        rate: None,
    };
    direct::round(run, kind, among, &[], "direct", &mut found)?;
    results.add_point(DIRECT.plot, name, at, median(&found, "direct", "CPU µs per message")?);
    Ok(())
}

/// Reading among so many stored messages; they are stored once for all rounds.
fn reads(
    run: &Run,
    messages: u64,
    quick: bool,
    filled: &mut BTreeMap<u64, Stored>,
    results: &mut Results,
) -> anyhow::Result<()> {
    let stored = match filled.entry(messages) {
        btree_map::Entry::Occupied(stored) => stored.into_mut(),
        btree_map::Entry::Vacant(place) => place.insert(Stored::fill(&run.place, messages)?),
    };
    let started = start::measure(run, stored, if quick { 10 } else { 100 })?;
    let (at, name) = (messages as f64, Kind::Parlor.name());
    results.add_point(START.plot, name, at, started.listening_ms);
    for (cost, question) in [(&HISTORY, SAME_PAGE), (&SEARCH, RARE_SEARCH)] {
        let answers = started.answers.iter().find(|answers| answers.name == question);
        let answers = answers.with_context(|| format!("nobody asked: {question}"))?;
        results.add_point(cost.plot, name, at, answers.all.quantile_ms(0.5));
    }
    Ok(())
}

/// The table of fitted exponents.
fn fits(results: &Results) -> String {
    let mut rows = Vec::new();
    for cost in COSTS {
        for (server, points) in results.lines(cost.plot) {
            let (Some(first), Some(last), Some(exponent)) =
                (points.first(), points.last(), exponent(points))
            else {
                continue;
            };
            let steep = exponent > cost.exponent_max + STEEPER;
            let at = |point: &Point| {
                let value = median(&point.samples);
                let decimals = if value < 10.0 { 3 } else { 1 };
                format!("{} at {}", number(value, decimals), number(point.at, 0))
            };
            rows.push(vec![
                format!("{} ({}), {server}", cost.plot, cost.axes.up),
                at(first),
                at(last),
                number(exponent, 2),
                number(cost.exponent_max, 1),
                if steep { "**steeper**" } else { "no" }.to_owned(),
            ]);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let head = ["cost", "smallest", "largest", "exponent", "may be", "steeper?"];
    format!("{}\n", markdown(&head.map(str::to_owned), &rows))
}

/// The exponent of the power law through the medians: the slope of their logarithms.
fn exponent(points: &[Point]) -> Option<f64> {
    let logarithms: Vec<_> = points
        .iter()
        .map(|point| (point.at, median(&point.samples)))
        .filter(|(at, value)| *at > 0.0 && *value > 0.0)
        .map(|(at, value)| (at.ln(), value.ln()))
        .collect();
    (logarithms.len() > 1).then(|| slope(&logarithms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cost: &Cost, power: f64) -> Results {
        let mut results = Results::default();
        for at in [10.0_f64, 100.0, 1_000.0] {
            results.add_point(cost.plot, "parlor", at, 3.0 * at.powf(power));
        }
        results
    }

    #[test]
    fn the_exponent_of_a_power_law_is_found() {
        let results = with(&MEMORY, 1.5);
        let [(_, points)] = results.lines(MEMORY.plot)[..] else { panic!("one line") };
        assert!((exponent(points).expect("it is fitted") - 1.5).abs() < 1e-9);
        assert_eq!(exponent(&points[..1]), None);
    }

    #[test]
    fn what_is_steeper_than_it_may_be_is_flagged() {
        assert!(fits(&with(&MEMORY, 1.5)).contains("**steeper**"));
        assert!(!fits(&with(&MEMORY, 1.0)).contains("**steeper**"));
        assert!(fits(&with(&DIRECT, 0.5)).contains("**steeper**"));
        assert!(!fits(&with(&DIRECT, -0.2)).contains("**steeper**"));
    }
}
