//! A server with many messages stored: how soon it is there, what reading old messages and searching in them
//! takes, what it needs of disk and memory.
//!
//! The store is filled once (`store::fill`) and used in every round. A cold start is one whose files the
//! kernel has not cached: they are put out of its cache before. The server of a round is killed, not stopped, so
//! that the next one starts as after a crash. Each question is asked by itself, the next when the one before
//! was answered; cold questions are those about places that nobody has read since the start.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use rustix::fs::{Advice, fadvise};

use crate::chance::scattered;
use crate::crew::Crew;
use crate::latency::Latency;
use crate::load::user_name;
use crate::place::Place;
use crate::plot::Picture;
use crate::process;
use crate::protocol::{Ask, Command, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::store::{Fill, Filled, LONG_CONVERSATION, RARE_WORD};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 6] = [
    Metric::told("listening ms", 0),
    Metric::told("first ack ms", 0),
    Metric::told("listening ms, files cached", 0),
    Metric::told("disk bytes per message", 0),
    Metric::told("peak resident MB", 1),
    Metric::told("of it anonymous MB", 1),
];

const ASKED_METRICS: [Metric; 4] = [
    Metric::told("first ms", 2),
    Metric::told("p50 ms", 2),
    Metric::told("p99 ms", 2),
    Metric::told("slowest ms", 2),
];

/// Who is connected: both users of the long conversation.
const CONNECTED: u32 = 2;
/// Messages of a page.
const PAGE: u64 = 50;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Messages stored
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..))]
    messages: Option<u64>,
    /// How often each question is asked
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    times: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let messages = self.messages.unwrap_or(if quick { 20_000 } else { 10_000_000 });
        let times = self.times.unwrap_or(if quick { 20 } else { 200 });
        let settings = format!(
            "{messages} messages of about 100 bytes stored, a tenth of them in one conversation, the index of \
             words included; each time a start from disk (the files put out of the kernel's cache) after the \
             server was killed; then {times} questions of each kind about the long conversation, one at a time; \
             peak memory is that of the whole round"
        );
        let mut stored: Option<Stored> = None;
        let title = "Starting with much stored";
        Scenario::new("start", title, settings, &[Kind::Parlor], move |run, _, results| {
            if stored.is_none() {
                stored = Some(Stored::fill(&run.place, messages)?);
            }
            let stored = stored.as_ref().context("it was filled")?;
            round(run, stored, times, results)
        })
        // Filling is a part of the first round.
        .with_estimate(if quick { 4.0 } else { 60.0 + messages as f64 / 12_000.0 })
        .with_pictures([Picture::percentiles("asked", "How long questions take")])
    }
}

/// A filled data directory, removed when dropped.
pub(crate) struct Stored {
    folder: tempfile::TempDir,
    filled: Filled,
}

impl Stored {
    /// Fills one.
    ///
    /// # Errors
    /// The disk is full, or the store refuses something.
    pub(crate) fn fill(place: &Place, messages: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(&place.scratch).context("no folder for data")?;
        let filled = Fill { data: folder.path().join("data"), messages }.make()?;
        let Filled { seconds, bytes, .. } = filled;
        eprintln!(
            "bench: {messages} messages stored in {seconds:.0} s, {:.0} MB",
            bytes as f64 / 1e6
        );
        Ok(Self { folder, filled })
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }
}

/// What a question's answers took; the first one is cold.
pub(crate) struct Answers {
    pub(crate) name: &'static str,
    first_ms: f64,
    pub(crate) all: Latency,
}

/// What a start and the questions after it came to.
pub(crate) struct Started {
    pub(crate) listening_ms: f64,
    first_ack_ms: f64,
    pub(crate) answers: Vec<Answers>,
    peak_bytes: f64,
    anonymous_bytes: f64,
}

fn round(run: &Run, stored: &Stored, times: u32, results: &mut Results) -> anyhow::Result<()> {
    let started = measure(run, stored, times)?;
    let began = Instant::now();
    let warm = Server::start_on(&stored.data(), &run.place, Limits::HIGH_RATES)?;
    let warm_ms = began.elapsed().as_secs_f64() * 1e3;
    drop(warm);
    for Answers { name, first_ms, all } in &started.answers {
        results.add_latency("asked", name, all);
        let slowest = all.quantile_ms(1.0);
        let row = vec![*first_ms, all.quantile_ms(0.5), all.quantile_ms(0.99), slowest];
        results.table("start: questions", &ASKED_METRICS).add(name, row);
    }
    let Filled { messages, bytes, .. } = stored.filled;
    results.table("start", &METRICS).add(
        Kind::Parlor.name(),
        vec![
            started.listening_ms,
            started.first_ack_ms,
            warm_ms,
            bytes as f64 / messages as f64,
            started.peak_bytes / 1e6,
            started.anonymous_bytes / 1e6,
        ],
    );
    Ok(())
}

/// Starts a server from disk on what is stored, and asks each question so often.
///
/// # Errors
/// The server does not start, or refuses something.
pub(crate) fn measure(run: &Run, stored: &Stored, times: u32) -> anyhow::Result<Started> {
    let data = stored.data();
    let nowhere = ([127, 0, 0, 1], 0).into();
    let auth = Kind::Parlor.auth();
    // The load is there before the server, so that its own start is not counted.
    let mut crew = Crew::start(CONNECTED, run.place.load_core, nowhere, auth, run.at_once)?;
    crew.count_events()?;
    forget(&data)?;
    let began = Instant::now();
    let server = Server::start_on(&data, &run.place, Limits::HIGH_RATES)?;
    let listening_ms = began.elapsed().as_secs_f64() * 1e3;
    crew.talk_to(server.address());
    crew.connect(CONNECTED)?;
    let to = user_name(1);
    ask(
        &mut crew,
        vec![format!(r#"["private_message",{{"toUserId":"{to}","content":"first"}}]"#)],
    )?;
    let first_ack_ms = began.elapsed().as_secs_f64() * 1e3;
    let answers = questions(stored.filled.long, times).into_iter().map(|(name, events)| {
        let mut latencies = ask(&mut crew, events)?.into_iter();
        let mut all = latencies.next().context("nothing was asked")?;
        let first_ms = all.quantile_ms(1.0);
        latencies.for_each(|latency| all.merge(&latency));
        anyhow::Ok(Answers { name, first_ms, all })
    });
    let answers = answers.collect::<anyhow::Result<_>>()?;
    let peak_bytes = process::peak_resident(server.pid())?;
    let anonymous_bytes = process::memory(server.pid())?.anonymous;
    Ok(Started { listening_ms, first_ack_ms, answers, peak_bytes, anonymous_bytes })
}

/// The question about a page at a random place, which is read from disk.
const OLD_PAGE: &str = "history: random old page";
/// The question about the same pages again, which are in memory.
pub(crate) const SAME_PAGE: &str = "history: the same again";
/// The question by a word that few messages have.
pub(crate) const RARE_SEARCH: &str = "search: rare word";

/// What is asked, by name: the events of each kind of question.
fn questions(long: u64, times: u32) -> Vec<(&'static str, Vec<String>)> {
    let of = format!(r#""conversationId":"{LONG_CONVERSATION}""#);
    let page = |rest: String| format!(r#"["history",{{{of},"limit":{PAGE}{rest}}}]"#);
    let search = |text: &str| format!(r#"["search",{{{of},"text":"{text}"}}]"#);
    let repeated = |event: String| (0..times).map(|_| event.clone()).collect::<Vec<_>>();
    // The same places in each run, in no order.
    let places = (1..=u64::from(times))
        .map(|at| PAGE + scattered(at) % long.saturating_sub(2 * PAGE).max(1));
    let old: Vec<String> = places.map(|place| page(format!(r#","before":{place}"#))).collect();
    let everywhere = format!(r#"["search",{{"text":"{RARE_WORD}"}}]"#);
    vec![
        ("history: newest page", repeated(page(String::new()))),
        (OLD_PAGE, old.clone()),
        (SAME_PAGE, old),
        (RARE_SEARCH, repeated(search(RARE_WORD))),
        ("search: rare word, everywhere", repeated(everywhere)),
        ("search: frequent word", repeated(search("w1 w2"))),
        ("search: beginning of two letters", repeated(search("w3"))),
    ]
}

/// Asks one question after the other by the first user; a latency for each.
fn ask(crew: &mut Crew, events: Vec<String>) -> anyhow::Result<Vec<Latency>> {
    let commands = events.into_iter().map(|event| (0, event)).collect();
    let ask = Ask { commands, rounds: 1 };
    match crew.command(|_| Command::Ask(ask.clone()))?.into_iter().next() {
        Some(Reply::Asked { latencies }) => Ok(latencies),
        reply => bail!("unexpected {reply:?}"),
    }
}

/// Puts the files of a folder out of the kernel's cache.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for file in std::fs::read_dir(folder)? {
        let file = std::fs::File::open(file?.path())?;
        // What is not on disk yet stays in the cache.
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)
            .context("files cannot be put out of the cache")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_asked_so_often_about_places_that_are_there() {
        let questions = questions(1_000, 30);
        assert!(questions.iter().all(|(_, events)| events.len() == 30));
        let (_, old) = questions.iter().find(|(name, _)| *name == OLD_PAGE).expect("it is asked");
        let mut places: Vec<u64> = old
            .iter()
            .map(|event| {
                let event: (String, serde_json::Value) = serde_json::from_str(event).expect("JSON");
                event.1["before"].as_u64().expect("a place")
            })
            .collect();
        assert!(places.iter().all(|place| (PAGE..1_000).contains(place)), "{places:?}");
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 20);
    }
}
