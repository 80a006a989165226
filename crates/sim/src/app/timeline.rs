//! What a program shows: the messages of each of its conversations, as its client has them.
//!
//! At first, and whenever the client says `Anew`, everything is read back to the beginning, and counts
//! as seen on no connection. From then on each message is noted when it is first shown, so that a
//! hole in what is shown is a sighting out of order. When the client becomes live it must show
//! whatever was acknowledged to anybody before it began to connect: that it is live is reported with
//! how far each conversation goes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::FutureExt;
use parlor_client::{ChatMessage, Conversation, Parlor, State, Update, Updates};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::program::is_nothing_there;
use super::report;
use crate::clock::now_ms;

/// How often it is looked again whether something that is being read is there.
const READING_PAUSE: Duration = Duration::from_millis(20);
/// More pages than any conversation of a run has.
const PAGES_MAX: usize = 10_000;

/// A message that is shown for the first time, or was refused.
pub(super) struct News {
    /// Where.
    pub(super) conversation: Conversation,
    /// What.
    pub(super) message: ChatMessage,
}

/// What one client shows, as far as it was noted.
pub(super) struct Timeline {
    index: usize,
    /// Tells what one client shows from what another does.
    connection: u32,
    conversations: Vec<Conversation>,
    /// The epoch in which all was read; none while it is to be read.
    epoch: Option<String>,
    noted: HashMap<String, BTreeSet<u64>>,
    /// The newest message that was told one by one, by conversation.
    told: HashMap<String, u64>,
    changed: HashSet<String>,
    /// When it was certainly not connecting yet, if it has not been live since.
    offline_ms: Option<u64>,
    /// The same of the connection that is live, until all it must show by that is there.
    claim_ms: Option<u64>,
}

impl Timeline {
    /// Of a client that began at this time and has these conversations.
    pub(super) fn new(
        index: usize,
        connection: u32,
        conversations: Vec<Conversation>,
        began_ms: u64,
    ) -> Self {
        Self {
            index,
            connection,
            conversations,
            epoch: None,
            noted: HashMap::new(),
            told: HashMap::new(),
            changed: HashSet::new(),
            offline_ms: Some(began_ms),
            claim_ms: None,
        }
    }

    pub(super) fn conversations(&self) -> &[Conversation] {
        &self.conversations
    }

    /// Whether all is to be read before anything is noted.
    pub(super) fn is_to_be_read(&self) -> bool {
        self.epoch.is_none()
    }

    fn report(&self, line: Value) {
        report(self.index, line);
    }

    fn find(&self, text: String) {
        self.report(json!({ "kind": "error", "text": text }));
    }

    /// Takes an update: each message once and in order is asked of what is told one by one.
    pub(super) fn heard(&mut self, update: Update) {
        match update {
            Update::Changed(conversation) => drop(self.changed.insert(conversation.id())),
            Update::Message { conversation, message } => {
                let told = self.told.entry(conversation.id()).or_default();
                let before = std::mem::replace(told, message.seq);
                if message.seq <= before {
                    self.find(format!("told of {} after {before}", message.id));
                }
            }
            Update::Anew | Update::Missed(_) => {
                self.epoch = None;
                self.told.clear();
            }
            _ => {}
        }
    }

    /// Takes what has happened up to now.
    fn catch_up(&mut self, updates: &mut Updates) {
        while let Some(Some(update)) = updates.next().now_or_never() {
            self.heard(update);
        }
    }

    /// Notes since when the client has not been connected, and that it is live again.
    pub(super) fn note_status(&mut self, parlor: &Parlor) {
        // Before the look: at that time it had not begun to connect.
        let now = now_ms();
        let state = parlor.status().borrow().state;
        match state {
            State::Offline => self.offline_ms = Some(now),
            State::Live => self.claim_ms = self.offline_ms.take().or(self.claim_ms),
            _ => {}
        }
        if state != State::Live {
            self.claim_ms = None;
        }
    }

    /// Reads everything back to the beginning.
    pub(super) async fn read(&mut self, parlor: &Parlor, updates: &mut Updates) -> Result<()> {
        while self.epoch.is_none() {
            parlor.live().await?;
            self.catch_up(updates);
            let ready = parlor.ready().context("who is live was greeted")?;
            for conversation in self.conversations.clone() {
                read_back(&conversation).await?;
            }
            // Nothing comes between the last look and the noting: that is in one thread.
            let is_anew = {
                self.epoch = Some(ready.epoch.clone());
                self.catch_up(updates);
                self.epoch.is_none()
            };
            let epoch = parlor.ready().map(|ready| ready.epoch);
            let is_whole = !self.conversations.iter().any(Conversation::is_loading);
            if is_anew || !is_whole || epoch != Some(ready.epoch) {
                self.epoch = None;
                sleep(READING_PAUSE).await;
            }
        }
        self.noted.clear();
        for conversation in self.conversations.clone() {
            self.note(&conversation, 0)?;
        }
        // What was refused in an earlier life is met at the next look.
        self.changed = self.conversations.iter().map(Conversation::id).collect();
        Ok(())
    }

    /// Notes what is shown for the first time; gives it, and what was refused.
    pub(super) fn look(&mut self, parlor: &Parlor, updates: &mut Updates) -> Result<Vec<News>> {
        self.catch_up(updates);
        let mut news = Vec::new();
        if self.epoch.is_none() {
            return Ok(news);
        }
        for id in std::mem::take(&mut self.changed) {
            let known = self.conversations.iter().find(|conversation| conversation.id() == id);
            // Others may write to the user too: whoever is hostile, or the run's own probe.
            let Some(conversation) = known.cloned() else { continue };
            let shown = self.note(&conversation, self.connection)?;
            news.extend(
                shown
                    .into_iter()
                    .map(|message| News { conversation: conversation.clone(), message }),
            );
        }
        self.claim(parlor)?;
        Ok(news)
    }

    /// Reports that it is live, once nothing is being read.
    fn claim(&mut self, parlor: &Parlor) -> Result<()> {
        let is_live = parlor.status().borrow().state == State::Live;
        let is_whole = !self.conversations.iter().any(Conversation::is_loading);
        let Some(since) = self.claim_ms.filter(|_| is_live && is_whole) else { return Ok(()) };
        self.claim_ms = None;
        for conversation in &self.conversations {
            let shown = conversation.messages();
            let newest = shown.iter().rev().find_map(|message| message.logged.as_ref());
            self.report(json!({
                "kind": "live", "epoch": self.epoch, "since": since,
                "conversationId": conversation.id(), "seq": newest.map_or(0, |newest| newest.seq),
            }));
        }
        Ok(())
    }

    /// Notes what a conversation shows and did not before.
    fn note(&mut self, conversation: &Conversation, connection: u32) -> Result<Vec<ChatMessage>> {
        let id = conversation.id();
        let messages = conversation.messages();
        self.judge(&id, &messages);
        let noted = self.noted.entry(id).or_default();
        let mut news = Vec::new();
        for message in messages {
            let Some(logged) = &message.logged else {
                news.push(message);
                continue;
            };
            if !noted.insert(logged.seq) {
                continue;
            }
            let content = message.text().context("all of a run is text")?;
            report(
                self.index,
                json!({
                    "kind": "seen", "epoch": self.epoch, "connection": connection,
                    "message": {
                        "id": logged.id, "conversationId": logged.conversation_id, "seq": logged.seq,
                        "from": logged.from, "content": content, "ts": logged.ts,
                        "editedAt": logged.edited_at,
                    },
                }),
            );
            news.push(message);
        }
        Ok(news)
    }

    /// Whether what is shown at one time is in order and each message once: what is in the log, then
    /// what is on its way.
    fn judge(&self, id: &str, messages: &[ChatMessage]) {
        let mut keys = HashSet::new();
        let mut before = 0;
        for message in messages {
            if !keys.insert(&message.key) {
                self.find(format!("{id}: {} is shown twice", message.key));
            }
            let seq = message.logged.as_ref().map_or(u64::MAX, |logged| logged.seq);
            if seq < before {
                self.find(format!("{id}: {} is shown behind a later one", message.key));
            }
            before = seq;
        }
    }

    /// Where the client stands, for whoever looks into a finding.
    pub(super) fn state(&self, parlor: &Parlor) -> String {
        let line = |conversation: &Conversation| {
            let messages = conversation.messages();
            let waits = messages.iter().filter(|message| message.logged.is_none()).count();
            let is_whole = waits == 0 && !conversation.is_loading() && !conversation.has_older();
            let (id, reads) = (conversation.id(), conversation.is_loading());
            (!is_whole)
                .then(|| format!("{id}: {} shown, {waits} wait, reads {reads}", messages.len()))
        };
        let lines: Vec<_> = self.conversations.iter().filter_map(line).collect();
        format!("{parlor:?}, {} unsent, {lines:?}", parlor.unsent())
    }

    /// Marks as read, and reports that before.
    pub(super) fn mark_read(&self, conversation: &Conversation, seq: u64, parlor: &Parlor) {
        let epoch = parlor.ready().map(|ready| ready.epoch);
        // It may have been another log since.
        if epoch == self.epoch {
            self.report_mark("gave", &conversation.id(), seq, parlor);
            conversation.mark_read_to(seq);
        }
    }

    /// Reports that the server must know of a mark, in the end.
    pub(super) fn must_be_kept(&self, conversation: &Conversation, seq: u64, parlor: &Parlor) {
        self.report_mark("kept", &conversation.id(), seq, parlor);
    }

    fn report_mark(&self, kind: &str, conversation_id: &str, seq: u64, parlor: &Parlor) {
        self.report(json!({
            "kind": kind, "epoch": self.epoch, "receipt": "read", "userId": parlor.user_id(),
            "conversationId": conversation_id, "seq": seq,
        }));
    }

    /// Reports all that is shown now.
    pub(super) async fn show(&mut self, parlor: &Parlor, updates: &mut Updates) -> Result<()> {
        loop {
            self.look(parlor, updates)?;
            let is_whole = !self.conversations.iter().any(Conversation::is_loading);
            let is_live = parlor.status().borrow().state == State::Live;
            if self.epoch.is_none() {
                self.read(parlor, updates).await?;
            } else if is_whole && is_live {
                break;
            } else {
                sleep(READING_PAUSE).await;
            }
        }
        for conversation in &self.conversations {
            let messages = conversation.messages();
            let line = |message: &ChatMessage| {
                let logged = message.logged.as_ref()?;
                Some(json!([logged.seq, message.text()]))
            };
            let view = conversation.view();
            let marks = view.watermarks.iter().map(|mark| {
                json!({ "userId": mark.user_id, "delivered": mark.delivered, "read": mark.read })
            });
            self.report(json!({
                "kind": "shown", "epoch": self.epoch, "conversationId": conversation.id(),
                "messages": messages.iter().filter_map(line).collect::<Vec<_>>(),
                "unread": view.unread, "watermarks": marks.collect::<Vec<_>>(),
            }));
        }
        Ok(())
    }
}

/// Reads a conversation back to its beginning, as far as its user may.
async fn read_back(conversation: &Conversation) -> Result<()> {
    let mut outcome = conversation.open().await;
    let mut pages = 0;
    while outcome.is_ok() && conversation.has_older() {
        pages += 1;
        ensure!(pages < PAGES_MAX, "{}: it has no beginning", conversation.id());
        outcome = conversation.load_older().await;
    }
    match outcome {
        Err(error) if !is_nothing_there(&error) => bail!("{}: {error}", conversation.id()),
        _ => Ok(()),
    }
}
