//! What is shown, as columns: each makes a cell of a server's figures, and one of all servers'.
//!
//! The screen shows three groups of them below each other, so that they fit 80 columns; `--once`
//! prints them side by side.

use std::time::{Duration, Instant};

use super::node::{Figures, Node, State, merged, quantile, total};

/// A column: its title, and its cell.
pub(super) struct Column {
    pub(super) title: &'static str,
    cell: fn(&Figures) -> String,
}

/// A group of columns.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) columns: &'static [Column],
}

macro_rules! columns {
    ($($title:literal: $cell:expr),* $(,)?) => {
        &[$(Column { title: $title, cell: $cell }),*]
    };
}

/// All there is, in the order it is shown.
pub(super) const GROUPS: [Group; 3] = [
    Group {
        title: "traffic",
        columns: columns! {
            "conns": |it| count(it.connections),
            "conn/s": |it| rate(it.connects),
            "msg/s": |it| rate(it.messages),
            "deliv/s": |it| rate(it.deliveries),
            "p50": |it| latency(quantile(&it.commits, 0.5)),
            "p99": |it| latency(quantile(&it.commits, 0.99)),
            "memory": |it| bytes(it.resident_bytes),
            "cpu": |it| it.cpus.map_or_else(none, |cpus| format!("{:.0}%", cpus * 100.0)),
        },
    },
    Group {
        title: "waiting",
        columns: columns! {
            "writes": |it| count(it.writes_waiting),
            "reads": |it| count(it.reads_waiting),
            "catchups": |it| count(it.catch_ups_waiting),
            "handshakes": |it| count(it.handshakes_waiting),
            "untold": |it| count(it.untold),
            "overloads": |it| count(it.overloads),
        },
    },
    Group {
        title: "bus",
        columns: columns! {
            "bus": |it| match it.bus_up {
                None => none(),
                Some(up) => String::from(if up >= 1.0 { "up" } else { "DOWN" }),
            },
            "queued": |it| count(it.bus_queued),
            "lag": |it| latency(it.bus_lag_ms.map(|ms| ms / 1_000.0)),
            "repaired": |it| count(it.repaired),
            "mismatches": |it| count(it.mismatches),
        },
    },
];

/// A row of a group: who it is about, the state, then the columns' cells.
pub(super) fn row(node: &Node, now: Instant, group: &Group) -> Vec<String> {
    let cells = group.columns.iter().map(|column| (column.cell)(node.figures()));
    [node.name.clone(), state(&node.state(now))].into_iter().chain(cells).collect()
}

/// The row of all servers: sums, and quantiles over all their commits.
pub(super) fn totals(nodes: &[Node], now: Instant, group: &Group) -> Vec<String> {
    let all = together(nodes);
    let ready = nodes.iter().filter(|node| node.state(now) == State::Ready).count();
    let state = format!("{ready}/{} ready", nodes.len());
    let cells = group.columns.iter().map(|column| (column.cell)(&all));
    [String::from("all"), state].into_iter().chain(cells).collect()
}

fn together(nodes: &[Node]) -> Figures {
    let sum = |of: fn(&Figures) -> Option<f64>| total(nodes.iter().map(|node| of(node.figures())));
    let values =
        |of: fn(&Figures) -> Option<f64>| nodes.iter().filter_map(move |it| of(it.figures()));
    Figures {
        connections: sum(|it| it.connections),
        connects: sum(|it| it.connects),
        messages: sum(|it| it.messages),
        deliveries: sum(|it| it.deliveries),
        commits: merged(nodes.iter().map(|node| &node.figures().commits)),
        writes_waiting: sum(|it| it.writes_waiting),
        reads_waiting: sum(|it| it.reads_waiting),
        catch_ups_waiting: sum(|it| it.catch_ups_waiting),
        handshakes_waiting: sum(|it| it.handshakes_waiting),
        untold: sum(|it| it.untold),
        overloads: sum(|it| it.overloads),
        // Up is what all of them are; late is who is latest.
        bus_up: values(|it| it.bus_up).reduce(f64::min),
        bus_queued: sum(|it| it.bus_queued),
        bus_lag_ms: values(|it| it.bus_lag_ms).reduce(f64::max),
        repaired: sum(|it| it.repaired),
        mismatches: sum(|it| it.mismatches),
        resident_bytes: sum(|it| it.resident_bytes),
        cpus: sum(|it| it.cpus),
    }
}

/// Everything as one plain table, names at the left, numbers at the right.
pub(super) fn plain(nodes: &[Node], now: Instant) -> String {
    let titles = GROUPS.iter().flat_map(|group| group.columns).map(|column| column.title);
    let mut rows = vec![["node", "state"].into_iter().chain(titles).map(String::from).collect()];
    let whole = |part: &dyn Fn(&Group) -> Vec<String>| {
        let parts = GROUPS.iter().enumerate();
        let cells =
            parts.flat_map(|(at, group)| part(group).split_off(if at == 0 { 0 } else { 2 }));
        cells.collect::<Vec<String>>()
    };
    rows.extend(nodes.iter().map(|node| whole(&|group| row(node, now, group))));
    rows.push(whole(&|group| totals(nodes, now, group)));
    let widths = widths(&rows);
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// How wide each column has to be.
pub(super) fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    (0..columns).map(|at| width(at).unwrap_or(0)).collect()
}

fn state(state: &State) -> String {
    match state {
        State::Unknown => String::from("…"),
        State::Ready => String::from("ready"),
        State::Unready => String::from("NOT READY"),
        State::Down(how_long, _) => format!("DOWN {}", span(*how_long)),
    }
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

fn none() -> String {
    String::from("-")
}

/// A number of things, short.
fn count(value: Option<f64>) -> String {
    match value {
        None => none(),
        Some(value) if value >= 1e10 => format!("{:.0}G", value / 1e9),
        Some(value) if value >= 1e7 => format!("{:.0}M", value / 1e6),
        Some(value) => format!("{value:.0}"),
    }
}

fn rate(value: Option<f64>) -> String {
    match value {
        Some(value) if value > 0.0 && value < 10.0 => format!("{value:.1}"),
        value => count(value),
    }
}

fn latency(seconds: Option<f64>) -> String {
    match seconds {
        None => none(),
        Some(seconds) if seconds < 0.01 => format!("{:.2}ms", seconds * 1e3),
        Some(seconds) if seconds < 1.0 => format!("{:.0}ms", seconds * 1e3),
        Some(seconds) => format!("{seconds:.1}s"),
    }
}

fn bytes(value: Option<f64>) -> String {
    match value.map(|bytes| bytes / (1024.0 * 1024.0)) {
        None => none(),
        Some(mib) if mib < 10_240.0 => format!("{mib:.0}MiB"),
        Some(mib) => format!("{:.1}GiB", mib / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exposition::Exposition;
    use super::*;

    #[test]
    fn the_plain_table_has_a_row_a_server_and_one_of_all() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let page = |sent: u32, lag: u32| {
            Exposition::parse(
                format!(
                    "parlor_server_ready 1\nparlor_gateway_connections 40\nparlor_bus_up 1\n\
                     parlor_service_messages_sent_total {sent}\nparlor_bus_lag_milliseconds {lag}\n"
                )
                .as_bytes(),
            )
        };
        let mut nodes = ["a:1", "b:1", "c:1"].map(Node::new);
        nodes[0].answered(page(5, 2), start);
        nodes[0].answered(page(25, 2), later);
        nodes[1].answered(page(0, 70), start);
        nodes[1].answered(page(5, 70), later);
        nodes[2].failed("refused", start);
        let text = plain(&nodes, start + Duration::from_secs(75));
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), 5, "{text}");
        assert_eq!(rows[1][..5], ["a:1", "ready", "40", "-", "20"], "{text}");
        assert_eq!(rows[3][..5], ["c:1", "DOWN", "1m15s", "-", "-"], "{text}");
        assert_eq!(rows[4][..6], ["all", "2/3", "ready", "80", "-", "25"], "{text}");
        assert!(rows[4].contains(&"70ms") && rows[1].contains(&"2.00ms"), "{text}");
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [Some(9_999_999.0), Some(12e6), Some(3e11), None].map(count),
            ["9999999", "12M", "300G", "-"]
        );
        assert_eq!([Some(0.25), Some(10.0), Some(0.0)].map(rate), ["0.2", "10", "0"]);
        assert_eq!([Some(0.0012), Some(0.25), Some(3.0)].map(latency), ["1.20ms", "250ms", "3.0s"]);
        assert_eq!([Some(52e6), Some(11e9)].map(bytes), ["50MiB", "10.2GiB"]);
        let spans = [59, 60, 3_599, 3_600].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["59s", "1m00s", "59m59s", "1h00m"]);
    }
}
