//! Watermarks: gathered from all sessions, stored in groups, then told to those concerned.
//!
//! Marks come from `delivered` and `read`, and from clients that proved what they received. They
//! are merged by max and stored with one write under way at a time: at once if an answer waits,
//! else after a short gathering. When a user-wide watermark moved, the other member hears of it
//! on all devices; of what was read only if both have read receipts.
//!
//! Marks of groups in which many are go another way (`crowd`): gathered for each conversation, at most
//! once in an interval, and told as counts. An answer waits for the commit in either case.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::entry::Position;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::receipts::{Gathered, Marks};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Mark, MarkKind, Marked};
use parlor_gateway::Socket;
use tokio::sync::Notify;

use crate::clock;
use crate::commands::{self, Payload};
use crate::delivery::room;
use crate::dispatch::{Caller, Reply, Work};
use crate::nodes::Address;
use crate::records;
use crate::service::Service;
use crate::session::{Kind, Session};

mod crowd;

use crowd::Crowded;

/// Marks that wait to be stored.
#[derive(Debug)]
pub(crate) struct Receipts {
    pending: Mutex<Pending>,
    came: Notify,
    crowd_came: Notify,
    gather: Duration,
}

#[derive(Debug)]
struct Pending {
    marks: Marks<Reply>,
    answers_wait: bool,
    crowd: Crowded,
}

/// `delivered {messageId}` or `{conversationId, seq}`.
pub(crate) fn delivered(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    mark(service, caller, payload, MarkKind::Delivered)
}

/// `read {messageId}` or `{conversationId, seq}`.
pub(crate) fn read(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    mark(service, caller, payload, MarkKind::Read)
}

fn mark(
    service: &Service,
    caller: &Caller<'_>,
    payload: Payload<'_>,
    kind: fn(parlor_chat::ids::DeviceId) -> MarkKind,
) -> Result<Work, Refusal> {
    let up_to = commands::up_to(payload)?;
    is_a_member(caller.user, &up_to.conversation)?;
    if up_to.epoch.is_some_and(|epoch| epoch != service.store.epoch()) {
        // A message of a log that was replaced, whose seq another one may have by now.
        return Err(Refusal::NotFound);
    }
    service.accepts_writes()?;
    caller.session.marked(&up_to.conversation, up_to.seq);
    Ok(Work::Mark(Mark {
        user: caller.user.clone(),
        conversation: up_to.conversation,
        seq: up_to.seq,
        kind: kind(caller.session.device().clone()),
        now: caller.now,
    }))
}

/// Takes that a client has received everything that was pushed up to a position.
pub(crate) fn confirmed(service: &Service, socket: &Socket, position: u64) {
    let Some(session) = socket.data::<Session>() else { return };
    let Some(user) = session.user() else { return };
    let now = clock::now();
    session.hear(now);
    for (conversation, seq) in session.confirmed(Position(position)) {
        let kind = MarkKind::Delivered(session.device().clone());
        service.receipts.prove(service, Mark { user: user.clone(), conversation, seq, kind, now });
    }
    let Some(after) = session.groups_proved(Position(position)) else { return };
    let tails = &service.delivery().tails;
    let proved = service.sessions().with_roster(user, |roster| {
        let newest = |group| Some((group, tails.newest(group, after, Position(position))?));
        let proved = roster.groups().filter_map(newest);
        proved.map(|(group, seq)| (ConversationId::group(group), seq)).collect::<Vec<_>>()
    });
    for (conversation, seq) in proved {
        let kind = MarkKind::Delivered(session.device().clone());
        service.receipts.prove(service, Mark { user: user.clone(), conversation, seq, kind, now });
    }
}

/// Refuses who is not one of the two of a direct conversation; who is in a group, the store knows.
pub(crate) fn is_a_member(user: &UserId, conversation: &ConversationId) -> Result<(), Refusal> {
    match conversation.direct_members() {
        Some((low, high)) if *user != low && *user != high => Err(Refusal::NotAMember),
        _ => Ok(()),
    }
}

impl Receipts {
    pub(crate) fn new(limits: &Limits) -> Self {
        let marks = Marks::new(limits.marks_pending_max);
        let crowd = Crowded::new(limits);
        Self {
            pending: Mutex::new(Pending { marks, answers_wait: false, crowd }),
            came: Notify::new(),
            crowd_came: Notify::new(),
            gather: Duration::from_millis(limits.marks_gather_ms),
        }
    }

    /// Gathers a mark whose sender may wait for an answer.
    pub(crate) fn mark(&self, service: &Service, mark: Mark, reply: Reply) {
        if let Some(reply) = self.add(service, mark, reply.if_awaited()) {
            reply.send(service, &Err(Refusal::overloaded()));
        }
    }

    /// Gathers a mark that a client has proved rather than given.
    pub(crate) fn prove(&self, service: &Service, mark: Mark) {
        service.counters().marks_confirmed.add(1);
        self.add(service, mark, None);
    }

    /// Gathers a mark; gives the reply back when there is no room for it. A mark nobody waits
    /// for is then forgotten: what it says will be proved, or pushed, again.
    fn add(&self, service: &Service, mark: Mark, reply: Option<Reply>) -> Option<Reply> {
        let group = mark.conversation.group_id();
        if group.is_some_and(|group| service.crowd().sizes.seems_large(&group)) {
            return self.add_to_crowd(service, mark, reply);
        }
        let waits = reply.is_some();
        let refused = {
            let mut pending = self.pending.lock();
            pending.answers_wait |= waits;
            pending.marks.add(mark, reply).err()
        };
        self.came.notify_one();
        refused.and_then(|(_, reply)| reply)
    }

    fn take(&self) -> Vec<Gathered<Reply>> {
        let mut pending = self.pending.lock();
        pending.answers_wait = false;
        pending.marks.take()
    }

    fn is_urgent(&self) -> bool {
        self.pending.lock().answers_wait
    }

    fn is_empty(&self) -> bool {
        self.pending.lock().marks.is_empty()
    }

    /// Stores what is gathered until the service ends; what is left then is stored first.
    pub(crate) async fn run(&self, service: Arc<Service>) {
        while !service.ending.is_cancelled() {
            if self.is_empty() {
                tokio::select! {
                    () = self.came.notified() => {}
                    () = service.ending.cancelled() => break,
                }
            }
            let gathered = tokio::time::sleep(self.gather);
            tokio::pin!(gathered);
            while !self.is_urgent() && !service.ending.is_cancelled() {
                tokio::select! {
                    () = &mut gathered => break,
                    () = self.came.notified() => {}
                    () = service.ending.cancelled() => {}
                }
            }
            self.store(&service).await;
        }
        self.store(&service).await;
    }

    /// Stores what is gathered. What was refused as a whole is stored once more, one by one.
    async fn store(&self, service: &Service) {
        let mut gathered = self.take();
        while !gathered.is_empty() {
            gathered = store_all(service, gathered).await;
        }
    }
}

/// A mark on its way, and who hears of it.
pub(crate) struct Outgoing {
    gathered: Gathered<Reply>,
    told: Told,
}

/// Who hears that a mark moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The others, and of what was read the reader's own devices.
    Both,
    /// The reader's own devices alone.
    Own,
    /// To be found out once it moved: the other was not here before, or it is of a group in which many
    /// seemed to be.
    Undecided,
}

/// Decides who is to hear of what was read. Where the other is not told, what is thereby delivered is
/// a mark of its own, so that the other hears of that and not of when it was read.
async fn outgoing(service: &Service, gathered: Vec<Gathered<Reply>>) -> Vec<Outgoing> {
    let reads = gathered.iter().map(|gathered| &gathered.mark).filter(|mark| mark.is_read());
    let pairs: Vec<_> = reads
        .map(|mark| (mark.user.clone(), other_member(mark).unwrap_or_else(|| mark.user.clone())))
        .filter(|(user, other)| user == other || service.may_be_connected(other))
        .collect();
    service.look_up(&pairs).await;
    let mut out = Vec::with_capacity(gathered.len());
    for gathered in gathered {
        let mark = &gathered.mark;
        let told = match &mark.kind {
            MarkKind::Delivered(_) => Told::Both,
            MarkKind::Read(_) => {
                // In a group it is the reader who decides.
                let other = other_member(mark).unwrap_or_else(|| mark.user.clone());
                let is_note = other == mark.user && mark.conversation.group_id().is_none();
                if is_note {
                    Told::Both
                } else if other != mark.user && !service.may_be_connected(&other) {
                    Told::Undecided
                } else if service.tells_reads(&mark.user, &other).await {
                    Told::Both
                } else {
                    Told::Own
                }
            }
        };
        if let (MarkKind::Read(device), Told::Own) = (&mark.kind, told) {
            let gathered = gathered.delivered(device.clone());
            out.push(Outgoing { gathered, told: Told::Both });
        }
        out.push(Outgoing { gathered, told });
    }
    out
}

/// Stores marks and settles them; gives back those that are to be stored one by one.
async fn store_all(service: &Service, gathered: Vec<Gathered<Reply>>) -> Vec<Gathered<Reply>> {
    let out = outgoing(service, gathered).await;
    store_outgoing(service, out).await
}

/// The same, where it is known who hears of them.
async fn store_outgoing(service: &Service, out: Vec<Outgoing>) -> Vec<Gathered<Reply>> {
    let marks: Vec<Mark> = out.iter().map(|out| out.gathered.mark.clone()).collect();
    service.counters().marks_stored.add(marks.len() as u64);
    let mut again = Vec::new();
    match service.store.mark(marks).await {
        Ok(outcomes) => {
            for (out, outcome) in out.into_iter().zip(outcomes) {
                if outcome == Marked::NotFound && out.gathered.is_merged() {
                    again.append(&mut out.gathered.one_by_one());
                } else {
                    settle(service, out, outcome).await;
                }
            }
        }
        Err(error) => {
            tracing::warn!(%error, marks = out.len(), "commit: watermarks were not stored");
            let refusal = of_store(&error);
            for (_, reply) in out.into_iter().flat_map(|out| out.gathered.waiting) {
                reply.send(service, &Err(refusal.clone()));
            }
        }
    }
    again
}

async fn settle(service: &Service, out: Outgoing, outcome: Marked) {
    let Outgoing { gathered, told } = out;
    let answer = match outcome {
        Marked::NotFound => Err(Refusal::NotFound),
        _ => Ok(records::ok()),
    };
    gathered.waiting.into_iter().for_each(|(_, reply)| reply.send(service, &answer));
    let mark = &gathered.mark;
    if let Some(group) = mark.conversation.group_id() {
        crowd::learn(service, mark, &group, outcome);
    }
    let others = match outcome {
        Marked::Moved => true,
        Marked::MovedAmongMany { .. } | Marked::MovedInRequest => false,
        Marked::Unmoved | Marked::NotFound => return,
    };
    let told = match (told, other_member(mark)) {
        (Told::Both, _) => others,
        (Told::Own, _) => false,
        (Told::Undecided, _) if !others => false,
        (Told::Undecided, None) => {
            !mark.is_read() || service.tells_reads(&mark.user, &mark.user).await
        }
        (Told::Undecided, Some(other)) => {
            service.may_be_connected(&other) && service.tells_reads(&mark.user, &other).await
        }
    };
    tell(service, mark, told);
}

/// The other member of a direct conversation; nobody for a group's.
fn other_member(mark: &Mark) -> Option<UserId> {
    let (low, high) = mark.conversation.direct_members()?;
    Some(if low == mark.user { high } else { low })
}

/// Tells the other member, if there is one to be told, or all of a group, how far this one is; and
/// that something was read, the reader's own devices too.
fn tell(service: &Service, mark: &Mark, told: bool) {
    match other_member(mark) {
        Some(other) if other == mark.user => return,
        Some(other) if told => {
            emit(service, mark, &room(Kind::Standard, &other), service.sessions().is_here(&other));
        }
        None if told => return emit(service, mark, mark.conversation.as_str(), true),
        Some(_) | None => {}
    }
    if mark.is_read() {
        // Of a crowd each reader would be told what they know.
        let needed = if mark.conversation.group_id().is_some() { 2 } else { 1 };
        let is_here = service.sessions().of(&mark.user).len() >= needed;
        emit(service, mark, &room(Kind::Standard, &mark.user), is_here);
    }
}

/// Tells a room on other nodes, and on this one if somebody is here.
fn emit(service: &Service, mark: &Mark, room: &str, is_here: bool) {
    if !is_here && !service.nodes().are_many() {
        return;
    }
    let event = if mark.is_read() { "read" } else { "delivered" };
    let said = records::receipt(&mark.conversation, &mark.user, mark.seq);
    let room = Address { room: room.into(), except: None, volatile: false };
    match is_here {
        true => service.tell_room(&room, None, event, &said),
        false => service.tell_elsewhere(&room, event, &said),
    }
}
