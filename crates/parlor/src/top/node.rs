//! One server as it was last seen: two scrapes become rates, and failures a time it has been down.
//!
//! Times are given, never read, so that what is made of them can be tested.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::exposition::{Buckets, Exposition};

/// How many rates are kept to be drawn.
const HISTORY_MAX: usize = 24;

/// What a server has come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Not asked yet.
    Unknown,
    /// It takes messages.
    Ready,
    /// It answers, and takes none.
    Unready,
    /// It has not answered for so long, and why.
    Down(Duration, String),
}

/// A server that is watched.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    seen: Option<Seen>,
    figures: Figures,
    /// Since when it has not answered, and why.
    down: Option<(Instant, String)>,
    /// Messages a second, the newest last.
    pub(super) history: VecDeque<f64>,
}

#[derive(Debug)]
struct Seen {
    page: Exposition,
    at: Instant,
}

/// What is shown of a server; what it does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) connections: Option<f64>,
    pub(super) connects: Option<f64>,
    pub(super) messages: Option<f64>,
    pub(super) deliveries: Option<f64>,
    /// Commits of the last interval.
    pub(super) commits: Buckets,
    pub(super) writes_waiting: Option<f64>,
    pub(super) reads_waiting: Option<f64>,
    pub(super) catch_ups_waiting: Option<f64>,
    pub(super) handshakes_waiting: Option<f64>,
    pub(super) untold: Option<f64>,
    /// Refused for too much to do, since the start: writes, operations on sockets, handshakes.
    pub(super) overloads: Option<f64>,
    pub(super) bus_up: Option<f64>,
    pub(super) bus_queued: Option<f64>,
    pub(super) bus_lag_ms: Option<f64>,
    pub(super) repaired: Option<f64>,
    pub(super) mismatches: Option<f64>,
    pub(super) resident_bytes: Option<f64>,
    /// Processors in use, 1.0 for one.
    pub(super) cpus: Option<f64>,
}

impl Node {
    /// A server that was not asked yet.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seen: None,
            figures: Figures::default(),
            down: None,
            history: VecDeque::new(),
        }
    }

    /// Takes an answer.
    pub(super) fn answered(&mut self, page: Exposition, at: Instant) {
        if page.is_foreign() {
            return self.failed("what answers is no Parlor", at);
        }
        // Rates over a time without answers would say nothing of now.
        let before = self.seen.take().filter(|_| self.down.is_none());
        self.figures = figures(&page, before.as_ref(), at);
        self.seen = Some(Seen { page, at });
        self.down = None;
        self.note();
    }

    /// Takes that there was none.
    pub(super) fn failed(&mut self, why: &str, at: Instant) {
        let since = self.down.take().map_or(at, |(since, _)| since);
        self.down = Some((since, why.to_owned()));
        self.figures = Figures::default();
        self.note();
    }

    fn note(&mut self) {
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(self.figures.messages.unwrap_or(0.0));
    }

    /// What it has come to.
    pub(super) fn state(&self, now: Instant) -> State {
        match (&self.down, &self.seen) {
            (Some((since, why)), _) => State::Down(now.duration_since(*since), why.clone()),
            (None, None) => State::Unknown,
            (None, Some(seen)) if seen.page.sum("parlor_server_ready") == Some(1.0) => State::Ready,
            (None, Some(_)) => State::Unready,
        }
    }

    /// Its figures; none of a server that is down.
    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }
}

fn figures(page: &Exposition, before: Option<&Seen>, at: Instant) -> Figures {
    let seconds = before.map(|seen| at.duration_since(seen.at).as_secs_f64());
    let rate = |name: &str| {
        let (now, then) = (page.sum(name)?, before?.page.sum(name)?);
        let seconds = seconds.filter(|seconds| *seconds > 0.0)?;
        // A counter that is less than before began anew with its server.
        Some(if now < then { now } else { now - then } / seconds)
    };
    let overloads = [
        "parlor_store_overloads_total",
        "parlor_gateway_inbox_refusals_total",
        "parlor_gateway_handshakes_refused_total",
    ];
    Figures {
        connections: page.sum("parlor_gateway_connections"),
        connects: rate("parlor_gateway_connections_opened_total"),
        messages: rate("parlor_service_messages_sent_total"),
        deliveries: rate("parlor_gateway_deliveries_total"),
        commits: before.map_or_else(Buckets::new, |seen| {
            let name = "parlor_store_commit_duration_seconds";
            less(&page.buckets(name), &seen.page.buckets(name))
        }),
        writes_waiting: page.sum("parlor_store_queued_writes"),
        reads_waiting: page.sum("parlor_store_queued_reads"),
        catch_ups_waiting: page.sum("parlor_service_resumes_waiting"),
        handshakes_waiting: page.sum("parlor_gateway_handshakes_waiting"),
        untold: page.sum("parlor_store_untold_entries"),
        overloads: total(overloads.into_iter().map(|name| page.sum(name))),
        bus_up: page.sum("parlor_bus_up"),
        bus_queued: page.sum("parlor_bus_queued_messages"),
        bus_lag_ms: page.sum("parlor_bus_lag_milliseconds"),
        repaired: page.sum("parlor_bus_repaired_entries_total"),
        mismatches: page.sum("parlor_bus_position_mismatches_total"),
        resident_bytes: page.sum("parlor_process_resident_bytes"),
        cpus: rate("parlor_process_cpu_seconds_total"),
    }
}

/// What came into a histogram since another reading of it.
fn less(now: &Buckets, then: &Buckets) -> Buckets {
    let same = |((one, _), (other, _)): (&(f64, f64), &(f64, f64))| one == other;
    let grew = |((_, now), (_, then)): (&(f64, f64), &(f64, f64))| now >= then;
    let pairs = || now.iter().zip(then);
    if now.len() != then.len() || !pairs().all(same) || !pairs().all(grew) {
        return now.clone();
    }
    pairs().map(|((bound, now), (_, then))| (*bound, now - then)).collect()
}

/// The sum of what there is.
pub(super) fn total(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// Below which value this share of a histogram lies, even between bounds; `None` if it is empty.
/// What lies above the last bound is said to lie at it.
pub(super) fn quantile(buckets: &Buckets, share: f64) -> Option<f64> {
    let all = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let rank = share * all;
    let (mut low, mut below) = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count >= rank && count > below {
            if bound.is_infinite() {
                return Some(low);
            }
            return Some(low + (bound - low) * ((rank - below) / (count - below)));
        }
        (low, below) = (bound, count);
    }
    Some(low)
}

/// Histograms of the same bounds as one.
pub(super) fn merged<'a>(histograms: impl Iterator<Item = &'a Buckets>) -> Buckets {
    let mut sum = Buckets::new();
    for buckets in histograms.filter(|buckets| !buckets.is_empty()) {
        if sum.is_empty() {
            sum.clone_from(buckets);
        } else if sum.len() == buckets.len() {
            sum.iter_mut().zip(buckets).for_each(|((_, count), (_, more))| *count += more);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sent: u32, ready: u32, commits: [u32; 3]) -> Exposition {
        let [fast, slow, all] = commits;
        let name = "parlor_store_commit_duration_seconds_bucket";
        Exposition::parse(
            format!(
                "parlor_server_ready {ready}\nparlor_service_messages_sent_total {sent}\n\
                 {name}{{le=\"0.001\"}} {fast}\n{name}{{le=\"0.01\"}} {slow}\n\
                 {name}{{le=\"+Inf\"}} {all}\n"
            )
            .as_bytes(),
        )
    }

    #[test]
    fn two_scrapes_make_rates_and_a_restart_none_below_zero() {
        let (mut node, start) = (Node::new("a"), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(node.state(start), State::Unknown);
        node.answered(page(100, 1, [10, 10, 10]), start);
        assert_eq!((node.state(start), node.figures().messages), (State::Ready, None));
        node.answered(page(150, 1, [10, 20, 20]), after(2));
        assert_eq!(node.figures().messages, Some(25.0));
        let p50 = quantile(&node.figures().commits, 0.5).expect("there were commits");
        assert!((p50 - 0.0055).abs() < 1e-9, "{p50}");
        node.answered(page(8, 0, [1, 1, 1]), after(4));
        assert_eq!((node.state(after(4)), node.figures().messages), (State::Unready, Some(4.0)));
        assert!(node.history.iter().eq(&[0.0, 25.0, 4.0]));
    }

    #[test]
    fn down_is_counted_from_the_first_failure_to_the_next_answer() {
        let (mut node, start) = (Node::new("a"), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        node.answered(page(1, 1, [0; 3]), start);
        node.failed("refused", after(1));
        node.failed("late", after(2));
        let down = State::Down(Duration::from_secs(8), String::from("late"));
        assert_eq!((node.state(after(9)), node.figures()), (down, &Figures::default()));
        node.answered(page(900, 1, [0; 3]), after(10));
        assert_eq!((node.state(after(10)), node.figures().messages), (State::Ready, None));
        node.answered(Exposition::parse(b"up 1\n"), after(11));
        assert!(matches!(node.state(after(11)), State::Down(_, why) if why.contains("no Parlor")));
    }

    #[test]
    fn history_keeps_the_newest() {
        let mut node = Node::new("a");
        for _ in 0..=HISTORY_MAX {
            node.failed("x", Instant::now());
        }
        assert_eq!(node.history.len(), HISTORY_MAX);
    }

    #[test]
    fn quantiles_stay_within_the_bounds() {
        let buckets = vec![(1.0, 2.0), (2.0, 2.0), (4.0, 4.0), (f64::INFINITY, 5.0)];
        assert_eq!(quantile(&buckets, 0.2), Some(0.5));
        assert_eq!(quantile(&buckets, 0.6), Some(3.0));
        assert_eq!(quantile(&buckets, 1.0), Some(4.0));
        assert_eq!(quantile(&Buckets::new(), 0.5), None);
        assert_eq!(quantile(&vec![(1.0, 0.0)], 0.5), None);
    }
}
