//! What content rules said of a message, on its way through the store and back.
//!
//! A refused content whose sender gave a key still goes to the store: if it was kept before under
//! that key, the sender gets the first answer. Without a key nobody can know it again, and it is
//! refused at once. A flagged message is brought before the moderators in its own commit; those who
//! are here hear of it once that is done.

use std::sync::Arc;

use parlor_chat::entry::Content;
use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq};
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::{Refused, Screening};
use parlor_chat::store::{Append, Appended, Pending, StoreError};

use crate::around_commands::Outside;
use crate::hook::{self, Question};
use crate::moderation;
use crate::rules::{Author, Screened};
use crate::service::Service;

/// Looks at a content: by what holds everywhere, then by the group's own rules, if it is one's.
pub(crate) fn screen(
    service: &Service,
    group: Option<&GroupId>,
    author: Author<'_>,
    content: Content,
) -> Screened {
    let limits = &service.settings.limits;
    let screened = service.settings.rules.screen(author, content, limits);
    match group {
        Some(group) => service.delivery().ruled.screen(group, author, screened, limits),
        None => screened,
    }
}

/// Looks at what is said outside of any connection, so in no line: by the rules, then by the app's hook.
/// `key` is what it is kept under.
///
/// # Errors
/// [`Refusal::Overloaded`] and [`Refusal::Unavailable`] where the hook cannot be asked.
pub(crate) async fn screened(
    service: &Service,
    question: Question,
    key: Option<&ClientId>,
) -> Result<Screened, Refusal> {
    let author = Author { user: &question.user, client_id: key, now: question.at };
    let group = question.conversation.group_id();
    let screened = screen(service, group.as_ref(), author, question.content.clone());
    match &service.settings.hook {
        Some(app) if screened.screening.refused.is_none() => {
            let permit = hook::permit(service)?;
            let question = Question { content: screened.content.clone(), ..question };
            hook::ask(service, app, question, screened, permit).await
        }
        _ => Ok(screened),
    }
}

/// Hands a message to the store; the call takes its place in the order.
pub(crate) fn append(
    service: &Arc<Service>,
    append: Append,
    outside: Outside,
    screening: Screening,
) -> Pending<Appended> {
    if let (Some(Refused { rule, reason }), None) = (&screening.refused, &append.client_id) {
        let (rule, reason) = (rule.clone(), reason.clone());
        return Box::pin(std::future::ready(Err(StoreError::ContentRefused { rule, reason })));
    }
    let limits = &service.settings.limits;
    match (outside.is_blank(), screening.is_nothing()) {
        (true, true) => service.store.append(append),
        (true, false) => service.store.append_screened(append, screening),
        (false, true) => service.around.say(outside.around(append, None, limits)),
        (false, false) => service.around.say(outside.around(append, Some(screening), limits)),
    }
}

/// What is to be told of a message that was kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Whether what was kept is something else than what was sent.
    pub(crate) masked: bool,
    flagged: bool,
    /// Whether nobody but its sender hears of it.
    pub(crate) shadowed: bool,
}

impl Outcome {
    pub(crate) fn of(screening: &Screening) -> Self {
        Self {
            masked: screening.original.is_some(),
            flagged: screening.flagged.is_some(),
            shadowed: screening.shadow,
        }
    }

    /// Counts a message, or an edit of one, that was kept now, and tells moderators of it.
    pub(crate) async fn tell(self, service: &Service, conversation: &ConversationId, seq: Seq) {
        let counters = &service.counters().moderation;
        counters.masked.add(u64::from(self.masked));
        counters.flagged.add(u64::from(self.flagged));
        counters.shadowed.add(u64::from(self.shadowed));
        if self.flagged {
            moderation::announce_flagged(service, conversation.clone(), seq).await;
        }
    }
}
