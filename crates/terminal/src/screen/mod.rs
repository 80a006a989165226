//! The screen: what is seen ([`view`]), how it is drawn ([`draw`]), what the user writes
//! ([`composer`]), and what keys do ([`app`]).

mod app;
mod composer;
mod draw;
mod view;

use std::io::stdout;
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, EventStream};
use crossterm::execute;
use futures_util::StreamExt;
use parlor_client::{Parlor, State, Update};
use serde_json::Value;

use crate::Options;
use crate::failure::{Failure, advice};
use app::{App, Next};

/// What changed is drawn at most so often.
const FRAME: Duration = Duration::from_millis(33);
/// Times and ends of messages are looked at again after so long.
const TICK: Duration = Duration::from_secs(1);

/// Shows the conversations until the user has enough.
pub(crate) async fn run(parlor: &Parlor, options: &Options) -> Result<(), Failure> {
    let mut terminal = ratatui::try_init()
        .map_err(|error| Failure::new(format!("no terminal ({error}): use --plain in scripts")))?;
    // Terminals that do not know it paste as if typed.
    let _ = execute!(stdout(), EnableBracketedPaste);
    let outcome = show(parlor, options, &mut terminal).await;
    let _ = execute!(stdout(), DisableBracketedPaste);
    ratatui::restore();
    outcome
}

async fn show(
    parlor: &Parlor,
    options: &Options,
    terminal: &mut ratatui::DefaultTerminal,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the terminal is gone: {error}"));
    let mut app = App::new(parlor.clone(), options.clone());
    let (mut updates, mut status) = (parlor.updates(), parlor.status());
    let mut keys = EventStream::new();
    let mut frames = tokio::time::interval(FRAME);
    let mut ticks = tokio::time::interval(TICK);
    let mut is_dirty = true;
    loop {
        tokio::select! {
            key = keys.next() => match key {
                Some(Ok(event)) => {
                    if app.event(event) == Next::Leave {
                        return Ok(());
                    }
                    is_dirty = true;
                }
                Some(Err(error)) => return Err(failed(error)),
                None => return Ok(()),
            },
            update = updates.next() => {
                is_dirty = true;
                if let Some(Update::Presence { .. } | Update::List) = update {
                    app.watch();
                }
                if update.is_none() {
                    let status = parlor.status().borrow().clone();
                    return match status.reason {
                        Some(reason) if status.state == State::Closed => {
                            Err(Failure::new(advice(&reason, options)))
                        }
                        _ => Ok(()),
                    };
                }
            }
            _ = status.changed() => is_dirty = true,
            _ = ticks.tick() => is_dirty = true,
            _ = frames.tick(), if is_dirty => {
                is_dirty = false;
                app.look();
                let view = app.view();
                terminal.draw(|frame| draw::draw(frame, &view)).map_err(failed)?;
            }
        }
    }
}

/// What a message says, as text: any JSON that has none is shown as it is.
pub(crate) fn content(content: Option<&Value>) -> String {
    match content {
        None => "(deleted)".to_owned(),
        Some(content) => match content.as_str().or_else(|| content.get("text")?.as_str()) {
            Some(text) => text.to_owned(),
            None => content.to_string(),
        },
    }
}
