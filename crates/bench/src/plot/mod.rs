//! Plots as SVG: bars per server with their spread, latencies by percentile, values by size on
//! logarithmic axes, values over time.
//!
//! A [`Picture`] says what of a scenario's results is shown; `draw` makes an SVG of it. They have a white
//! ground, so that they read the same on a dark page, and each server has one colour in all of them.

mod axis;
mod bars;
mod curves;
mod style;

use crate::results::Results;

/// Something to draw of a scenario's results.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    title: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A panel of bars for each metric of a table.
    Bars { table: String, metrics: &'static [&'static str] },
    /// Latencies by percentile, a curve each.
    Percentiles { plot: String },
    /// Values by size, both logarithmic, a curve each.
    Sizes { plot: String, axes: Axes },
    /// Values over time, a curve for each round.
    Time { plot: String, axes: Axes },
}

/// What the axes of a plot are called.
#[derive(Clone, Debug)]
pub(crate) struct Axes {
    pub(crate) across: &'static str,
    pub(crate) up: &'static str,
}

impl Picture {
    pub(crate) fn bars(table: &str, title: &str, metrics: &'static [&'static str]) -> Self {
        Self { title: title.to_owned(), what: What::Bars { table: table.to_owned(), metrics } }
    }

    pub(crate) fn percentiles(plot: &str, title: &str) -> Self {
        Self { title: title.to_owned(), what: What::Percentiles { plot: plot.to_owned() } }
    }

    pub(crate) fn sizes(plot: &str, title: &str, axes: Axes) -> Self {
        Self { title: title.to_owned(), what: What::Sizes { plot: plot.to_owned(), axes } }
    }

    pub(crate) fn time(plot: &str, title: &str, axes: Axes) -> Self {
        Self { title: title.to_owned(), what: What::Time { plot: plot.to_owned(), axes } }
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The name of its file, under that of its scenario.
    pub(crate) fn file(&self, scenario: &str) -> String {
        let words = self.title.to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
        format!("{scenario}-{}.svg", words.collect::<Vec<_>>().join("-"))
    }

    /// Whether anything was measured that it shows.
    pub(crate) fn shows_something(&self, results: &Results) -> bool {
        self.draw(results).is_ok_and(|svg| svg.is_some())
    }

    /// The SVG; `None` if nothing was measured that it shows.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub(crate) fn draw(&self, results: &Results) -> anyhow::Result<Option<String>> {
        match &self.what {
            What::Bars { table, metrics } => {
                let Some(table) = results.find(table) else { return Ok(None) };
                bars::draw(&self.title, table, metrics)
            }
            What::Percentiles { plot } => {
                curves::percentiles(&self.title, &results.latencies(plot))
            }
            What::Sizes { plot, axes } => curves::sizes(&self.title, axes, &results.lines(plot)),
            What::Time { plot, axes } => curves::time(&self.title, axes, &results.tracks(plot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::latency::Latency;
    use crate::table::Metric;

    const METRICS: [Metric; 1] = [Metric::compared("rate", 0)];
    const AXES: Axes = Axes { across: "clients", up: "ms" };

    fn results() -> Results {
        let mut results = Results::default();
        for (server, value) in [("parlor", 100.0), ("node socket.io", 40.0)] {
            results.table("main", &METRICS).add(server, vec![value]);
            results.table("main", &METRICS).add(server, vec![value * 1.1]);
            let mut latency = Latency::default();
            (1..500).for_each(|ms| latency.record(Duration::from_millis(ms)));
            results.add_latency("ack", server, &latency);
            for at in [10.0, 100.0, 1_000.0] {
                results.add_point("growth", server, at, at * value);
            }
            results.add_track("memory", server, vec![(0.0, value), (1.0, value)]);
        }
        results
    }

    #[test]
    fn every_kind_of_picture_names_its_servers() {
        for picture in [
            Picture::bars("main", "How fast", &["rate"]),
            Picture::percentiles("ack", "How late"),
            Picture::sizes("growth", "How it grows", AXES),
            Picture::time("memory", "How it stays", AXES),
        ] {
            let svg = picture.draw(&results()).expect("it is drawn").expect("there is something");
            for text in ["<svg", picture.title(), "parlor", "node socket.io", "</svg>"] {
                assert!(svg.contains(text), "{}: no {text}", picture.title());
            }
        }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let nothing = Results::default();
        for picture in [
            Picture::bars("main", "How fast", &["rate"]),
            Picture::percentiles("ack", "How late"),
            Picture::sizes("growth", "How it grows", AXES),
            Picture::time("memory", "How it stays", AXES),
        ] {
            assert!(picture.draw(&nothing).expect("it is drawn").is_none(), "{}", picture.title());
        }
    }

    #[test]
    fn a_file_is_named_after_scenario_and_title() {
        let picture = Picture::percentiles("ack", "How late: p50, p99");
        assert_eq!(picture.file("direct"), "direct-how-late-p50-p99.svg");
    }
}
