//! Lines for pipes and scripts: what comes in on standard input is sent, what others say is printed.

use std::io::{BufRead, Read, Write, stdin, stdout};

use parlor_client::{Conversation, Error, Parlor, Reason, State, Update};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::failure::{Failure, advice, refused};
use crate::text::{harmless, one_line};
use crate::{Options, screen};

/// Lines that wait to be sent, and the most bytes of one.
const LINES_MAX: usize = 64;
const LINE_BYTES_MAX: u64 = 1_000_000;
/// Messages whose answers are waited for at a time.
const UNANSWERED_MAX: usize = 256;

/// Sends lines and prints messages. Ends at the end of input, once all is acknowledged.
pub(crate) async fn run(parlor: &Parlor, options: &Options) -> Result<(), Failure> {
    let Some(target) = options.with.clone() else {
        return Err(Failure::new("--plain needs to know whom to write to: give --to or --group"));
    };
    let mut updates = parlor.updates();
    let conversation = parlor.conversation(target);
    connected(parlor, options).await?;
    let mut lines = lines();
    let mut sendings = JoinSet::new();
    let mut has_failed = false;
    let mut is_over = false;
    while !is_over || !sendings.is_empty() {
        tokio::select! {
            line = lines.recv(), if !is_over && sendings.len() < UNANSWERED_MAX => match line {
                Some(line) => {
                    let sending = conversation.send(line).await;
                    sendings.spawn(sending.map_err(|error| failed(&error))?.sent());
                }
                None => is_over = true,
            },
            Some(outcome) = sendings.join_next() => {
                match outcome {
                    Ok(Ok(_)) => {}
                    Ok(Err(Error::Closed(reason))) => return Err(Failure::new(advice(&reason, options))),
                    Ok(Err(error)) => {
                        has_failed = true;
                        eprintln!("parlor: not sent: {}", failed(&error));
                    }
                    Err(error) => return Err(Failure::new(error.to_string())),
                }
            }
            update = updates.next() => print(update, &conversation, parlor, options)?,
        }
    }
    if has_failed {
        return Err(Failure::new("some messages were refused"));
    }
    Ok(())
}

/// Waits for the first connection. A script has no use for a server that is not there.
async fn connected(parlor: &Parlor, options: &Options) -> Result<(), Failure> {
    let mut status = parlor.status();
    let is_told = |state| matches!(state, State::Live | State::Offline | State::Closed);
    let reached = status.wait_for(|now| is_told(now.state)).await.map(|status| status.clone());
    let status = reached.map_err(|_| Failure::new("the client has ended"))?;
    if status.state == State::Live {
        return Ok(());
    }
    Err(Failure::new(advice(&status.reason.unwrap_or(Reason::ClosedByApp), options)))
}

/// What standard input says, line by line, read by a thread of its own.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        let mut input = stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.is_empty() && sender.blocking_send(text.to_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

fn print(
    update: Option<Update>,
    here: &Conversation,
    parlor: &Parlor,
    options: &Options,
) -> Result<(), Failure> {
    match update {
        Some(Update::Message { conversation, message })
            if conversation.target() == here.target() =>
        {
            let text = harmless(&screen::content(message.content.as_ref()));
            let mut out = stdout().lock();
            for line in text.split('\n') {
                writeln!(out, "{}: {line}", one_line(&message.from))
                    .and_then(|()| out.flush())
                    .map_err(|error| Failure::new(format!("standard output is closed: {error}")))?;
            }
            conversation.mark_read_to(message.seq);
        }
        Some(Update::Missed(_) | Update::Anew) => {
            eprintln!("parlor: more was said than is printed here");
        }
        Some(_) => {}
        None => {
            let reason = parlor.status().borrow().reason.clone();
            return Err(Failure::new(advice(&reason.unwrap_or(Reason::ClosedByApp), options)));
        }
    }
    Ok(())
}

fn failed(error: &Error) -> Failure {
    match error.refusal() {
        Some(refusal) => Failure::new(refused(&refusal.code, &refusal.text)),
        None => Failure::new(error.to_string()),
    }
}
