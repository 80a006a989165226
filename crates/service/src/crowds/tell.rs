//! What is due of large groups: looked up, and told to each socket that has the conversation open, and
//! receipts to the authors' other sockets.
//!
//! A packet is encoded once for all who are told the same. Before each is emitted it is looked whether
//! the socket still has the conversation open, so that who was removed meanwhile hears nothing; one that
//! the gateway did not take is told again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parlor_chat::crowds::{Kind, Viewer};
use parlor_chat::group::port::ReceiptCount;
use parlor_chat::ids::{ConversationId, GroupId, Seq, UserId};
use parlor_gateway::{Frame, SocketKey};

use super::lines;
use crate::clock;
use crate::delivery::NAMESPACE;
use crate::records;
use crate::service::Service;
use crate::session;

/// Messages whose counts one packet tells, the newest of those that have moved.
const RECEIPTS_TOLD_MAX: usize = 32;
/// Users that one packet names who type.
const TYPISTS_NAMED_MAX: usize = 5;
/// Packets that are emitted in one go, and the pause behind them, as with presence.
const BURST_PACKETS: usize = 2_048;
const BURST_PAUSE: Duration = Duration::from_millis(2);

/// Tells what is due, until the service closes.
pub(crate) async fn run(service: Arc<Service>) {
    let crowd = service.crowd();
    let mut burst = Burst::default();
    loop {
        let next = crowd.machine.lock().next_due();
        let due = async {
            match next {
                Some(at) => {
                    let ms = at.0.saturating_sub(clock::now().0);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = crowd.sooner.notified() => continue,
            () = service.closed.cancelled() => break,
            () = service.ending.cancelled() => break,
        }
        let mut present = BTreeSet::new();
        for (conversation, kind) in crowd.with(|machine| machine.due(clock::now())) {
            let Some(group) = conversation.group_id() else { continue };
            match kind {
                Kind::Receipts => tell_receipts(&service, &conversation, &group, &mut burst).await,
                Kind::Typing => tell_typing(&service, &conversation, &group, &mut burst).await,
                Kind::Presence => {
                    present.insert(group);
                }
            }
        }
        if !present.is_empty() {
            tell_presence(&service, present, &mut burst).await;
        }
    }
}

/// Counts packets since the last pause.
#[derive(Debug, Default)]
struct Burst(usize);

impl Burst {
    /// Whether the gateway took it.
    async fn emit(&mut self, service: &Service, to: SocketKey, frame: Frame) -> bool {
        let Some(io) = service.io() else { return true };
        let taken = io.emit_to(to, frame);
        match &taken {
            Ok(()) => service.counters().crowd_told.add(1),
            Err(error) => tracing::debug!(%error, "publish: a count is to be told again"),
        }
        self.0 += 1;
        if self.0 >= BURST_PACKETS {
            self.0 = 0;
            tokio::time::sleep(BURST_PAUSE).await;
        }
        taken.is_ok()
    }
}

/// Counts of one conversation that are being told.
struct Telling<'a> {
    service: &'a Service,
    conversation: &'a ConversationId,
    counts: &'a [ReceiptCount],
    /// What is told to who sees these messages, with reads or without.
    frames: HashMap<(Vec<Seq>, bool), Frame>,
    /// Whether the gateway took all of them.
    all_taken: bool,
}

async fn tell_receipts(
    service: &Service,
    conversation: &ConversationId,
    group: &GroupId,
    burst: &mut Burst,
) {
    let crowd = service.crowd();
    let Some((after, up_to)) = crowd.with(|machine| machine.moved(conversation)) else { return };
    let counts = service.groups.receipt_counts(group.clone(), after, up_to, RECEIPTS_TOLD_MAX);
    let counts = match counts.await {
        Ok(counts) => counts,
        Err(error) => {
            tracing::warn!(%error, %conversation, "publish: receipts were not counted");
            // To be counted again after the interval.
            crowd.marked(conversation, after, up_to);
            return;
        }
    };
    let viewers = crowd.with(|machine| machine.viewers(conversation));
    let open: HashSet<SocketKey> = viewers.iter().map(|(key, _)| *key).collect();
    let (frames, counts) = (HashMap::new(), &counts[..]);
    let mut telling = Telling { service, conversation, counts, frames, all_taken: true };
    for (key, Viewer { user, since, .. }) in viewers {
        let has_open = || crowd.with(|machine| machine.has_open(key, conversation));
        telling.tell((key, &user), |count| count.seq >= since, has_open, burst).await;
    }
    let authors: HashSet<&UserId> = counts.iter().map(|count| &count.author).collect();
    for author in authors {
        let is_in = || service.sessions().with_roster(author, |roster| roster.has(group));
        for session in service.sessions().of(author) {
            let key = session.key().filter(|key| !open.contains(key));
            if let (Some(key), session::Kind::Standard) = (key, session.kind) {
                telling.tell((key, author), |count| count.author == *author, is_in, burst).await;
            }
        }
    }
    if !telling.all_taken {
        crowd.marked(conversation, after, up_to);
    }
}

impl Telling<'_> {
    /// Tells one socket of the counts that its user may see, if it is still to be told.
    async fn tell(
        &mut self,
        (key, user): (SocketKey, &UserId),
        sees: impl Fn(&ReceiptCount) -> bool,
        is_to_be_told: impl FnOnce() -> bool,
        burst: &mut Burst,
    ) {
        let seen: Vec<&ReceiptCount> = self.counts.iter().filter(|count| sees(count)).collect();
        if seen.is_empty() {
            return;
        }
        // Who tells nobody what they read is told of no reads.
        let hears_reads = self.service.tells_reads(user, user).await;
        let seqs = seen.iter().map(|count| count.seq).collect();
        let frame = self.frames.entry((seqs, hears_reads)).or_insert_with(|| {
            let said = lines::receipts(self.conversation, &seen, hears_reads);
            Frame::event_raw(NAMESPACE, "receipts", &records::alone(&said))
        });
        if is_to_be_told() {
            self.all_taken &= burst.emit(self.service, key, frame.clone()).await;
        }
    }
}

async fn tell_typing(
    service: &Service,
    conversation: &ConversationId,
    group: &GroupId,
    burst: &mut Burst,
) {
    let mut users = service.typing.many_in(group);
    users.append(&mut service.nodes().crowds.typing(group));
    users.sort_unstable();
    users.dedup();
    let told = service.crowd().with(|machine| machine.typing(conversation, users.clone()));
    // Who types sees the others; all who do not see the same.
    let mut frames = HashMap::new();
    for (key, viewer) in told {
        let own = users.binary_search(&viewer).ok();
        let frame = frames.entry(own).or_insert_with(|| {
            let others: Vec<&UserId> = users.iter().filter(|user| **user != viewer).collect();
            let said = lines::typing(conversation, &others, TYPISTS_NAMED_MAX);
            Frame::event_raw(NAMESPACE, "typing", &records::alone(&said))
        });
        tell(service, conversation, Kind::Typing, (key, frame), burst).await;
    }
}

/// Tells of some groups how many of each are online, by one look at who is here.
async fn tell_presence(service: &Service, groups: BTreeSet<GroupId>, burst: &mut Burst) {
    let mut large = BTreeSet::new();
    for group in groups {
        match service.is_large(&group).await {
            Ok(true) => {
                large.insert(group);
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "publish: the size of a group was not read");
                service.crowd().changed(&group, Kind::Presence);
            }
        }
    }
    for (group, count) in service.sessions().count_online(&large, clock::now()) {
        let count = count + service.nodes().crowds.online(&group);
        let conversation = ConversationId::group(&group);
        let told = service.crowd().with(|machine| machine.online(&conversation, count));
        let said = records::alone(&lines::presence(&conversation, count));
        let frame = Frame::event_raw(NAMESPACE, "presence", &said);
        for key in told {
            tell(service, &conversation, Kind::Presence, (key, &frame), burst).await;
        }
    }
}

/// Tells one socket, if it has the conversation open still; again later if the gateway does not take it.
async fn tell(
    service: &Service,
    conversation: &ConversationId,
    kind: Kind,
    (key, frame): (SocketKey, &Frame),
    burst: &mut Burst,
) {
    let crowd = service.crowd();
    if crowd.with(|machine| machine.has_open(key, conversation))
        && !burst.emit(service, key, frame.clone()).await
    {
        crowd.with(|machine| machine.untold(key, conversation, kind, clock::now()));
    }
}
