//! What the app's own server says, does to what was said, and reads.
//!
//! What it says in a user's name is screened as if the user had said it, unless it vouches for it; in
//! no line, for requests have no order. What the system says is not.

use parlor_chat::app_event::AppEvent;
use parlor_chat::around::port::{ChangeMessage, Say, Speaker, Wish};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, MessageId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Append, Appended, Authority, HistoryQuery, Recipient, Viewer};
use serde_json::value::RawValue;

use super::{Actor, Answer, Backend, failed, id, user_id};
use crate::around_commands::Outside;
use crate::fields::{Fields, required};
use crate::hook::Question;
use crate::receipts::is_a_member;
use crate::rules::Screened;
use crate::screening::{self, Outcome};
use crate::traces;
use crate::{app_events, around, clock, commands, records};

/// Something that is said, before anything has looked at it.
struct Saying {
    actor: Actor,
    to: Recipient,
    content: Content,
    /// The idempotency key as it was given.
    key: Option<ClientId>,
    now: Millis,
}

impl Saying {
    fn append(&self, content: Content) -> Append {
        Append {
            from: self.actor.user.clone(),
            to: self.to.clone(),
            client_id: self.key.as_ref().map(ClientId::of_backend),
            content,
            now: self.now,
            origin: traces::origin(0),
        }
    }
}

impl Backend {
    /// Sends `{from?, to or groupId, content, screened?}` as that user, or as the system if one is
    /// configured. All of the user's own devices hear it too. Under the same `key` it is kept once.
    ///
    /// # Errors
    /// As `private_message` and `group_message`, but for rates.
    pub async fn send(&self, body: Option<&RawValue>, key: Option<&str>) -> Answer {
        let service = &self.service;
        let fields = Fields::exactly(body, ["from", "to", "groupId", "content", "screened"])?;
        let actor = self.actor("from", &fields)?;
        let to = match fields.id("groupId", GroupId::parse)? {
            Some(group) => Recipient::Group(group),
            None => Recipient::User(required("to", fields.id("to", UserId::parse)?)?),
        };
        let content = required("content", fields.raw("content"))?;
        let content = commands::checked("content", content, &service.settings.limits)?;
        let saying = Saying { actor, to, content, key: self.key(key)?, now: clock::now() };
        let is_screened = fields.flag("screened")?.unwrap_or(true);
        service.accepts_writes()?;
        let screened = match is_screened {
            true => self.screened(&saying).await?,
            false => Screened::untouched(saying.content.clone()),
        };
        let Screened { content, screening } = screened;
        let (outcome, append) = (Outcome::of(&screening), saying.append(content));
        let outside = Outside::default().by(saying.actor.authority);
        let appended = screening::append(service, append, outside, screening).await;
        let appended = self.counted(appended.map_err(failed)?);
        if !appended.repeated {
            outcome.tell(service, &appended.conversation, appended.seq).await;
        }
        Ok(records::sent(&appended, outcome.masked))
    }

    /// What rules and hook make of what a user says; the system is not asked.
    async fn screened(&self, saying: &Saying) -> Result<Screened, Refusal> {
        let content = saying.content.clone();
        if saying.actor.authority == Authority::System {
            return Ok(Screened::untouched(content));
        }
        let question = Question {
            user: saying.actor.user.clone(),
            to: saying.to.clone(),
            conversation: saying.to.conversation(&saying.actor.user),
            content,
            client_id: saying.key.clone(),
            at: saying.now,
        };
        let key = saying.key.as_ref().map(ClientId::of_backend);
        screening::screened(&self.service, question, key.as_ref()).await
    }

    fn counted(&self, appended: Appended) -> Appended {
        let counters = self.service.counters();
        match appended.repeated {
            true => counters.sent_again.add(1),
            false => counters.sent.add(1),
        }
        appended
    }

    /// Tells `{from?, name, data?, store?}`, an event of the app's own, in a conversation.
    ///
    /// # Errors
    /// As `app_event`, but for rates.
    pub async fn app_event(
        &self,
        conversation: &str,
        body: Option<&RawValue>,
        key: Option<&str>,
    ) -> Answer {
        let service = &self.service;
        let conversation = conversation_id(conversation)?;
        let fields = Fields::exactly(body, ["from", "name", "data", "store"])?;
        let Actor { user, authority } = self.actor("from", &fields)?;
        let (event, store) = app_events::read(&fields, &service.settings.limits)?;
        let key = self.key(key)?;
        let to = Recipient::in_conversation(&user, &conversation).ok_or(Refusal::NotAMember)?;
        let now = clock::now();
        if !store {
            let speaker = Speaker { from: user, authority, to, now };
            return app_events::relayed(service, speaker, &event).await;
        }
        service.accepts_writes()?;
        let AppEvent { name, data: content } = event;
        let actor = Actor { user, authority };
        let append = Saying { actor, to, content: content.clone(), key, now }.append(content);
        let say = Say { authority, event: Some(name), ..Say::plain(append) };
        let appended = self.counted(service.around.say(say).await.map_err(failed)?);
        Ok(records::sent(&appended, false))
    }

    /// Gives a message the content of `{as, content, screened?}`, as its author. Under the same `key` it
    /// is done once.
    ///
    /// # Errors
    /// As `edit`, but for rates.
    pub async fn edit(
        &self,
        conversation: &str,
        message: &str,
        body: Option<&RawValue>,
        key: Option<&str>,
    ) -> Answer {
        let service = &self.service;
        let about = message_of(conversation, message)?;
        let fields = Fields::exactly(body, ["as", "content", "screened"])?;
        let user = required("as", fields.id("as", UserId::parse)?)?;
        let content = required("content", fields.raw("content"))?;
        let content = commands::checked("content", content, &service.settings.limits)?;
        let is_screened = fields.flag("screened")?.unwrap_or(true);
        let (key, now) = (self.key(key)?, clock::now());
        service.accepts_writes()?;
        let to = Recipient::in_conversation(&user, &about.0).ok_or(Refusal::NotAMember)?;
        let actor = Actor { user, authority: Authority::User };
        let saying = Saying { actor: actor.clone(), to, content: content.clone(), key, now };
        let screened = match is_screened {
            true => self.screened(&saying).await?,
            false => Screened::untouched(content.clone()),
        };
        let change = ChangeMessage {
            client_id: saying.key.as_ref().map(ClientId::of_backend),
            ..self.wish(actor, &about, Wish::Edit(content), now)
        };
        self.change_message(around::edited(change, screened)?).await
    }

    /// Removes the content of a message for everyone, as the user of `{as?}`, or as the system, which may
    /// remove any.
    ///
    /// # Errors
    /// As `delete`, but for rates.
    pub async fn delete(
        &self,
        conversation: &str,
        message: &str,
        query: Option<&RawValue>,
    ) -> Answer {
        let about = message_of(conversation, message)?;
        let fields = Fields::exactly(query, ["as"])?;
        let actor = self.actor("as", &fields)?;
        if actor.authority == Authority::User {
            is_a_member(&actor.user, &about.0)?;
        }
        self.service.accepts_writes()?;
        self.change_message(self.wish(actor, &about, Wish::Delete, clock::now())).await
    }

    fn wish(
        &self,
        actor: Actor,
        about: &(ConversationId, Seq),
        wish: Wish,
        now: Millis,
    ) -> ChangeMessage {
        ChangeMessage {
            by: actor.user,
            authority: actor.authority,
            conversation: about.0.clone(),
            seq: about.1,
            wish,
            client_id: None,
            now,
            origin: traces::origin(0),
            limits: self.service.settings.limits.clone(),
            screening: None,
            removal: None,
        }
    }

    async fn change_message(&self, change: ChangeMessage) -> Answer {
        around::submit(&self.service, change).await
    }

    /// Reads `{as?, before?, after?, at?, limit?}` of a conversation, as the member that is named; else a direct
    /// one as the first of its members, and a group's as the system, which may see all of it.
    ///
    /// # Errors
    /// As `history`.
    pub async fn history(&self, conversation: &str, query: Option<&RawValue>) -> Answer {
        let conversation = conversation_id(conversation)?;
        let fields = Fields::exactly(query, ["as", "before", "after", "at", "limit"])?;
        let limits = &self.service.settings.limits;
        let range = commands::range(&fields)?;
        let limit =
            commands::limit(&fields, limits.history_limit_default, limits.history_limit_max)?;
        let first = conversation.direct_members().map(|(low, _)| low);
        let viewer = match (self.viewer(&fields)?, conversation.group_id()) {
            (Viewer::User(user), _) => user,
            (Viewer::System, Some(group)) => {
                let page = self.service.groups.group_history(group, range, limit).await;
                return Ok(records::history(&page.map_err(failed)?, None));
            }
            (Viewer::System, None) => first.ok_or(Refusal::NotFound)?,
        };
        is_a_member(&viewer, &conversation)?;
        let asked = HistoryQuery { user: viewer.clone(), conversation, range, limit };
        let page = self.service.store.history(asked).await.map_err(failed)?;
        Ok(records::history(&page, Some(&viewer)))
    }

    /// Lists `{cursor?, limit?}` of a user's conversations.
    ///
    /// # Errors
    /// As `conversations`.
    pub async fn conversations(&self, user: &str, query: Option<&RawValue>) -> Answer {
        let user = user_id(user)?;
        Fields::exactly(query, ["cursor", "limit"])?;
        let asked = commands::conversations(query, &self.service.settings.limits)?;
        let page = self.service.store.conversations(user.clone(), asked.cursor, asked.limit);
        // What the user has set for them is the user's own business.
        Ok(records::conversations(&page.await.map_err(failed)?, &[], &user))
    }
}

fn conversation_id(text: &str) -> Result<ConversationId, Refusal> {
    id("conversationId", ConversationId::parse(text))
}

/// A message of a conversation, by both of their ids.
fn message_of(conversation: &str, message: &str) -> Result<(ConversationId, Seq), Refusal> {
    let conversation = conversation_id(conversation)?;
    let about = id("messageId", MessageId::parse(message))?;
    match about.0 == conversation {
        true => Ok(about),
        false => Err(Refusal::NotFound),
    }
}
