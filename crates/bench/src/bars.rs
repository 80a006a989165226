//! The bars that Parlor sets itself: what must be reached, and what was, computed from the samples of
//! a run.

use crate::cluster;
use crate::direct::STORE_ALONE;
use crate::results::Results;
use crate::server::Kind;
use crate::table::{markdown, number};

/// How a value is bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

impl Limit {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
            Self::Below(limit) => value < limit,
        }
    }

    fn text(self, decimals: usize) -> String {
        match self {
            Self::AtLeast(limit) => format!("≥ {}", number(limit, decimals)),
            Self::AtMost(limit) => format!("≤ {}", number(limit, decimals)),
            Self::Below(limit) => format!("< {}", number(limit, decimals)),
        }
    }
}

/// The results of the scenarios of a run, by name.
pub(crate) struct Measured<'a>(pub(crate) Vec<(&'static str, &'a Results)>);

impl Measured<'_> {
    /// The median of a metric in a scenario's table of the same name.
    fn get(&self, scenario: &str, server: &str, metric: &str) -> Option<f64> {
        let (_, results) = self.0.iter().find(|(name, _)| *name == scenario)?;
        results.median(scenario, server, metric)
    }

    fn ratio(&self, scenario: &str, metric: &str, ours: Kind, theirs: &str) -> Option<f64> {
        let of = |server: &str| self.get(scenario, server, metric);
        Some(of(ours.name())? / of(theirs)?).filter(|ratio| ratio.is_finite())
    }
}

/// Whether what was measured is big enough to be judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sizes {
    Full,
    Small,
}

/// One bar.
struct Bar {
    name: &'static str,
    limit: Limit,
    decimals: usize,
    value: fn(&Measured<'_>) -> Option<f64>,
}

const MEMORY: &str = "user bytes per connection";
const DELIVERIES: &str = "deliveries/s";
const MESSAGES: &str = "messages/s";

const BARS: &[Bar] = &[
    Bar {
        name: "user memory per idle connection, bytes",
        limit: Limit::AtMost(1_500.0),
        decimals: 0,
        value: |it| it.get("idle", Kind::Parlor.name(), MEMORY),
    },
    Bar {
        name: "the same ÷ Node socket.io's",
        limit: Limit::AtMost(1.0 / 8.0),
        decimals: 3,
        value: |it| it.ratio("idle", MEMORY, Kind::Parlor, Kind::Node.name()),
    },
    Bar {
        name: "fan-out without storage: deliveries/s ÷ the bare writer's",
        limit: Limit::AtLeast(0.85),
        decimals: 2,
        value: |it| it.ratio("fanout", DELIVERIES, Kind::Gateway, Kind::Bare.name()),
    },
    Bar {
        name: "fan-out: user CPU per delivery, µs",
        limit: Limit::AtMost(1.0),
        decimals: 2,
        value: |it| it.get("fanout", Kind::Gateway.name(), "user µs per delivery"),
    },
    Bar {
        name: "fan-out: deliveries/s ÷ Node socket.io's",
        limit: Limit::AtLeast(2.2),
        decimals: 2,
        value: |it| it.ratio("fanout", DELIVERIES, Kind::Gateway, Kind::Node.name()),
    },
    Bar {
        name: "fan-out: deliveries/s ÷ socketioxide's",
        limit: Limit::AtLeast(1.5),
        decimals: 2,
        value: |it| it.ratio("fanout", DELIVERIES, Kind::Gateway, Kind::Socketioxide.name()),
    },
    Bar {
        name: "direct with ack, without storage: messages/s ÷ Node socket.io's",
        limit: Limit::AtLeast(3.5),
        decimals: 2,
        value: |it| it.ratio("direct", MESSAGES, Kind::Gateway, Kind::Node.name()),
    },
    Bar {
        name: "direct with ack, without storage: messages/s ÷ socketioxide's",
        limit: Limit::AtLeast(1.5),
        decimals: 2,
        value: |it| it.ratio("direct", MESSAGES, Kind::Gateway, Kind::Socketioxide.name()),
    },
    Bar {
        name: "direct, durable: messages/s ÷ 1/(1/S + 1/N), S the store alone, N without storage",
        limit: Limit::AtLeast(0.8),
        decimals: 2,
        value: durable_share,
    },
    Bar {
        name: "direct, durable: ack p99 at half the greatest rate, ms",
        limit: Limit::Below(25.0),
        decimals: 1,
        value: |it| it.get("direct", Kind::Parlor.name(), "half rate: ack p99 ms"),
    },
    Bar {
        name: "reconnect storm: clients caught up a second, on one core",
        limit: Limit::AtLeast(4_000.0),
        decimals: 0,
        value: |it| it.get("storm", Kind::Parlor.name(), "clients/s"),
    },
    Bar {
        name: "start with what is stored: until listening, ms",
        limit: Limit::Below(200.0),
        decimals: 0,
        value: |it| it.get("start", Kind::Parlor.name(), "listening ms"),
    },
    Bar {
        name: "mixed load: memory at the end ÷ at the start",
        limit: Limit::AtMost(1.05),
        decimals: 3,
        value: |it| it.get("mixed", Kind::Parlor.name(), "end ÷ start"),
    },
    Bar {
        name: "three nodes: their CPU per message ÷ Node socket.io's",
        limit: Limit::AtMost(1.0 / 3.0),
        decimals: 2,
        value: |it| three_nodes(it, cluster::CPU),
    },
    Bar {
        name: "three nodes: delivery p99 ÷ Node socket.io's",
        limit: Limit::AtMost(0.5),
        decimals: 2,
        value: |it| three_nodes(it, cluster::DELIVERY_P99),
    },
    Bar {
        name: "three nodes: PostgreSQL's CPU per message ÷ pgbench's for the same",
        limit: Limit::AtMost(1.25),
        decimals: 2,
        value: |it| {
            let of = |metric| it.get("cluster", &cluster::row(Kind::Parlor, 3), metric);
            Some(of(cluster::POSTGRES_CPU)? / of(cluster::PGBENCH_CPU)?)
        },
    },
    Bar {
        name: "three nodes: published per message, one of them having the recipient",
        limit: Limit::AtMost(2.0),
        decimals: 2,
        value: |it| it.get("cluster", &cluster::row(Kind::Parlor, 3), cluster::PUBLISHED),
    },
    Bar {
        name: "the program, stripped, MB",
        limit: Limit::Below(25.0),
        decimals: 2,
        value: |it| it.get("binary", Kind::Parlor.name(), "MB"),
    },
];

/// What durable messages reach of what the store and the server can do one after the other on one core.
fn durable_share(measured: &Measured<'_>) -> Option<f64> {
    let rate = |server: &str| measured.get("direct", server, MESSAGES);
    let (durable, store) = (rate(Kind::Parlor.name())?, rate(STORE_ALONE)?);
    let relayed = rate(Kind::Gateway.name())?;
    Some(durable * (1.0 / store + 1.0 / relayed))
}

/// A metric of three nodes beside Node socket.io's.
fn three_nodes(measured: &Measured<'_>, metric: &str) -> Option<f64> {
    let of = |kind| measured.get("cluster", &cluster::row(kind, 3), metric);
    Some(of(Kind::Parlor)? / of(Kind::Node)?).filter(|ratio| ratio.is_finite())
}

/// The table of bars: what is asked, what was measured, and whether that is enough.
pub(crate) fn table(measured: &Measured<'_>, sizes: Sizes) -> String {
    let rows = BARS.iter().map(|bar| {
        let value = (bar.value)(measured);
        let verdict = match value {
            None => "not measured",
            Some(_) if sizes == Sizes::Small => "too small to say",
            Some(value) if bar.limit.is_met(value) => "met",
            Some(_) => "**missed**",
        };
        vec![
            bar.name.to_owned(),
            bar.limit.text(bar.decimals),
            value.map_or_else(|| "–".to_owned(), |value| number(value, bar.decimals)),
            verdict.to_owned(),
        ]
    });
    let head = ["bar", "limit", "measured", "verdict"].map(str::to_owned);
    markdown(&head, &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Metric;
    use crate::{binary, cluster, direct, fanout, idle, mixed, start, storm};

    /// Results in which every metric of every scenario has the same value.
    fn everything(value: f64) -> Vec<(&'static str, Results)> {
        let tables: [(&'static str, &'static [Metric]); 8] = [
            ("idle", &idle::METRICS),
            ("fanout", &fanout::METRICS),
            ("direct", &direct::METRICS),
            ("storm", &storm::METRICS),
            ("start", &start::METRICS),
            ("mixed", &mixed::METRICS),
            ("cluster", &cluster::METRICS),
            ("binary", &binary::METRICS),
        ];
        let kinds = [Kind::Parlor, Kind::Gateway, Kind::Socketioxide, Kind::Node, Kind::Bare];
        let all = tables.map(|(name, metrics)| {
            let mut results = Results::default();
            for server in kinds.map(Kind::name).into_iter().chain([STORE_ALONE]) {
                results.table(name, metrics).add(server, vec![value; metrics.len()]);
                let nodes = format!("{server}, 3 nodes");
                results.table(name, metrics).add(&nodes, vec![value; metrics.len()]);
            }
            (name, results)
        });
        all.into_iter().collect()
    }

    fn of(all: &[(&'static str, Results)]) -> String {
        let all = all.iter().map(|(name, results)| (*name, results)).collect();
        table(&Measured(all), Sizes::Full)
    }

    #[test]
    fn every_bar_finds_its_metrics() {
        assert!(!of(&everything(1.0)).contains("not measured"), "{}", of(&everything(1.0)));
    }

    #[test]
    fn what_is_missing_is_not_measured() {
        assert_eq!(of(&[]).matches("not measured").count(), BARS.len());
    }

    #[test]
    fn small_sizes_meet_nothing() {
        let results = everything(1.0);
        let all = results.iter().map(|(name, results)| (*name, results)).collect();
        let text = table(&Measured(all), Sizes::Small);
        assert_eq!(text.matches("too small to say").count(), BARS.len(), "{text}");
    }

    #[test]
    fn a_value_beyond_its_limit_is_missed() {
        assert!(Limit::AtMost(1.5).is_met(1.5) && !Limit::AtMost(1.5).is_met(1.6));
        assert!(Limit::AtLeast(0.8).is_met(0.8) && !Limit::AtLeast(0.8).is_met(0.79));
        assert!(Limit::Below(25.0).is_met(24.9) && !Limit::Below(25.0).is_met(25.0));
        assert!(of(&everything(1e9)).contains("**missed**"));
    }

    #[test]
    fn the_durable_share_compares_with_both_one_after_the_other() {
        let mut results = Results::default();
        let rates =
            [(Kind::Parlor.name(), 20.0), (STORE_ALONE, 50.0), (Kind::Gateway.name(), 50.0)];
        for (server, rate) in rates {
            let mut row = vec![1.0; direct::METRICS.len()];
            row[0] = rate;
            results.table("direct", &direct::METRICS).add(server, row);
        }
        let share = durable_share(&Measured(vec![("direct", &results)])).expect("it is there");
        assert!((share - 0.8).abs() < 1e-9, "{share}");
    }
}
