//! Presence packets when everyone loses the connection: none if they come back within the grace
//! period, else one for each subscription when it is over, and one when they are back.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::crew::Crew;
use crate::process;
use crate::protocol::{Command, Reply, Subscribe};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 9] = [
    Metric::told("subscriptions", 0),
    Metric::told("bytes per subscription", 0),
    Metric::told("all back after s", 2),
    Metric::told("packets within grace", 0),
    Metric::told("packets beyond it", 0),
    Metric::told("told after s", 2),
    Metric::told("packets at return", 0),
    Metric::told("back and told after s", 2),
    Metric::told("server CPU s for both", 2),
];

/// The number of the first user who is watched.
const WATCHED_FROM: u32 = 100_000;
/// The grace period as it is by default.
const GRACE: Duration = Duration::from_secs(10);
/// Longer than any window in which changes are gathered.
const QUIET: Duration = Duration::from_secs(2);
/// How long packets may take, and how often they are counted.
const TOLD_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Users that are cut off
    #[arg(long)]
    users: Option<u32>,
    /// Connections that are told of them
    #[arg(long)]
    watchers: Option<u32>,
    /// Users that each of those subscribes to, at most 500
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
    each: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let (users, watchers, each) = if quick { (200, 50, 8) } else { (10_000, 1_000, 100) };
        let sizes = Sizes {
            // Processes hold even numbers of connections.
            users: self.users.unwrap_or(users) & !1,
            watchers: self.watchers.unwrap_or(watchers) & !1,
            each: self.each.unwrap_or(each),
            grace: quick.then(|| Duration::from_secs(2)),
        };
        let (settings, kinds) = (sizes.describe(), [Kind::Parlor]);
        let title = "Who is there, when all come and go";
        Scenario::new("presence", title, settings, &kinds, move |run, kind, results| {
            round(run, kind, sizes, results)
        })
        .with_estimate(if quick { 16.0 } else { 70.0 })
    }
}

/// Users, and who is told of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) users: u32,
    pub(crate) watchers: u32,
    pub(crate) each: u32,
    /// The grace period, where it is not the default.
    pub(crate) grace: Option<Duration>,
}

impl Sizes {
    /// The server's grace period.
    fn grace(self) -> Duration {
        self.grace.unwrap_or(GRACE)
    }

    fn subscriptions(self) -> u64 {
        u64::from(self.watchers) * u64::from(self.each)
    }

    pub(crate) fn describe(self) -> String {
        let Self { users, watchers, each, .. } = self;
        format!(
            "{watchers} connections subscribe to {each} of {users} users each; these are cut off \
             and come back at once, within the grace period of {} s, then beyond it; memory is \
             anonymous pages, times are from the end of the grace and from the first connect",
            self.grace().as_secs()
        )
    }
}

/// One round.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    results: &mut Results,
) -> anyhow::Result<()> {
    ensure!(sizes.each <= sizes.users, "nobody can watch more users than there are");
    let presence_grace_ms = sizes.grace.map(|grace| grace.as_millis() as u64);
    let limits = Limits { presence_grace_ms, ..Limits::HIGH_RATES };
    let server = Server::start(kind, &run.place, limits)?;
    let grace = sizes.grace();
    let start = |count, first| {
        let (core, address) = (run.place.load_core, server.address());
        let crew = Crew::start(count, core, address, kind.auth(), run.at_once)?;
        anyhow::Ok(crew.with_users_from(first))
    };
    let mut users = start(sizes.users, WATCHED_FROM)?;
    let mut watchers = start(sizes.watchers, 0)?;
    users.connect(sizes.users)?;
    watchers.connect(sizes.watchers)?;
    let before = server.settled_memory()?.anonymous;
    let Sizes { users: count, each, .. } = sizes;
    let subscribe = Command::Subscribe(Subscribe { first: WATCHED_FROM, users: count, each });
    for reply in watchers.command(|_| subscribe.clone())? {
        let Reply::Subscribed = reply else { bail!("unexpected {reply:?}") };
    }
    let after = server.settled_memory()?.anonymous;
    let subscriptions = sizes.subscriptions();
    let heard = watchers.count_events()?;

    users.drop_connections()?;
    let back = users.connect(sizes.users)?.wall;
    ensure!(back < grace, "coming back took {back:?}, longer than the grace period");
    process::pause(grace + QUIET);
    let within = watchers.count_events()? - heard;
    ensure!(within == 0, "{within} packets within the grace period");

    let cpu = process::cpu(server.pid())?;
    let began = Instant::now();
    users.drop_connections()?;
    let told = all_told(&mut watchers, heard + subscriptions, began)?;
    process::pause(QUIET);
    let beyond = watchers.count_events()? - heard;
    ensure!(beyond == subscriptions, "{beyond} packets for {subscriptions} subscriptions");

    let began = Instant::now();
    users.connect(sizes.users)?;
    let returned = all_told(&mut watchers, heard + 2 * subscriptions, began)?;
    process::pause(QUIET);
    let at_return = watchers.count_events()? - heard - beyond;
    ensure!(at_return == subscriptions, "{at_return} packets for {subscriptions} subscriptions");
    let cpu = (process::cpu(server.pid())? - cpu).total();
    results.table("presence", &METRICS).add(
        kind.name(),
        vec![
            subscriptions as f64,
            (after - before) / subscriptions as f64,
            back.as_secs_f64(),
            within as f64,
            beyond as f64,
            told.saturating_sub(grace).as_secs_f64(),
            at_return as f64,
            returned.as_secs_f64(),
            cpu,
        ],
    );
    Ok(())
}

/// How long it took until so many events had come in all.
fn all_told(watchers: &mut Crew, expected: u64, began: Instant) -> anyhow::Result<Duration> {
    loop {
        let heard = watchers.count_events()?;
        if heard >= expected {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < TOLD_MAX, "{heard} of {expected} packets came");
        process::pause(LOOK_EVERY);
    }
}
