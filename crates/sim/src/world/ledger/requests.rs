//! Message requests in the ledger: what a conversation is to a member who was asked.

use parlor_chat::around::Envelope;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord};
use parlor_chat::refusal::Refusal;
use parlor_chat::requests::{Reception, RequestState, Standing, receive};
use parlor_chat::store::{Append, Origin, StoreError};

use super::Ledger;

impl Ledger {
    /// What a conversation is to a member.
    pub(super) fn request(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Option<RequestState> {
        let place = (OwnKind::Request, OwnKey::conversation(conversation));
        let record = self.own_at(user, &[place]).pop()?;
        record.value.map(|value| RequestState::of_value(&value.0))
    }

    /// Whether a member is kept from the other's sight there.
    pub(super) fn hides(&self, user: &UserId, conversation: &ConversationId) -> bool {
        self.request(user, conversation).is_some_and(RequestState::hides)
    }

    /// As what a message is taken by another user who does not keep its sender out.
    pub(super) fn reception(&self, append: &Append, to: &UserId) -> Result<Reception, StoreError> {
        if append.from == *to {
            return Ok(Reception::Ordinary);
        }
        let conversation = append.conversation();
        let regard = self.regard(to, &append.from);
        let talk = self.talks.get(&conversation);
        let entries = || talk.into_iter().flat_map(|talk| &talk.entries);
        let by = |user: &UserId| entries().filter(|entry| entry.from == *user).count() as u64;
        let standing = Standing {
            messages: regard.privacy.messages,
            asks: regard.privacy.message_requests,
            is_contact: regard.is_contact,
            has_written: by(to) > 0,
            request: self.request(to, &conversation),
            said: by(&append.from),
            is_new: talk.is_none(),
            requests: self.own_live(to, OwnKind::Request) as u64,
        };
        receive(&standing, &Limits::default().requests()).map_err(|refusal| match refusal {
            Refusal::NotAccepted => StoreError::NotAccepted,
            refusal => StoreError::Refused(Box::new(refusal)),
        })
    }

    /// Follows a message that was kept: it begins a request, or answers one.
    pub(super) fn requested(&mut self, append: &Append, to: &UserId, reception: Reception) {
        let conversation = append.conversation();
        if self.request(&append.from, &conversation).is_some() {
            self.put_request(&append.from, &conversation, None, append.now);
        }
        if reception == Reception::BeginsRequest {
            self.put_request(to, &conversation, Some(RequestState::Pending), append.now);
        }
    }

    fn put_request(
        &mut self,
        user: &UserId,
        conversation: &ConversationId,
        state: Option<RequestState>,
        now: Millis,
    ) {
        let position = self.position;
        let own = self.own.entry(user.clone()).or_default();
        let key = OwnKey::conversation(conversation);
        let after = own.at(OwnKind::Request, &key).map_or(0, |at| at.0 + 1);
        let at = Millis(now.0.max(after));
        let value = state.map(RequestState::value);
        let record = OwnRecord { kind: OwnKind::Request, key, value, at };
        own.put(record.clone(), position);
        self.request_moved(user, conversation);
        let records = vec![record];
        self.told.push(OwnCommitted { user: user.clone(), origin: Origin::of(0), records });
    }

    /// Notes that the other may have to be told how far a member is.
    pub(super) fn request_moved(&mut self, user: &UserId, conversation: &ConversationId) {
        let position = self.position;
        let talk = self.talks.get_mut(conversation);
        if let Some(mark) = talk.and_then(|talk| talk.marks.get_mut(user)) {
            (mark.moved, mark.read_moved) = (position, position);
        }
    }

    /// What the last append changed among records of the two users.
    pub(crate) fn take_told(&mut self) -> Vec<OwnCommitted> {
        std::mem::take(&mut self.told)
    }
}

/// The outside of a message that is taken so.
pub(super) fn outside(reception: Reception) -> Option<std::sync::Arc<Envelope>> {
    let request = reception != Reception::Ordinary;
    request.then(|| Envelope { request, ..Envelope::default() }.into())
}
