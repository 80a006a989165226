//! What came of a scenario's rounds: tables, latencies, and values by size or by time.
//!
//! Every sample is kept. Tables hold a value per metric, server and round; points belong to a line of a
//! plot and have a size; tracks are values over the time of one round. All of it goes into one CSV.

use crate::latency::Latency;
use crate::stats::median;
use crate::table::{Metric, Table};

/// The shares of samples whose latencies are written down, in percent, as text and as a number.
pub(crate) const PERCENTILES: [(&str, f64); 9] = [
    ("50", 50.0),
    ("75", 75.0),
    ("90", 90.0),
    ("95", 95.0),
    ("99", 99.0),
    ("99.5", 99.5),
    ("99.9", 99.9),
    ("99.99", 99.99),
    ("100", 100.0),
];

/// Samples of all rounds.
#[derive(Debug, Default)]
pub(crate) struct Results {
    tables: Vec<Table>,
    latencies: Vec<Named<Latency>>,
    lines: Vec<Named<Vec<Point>>>,
    tracks: Vec<Named<Vec<Track>>>,
}

/// Something of a plot, under the name of its line there.
#[derive(Debug)]
struct Named<T> {
    plot: String,
    line: String,
    what: T,
}

/// Values of several rounds at one size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: f64,
    pub(crate) samples: Vec<f64>,
}

/// One round's values over time: seconds, value.
pub(crate) type Track = Vec<(f64, f64)>;

fn entry<'a, T: Default>(all: &'a mut Vec<Named<T>>, plot: &str, line: &str) -> &'a mut T {
    let found = all.iter().position(|named| named.plot == plot && named.line == line);
    let at = found.unwrap_or_else(|| {
        all.push(Named { plot: plot.to_owned(), line: line.to_owned(), what: T::default() });
        all.len() - 1
    });
    &mut all[at].what
}

fn of_plot<'a, T>(all: &'a [Named<T>], plot: &str) -> Vec<(&'a str, &'a T)> {
    let named = all.iter().filter(|named| named.plot == plot);
    named.map(|named| (named.line.as_str(), &named.what)).collect()
}

impl Results {
    /// The table of this name, which is made at the first call.
    pub(crate) fn table(&mut self, name: &str, metrics: &'static [Metric]) -> &mut Table {
        let found = self.tables.iter().position(|table| table.name() == name);
        let at = found.unwrap_or_else(|| {
            self.tables.push(Table::new(name, metrics));
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of this name, if any round has filled it.
    pub(crate) fn find(&self, table: &str) -> Option<&Table> {
        self.tables.iter().find(|found| found.name() == table)
    }

    /// The samples of a metric in a table, a round each; none if they were not taken.
    pub(crate) fn samples(&self, table: &str, server: &str, metric: &str) -> Vec<f64> {
        self.find(table).map_or_else(Vec::new, |table| table.samples(server, metric))
    }

    /// The median of a metric in a table, if it was measured.
    pub(crate) fn median(&self, table: &str, server: &str, metric: &str) -> Option<f64> {
        let samples = self.samples(table, server, metric);
        (!samples.is_empty()).then(|| median(&samples)).filter(|value| value.is_finite())
    }

    /// Adds a round's latencies to those of the rounds before.
    pub(crate) fn add_latency(&mut self, plot: &str, line: &str, latency: &Latency) {
        entry(&mut self.latencies, plot, line).merge(latency);
    }

    pub(crate) fn latencies(&self, plot: &str) -> Vec<(&str, &Latency)> {
        of_plot(&self.latencies, plot)
    }

    /// Adds a round's value at one size to a line; points are kept in the order of their sizes.
    pub(crate) fn add_point(&mut self, plot: &str, line: &str, at: f64, value: f64) {
        let points = entry(&mut self.lines, plot, line);
        match points.iter_mut().find(|point| point.at == at) {
            Some(point) => point.samples.push(value),
            None => points.push(Point { at, samples: vec![value] }),
        }
        points.sort_by(|one, other| one.at.total_cmp(&other.at));
    }

    pub(crate) fn lines(&self, plot: &str) -> Vec<(&str, &Vec<Point>)> {
        of_plot(&self.lines, plot)
    }

    /// Adds what one round saw over time.
    pub(crate) fn add_track(&mut self, plot: &str, line: &str, track: Track) {
        entry(&mut self.tracks, plot, line).push(track);
    }

    pub(crate) fn tracks(&self, plot: &str) -> Vec<(&str, &Vec<Track>)> {
        of_plot(&self.tracks, plot)
    }

    /// Whether no round has come to an end.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.lines.is_empty()
    }

    /// Every sample, one a line: table or plot, server or line, round, metric, value.
    pub(crate) fn csv(&self) -> String {
        let mut lines = vec!["table,server,round,metric,value".to_owned()];
        let mut line = |table: &str, server: &str, round: &str, metric: &str, value: f64| {
            let words = [table, server, round, metric].map(field);
            lines.push(format!("{},{value}", words.join(",")));
        };
        for table in &self.tables {
            table.each_sample(|server, round, metric, value| {
                line(table.name(), server, &round.to_string(), metric, value);
            });
        }
        for Named { plot, line: name, what } in &self.lines {
            for point in what {
                for (round, value) in (1..).zip(&point.samples) {
                    line(plot, name, &i32::to_string(&round), &format!("at {}", point.at), *value);
                }
            }
        }
        for Named { plot, line: name, what } in &self.latencies {
            for (text, percent) in PERCENTILES {
                let value = what.quantile_ms(percent / 100.0);
                line(plot, name, "all", &format!("p{text} ms"), value);
            }
        }
        for Named { plot, line: name, what } in &self.tracks {
            for (round, track) in (1..).zip(what) {
                for (seconds, value) in track {
                    let metric = format!("at {seconds:.1} s");
                    line(plot, name, &i32::to_string(&round), &metric, *value);
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

/// A field of a CSV line, quoted where it has to be.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const METRICS: [Metric; 1] = [Metric::compared("rate", 0)];

    #[test]
    fn the_csv_has_every_sample_of_every_kind() {
        let mut results = Results::default();
        results.table("main", &METRICS).add("ours", vec![7.0]);
        results.table("main", &METRICS).add("ours", vec![9.0]);
        results.add_point("growth", "a, b", 1_000.0, 2.5);
        results.add_track("memory", "ours", vec![(0.0, 5.0), (1.0, 6.0)]);
        let mut latency = Latency::default();
        latency.record(Duration::from_millis(3));
        results.add_latency("ack", "ours", &latency);
        let csv = results.csv();
        for line in [
            "main,ours,2,rate,9",
            "growth,\"a, b\",1,at 1000,2.5",
            "memory,ours,1,at 1.0 s,6",
            "ack,ours,all,p99.9 ms,3.",
        ] {
            assert!(csv.lines().any(|found| found.starts_with(line)), "no {line} in {csv}");
        }
        assert_eq!(csv.lines().count(), 1 + 2 + 1 + 2 + PERCENTILES.len());
    }

    #[test]
    fn points_of_several_rounds_are_kept_together_by_size() {
        let mut results = Results::default();
        for (at, value) in [(10.0, 1.0), (1.0, 5.0), (10.0, 2.0)] {
            results.add_point("plot", "line", at, value);
        }
        let expected = vec![
            Point { at: 1.0, samples: vec![5.0] },
            Point { at: 10.0, samples: vec![1.0, 2.0] },
        ];
        assert_eq!(results.lines("plot"), vec![("line", &expected)]);
    }

    #[test]
    fn what_was_not_measured_has_no_median() {
        let mut results = Results::default();
        assert_eq!(results.median("main", "ours", "rate"), None);
        results.table("main", &METRICS).add("ours", vec![f64::NAN]);
        assert_eq!(results.median("main", "ours", "rate"), None);
        results.table("main", &METRICS).add("theirs", vec![4.0]);
        assert_eq!(results.median("main", "theirs", "rate"), Some(4.0));
    }
}
