//! What devices say: checked, charged, held against earlier failures, handed to the store; and the
//! answer, once the store has one.

use parlor_chat::aborts::Order;
use parlor_chat::catch_up::CatchUp;
use parlor_chat::entry::Position;
use parlor_chat::idempotency;
use parlor_chat::ids::{ConversationId, DeviceId, Seq, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::receipts::Gathered;
use parlor_chat::refusal::Refusal;
use parlor_chat::resume::Cursor;
use parlor_chat::store::{Append, AttachDevice, Block, Mark, MarkKind, Marked, Origin, Recipient};

use super::session::Session;
use super::{Node, Waiting, receipt_of};
use crate::history::Receipt;
use crate::world::disk::{Read, Ticket, Write};
use crate::world::event::{AtNode, Event, Gone};
use crate::world::group::group_id;
use crate::world::ledger::GroupAppend;
use crate::world::message::{AckId, Answer, Conn, Down, Up, Wished};
use crate::world::outside::Outside;
use crate::world::planted::Planted;

/// Milliseconds for which watermarks are gathered.
const GATHER_MS: u64 = 20;
/// Days for which keys are remembered.
const WINDOW_MS: u64 = 30 * DAY_MS;

impl Node {
    /// A device says something.
    pub(crate) fn said(&mut self, out: &mut Outside, conn: Conn, up: Up) {
        match up {
            Up::Hello { user, device, cursor } => self.hello(out, conn, user, device, cursor),
            _ if !self.sessions.contains_key(&conn) => {}
            Up::Wish { ack, wished } => {
                if let Err(refusal) = self.wish(out, conn, ack, wished) {
                    out.down(conn, Down::Answer { ack, answer: Answer::Refused(refusal) });
                }
            }
            Up::Mark { ack, conversation, seq, receipt } => {
                self.mark(out, conn, ack, conversation, seq, receipt);
            }
            Up::List { ack } => {
                let user = self.sessions[&conn].user.clone();
                self.read(out, Read::List(user), Waiting::Asked(conn, ack));
            }
            Up::History { ack, query } => {
                self.read(out, Read::History(query), Waiting::Asked(conn, ack));
            }
            Up::Pong(number) => self.pong(out, conn, number),
        }
    }

    fn hello(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        user: UserId,
        device: DeviceId,
        cursor: Option<Cursor>,
    ) {
        let attach = AttachDevice {
            user: user.clone(),
            device: device.clone(),
            token_issued: None,
            now: self.clock(out),
            devices_max: self.limits.devices_per_user_max,
            idle_expiry_ms: self.limits.device_idle_expiry_ms(),
        };
        let catch_up = CatchUp::new(self.limits.catch_up_overflows_max);
        self.sessions.insert(conn, Session::new(user, device, catch_up));
        self.write(out, Write::Attach(attach), Waiting::Attach(conn, cursor));
    }

    fn wish(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        ack: AckId,
        wished: Wished,
    ) -> Result<(), Refusal> {
        let now = self.clock(out);
        let Some(session) = self.sessions.get_mut(&conn) else { return Ok(()) };
        let user = session.user.clone();
        let up = out.disk.is_up();
        let place = place_of(&user, &wished);
        self.sends += 1;
        let order = Order(self.sends);
        if let Some((conversation, key)) = &place {
            if idempotency::is_stale(key, now, WINDOW_MS) {
                return Err(Refusal::StaleClientId);
            }
            let charged = session.bucket.take(&self.rate, now);
            let charged = charged
                .map_err(|fast| Refusal::RateLimited { retry_after_ms: fast.retry_after_ms });
            let accepted = if up { Ok(()) } else { Err(Refusal::unavailable()) };
            if let Err(refusal) = accepted.and(charged) {
                self.failed(out, conn, &wished, order, &refusal);
                return Err(refusal);
            }
            if !out.plants(Planted::RetryOvertakes) {
                session.aborts.admit(conversation, Some(key), order, now)?;
            }
        }
        let origin = Origin::of(conn.0);
        let write = match &wished {
            Wished::Say { to, key, content } => {
                if out.plants(Planted::BlockOutsideCommit)
                    && out.disk.ledger().is_blocked(to, &user)
                {
                    return Err(Refusal::Blocked);
                }
                let conversation = ConversationId::direct(&user, to);
                let append = Append {
                    from: user,
                    to: Recipient::User(to.clone()),
                    client_id: Some(key.clone()),
                    content: content.clone(),
                    now,
                    origin,
                };
                Write::Append(append, self.planted_seq(out, &conversation))
            }
            Wished::Group { group, wish, key, content } => Write::Group(GroupAppend {
                by: user,
                group: *group,
                wish: wish.clone(),
                client_id: key.clone(),
                content: content.clone(),
                now,
                origin,
            }),
            Wished::Block { other, blocked } => {
                let (other, blocked) = (other.clone(), *blocked);
                Write::Block(Block { user, other, blocked, now, blocks_max: 100 })
            }
        };
        self.write(out, write, Waiting::Wish(conn, ack, wished, order));
        Ok(())
    }

    /// The planted fault's seq: the node counts for itself.
    fn planted_seq(&mut self, out: &Outside, conversation: &ConversationId) -> Option<Seq> {
        if !out.plants(Planted::SeqFromCache) {
            return None;
        }
        let head = out.disk.ledger().head(conversation);
        let seq = self.seqs.entry(conversation.clone()).or_insert(head);
        seq.0 += 1;
        Some(*seq)
    }

    /// The store has answered.
    pub(super) fn answered(
        &mut self,
        out: &mut Outside,
        ticket: Ticket,
        answer: &Result<Answer, Refusal>,
    ) {
        match self.waiting.remove(&ticket) {
            Some(Waiting::Attach(conn, cursor)) => match answer {
                Ok(_) => self.begin(out, conn, cursor),
                Err(_) => self.close(out, conn),
            },
            Some(Waiting::Wish(conn, ack, wished, order)) => {
                match answer {
                    Ok(_) => self.settled(conn, &wished),
                    Err(refusal) => self.failed(out, conn, &wished, order, refusal),
                }
                let answer = answer.clone().unwrap_or_else(Answer::Refused);
                out.down(conn, Down::Answer { ack, answer });
            }
            Some(Waiting::Marks(gathered)) => {
                let refused = answer.clone().err().unwrap_or(Refusal::Internal);
                for (_, (conn, ack)) in gathered.into_iter().flat_map(|one| one.waiting) {
                    let answer = Answer::Refused(refused.clone());
                    out.down(conn, Down::Answer { ack, answer });
                }
            }
            _ => {}
        }
    }

    fn settled(&mut self, conn: Conn, wished: &Wished) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        if let Some((conversation, key)) = place_of(&session.user, wished) {
            session.aborts.settled(&conversation, Some(&key));
        }
    }

    /// Later sends wait for the retry of one that failed, unless a retry cannot help.
    fn failed(
        &mut self,
        out: &Outside,
        conn: Conn,
        wished: &Wished,
        order: Order,
        refusal: &Refusal,
    ) {
        let now = self.clock(out);
        let Some(retry_after_ms) = refusal.retry_after_ms() else {
            return self.settled(conn, wished);
        };
        let max = self.limits.aborted_conversations_max;
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        if let Some((conversation, key)) = place_of(&session.user, wished) {
            session.aborts.failed(&conversation, Some(&key), order, now, retry_after_ms, max);
        }
    }

    fn mark(
        &mut self,
        out: &mut Outside,
        conn: Conn,
        ack: Option<AckId>,
        conversation: ConversationId,
        seq: Seq,
        receipt: Receipt,
    ) {
        let now = self.clock(out);
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.unconfirmed.marked(&conversation, seq);
        let device = session.device.clone();
        let kind = match receipt {
            Receipt::Delivered => MarkKind::Delivered(device),
            Receipt::Read => MarkKind::Read(device),
        };
        let mark = Mark { user: session.user.clone(), conversation, seq, kind, now };
        self.gather(out, mark, ack.map(|ack| (conn, ack)));
    }

    fn pong(&mut self, out: &mut Outside, conn: Conn, number: u64) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.ponged = session.ponged.max(number);
        if number != session.pinged || session.proving == 0 || !session.proves {
            return;
        }
        let confirmed = session.unconfirmed.confirmed(Position(session.proving));
        self.confirm(out, conn, confirmed);
    }

    /// Gathers a watermark.
    pub(super) fn gather(&mut self, out: &mut Outside, mark: Mark, waits: Option<(Conn, AckId)>) {
        if out.plants(Planted::ReceiptBeyondWatermark) {
            self.tell(out, &mark);
        }
        if let Err((_, Some((conn, ack)))) = self.marks.add(mark, waits) {
            let answer = Answer::Refused(Refusal::overloaded());
            out.down(conn, Down::Answer { ack, answer });
        }
        if !self.gathering {
            self.gathering = true;
            out.at(out.now + GATHER_MS, Event::Node(self.me, AtNode::Gather));
        }
    }

    /// Stores what is gathered.
    pub(super) fn store_marks(&mut self, out: &mut Outside) {
        self.gathering = false;
        let gathered = self.marks.take();
        self.store_all(out, gathered);
    }

    fn store_all(&mut self, out: &mut Outside, mut gathered: Vec<Gathered<(Conn, AckId)>>) {
        if gathered.is_empty() {
            return;
        }
        // They come in no order, and a run has to be repeatable.
        gathered.sort_by_key(|one| format!("{:?}", one.mark));
        let marks = gathered.iter().map(|one| one.mark.clone()).collect();
        self.write(out, Write::Mark(marks), Waiting::Marks(gathered));
    }

    /// Watermarks are stored: who waits is answered, who is concerned is told. What was refused as
    /// a whole is stored once more, one by one.
    pub(super) fn marked(&mut self, out: &mut Outside, ticket: Ticket, marked: &[Marked]) {
        let Some(Waiting::Marks(gathered)) = self.waiting.remove(&ticket) else { return };
        let mut again = Vec::new();
        for (one, marked) in gathered.into_iter().zip(marked) {
            if *marked == Marked::NotFound && one.is_merged() {
                again.append(&mut one.one_by_one());
                continue;
            }
            for (_, (conn, ack)) in &one.waiting {
                let answer = match marked {
                    Marked::NotFound => Answer::Refused(Refusal::NotFound),
                    Marked::Moved
                    | Marked::MovedAmongMany { .. }
                    | Marked::MovedInRequest
                    | Marked::Unmoved => Answer::Done,
                };
                out.down(*conn, Down::Answer { ack: *ack, answer });
            }
            if *marked == Marked::Moved {
                self.tell(out, &one.mark);
            }
        }
        self.store_all(out, again);
    }

    fn tell(&mut self, out: &mut Outside, mark: &Mark) {
        let gone = Gone {
            user: mark.user.clone(),
            conversation: mark.conversation.clone(),
            seq: mark.seq,
            receipt: receipt_of(&mark.kind),
        };
        out.hint_receipt(self.me, self.epoch, &gone);
        self.tell_here(out, &gone);
    }
}

/// Where a wish goes and under which key, if it is for a log.
fn place_of(
    user: &UserId,
    wished: &Wished,
) -> Option<(ConversationId, parlor_chat::ids::ClientId)> {
    match wished {
        Wished::Say { to, key, .. } => Some((ConversationId::direct(user, to), key.clone())),
        Wished::Group { group, key, .. } => Some((group_id(*group), key.clone())),
        Wished::Block { .. } => None,
    }
}
