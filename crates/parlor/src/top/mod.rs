//! `parlor top`: what servers do, on a screen that keeps up, or as one table for scripts.
//!
//! Each interval every server is asked for `/metrics` ([`exposition`]); what is new since the last
//! answer makes the figures ([`node`], [`table`]), which the screen shows ([`screen`]). A server that
//! does not answer holds nobody up: the others are asked again, and keys are heard meanwhile.

mod exposition;
mod node;
mod screen;
mod table;

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::exposition::Exposition;
use self::node::{Node, State};
use crate::cli::ConfigFile;
use crate::config::Overrides;
use crate::exit::{Code, Failure};
use crate::fetch::{Address, Fetcher};

/// The most servers that are watched at once.
const NODES_MAX: usize = 64;
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the screen is drawn anew when nothing comes.
const FRAME: Duration = Duration::from_millis(250);

/// Arguments of `parlor top`.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// The servers, up to 64; the one that the configuration makes on this machine, if none is
    /// given.
    #[arg(value_name = "URL", value_parser = Address::parse)]
    urls: Vec<Address>,
    /// Print one table and end: for scripts. It ends with 1 if a server did not answer.
    #[arg(long)]
    once: bool,
    /// How often servers are asked, in milliseconds; with `--once`, over which time rates are made.
    #[arg(long, value_name = "MS", default_value = "1000", value_parser = clap::value_parser!(u64).range(100..=60_000))]
    interval_ms: u64,
    #[command(flatten)]
    config: ConfigFile,
}

/// A server's place in the list, what it answered, and when.
type Answer = (usize, Result<Exposition, String>, Instant);

/// Watches until the user has enough, or once.
///
/// # Errors
/// A [`Failure`] for a wrong command line, a terminal that is none, or, once, a server that is down.
pub(crate) fn run(arguments: Top) -> Result<(), Failure> {
    let Top { mut urls, once, interval_ms, config } = arguments;
    if urls.is_empty() {
        urls.push(Address::local(&crate::load(&config, &Overrides::default())?));
    }
    if urls.len() > NODES_MAX {
        return Err(Failure::new(Code::Usage, format!("at most {NODES_MAX} servers are watched")));
    }
    let nodes = urls.iter().map(|url| Node::new(url.name())).collect();
    let fetchers = urls.into_iter().map(|url| Fetcher::new(url, ANSWER_TIMEOUT));
    let fetchers = fetchers.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let interval = Duration::from_millis(interval_ms);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        if once {
            print_once(nodes, &fetchers, interval).await
        } else {
            watch(nodes, fetchers, interval).await
        }
    })
}

fn failed(why: String) -> Failure {
    Failure::new(Code::Failed, why)
}

async fn scrape(at: usize, fetcher: Fetcher) -> Answer {
    let page = match fetcher.get("/metrics").await {
        Ok((StatusCode::OK, page)) => Ok(Exposition::parse(&page)),
        Ok((status, _)) => Err(format!("it answered {status}")),
        Err(why) => Err(why),
    };
    (at, page, Instant::now())
}

fn take(nodes: &mut [Node], (at, page, when): Answer) {
    match page {
        Ok(page) => nodes[at].answered(page, when),
        Err(why) => nodes[at].failed(&why, when),
    }
}

/// Asks all servers twice and prints what is new.
async fn print_once(
    mut nodes: Vec<Node>,
    fetchers: &[Fetcher],
    interval: Duration,
) -> Result<(), Failure> {
    let mut rounds = tokio::time::interval(interval);
    for _ in 0..2 {
        rounds.tick().await;
        let asked = fetchers.iter().cloned().enumerate();
        let mut answers: JoinSet<Answer> = asked.map(|(at, it)| scrape(at, it)).collect();
        while let Some(answer) = answers.join_next().await {
            take(&mut nodes, answer.map_err(|error| failed(error.to_string()))?);
        }
    }
    let now = Instant::now();
    print!("{}", table::plain(&nodes, now));
    let down = nodes.iter().filter_map(|node| match node.state(now) {
        State::Down(_, why) => Some(format!("{} is down: {why}", node.name)),
        _ => None,
    });
    let down: Vec<String> = down.collect();
    if down.is_empty() { Ok(()) } else { Err(failed(down.join("\n"))) }
}

/// Shows the servers until a key ends it.
async fn watch(
    nodes: Vec<Node>,
    fetchers: Vec<Fetcher>,
    interval: Duration,
) -> Result<(), Failure> {
    let mut terminal = ratatui::try_init()
        .map_err(|error| failed(format!("no terminal ({error}): use --once in scripts")))?;
    let outcome = show(nodes, fetchers, interval, &mut terminal).await;
    ratatui::restore();
    outcome.map_err(|error| failed(format!("the terminal is gone: {error}")))
}

async fn show(
    mut nodes: Vec<Node>,
    fetchers: Vec<Fetcher>,
    interval: Duration,
    terminal: &mut ratatui::DefaultTerminal,
) -> io::Result<()> {
    let (answer, mut answers) = mpsc::channel(NODES_MAX);
    let mut asking: JoinSet<()> = JoinSet::new();
    for (at, fetcher) in fetchers.into_iter().enumerate() {
        asking.spawn(ask(at, fetcher, interval, answer.clone()));
    }
    let mut keys = EventStream::new();
    let mut frames = tokio::time::interval(FRAME);
    let mut skipped = 0;
    loop {
        terminal.draw(|frame| screen::draw(frame, &nodes, Instant::now(), interval, skipped))?;
        tokio::select! {
            key = keys.next() => match key {
                Some(event) => {
                    if pressed(&event?, &mut skipped, nodes.len()) == Next::Leave {
                        return Ok(());
                    }
                }
                None => return Ok(()),
            },
            Some(answer) = answers.recv() => take(&mut nodes, answer),
            _ = frames.tick() => {}
        }
    }
}

/// Asks one server again and again, at most once each interval.
async fn ask(at: usize, fetcher: Fetcher, interval: Duration, answer: mpsc::Sender<Answer>) {
    let mut rounds = tokio::time::interval(interval);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        // The screen is gone.
        if answer.send(scrape(at, fetcher.clone()).await).await.is_err() {
            return;
        }
    }
}

/// What follows from a key.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go,
    Leave,
}

fn pressed(event: &Event, skipped: &mut usize, nodes: usize) -> Next {
    let &Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else {
        return Next::Go;
    };
    match code {
        KeyCode::Char('q') | KeyCode::Esc => return Next::Leave,
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => {
            return Next::Leave;
        }
        KeyCode::Up => *skipped = skipped.saturating_sub(1),
        KeyCode::Down => *skipped = (*skipped + 1).min(nodes.saturating_sub(1)),
        _ => {}
    }
    Next::Go
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_leave_and_arrows_stay_within_the_list() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let plain = |code| key(code, KeyModifiers::NONE);
        let mut skipped = 0;
        for event in [
            plain(KeyCode::Char('q')),
            plain(KeyCode::Esc),
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(pressed(&event, &mut skipped, 2), Next::Leave);
        }
        for (code, left) in
            [(KeyCode::Up, 0), (KeyCode::Down, 1), (KeyCode::Down, 1), (KeyCode::Up, 0)]
        {
            assert_eq!(pressed(&plain(code), &mut skipped, 2), Next::Go);
            assert_eq!(skipped, left);
        }
        assert_eq!(pressed(&plain(KeyCode::Char('c')), &mut skipped, 2), Next::Go);
    }
}
