//! Whether somebody may say something somewhere: what is asked in every append, for many at once.
//!
//! One statement fetches all that the rules need for each of them ([`Circumstance`]); then the domain's
//! functions decide, without the server.

use parlor_chat::entry::Millis;
use parlor_chat::group::decide;
use parlor_chat::group::{Group, Member};
use parlor_chat::ids::{ClientId, ConversationId, UserId};
use parlor_chat::privacy::Audience;
use parlor_chat::refusal::Refusal;
use parlor_chat::requests::{Bounds, Reception, RequestState, Standing, allow_deed, receive};
use parlor_chat::store::{Authority, Recipient, StoreError};
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use super::group_rows::{GROUP_COLUMNS, GroupRow, member_of};
use super::requests;
use super::threads::Thread;
use crate::kept::numbers::{bound, nat};

/// Somebody who says something, or does something to what was said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) conversation: &'a ConversationId,
    pub(crate) from: &'a UserId,
    pub(crate) authority: Authority,
    pub(crate) to: &'a Recipient,
    pub(crate) client_id: Option<&'a ClientId>,
    pub(crate) now: Millis,
    /// Whether it is an event of the app's own rather than a message.
    pub(crate) is_event: bool,
}

/// What holds for a speaker.
#[derive(Debug)]
pub(crate) struct Circumstance {
    /// Until when they are suspended, if they are.
    suspended: Option<Option<Millis>>,
    is_blocked: bool,
    messages: Option<String>,
    asks: bool,
    is_contact: bool,
    /// What the conversation is to the recipient, and to the speaker.
    pub(crate) request: Option<RequestState>,
    pub(crate) own_request: Option<RequestState>,
    requests: u64,
    /// Whether the speaker is a member, or was one.
    pub(crate) is_known: bool,
    pub(crate) group: Option<GroupRow>,
    pub(crate) member: Option<Member>,
    /// What their key stands for already.
    pub(crate) first: Option<First>,
}

/// The entry that an idempotency key stands for.
#[derive(Debug, Clone)]
pub(crate) struct First {
    pub(crate) seq: i64,
    pub(crate) ts: i64,
    pub(crate) digest: Vec<u8>,
    pub(crate) expires: Option<i64>,
}

/// What holds for each of some speakers, in their order.
pub(crate) async fn circumstances(
    conn: Conn<'_>,
    speakers: &[Speaker<'_>],
) -> Result<Vec<Circumstance>, Failure> {
    let to = |it: &Speaker<'_>| match it.to {
        Recipient::User(to) if to != it.from => Some(to.to_string()),
        Recipient::User(_) | Recipient::Group(_) => None,
    };
    let conversation: Vec<&str> = speakers.iter().map(|it| it.conversation.as_str()).collect();
    let from: Vec<&str> = speakers.iter().map(|it| it.from.as_str()).collect();
    let other: Vec<Option<String>> = speakers.iter().map(to).collect();
    let key: Vec<Option<&str>> =
        speakers.iter().map(|it| it.client_id.map(ClientId::as_str)).collect();
    let now: Vec<i64> = speakers.iter().map(|it| bound(it.now.0)).collect();
    // 7 is the kind of contacts, 8 of privacy, 10 of requests.
    let sql = format!(
        "SELECT s.user_id IS NOT NULL, s.until, \
         EXISTS (SELECT 1 FROM block b WHERE b.user_id = w.other AND b.other = w.speaker AND b.active), \
         (SELECT o.value FROM own o WHERE o.user_id = w.other AND o.kind = 8 AND o.key = 'messages'), \
         (SELECT o.value FROM own o WHERE o.user_id = w.other AND o.kind = 8 \
          AND o.key = 'messageRequests'), \
         EXISTS (SELECT 1 FROM own o WHERE o.user_id = w.other AND o.kind = 7 \
          AND o.key = w.speaker AND o.value IS NOT NULL), \
         coalesce(om.request, 0), coalesce(m.request, 0), \
         coalesce((SELECT k.live FROM own_kind k WHERE k.user_id = w.other AND k.kind = 10), 0), \
         m.user_id IS NOT NULL, i.seq, i.ts, i.digest, \
         m.role, m.joined, m.muted_until, m.said_at, m.ended, {GROUP_COLUMNS} \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) \
         WITH ORDINALITY AS w (conversation, speaker, other, client_id, at, n) \
         LEFT JOIN suspension s ON s.user_id = w.speaker AND (s.until IS NULL OR s.until > w.at) \
         LEFT JOIN member om ON om.conversation = w.conversation AND om.user_id = w.other \
         LEFT JOIN member m ON m.conversation = w.conversation AND m.user_id = w.speaker \
         LEFT JOIN idempotency i ON i.conversation = w.conversation AND i.sender = w.speaker \
         AND i.client_id = w.client_id \
         LEFT JOIN chat_group g ON g.conversation = w.conversation ORDER BY w.n"
    );
    let rows = conn.query(&sql, params![conversation, from, other, key, now]).await?;
    let mut found: Vec<Circumstance> = rows.iter().map(circumstance).collect::<Result<_, _>>()?;
    let firsts = conversation.into_iter().zip(&mut found);
    let firsts = firsts.filter_map(|(of, found)| Some((of, found.first.as_mut()?))).collect();
    find_ends(conn, firsts).await?;
    Ok(found)
}

/// Looks up when what was said before ends. By itself, since a statement that may look into a table of many parts
/// costs as much as all else here, and hardly anything is said twice.
async fn find_ends(conn: Conn<'_>, mut firsts: Vec<(&str, &mut First)>) -> Result<(), Failure> {
    if firsts.is_empty() {
        return Ok(());
    }
    let (of, seq): (Vec<&str>, Vec<i64>) = firsts.iter().map(|(of, it)| (*of, it.seq)).unzip();
    let sql = "SELECT w.n, CASE WHEN e.gone IS NULL OR e.gone = e.seq THEN e.expires END \
               FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (conversation, seq, n) \
               JOIN entry e ON e.conversation = w.conversation AND e.seq = w.seq";
    for row in conn.query(sql, params![of, seq]).await? {
        let at = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
        if let Some((_, first)) = at.and_then(|at| firsts.get_mut(at)) {
            first.expires = row.try_get(1)?;
        }
    }
    Ok(())
}

/// The column of a circumstance at which the columns of its group begin.
const GROUP_AT: usize = 18;

fn circumstance(row: &Row) -> Result<Circumstance, Failure> {
    let until: Option<i64> = row.try_get(1)?;
    let until = until.map(nat).transpose()?.map(Millis);
    let is_suspended: bool = row.try_get(0)?;
    let (request, own_request): (i64, i64) = (row.try_get(6)?, row.try_get(7)?);
    let is_known: bool = row.try_get(9)?;
    let asks: Option<&str> = row.try_get(4)?;
    let first = match row.try_get::<_, Option<i64>>(10)? {
        None => None,
        Some(seq) => {
            Some(First { seq, ts: row.try_get(11)?, digest: row.try_get(12)?, expires: None })
        }
    };
    Ok(Circumstance {
        suspended: is_suspended.then_some(until),
        is_blocked: row.try_get(2)?,
        messages: row.try_get(3)?,
        asks: asks == Some("true"),
        is_contact: row.try_get(5)?,
        request: requests::of_number(request),
        own_request: requests::of_number(own_request),
        requests: nat(row.try_get(8)?)?,
        is_known,
        group: GroupRow::of(row, GROUP_AT)?,
        member: if is_known { member_of(row, 13)? } else { None },
        first,
    })
}

impl Circumstance {
    /// As what something is taken, or why it may not be said.
    pub(crate) fn reception(
        &self,
        speaker: &Speaker<'_>,
        thread: Option<&Thread>,
        bounds: &Bounds,
    ) -> Result<Reception, StoreError> {
        if let Some(until) = self.suspended.filter(|_| speaker.authority == Authority::User) {
            return Err(StoreError::Suspended { until });
        }
        let reception = match (speaker.to, thread) {
            (Recipient::User(to), thread) => self.receives(speaker.from, to, thread, bounds)?,
            (Recipient::Group(_), Some(_)) => {
                self.may_post(speaker)?;
                Reception::Ordinary
            }
            (Recipient::Group(_), None) => return Err(StoreError::NotFound),
        };
        // A request is made of messages.
        if speaker.is_event {
            allow_deed(reception).map_err(refused)?;
        }
        Ok(reception)
    }

    /// Refuses what a suspended user does.
    pub(crate) fn refuse_suspended(&self) -> Result<(), StoreError> {
        match self.suspended {
            Some(until) => Err(StoreError::Suspended { until }),
            None => Ok(()),
        }
    }

    /// As what `to` takes a message from `from`, or why not.
    pub(crate) fn receives(
        &self,
        from: &UserId,
        to: &UserId,
        thread: Option<&Thread>,
        bounds: &Bounds,
    ) -> Result<Reception, StoreError> {
        if from == to {
            return Ok(Reception::Ordinary);
        }
        if self.is_blocked {
            return Err(StoreError::Blocked);
        }
        // What nobody but its sender sees began nothing.
        let is_new = thread.is_none_or(|thread| thread.said == 0);
        let asks = is_new && self.asks;
        // So it is with nearly all.
        if self.messages.is_none() && self.request.is_none() && !asks {
            return Ok(Reception::Ordinary);
        }
        let said = |user| thread.map_or(0, |thread| thread.said_by(user));
        let standing = Standing {
            messages: self.messages.as_deref().map_or(Audience::Everyone, Audience::of_value),
            asks,
            is_contact: self.is_contact,
            has_written: said(to) > 0,
            request: self.request,
            said: nat(said(from))?,
            is_new,
            requests: if asks { self.requests } else { 0 },
        };
        receive(&standing, bounds).map_err(|refusal| match refusal {
            Refusal::NotAccepted => StoreError::NotAccepted,
            refusal => refused(refusal),
        })
    }

    fn may_post(&self, speaker: &Speaker<'_>) -> Result<(), StoreError> {
        let group = self.living_group().ok_or(StoreError::NotFound)?;
        if speaker.authority == Authority::System {
            return Ok(());
        }
        decide::may_post(group, self.member.as_ref(), speaker.now).map_err(refused)
    }

    /// The group, unless it was deleted.
    pub(crate) fn living_group(&self) -> Option<&Group> {
        self.group.as_ref().filter(|row| !row.is_deleted).map(|row| &row.group)
    }

    /// Whether slow mode holds for the speaker.
    pub(crate) fn is_slowed(&self) -> bool {
        match (self.living_group(), &self.member) {
            (Some(group), Some(member)) => decide::is_slowed(group, member),
            _ => false,
        }
    }
}

pub(crate) fn refused(refusal: Refusal) -> StoreError {
    StoreError::Refused(Box::new(refusal))
}

/// Whether somebody may say something now.
pub(crate) async fn may_say(
    conn: Conn<'_>,
    speaker: &parlor_chat::around::port::Speaker,
    bounds: &Bounds,
) -> Result<(), Failure> {
    let conversation = speaker.to.conversation(&speaker.from);
    let thread = super::threads::find(conn, &conversation).await?;
    let asked = Speaker {
        conversation: &conversation,
        from: &speaker.from,
        authority: speaker.authority,
        to: &speaker.to,
        client_id: None,
        now: speaker.now,
        is_event: true,
    };
    for circumstance in circumstances(conn, &[asked]).await? {
        circumstance.reception(&asked, thread.as_ref(), bounds)?;
    }
    Ok(())
}
