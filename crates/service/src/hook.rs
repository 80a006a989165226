//! The app's own say before a message is kept: the port that the binary fills with HTTP, and how
//! sends keep their order meanwhile.
//!
//! ```text
//! handler: rules, place in line -> ask (several at a time) -> in front? -> Store::append -> ack
//! ```
//!
//! Questions about several messages of a connection are under way at once and may be answered in
//! any order; the store is called in the order in which the messages came (`lines`). With
//! more questions under way than allowed a message is refused as `overloaded`, never let through
//! unasked. Without a hook none of this takes place.

use std::pin::Pin;
use std::sync::Arc;

use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::{Flagged, Refused, Screening};
use parlor_chat::store::Recipient;
use tokio::sync::OwnedSemaphorePermit;

use crate::content;
use crate::rules::Screened;
use crate::service::Service;

/// What stands for the rule's id when it was the hook that refused or flagged.
const RULE: &str = "hook";

/// Longest reason that a sender is told, in bytes; a longer one is cut.
const REASON_BYTES_MAX: usize = 200;

/// Asks the app about messages.
pub trait Hook: Send + Sync + 'static {
    /// Asks about one message. The answer must come within a time of the hook's own.
    fn ask(&self, question: Question) -> Asking;
}

/// An answer that is awaited.
pub type Asking = Pin<Box<dyn Future<Output = Result<Answer, HookError>> + Send>>;

/// A message that is about to be kept.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who says it.
    pub user: UserId,
    /// To whom: the other member, or a group.
    pub to: Recipient,
    /// Where.
    pub conversation: ConversationId,
    /// What, after the content rules.
    pub content: Content,
    /// Its idempotency key.
    pub client_id: Option<ClientId>,
    /// When it came.
    pub at: Millis,
}

/// What the app says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It may be kept.
    Allow,
    /// It is not to be kept.
    Refuse {
        /// What the sender is told.
        reason: Option<String>,
    },
    /// This is to be kept instead: JSON text.
    Replace {
        /// Held to the rules of every content.
        content: String,
    },
    /// It is kept, and brought before the moderators.
    Flag,
    /// It is kept for its sender's eyes alone, and brought before the moderators.
    Shadow,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It did not come in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// It could not be asked, or gave no good answer.
    #[error("{0}")]
    Failed(String),
}

/// What becomes of a message about which there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is kept.
    Allow,
    /// It is refused as `unavailable`, so that its sender tries again.
    Refuse,
}

/// The app's hook, and how it is used.
#[derive(Clone)]
pub struct AppHook {
    /// Asks.
    pub hook: Arc<dyn Hook>,
    /// What becomes of a message about which there is no answer.
    pub on_failure: OnFailure,
    /// Questions that may be under way at once.
    pub in_flight_max: usize,
}

impl std::fmt::Debug for AppHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppHook").field("on_failure", &self.on_failure).finish_non_exhaustive()
    }
}

/// Hooks are the same when they are one.
impl PartialEq for AppHook {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.hook, &other.hook)
            && (self.on_failure, self.in_flight_max) == (other.on_failure, other.in_flight_max)
    }
}

impl Eq for AppHook {}

/// The right to ask one question more.
///
/// # Errors
/// [`Refusal::Overloaded`] when as many are under way as may be.
pub(crate) fn permit(service: &Service) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(&service.questions).try_acquire_owned().map_err(|_| {
        service.counters().moderation.hook_turned_away.add(1);
        Refusal::overloaded()
    })
}

/// Asks about a message, and makes of the answer what its append is to know. `permit` stands for the
/// question while it is under way.
///
/// # Errors
/// [`Refusal::Unavailable`] when there is no answer and none means that.
pub(crate) async fn ask(
    service: &Service,
    app: &AppHook,
    question: Question,
    screened: Screened,
    permit: OwnedSemaphorePermit,
) -> Result<Screened, Refusal> {
    let counters = &service.counters().moderation;
    counters.hook_asked.add(1);
    let asking = app.hook.ask(question);
    // The question is under way until it is answered, whether or not anyone still waits for that.
    let asking = async move {
        let answer = asking.await;
        drop(permit);
        answer
    };
    let answer = service.outside_shards(asking).await;
    let answer = answer.ok_or_else(Refusal::unavailable)?;
    let limits = &service.settings.limits;
    match answer.and_then(|answer| apply(answer, screened.clone(), limits)) {
        Ok(screened) => Ok(screened),
        Err(error) => {
            counters.hook_failed.add(1);
            counters.hook_timed_out.add(u64::from(error == HookError::TimedOut));
            tracing::warn!(%error, "command: the hook gave no answer");
            match app.on_failure {
                OnFailure::Allow => Ok(screened),
                OnFailure::Refuse => Err(Refusal::unavailable()),
            }
        }
    }
}

/// What an answer makes of a message that the content rules let pass.
fn apply(answer: Answer, screened: Screened, limits: &Limits) -> Result<Screened, HookError> {
    let Screened { content, screening } = screened;
    Ok(match answer {
        Answer::Allow => Screened { content, screening },
        answer @ (Answer::Flag | Answer::Shadow) => {
            let shadow = screening.shadow || answer == Answer::Shadow;
            let open_max = limits.reports_open_per_user_max;
            let flagged = screening.flagged.or(Some(Flagged { rule: RULE.into(), open_max }));
            Screened { content, screening: Screening { flagged, shadow, ..screening } }
        }
        Answer::Refuse { reason } => {
            let reason = reason.filter(|reason| !reason.is_empty()).map(shown);
            let refused = Some(Refused { rule: RULE.into(), reason });
            Screened { content, screening: Screening { refused, ..screening } }
        }
        Answer::Replace { content: instead } => {
            let json: &serde_json::value::RawValue = serde_json::from_str(&instead)
                .map_err(|_| HookError::Failed("its content is not JSON".into()))?;
            content::check(json.get(), limits.content_bytes_max, limits.content_depth_max)
                .map_err(|error| HookError::Failed(format!("its {error}")))?;
            let original = screening.original.or(Some(content));
            let content = Content(json.get().into());
            Screened { content, screening: Screening { original, ..screening } }
        }
    })
}

/// A reason as the sender is told it: no longer than allowed, without control characters.
fn shown(reason: String) -> Arc<str> {
    let mut text: String = reason.chars().filter(|c| !c.is_control()).collect();
    let cut = (0..=REASON_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(cut.unwrap_or(0));
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(answer: Answer) -> Result<Screened, HookError> {
        let content = Content("\"x\"".into());
        apply(answer, Screened::untouched(content), &Limits::default())
    }

    #[test]
    fn an_answer_becomes_what_the_append_is_to_know() {
        let untouched = Screened::untouched(Content("\"x\"".into()));
        assert_eq!(applied(Answer::Allow), Ok(untouched.clone()));
        assert!(applied(Answer::Shadow).expect("good").screening.shadow);
        let flagged = applied(Answer::Flag).expect("good").screening.flagged;
        assert_eq!(flagged.map(|it| it.rule), Some("hook".into()));
        let refused = applied(Answer::Refuse { reason: Some("no\n ads".into()) }).expect("good");
        let expected = Refused { rule: "hook".into(), reason: Some("no ads".into()) };
        assert_eq!(refused.screening.refused, Some(expected));
        let replaced = applied(Answer::Replace { content: " {\"a\": 1} ".into() }).expect("good");
        assert_eq!(&*replaced.content.0, "{\"a\": 1}");
        assert_eq!(replaced.screening.original, Some(untouched.content));
    }

    #[test]
    fn what_is_replaced_twice_is_known_by_what_was_written() {
        let original = Some(Content("\"written\"".into()));
        let screening = Screening { original: original.clone(), ..Screening::default() };
        let masked = Screened { content: Content("\"*\"".into()), screening };
        let instead = Answer::Replace { content: "1".into() };
        let replaced = apply(instead, masked, &Limits::default()).expect("good");
        assert_eq!(replaced.screening.original, original);
    }

    #[test]
    fn a_replacement_is_held_to_the_rules_of_every_content() {
        let long = format!("\"{}\"", "x".repeat(65_535));
        for bad in ["", "{", "1 2", "\"\u{7}\"", "\"\\u0000\"", "\"\\ud800\"", long.as_str()] {
            let replaced = applied(Answer::Replace { content: bad.to_owned() });
            assert!(matches!(replaced, Err(HookError::Failed(_))), "{bad}");
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(shown("é".repeat(150)).len(), 200);
        assert_eq!(&*shown("a\u{0}b".into()), "ab");
        assert_eq!(shown(format!("x{}", "é".repeat(150))).len(), 199);
    }
}
