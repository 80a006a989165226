//! Marks of groups in which many are: gathered, stored at most once in an interval for each group, and
//! told as counts (`crate::crowds`).

use std::collections::HashMap;
use std::time::Duration;

use parlor_chat::crowd_marks::CrowdMarks;
use parlor_chat::ids::{ConversationId, GroupId};
use parlor_chat::limits::Limits;
use parlor_chat::receipts::Gathered;
use parlor_chat::store::{Mark, Marked};
use tokio_util::sync::CancellationToken;

use super::{Outgoing, Receipts, Told, store_outgoing};
use crate::clock;
use crate::dispatch::Reply;
use crate::nodes::Word;
use crate::service::Service;

/// Marks that the store is given at a time, so that what is sent meanwhile need not wait for all.
const STORED_AT_ONCE: usize = 2_048;

/// Marks that wait, and what waits for them.
#[derive(Debug)]
pub(super) struct Crowded {
    marks: CrowdMarks<Reply>,
    /// Ends when the marks of a conversation that wait now, or are being stored, are stored.
    waiting: HashMap<ConversationId, CancellationToken>,
    storing: HashMap<ConversationId, CancellationToken>,
}

impl Crowded {
    pub(super) fn new(limits: &Limits) -> Self {
        let marks = CrowdMarks::new(limits.crowd_marks_max, limits.crowd_gather_ms);
        Self { marks, waiting: HashMap::new(), storing: HashMap::new() }
    }
}

impl Receipts {
    /// Gathers a mark; gives the reply back when there is no room for it.
    pub(super) fn add_to_crowd(
        &self,
        service: &Service,
        mark: Mark,
        reply: Option<Reply>,
    ) -> Option<Reply> {
        let (refused, is_sooner) = {
            let marks = &mut self.pending.lock().crowd.marks;
            let before = marks.next_due();
            let refused = marks.add(mark, reply, clock::now()).err();
            (refused, marks.next_due() != before)
        };
        if is_sooner || is_leaving(service) {
            self.crowd_came.notify_one();
        }
        refused.and_then(|(_, reply)| reply)
    }

    /// Waits until the marks of a conversation that were given before are stored.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn stored(&self, conversation: &ConversationId) {
        let (storing, waiting) = {
            let crowd = &mut self.pending.lock().crowd;
            let waiting = crowd.marks.has(conversation).then(|| {
                let token = crowd.waiting.entry(conversation.clone()).or_default();
                token.clone()
            });
            (crowd.storing.get(conversation).cloned(), waiting)
        };
        for token in storing.into_iter().chain(waiting) {
            token.cancelled().await;
        }
    }

    /// Stores what is due until the service ends; what is left then is stored first. Once the server
    /// goes down nothing is waited with, since connections end when all of their events are answered.
    pub(crate) async fn run_crowds(&self, service: &Service) {
        while !service.ending.is_cancelled() {
            let is_leaving = is_leaving(service);
            let next = {
                let marks = &mut self.pending.lock().crowd.marks;
                if is_leaving {
                    marks.hurry();
                }
                marks.next_due()
            };
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
                () = self.crowd_came.notified() => continue,
                () = service.closed.cancelled(), if !is_leaving => continue,
                () = service.draining.cancelled(), if !is_leaving => continue,
                () = service.ending.cancelled() => break,
            }
            self.store_crowds(service).await;
        }
        self.pending.lock().crowd.marks.hurry();
        self.store_crowds(service).await;
    }

    async fn store_crowds(&self, service: &Service) {
        let due = {
            let crowd = &mut self.pending.lock().crowd;
            let due = crowd.marks.due(clock::now());
            for (conversation, _) in &due {
                let token = crowd.waiting.remove(conversation).unwrap_or_default();
                crowd.storing.insert(conversation.clone(), token);
            }
            due
        };
        let (stored, marks): (Vec<_>, Vec<_>) = due.into_iter().unzip();
        let mut marks = marks.into_iter().flatten().peekable();
        while marks.peek().is_some() {
            let mut some: Vec<_> = marks.by_ref().take(STORED_AT_ONCE).collect();
            while !some.is_empty() {
                let out = some.into_iter().map(outgoing).collect();
                some = store_outgoing(service, out).await;
            }
        }
        let crowd = &mut self.pending.lock().crowd;
        for token in stored.iter().filter_map(|conversation| crowd.storing.remove(conversation)) {
            token.cancel();
        }
    }
}

/// Whether the server goes down.
fn is_leaving(service: &Service) -> bool {
    service.closed.is_cancelled() || service.draining.is_cancelled()
}

/// What is told of one mark is for its user alone, unless it turns out that few are in.
fn outgoing(gathered: Gathered<Reply>) -> Outgoing {
    Outgoing { gathered, told: Told::Undecided }
}

/// Takes what the outcome of a mark says of its group, and of whom to tell.
pub(super) fn learn(service: &Service, mark: &Mark, group: &GroupId, outcome: Marked) {
    let crowd = service.crowd();
    match outcome {
        Marked::MovedAmongMany { after } => {
            crowd.sizes.learn(group, true);
            crowd.marked(&mark.conversation, after, mark.seq);
            let (after, up_to) = (after.0, mark.seq.0);
            let conversation = mark.conversation.as_str().into();
            service.nodes().say(&Word::CrowdMarked { conversation, after, up_to });
        }
        Marked::Moved => crowd.sizes.learn(group, false),
        Marked::MovedInRequest | Marked::Unmoved | Marked::NotFound => {}
    }
}
