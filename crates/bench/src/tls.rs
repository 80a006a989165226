//! What TLS costs: memory of an idle connection, processor time of a connect and of a message, in the clear,
//! with the TLS that is built in, and behind a proxy that speaks it.
//!
//! Each connect agrees on keys anew (TLS 1.3, a certificate of P-256), as after a time away. A proxy's memory
//! and processor time count as the server's.

use crate::crew::Crew;
use crate::direct;
use crate::idle;
use crate::plot::Picture;
use crate::protocol::Pace;
use crate::proxy::Identity;
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Encryption, Kind, Server};
use crate::table::Metric;

const METRICS: [Metric; 6] = [
    Metric::compared("user bytes per connection", 0),
    Metric::compared("kernel slab bytes (both ends)", 0),
    Metric::compared("connects/s", 0),
    Metric::compared("CPU µs per connect", 0),
    Metric::compared("CPU µs per message", 1),
    Metric::told("ack p50 ms", 2),
];

/// What is measured, and its row.
const WAYS: [(Encryption, &str); 3] = [
    (Encryption::None, "parlor, in the clear"),
    (Encryption::BuiltIn, "parlor, TLS built in"),
    (Encryption::Proxy, "parlor behind nginx with TLS"),
];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Connections at the end of the slope
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=9_500))]
    connections: Option<u32>,
    /// Messages a second of those who are connected
    #[arg(long)]
    rate: Option<f64>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        // A proxy has two files open for each, and no process has more than 20,000 here.
        let connections = self.connections.unwrap_or(if quick { 500 } else { 9_000 });
        let rate = self.rate.unwrap_or(if quick { 100.0 } else { 2_000.0 });
        let seconds = if quick { 1.0 } else { 10.0 };
        let sizes = idle::Sizes::new(connections, quick);
        let talk = direct::Sizes {
            clients: sizes.most(),
            in_flight: 0,
            seconds,
            content_bytes: 100,
            receipts: false,
            rate: Some(rate),
        };
        let settings = format!(
            "{}; then {rate} direct messages a second for {seconds} s among all (open loop); TLS 1.3, keys agreed on anew for \
             each connection; nginx counts as the server",
            sizes.describe()
        );
        Scenario::new(
            "tls",
            "Connections by TLS",
            settings,
            &[Kind::Parlor],
            move |run, _, results| {
                let identity = Identity::make(&run.place)?;
                WAYS.iter().try_for_each(|(encryption, row)| {
                    round(run, (*encryption, row), &identity, sizes, talk, rate, results)
                })
            },
        )
        .with_estimate(if quick { 12.0 } else { 90.0 })
        .with_pictures([Picture::bars(
            "tls",
            "User memory per idle connection",
            &["user bytes per connection"],
        )])
    }
}

fn round(
    run: &Run,
    (encryption, row): (Encryption, &str),
    identity: &Identity,
    sizes: idle::Sizes,
    talk: direct::Sizes,
    rate: f64,
    results: &mut Results,
) -> anyhow::Result<()> {
    let (place, kind) = (&run.place, Kind::Parlor);
    let server = Server::start_encrypted(place, encryption, identity)?;
    let trusted = (encryption != Encryption::None).then(|| identity.certificate.clone());
    let crew =
        Crew::start(sizes.most(), place.load_core, server.address(), kind.auth(), run.at_once)?;
    let mut crew = crew.trusting(trusted);
    let slopes = idle::slopes(&server, &mut crew, sizes)?;
    let pace = Pace::PerSecond(rate / f64::from(crew.size()));
    direct::messages(&mut crew, kind, talk, pace, talk.seconds / 4.0, 0)?;
    let before = server.cpu()?;
    let outcome = direct::messages(&mut crew, kind, talk, pace, talk.seconds, 1)?;
    let cpu = (server.cpu()? - before).total();
    results.table("tls", &METRICS).add(
        row,
        vec![
            slopes.anonymous,
            slopes.slab,
            slopes.connects_per_second,
            slopes.micros_per_connect,
            cpu * 1e6 / outcome.messages,
            outcome.ack.quantile_ms(0.5),
        ],
    );
    Ok(())
}
