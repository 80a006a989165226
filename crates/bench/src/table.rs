//! One table of a scenario: samples per server and round, shown as Markdown.

use crate::stats::{median, spread};

/// A column of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    name: &'static str,
    decimals: usize,
    compared: bool,
}

impl Metric {
    /// A metric that servers are compared by.
    pub(crate) const fn compared(name: &'static str, decimals: usize) -> Self {
        Self { name, decimals, compared: true }
    }

    /// A metric of which a ratio would say nothing.
    pub(crate) const fn told(name: &'static str, decimals: usize) -> Self {
        Self { name, decimals, compared: false }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Digits behind the point that mean something.
    pub(crate) fn decimals(&self) -> usize {
        self.decimals
    }
}

/// Samples of several servers.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    metrics: &'static [Metric],
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    server: String,
    /// One entry per round, each with one value per metric.
    rounds: Vec<Vec<f64>>,
}

impl Row {
    fn samples(&self, metric: usize) -> Vec<f64> {
        self.rounds.iter().map(|round| round[metric]).collect()
    }
}

impl Table {
    pub(crate) fn new(name: &str, metrics: &'static [Metric]) -> Self {
        Self { name: name.to_owned(), metrics, rows: Vec::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn metric(&self, name: &str) -> Option<Metric> {
        self.metrics.iter().find(|metric| metric.name == name).copied()
    }

    /// The servers in the order of first sight.
    pub(crate) fn servers(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.server.as_str()).collect()
    }

    /// A metric's samples of a server, one a round; none if there are none.
    pub(crate) fn samples(&self, server: &str, metric: &str) -> Vec<f64> {
        let row = self.rows.iter().find(|row| row.server == server);
        let at = self.metrics.iter().position(|known| known.name == metric);
        row.zip(at).map_or_else(Vec::new, |(row, at)| row.samples(at))
    }

    /// Calls with server, round (from 1 on), metric and value of each sample.
    pub(crate) fn each_sample(&self, mut with: impl FnMut(&str, usize, &str, f64)) {
        for row in &self.rows {
            for (round, values) in row.rounds.iter().enumerate() {
                for (metric, value) in self.metrics.iter().zip(values) {
                    with(&row.server, round + 1, metric.name, *value);
                }
            }
        }
    }

    /// Adds a round of a server; rows stay in the order of first sight.
    pub(crate) fn add(&mut self, server: &str, round: Vec<f64>) {
        assert_eq!(round.len(), self.metrics.len(), "a round has a value per metric");
        match self.rows.iter_mut().find(|row| row.server == server) {
            Some(row) => row.rounds.push(round),
            None => self.rows.push(Row { server: server.to_owned(), rounds: vec![round] }),
        }
    }

    /// Puts the rows into the order of this key of their servers; those of the same stay as they are.
    pub(crate) fn sort_rows<K: Ord>(&mut self, mut key: impl FnMut(&str) -> K) {
        self.rows.sort_by_key(|row| key(&row.server));
    }

    /// Medians with their spread, and what they are relative to the first row.
    pub(crate) fn markdown(&self) -> String {
        let mut head = vec!["server".to_owned()];
        head.extend(self.metrics.iter().map(|metric| metric.name.to_owned()));
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![row.server.clone()];
            cells.extend((0..self.metrics.len()).map(|at| self.cell(row, at)));
            cells
        });
        let mut text = markdown(&head, &rows.collect::<Vec<_>>());
        let [first, others @ ..] = self.rows.as_slice() else { return text };
        let compared = || (0..self.metrics.len()).filter(|at| self.metrics[*at].compared);
        if others.is_empty() || compared().next().is_none() {
            return text;
        }
        let mut head = vec![format!("{} ÷ …", first.server)];
        head.extend(compared().map(|at| self.metrics[at].name.to_owned()));
        let rows = others.iter().map(|row| {
            let mut cells = vec![row.server.clone()];
            cells.extend(
                compared().map(|at| ratio(median(&first.samples(at)), median(&row.samples(at)))),
            );
            cells
        });
        text.push('\n');
        text.push_str(&markdown(&head, &rows.collect::<Vec<_>>()));
        text
    }

    fn cell(&self, row: &Row, at: usize) -> String {
        let decimals = self.metrics[at].decimals;
        let samples = row.samples(at);
        if samples.iter().any(|sample| sample.is_nan()) {
            return "–".to_owned();
        }
        let middle = number(median(&samples), decimals);
        if samples.len() < 2 {
            return middle;
        }
        let (low, high) = spread(&samples);
        format!("{middle} ({}–{})", number(low, decimals), number(high, decimals))
    }
}

fn ratio(ours: f64, theirs: f64) -> String {
    let ratio = ours / theirs;
    if ratio.is_finite() { number(ratio, 2) } else { "–".to_owned() }
}

/// A number with thousands set apart by commas.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// A Markdown table whose first column is names and whose others are numbers.
pub(crate) fn markdown(head: &[String], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            let cells = rows.iter().map(|row| row[at].chars().count());
            cells.chain([head[at].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let mut text = String::from("|");
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let padded =
                if at == 0 { format!(" {cell:<width$} |") } else { format!(" {cell:>width$} |") };
            text.push_str(&padded);
        }
        text + "\n"
    };
    let mut text = line(head);
    text.push('|');
    for (at, width) in widths.iter().enumerate() {
        text.push_str(&"-".repeat(width + if at == 0 { 2 } else { 1 }));
        text.push_str(if at == 0 { "|" } else { ":|" });
    }
    text.push('\n');
    text.extend(rows.iter().map(|row| line(row)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [Metric; 2] =
        [Metric::compared("deliveries/s", 0), Metric::compared("user µs", 2)];

    fn table() -> Table {
        let mut table = Table::new("fanout", &METRICS);
        for (rate, user) in [(120_000.0, 0.5), (100_000.0, 0.7), (110_000.0, 0.6)] {
            table.add("ours", vec![rate, user]);
            table.add("theirs", vec![rate / 2.0, user * 10.0]);
        }
        table
    }

    #[test]
    fn the_table_shows_medians_spreads_and_ratios() {
        let expected = "\
| server |             deliveries/s |          user µs |
|--------|-------------------------:|-----------------:|
| ours   | 110,000 (100,000–120,000) | 0.60 (0.50–0.70) |
| theirs |    55,000 (50,000–60,000) | 6.00 (5.00–7.00) |

| ours ÷ … | deliveries/s | user µs |
|----------|-------------:|--------:|
| theirs   |         2.00 |    0.10 |
";
        let squeeze = |text: &str| text.replace([' ', '-'], "");
        assert_eq!(squeeze(&table().markdown()), squeeze(expected));
        let widths = table().markdown();
        let widths: Vec<usize> = widths.lines().take(4).map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
    }

    #[test]
    fn a_told_metric_has_no_ratio() {
        const TOLD: [Metric; 2] = [Metric::compared("rate", 0), Metric::told("load %", 0)];
        let mut table = Table::new("direct", &TOLD);
        table.add("ours", vec![2.0, 90.0]);
        table.add("theirs", vec![1.0, 30.0]);
        let text = table.markdown();
        assert!(text.ends_with("| theirs   | 2.00 |\n"), "{text}");
        assert_eq!(text.matches("load %").count(), 1, "{text}");
    }

    #[test]
    fn rows_can_be_put_into_an_order() {
        let mut table = table();
        table.sort_rows(|server| server.len() % 2);
        assert_eq!(table.servers(), ["ours", "theirs"]);
        table.sort_rows(|server| std::cmp::Reverse(server.len()));
        assert_eq!(table.servers(), ["theirs", "ours"]);
    }

    #[test]
    fn samples_are_found_by_server_and_metric() {
        assert_eq!(table().samples("theirs", "user µs"), [5.0, 7.0, 6.0]);
        assert!(table().samples("theirs", "no such metric").is_empty());
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(-123.456, 1), "-123.5");
        assert_eq!(number(999.0, 2), "999.00");
    }
}
