//! Content rules as the configuration has them, and what the service makes of them.

use parlor_chat::rules::Action;
use parlor_service::rules::{FloodBound, Looked, Rule, RuleError, Rules, Within};

use super::setting::{Kind, Setting};

/// `[[moderation.rules]]`.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct ContentRules(Vec<ContentRule>);

/// One rule: its id, its action, and one thing that it looks for.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentRule {
    id: String,
    action: String,
    words: Option<Vec<String>>,
    whole_words: Option<bool>,
    patterns: Option<Vec<String>>,
    links_except: Option<Vec<String>>,
    repeats_max: Option<u32>,
    repeats_window_ms: Option<u64>,
}

impl Setting for ContentRules {
    const KIND: Kind = Kind::List;

    /// Rules are tables of the file; printed, they are an example alone.
    fn render(&self) -> Option<String> {
        None
    }
}

impl ContentRules {
    /// Compiles the rules.
    ///
    /// # Errors
    /// [`RuleError`] names the first that cannot be used, and why.
    pub(crate) fn compile(&self) -> Result<Rules, RuleError> {
        Rules::new(self.0.iter().map(ContentRule::read).collect::<Result<_, _>>()?)
    }
}

impl ContentRule {
    fn error(&self, reason: &str) -> RuleError {
        RuleError { rule: self.id.clone(), reason: reason.to_owned() }
    }

    fn read(&self) -> Result<Rule, RuleError> {
        let action = Action::of(&self.action).ok_or_else(|| {
            self.error("must have the action `refuse`, `mask`, `flag` or `shadow`")
        })?;
        let repeats = self.repeats_max.is_some() || self.repeats_window_ms.is_some();
        let given =
            [self.words.is_some(), self.patterns.is_some(), self.links_except.is_some(), repeats];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let what = "must have one of `words`, `patterns`, `links_except` and `repeats_max`";
            return Err(self.error(what));
        }
        if self.whole_words.is_some() && self.words.is_none() {
            return Err(self.error("has `whole_words` without `words`"));
        }
        let looked_for = if let Some(words) = self.words.clone() {
            let within = match self.whole_words.unwrap_or(true) {
                true => Within::WholeWords,
                false => Within::Anything,
            };
            Looked::Words { words, within }
        } else if let Some(patterns) = self.patterns.clone() {
            Looked::Patterns(patterns)
        } else if let Some(allowed) = self.links_except.clone() {
            Looked::Links { allowed }
        } else {
            let (Some(repeats_max), Some(window_ms)) = (self.repeats_max, self.repeats_window_ms)
            else {
                return Err(self.error("must have both `repeats_max` and `repeats_window_ms`"));
            };
            Looked::Flood(FloodBound { repeats_max, window_ms })
        };
        Ok(Rule { id: self.id.clone(), action, looked_for })
    }
}
