//! One program: it writes to its peers and groups, reads what comes, and is ended and begun again, now
//! by `close`, now by dropping all that it holds of its client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use parlor_client::{Conversation, Error, MessageState, Parlor, SqliteOutbox, Target, Updates};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::timeline::Timeline;
use super::{Cast, Orders, Phase, Plan, report};
use crate::clock::now_ms;

/// How often what there is to show is looked at, where it changed.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a client is kept before the next is made, in milliseconds.
const CLIENT_MS: std::ops::Range<u64> = 1_500..15_000;
/// How long an outbox may be held by a client that was dropped.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(20);
/// How long it rests after something that must not happen.
const ERROR_PAUSE: Duration = Duration::from_secs(1);
/// How long reading everything, and sending what is left at the end, may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// Starts of one life of the process, at most: each is a connection's number of its own.
const STARTS_MAX: u32 = 1_000;
/// One send in so many goes to a group, if the user is ever in one.
const GROUP_ONE_IN: u32 = 8;
/// One time in so many it writes some at once.
const BURST_ONE_IN: u32 = 8;
const BURST: u32 = 5;
/// One message of somebody else in so many is marked as read, and fewer in groups: each is told to all.
const READ_ONE_IN: u32 = 10;
const READ_IN_GROUP_ONE_IN: u32 = 100;
/// What a send to a group may be refused as for good.
const NOT_A_MEMBER: &str = "not_a_member";

/// A program and what it keeps over the clients that it makes.
pub(super) struct Program {
    index: usize,
    plan: Rc<Plan>,
    orders: watch::Receiver<Orders>,
    rng: StdRng,
    starts: u32,
    sends: u64,
    shown: u32,
    has_drained: bool,
}

impl Program {
    /// A program that has not begun.
    pub(super) fn new(index: usize, plan: Rc<Plan>, orders: watch::Receiver<Orders>) -> Self {
        let seed = plan.seed.wrapping_add(1_000 * u64::from(plan.life)).wrapping_add(index as u64);
        Self {
            index,
            plan,
            orders,
            rng: StdRng::seed_from_u64(seed),
            starts: 0,
            sends: 0,
            shown: 0,
            has_drained: false,
        }
    }

    /// Makes one client after the other, for as long as the process lives.
    pub(super) async fn run(mut self) {
        loop {
            if let Err(error) = self.one_client().await {
                // It is a finding; the run goes on to its end for the others.
                self.report(json!({ "kind": "error", "text": format!("{error:#}") }));
                sleep(ERROR_PAUSE).await;
            }
        }
    }

    fn report(&self, line: serde_json::Value) {
        report(self.index, line);
    }

    fn cast(&self) -> &Cast {
        &self.plan.cast[self.index]
    }

    fn outbox(&self) -> PathBuf {
        let Cast { user, device, .. } = self.cast();
        self.plan.folder.join(format!("{user}-{device}.db"))
    }

    /// Opens the outbox, once a client that was dropped has let go of it.
    async fn open(&self) -> Result<SqliteOutbox> {
        let opening = async {
            loop {
                match SqliteOutbox::open(self.outbox()) {
                    Err(error) if error.to_string().contains("another program") => {
                        sleep(Duration::from_millis(5)).await;
                    }
                    opened => return opened.context("the outbox"),
                }
            }
        };
        timeout(OUTBOX_PATIENCE, opening).await.context("the outbox stays in use")?
    }

    async fn one_client(&mut self) -> Result<()> {
        self.starts += 1;
        let outbox = self.open().await?;
        let Cast { token, device, peers, groups, .. } = self.cast();
        let (soon, late) = (Duration::from_millis(100), Duration::from_secs(1));
        let builder = Parlor::builder(&self.plan.url).token(token).device(device).outbox(outbox);
        let began_ms = now_ms();
        let parlor = builder.reconnect(soon, late).connect()?;
        let updates = parlor.updates();
        let people = peers.iter().cloned().map(Target::User);
        let groups = groups.iter().cloned().map(Target::Group);
        let conversations =
            people.chain(groups).map(|target| parlor.conversation(target)).collect();
        let connection = self.plan.life * STARTS_MAX + self.starts.min(STARTS_MAX - 1);
        let timeline = Timeline::new(self.index, connection, conversations, began_ms);
        self.live(&parlor, timeline, updates).await?;
        if self.rng.random() {
            parlor.close().await;
        }
        Ok(())
    }

    /// Lives with one client until it is to be ended.
    async fn live(
        &mut self,
        parlor: &Parlor,
        mut timeline: Timeline,
        mut updates: Updates,
    ) -> Result<()> {
        // Dropped before the client is: what waits for an answer holds it.
        let mut answers = JoinSet::new();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end_at = Instant::now() + Duration::from_millis(self.rng.random_range(CLIENT_MS));
        let mut send_at = Instant::now() + self.pause();
        let mut orders = self.orders.clone();
        let mut finishing = None;
        loop {
            let Orders { phase, shows } = *orders.borrow_and_update();
            tokio::select! {
                update = updates.next() => match update {
                    Some(update) => timeline.heard(update),
                    None => bail!("closed: {:?}", parlor.status().borrow().reason),
                },
                _ = ticks.tick() => {
                    timeline.note_status(parlor);
                    if timeline.is_to_be_read() {
                        let reading = timeout(PATIENCE, timeline.read(parlor, &mut updates)).await;
                        reading.with_context(|| format!("not read: {}", timeline.state(parlor)))??;
                        self.report(json!({ "kind": "connected" }));
                    }
                    for news in timeline.look(parlor, &mut updates)? {
                        self.meet(parlor, &mut timeline, &news.conversation, news.message)?;
                    }
                    if phase == Phase::Finish && !self.has_drained && answers.is_empty() {
                        self.drain(parlor, &mut timeline)?;
                        let since = *finishing.get_or_insert_with(Instant::now);
                        let is_late = !self.has_drained && since.elapsed() > PATIENCE;
                        ensure!(!is_late, "not all is sent: {}", timeline.state(parlor));
                    }
                }
                () = sleep_until(send_at), if phase == Phase::Send => {
                    let many = if self.rng.random_ratio(1, BURST_ONE_IN) { BURST } else { 1 };
                    for _ in 0..many {
                        self.write(parlor, &mut answers).await?;
                    }
                    send_at = Instant::now() + self.pause();
                }
                Some(_) = answers.join_next() => {}
                () = sleep_until(end_at), if phase == Phase::Send => return Ok(()),
                changed = orders.changed() => changed?,
            }
            if shows > self.shown {
                self.shown = shows;
                timeline.show(parlor, &mut updates).await?;
                self.report(json!({ "kind": "showed" }));
            }
        }
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(self.plan.pause_ms).mul_f64(self.rng.random_range(0.2..1.8))
    }

    /// Writes something. That it is about to is reported before, that it is in the outbox after.
    async fn write(&mut self, parlor: &Parlor, answers: &mut JoinSet<()>) -> Result<()> {
        self.sends += 1;
        let to_group = self.rng.random_ratio(1, GROUP_ONE_IN);
        let Cast { user, device, peers, groups, .. } = &self.plan.cast[self.index];
        let client_id = format!("{user}/{device}/{}.{}", self.plan.life, self.sends);
        let group = groups.choose(&mut self.rng).filter(|_| to_group);
        let (target, field, to) = match group {
            Some(group) => (Target::Group(group.clone()), "groupId", group),
            None => {
                let peer = peers.choose(&mut self.rng).context("everybody has peers")?;
                (Target::User(peer.clone()), "toUserId", peer)
            }
        };
        let content = format!("{client_id} to {to} {}", "·".repeat(self.rng.random_range(0..200)));
        self.report(json!({
            "kind": "sent", "clientId": client_id, field: to, "content": content,
        }));
        let sending = match parlor.conversation(target).send(content).await {
            Ok(sending) => sending,
            Err(error) => bail!("{client_id} is not taken: {error}"),
        };
        self.report(json!({ "kind": "written", "clientId": client_id }));
        let (index, parlor) = (self.index, parlor.clone());
        answers.spawn_local(async move {
            // What is refused is shown as such, and met there.
            let Ok(sent) = sending.sent().await else { return };
            let Some(ready) = parlor.ready() else { return };
            report(
                index,
                json!({
                    "kind": "acked", "epoch": ready.epoch, "clientId": client_id,
                    "id": sent.id, "seq": sent.seq, "ts": sent.ts,
                }),
            );
        });
        Ok(())
    }

    /// Does what is to be done about a message that is shown.
    fn meet(
        &mut self,
        parlor: &Parlor,
        timeline: &mut Timeline,
        conversation: &Conversation,
        message: parlor_client::ChatMessage,
    ) -> Result<()> {
        let Some(logged) = &message.logged else {
            let MessageState::Failed(failure) = &message.state else { return Ok(()) };
            let text = message.text().context("a text was written")?;
            let client_id = text.split(' ').next().unwrap_or_default();
            if failure.code != NOT_A_MEMBER {
                bail!("{client_id} is refused: {failure:?}");
            }
            self.report(json!({ "kind": "denied", "clientId": client_id }));
            conversation.discard(&message.key);
            return Ok(());
        };
        let in_group = matches!(conversation.target(), Target::Group(_));
        let one_in = if in_group { READ_IN_GROUP_ONE_IN } else { READ_ONE_IN };
        if logged.from != parlor.user_id() && self.rng.random_ratio(1, one_in) {
            timeline.mark_read(conversation, logged.seq, parlor);
        }
        Ok(())
    }

    /// Says so once nothing waits to be sent any more; then half of what is shown is read, and that
    /// must reach the server.
    fn drain(&mut self, parlor: &Parlor, timeline: &mut Timeline) -> Result<()> {
        if parlor.unsent() > 0 || timeline.is_to_be_read() {
            return Ok(());
        }
        let mut newest: HashMap<String, (Conversation, u64)> = HashMap::new();
        for conversation in timeline.conversations() {
            let messages = conversation.messages();
            if messages.iter().any(|message| message.logged.is_none()) {
                // A refused one is met at the next look.
                return Ok(());
            }
            let seq = messages.last().and_then(|message| message.logged.as_ref()).map(|it| it.seq);
            let is_direct = matches!(conversation.target(), Target::User(_));
            if let Some(seq) = seq.filter(|_| is_direct) {
                newest.insert(conversation.id(), (conversation.clone(), seq));
            }
        }
        self.has_drained = true;
        for (conversation, seq) in newest.into_values() {
            if self.rng.random() {
                timeline.mark_read(&conversation, seq, parlor);
                timeline.must_be_kept(&conversation, seq, parlor);
            }
        }
        self.report(json!({ "kind": "done" }));
        Ok(())
    }
}

/// Whether an error says that there is nothing for this user to read.
pub(super) fn is_nothing_there(error: &Error) -> bool {
    matches!(error.code(), Some("not_found" | NOT_A_MEMBER | "forbidden"))
}
