//! What content rules said of a message, on its way through the store and back.
//!
//! A refused content whose sender gave a key still goes to the store: if it was kept before under
//! that key, the sender gets the first answer. Without a key nobody can know it again, and it is
//! refused at once. A flagged message is brought before the moderators in its own commit; those who
//! are here hear of it once that is done.

use std::sync::Arc;

use parlor_chat::ids::ClientId;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::{Refused, Screening};
use parlor_chat::store::{Append, Appended, Pending, StoreError};

use crate::around_commands::Outside;
use crate::hook::{self, Question};
use crate::moderation;
use crate::rules::{Author, Screened};
use crate::service::Service;

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
    let settings = &service.settings;
    let author = Author { user: &question.user, client_id: key, now: question.at };
    let screened = settings.rules.screen(author, question.content.clone(), &settings.limits);
    match &settings.hook {
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
}

impl Outcome {
    pub(crate) fn of(screening: &Screening) -> Self {
        Self { masked: screening.original.is_some(), flagged: screening.flagged.is_some() }
    }

    /// Counts a message that was kept now, and tells moderators of it.
    pub(crate) async fn tell(self, service: &Service, appended: &Appended) {
        let counters = &service.counters().moderation;
        counters.masked.add(u64::from(self.masked));
        counters.flagged.add(u64::from(self.flagged));
        if self.flagged {
            moderation::announce_flagged(service, appended.conversation.clone(), appended.seq)
                .await;
        }
    }
}
