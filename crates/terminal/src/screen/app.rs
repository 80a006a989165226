//! What keys do, and what there is to see.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use parlor_client::{
    ChatMessage, Conversation, ConversationView, MessageState, Parlor, State, Target,
};
use tokio::sync::watch;

use super::composer::Composer;
use super::content;
use super::view::{ListLine, MessageLine, Tick, View};
use crate::Options;
use crate::failure::{advice, refused};
use crate::text::{clock, harmless, one_line};

/// Users of the list whose presence is looked at.
const WATCHED_MAX: usize = 50;
/// How long something is told at the bottom.
const NOTICE: Duration = Duration::from_secs(5);
/// Lines that PageUp goes up.
const PAGE_LINES: usize = 10;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Stay,
    Leave,
}

/// The state of the screen.
pub(crate) struct App {
    parlor: Parlor,
    options: Options,
    selected: Option<Conversation>,
    composer: Composer,
    /// Whom to write to is being asked.
    is_prompting: bool,
    scroll: usize,
    /// What went wrong lately, told by whoever tried.
    notices: watch::Sender<Option<(String, Instant)>>,
}

impl App {
    pub(crate) fn new(parlor: Parlor, options: Options) -> Self {
        let notices = watch::Sender::new(None);
        let (composer, with) = (Composer::default(), options.with.clone());
        let mut app = Self {
            parlor,
            options,
            selected: None,
            composer,
            is_prompting: false,
            scroll: 0,
            notices,
        };
        if let Some(target) = with {
            app.select(target);
        }
        app
    }

    /// Takes a key, a paste or another size.
    pub(crate) fn event(&mut self, event: Event) -> Next {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => return self.key(key),
            // A paste is text, whatever is in it.
            Event::Paste(text) => {
                self.composer.insert(&harmless(&text.replace("\r\n", "\n").replace('\r', "\n")))
            }
            _ => {}
        }
        Next::Stay
    }

    fn key(&mut self, key: KeyEvent) -> Next {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'q') if is_control => return Next::Leave,
            KeyCode::Char('t') if is_control => self.is_prompting = true,
            KeyCode::Char('r') if is_control => self.retry(),
            KeyCode::Char('d') if is_control => self.discard(),
            KeyCode::Char('n') if is_control => self.step(1),
            KeyCode::Char('p') if is_control => self.step(-1),
            KeyCode::Char('u') if is_control => drop(self.composer.take()),
            KeyCode::Char(_) if is_control => {}
            KeyCode::Esc => self.is_prompting = false,
            KeyCode::Tab => self.step(1),
            KeyCode::BackTab => self.step(-1),
            KeyCode::PageUp => self.up(PAGE_LINES),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_sub(PAGE_LINES),
            KeyCode::Up => self.up(1),
            KeyCode::Down => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Left => self.composer.left(),
            KeyCode::Right => self.composer.right(),
            KeyCode::Home => self.composer.home(),
            KeyCode::End => self.composer.end(),
            KeyCode::Backspace => self.composer.backspace(),
            KeyCode::Delete => self.composer.delete(),
            KeyCode::Enter => self.enter(),
            KeyCode::Char(letter) => {
                self.composer.insert(letter.encode_utf8(&mut [0; 4]));
                if let Some(here) = self.selected.as_ref().filter(|_| !self.is_prompting) {
                    here.types();
                }
            }
            _ => {}
        }
        Next::Stay
    }

    fn enter(&mut self) {
        let Some(text) = self.composer.take() else { return };
        if std::mem::take(&mut self.is_prompting) {
            let name = text.trim();
            let target = match name.strip_prefix("group:") {
                Some(group) => Target::Group(group.to_owned()),
                None => Target::User(name.to_owned()),
            };
            self.select(target);
            return;
        }
        let Some(here) = self.selected.clone() else {
            self.notice("nobody is chosen: Ctrl-T asks whom to write to");
            return;
        };
        self.scroll = 0;
        let notices = self.notices.clone();
        tokio::spawn(async move {
            // What the server refuses is shown at the message.
            if let Err(error) = here.send(text).await {
                notices.send_replace(Some((format!("not kept: {error}"), Instant::now())));
            }
        });
    }

    /// Goes to a conversation.
    fn select(&mut self, target: Target) {
        if let Some(before) = self.selected.take() {
            before.close();
        }
        let here = self.parlor.conversation(target);
        self.selected = Some(here.clone());
        self.scroll = 0;
        self.watch();
        self.read(async move { here.open().await });
    }

    /// Reads something beside, and tells if it fails.
    fn read(
        &self,
        reading: impl Future<Output = Result<(), parlor_client::Error>> + Send + 'static,
    ) {
        let notices = self.notices.clone();
        tokio::spawn(async move {
            if let Err(error) = reading.await {
                let text = error.refusal().map_or_else(
                    || error.to_string(),
                    |refusal| refused(&refusal.code, &refusal.text),
                );
                notices.send_replace(Some((text, Instant::now())));
            }
        });
    }

    fn step(&mut self, by: isize) {
        let lines = self.lines();
        if lines.is_empty() {
            return;
        }
        let here = self.selected.as_ref().map(|here| here.target().clone());
        let at = here.and_then(|here| lines.iter().position(|line| line.target == here));
        let to = at.map_or(0, |at| (at as isize + by).rem_euclid(lines.len() as isize) as usize);
        self.select(lines[to].target.clone());
    }

    fn up(&mut self, lines: usize) {
        let Some(here) = self.selected.clone() else { return };
        // Each message is a line at least, so this is never above the oldest for long.
        let most = here.messages().len().saturating_mul(4);
        self.scroll = (self.scroll + lines).min(most);
        if self.scroll + PAGE_LINES >= here.messages().len()
            && here.has_older()
            && !here.is_loading()
        {
            self.read(async move { here.load_older().await });
        }
    }

    /// The last message that was refused.
    fn refused(&self) -> Option<(Conversation, ChatMessage)> {
        let here = self.selected.clone()?;
        let is_refused = |message: &ChatMessage| matches!(message.state, MessageState::Failed(_));
        let message = here.messages().into_iter().rev().find(is_refused)?;
        Some((here, message))
    }

    fn retry(&mut self) {
        match self.refused() {
            Some((here, message)) => {
                self.read(async move { here.retry(&message.key).await.map(drop) });
            }
            None => self.parlor.retry_now(),
        }
    }

    fn discard(&mut self) {
        match self.refused() {
            Some((here, message)) => drop(here.discard(&message.key)),
            None => self.notice("no message here was refused"),
        }
    }

    fn notice(&self, text: &str) {
        self.notices.send_replace(Some((text.to_owned(), Instant::now())));
    }

    /// Looks at who is there of those in the list.
    pub(crate) fn watch(&self) {
        for line in self.lines().into_iter().take(WATCHED_MAX) {
            if let Target::User(user) = &line.target
                && user != self.parlor.user_id()
            {
                self.parlor.watch_presence(user);
            }
        }
    }

    /// Who looks has read what is there.
    pub(crate) fn look(&mut self) {
        if self.selected.is_none() && self.options.with.is_none() {
            let first = self.lines().first().map(|line| line.target.clone());
            if let Some(target) = first {
                self.select(target);
            }
        }
        if let Some(here) = self.selected.as_ref().filter(|_| self.scroll == 0) {
            here.mark_read();
        }
    }

    /// The list, with the conversation that is open.
    fn lines(&self) -> Vec<ConversationView> {
        let mut lines = self.parlor.conversations().conversations;
        if let Some(here) = &self.selected
            && !lines.iter().any(|line| line.target == *here.target())
        {
            lines.insert(0, here.view());
        }
        lines
    }

    pub(crate) fn view(&self) -> View {
        let status = self.parlor.status().borrow().clone();
        let here = self.selected.as_ref();
        let is_online = |target: &Target| match target {
            Target::User(user) => self.parlor.presence(user).is_some_and(|it| it.online),
            Target::Group(_) => false,
        };
        let list = self.lines().into_iter().map(|line| ListLine {
            name: one_line(&line.name),
            unread: line.unread,
            is_selected: here.is_some_and(|here| *here.target() == line.target),
            is_online: is_online(&line.target),
        });
        let messages = here.map(Conversation::messages).unwrap_or_default();
        let lately = self.notices.borrow().clone().filter(|(_, at)| at.elapsed() < NOTICE);
        let offline = (status.state == State::Offline).then_some(status.reason.as_ref()).flatten();
        let unsent = self.parlor.unsent();
        let mut told = status.state.to_string();
        if unsent > 0 && status.state != State::Live {
            told = format!("{told}, {unsent} kept");
        }
        View {
            me: one_line(self.parlor.user_id()),
            status: told,
            is_live: status.state == State::Live,
            list: list.collect(),
            title: here.map(|here| one_line(&here.view().name)).unwrap_or_default(),
            subtitle: here.map(|here| self.subtitle(here)).unwrap_or_default(),
            messages: messages.iter().map(|message| self.line(message)).collect(),
            is_loading: here.is_some_and(Conversation::is_loading),
            scroll: self.scroll,
            prompt: self.is_prompting.then_some("to (a user, or group:id): "),
            written: harmless(self.composer.text()),
            before_cursor: harmless(self.composer.before()),
            notice: lately
                .map(|(text, _)| one_line(&text))
                .or_else(|| offline.map(|reason| one_line(&advice(reason, &self.options)))),
        }
    }

    fn subtitle(&self, here: &Conversation) -> String {
        let view = here.view();
        let typing: Vec<_> = view.typing.iter().map(|user| one_line(user)).collect();
        match (here.target(), typing.as_slice()) {
            (Target::User(user), []) => match self.parlor.presence(user) {
                Some(presence) if presence.online => "online".to_owned(),
                Some(presence) => presence
                    .last_seen
                    .map_or_else(|| "offline".to_owned(), |at| format!("last here {}", clock(at))),
                None => String::new(),
            },
            (Target::User(_), _) => "typing …".to_owned(),
            (Target::Group(_), []) => {
                view.members.map_or_else(String::new, |many| format!("{many} members"))
            }
            (Target::Group(_), typing) => format!("{} typing …", typing.join(", ")),
        }
    }

    fn line(&self, message: &ChatMessage) -> MessageLine {
        let mut notes = Vec::new();
        let tick = match &message.state {
            MessageState::Received => Tick::None,
            MessageState::Sending => Tick::Sending,
            MessageState::Failed(failure) => {
                notes.push(refused(&failure.code, &failure.error));
                Tick::Failed
            }
            MessageState::Sent => Tick::Sent,
            MessageState::Delivered => Tick::Delivered,
            MessageState::Read => Tick::Read,
        };
        if let Some(logged) = &message.logged {
            if logged.edited_at.is_some() {
                notes.push("edited".to_owned());
            }
            if logged.pinned {
                notes.push("pinned".to_owned());
            }
            notes.extend(logged.reactions.iter().map(|it| format!("{} {}", it.emoji, it.count)));
        }
        let is_over = message.logged.as_ref().is_some_and(|logged| logged.expired);
        let text = if is_over { "(ended)".to_owned() } else { content(message.content.as_ref()) };
        MessageLine {
            from: one_line(&message.from),
            at: clock(message.ts),
            text: harmless(&text),
            note: one_line(&notes.join(", ")),
            tick,
            is_mine: message.from == self.parlor.user_id(),
        }
    }
}
