//! Memory per idle connection, and connects per second.
//!
//! A first batch is opened, dropped and opened again, so that what a server keeps for reuse is
//! there; from then on memory is read at several numbers of connections, at rest, and its slope
//! is the price of one. A connect is TCP, upgrade, CONNECT (for Parlor with a JWT and a device
//! id, through the store) and `ready`, or Parlor's `caught_up`; by XMPP it is TCP, the login and the answer to presence.

use crate::crew::Crew;
use crate::latency::Latency;
use crate::plot::Picture;
use crate::process;
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::stats::slope;
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 6] = [
    Metric::compared("user bytes per connection", 0),
    Metric::compared("by private dirty pages", 0),
    Metric::compared("kernel slab bytes (both ends)", 0),
    Metric::compared("connects/s", 0),
    Metric::compared("connects per server CPU s", 0),
    Metric::compared("connect p99 ms", 1),
];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connections at the end of the slope
    #[arg(long)]
    connections: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let default = if quick { 1_000 } else { 18_000 };
        let sizes = Sizes::new(self.connections.unwrap_or(default), quick);
        Scenario::new(
            "idle",
            "Idle connections",
            sizes.describe(),
            kinds(quick),
            move |run, kind, results| round(run, kind, sizes, results),
        )
        .with_estimate(if quick { 4.0 } else { 35.0 })
        .with_pictures([
            Picture::bars(
                "idle",
                "User memory per idle connection",
                &["user bytes per connection"],
            ),
            Picture::bars("idle", "Connecting", &["connects/s", "connects per server CPU s"]),
            Picture::percentiles("connect", "How long a connect takes"),
        ])
    }
}

/// Who is measured. The others take long to come to rest, so the quick run leaves them out; `direct`
/// shows that they run.
pub(crate) const fn kinds(is_quick: bool) -> &'static [Kind] {
    match is_quick {
        true => &[Kind::Parlor, Kind::Gateway, Kind::Socketioxide, Kind::Node],
        false => &[
            Kind::Parlor,
            Kind::Gateway,
            Kind::Socketioxide,
            Kind::Node,
            Kind::Uws,
            Kind::Guide,
            Kind::Python,
            Kind::Ejabberd,
            Kind::Prosody,
        ],
    }
}

/// Numbers of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    warm_up: u32,
    step: u32,
    steps: u32,
}

impl Sizes {
    pub(crate) fn new(connections: u32, quick: bool) -> Self {
        let (warm_up, steps) = if quick { (connections / 5, 2) } else { (connections / 9, 4) };
        let warm_up = warm_up & !1;
        Self { warm_up, step: ((connections - warm_up) / steps) & !1, steps }
    }

    pub(crate) fn most(self) -> u32 {
        self.warm_up + self.step * self.steps
    }

    pub(crate) fn describe(self) -> String {
        format!(
            "slope between {} and {} connections in {} steps, after {} were opened and dropped; \
             Parlor with JWT, expiry, device id, limits and store; XMPP: a login, a resource and presence, \
             nothing enabled besides",
            self.warm_up,
            self.most(),
            self.steps,
            self.warm_up
        )
    }
}

/// One round of one server.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: Sizes,
    results: &mut Results,
) -> anyhow::Result<()> {
    let server = Server::start(kind, &run.place, Limits::default())?;
    let mut crew =
        Crew::start(sizes.most(), run.place.load_core, server.address(), kind.auth(), run.at_once)?;
    let slopes = slopes(&server, &mut crew, sizes)?;
    results.add_latency("connect", kind.name(), &slopes.latency);
    results.table("idle", &METRICS).add(
        kind.name(),
        vec![
            slopes.anonymous,
            slopes.private_dirty,
            slopes.slab,
            slopes.connects_per_second,
            1e6 / slopes.micros_per_connect,
            slopes.latency.quantile_ms(0.99),
        ],
    );
    Ok(())
}

/// What one more connection costs: bytes at rest, and processor time to open it.
pub(crate) struct Slopes {
    pub(crate) anonymous: f64,
    pub(crate) private_dirty: f64,
    pub(crate) slab: f64,
    pub(crate) connects_per_second: f64,
    /// Processor time of the server.
    pub(crate) micros_per_connect: f64,
    pub(crate) latency: Latency,
}

/// Opens the connections step by step, and leaves them open.
pub(crate) fn slopes(server: &Server, crew: &mut Crew, sizes: Sizes) -> anyhow::Result<Slopes> {
    crew.connect(sizes.warm_up)?;
    crew.drop_connections()?;
    server.settled_memory()?;
    crew.connect(sizes.warm_up)?;
    let mut connections = sizes.warm_up;
    let (mut anonymous, mut dirty, mut slab) = (Vec::new(), Vec::new(), Vec::new());
    let (mut wall, mut cpu, mut latency) = (0.0, 0.0, Latency::new());
    for step in 0..=sizes.steps {
        if step > 0 {
            let before = server.cpu()?;
            let opened = crew.connect(sizes.step)?;
            cpu += (server.cpu()? - before).total();
            wall += opened.wall.as_secs_f64();
            latency.merge(&opened.latency);
            connections += sizes.step;
        }
        let memory = server.settled_memory()?;
        let count = f64::from(connections);
        anonymous.push((count, memory.anonymous));
        dirty.push((count, memory.private_dirty));
        slab.push((count, process::slab()?));
    }
    // Nothing may have closed or failed meanwhile.
    crew.count_events()?;
    let opened = f64::from(sizes.step * sizes.steps);
    Ok(Slopes {
        anonymous: slope(&anonymous),
        private_dirty: slope(&dirty),
        slab: slope(&slab),
        connects_per_second: opened / wall,
        micros_per_connect: cpu.max(0.01) * 1e6 / opened,
        latency,
    })
}
