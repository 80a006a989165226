//! Content rules: what the strings of a message may not hold, looked for before it is kept.
//!
//! ```text
//! JSON text -> leaves (its strings, but for keys) -> words, patterns, links -> judge -> Screened
//!           -> flood (the same text, how often, by whom)
//! ```
//!
//! `Rules::screen` is a function of author and content; edits and messages to groups go through
//! it as direct messages do. A group's own rules become a second [`Rules`], asked beside these.
//! What always holds: a content stays JSON and its keys stay as they are, whatever is masked; it
//! grows by no byte; the work is bounded ([`Limits::content_matches_max`] and
//! [`Limits::content_mask_work_bytes_max`]); no rule's word is told to anybody.

mod compile;
mod flood;
mod leaves;
mod links;
mod mask;
mod words;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::rules::{Action, Broken, Flagged, Refused, Screening, judge};

pub use compile::{Looked, Rule, RuleError};
pub use flood::FloodBound;
pub use words::Within;

use compile::Compiled;
use flood::Flood;
use leaves::Leaf;

/// The content rules of a server; none by default.
#[derive(Debug, Clone, Default)]
pub struct Rules(Option<Arc<Engine>>);

/// Rules that are compiled, and what they remember.
struct Engine {
    rules: Vec<Rule>,
    compiled: Compiled,
    flood: Mutex<Flood>,
    /// Contents that came too often.
    floods: AtomicU64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| &rule.id)).finish()
    }
}

/// Rules are the same when they say the same.
impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl Eq for Rules {}

/// What is left of a content, and what its append is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Screened {
    /// What is to be kept.
    pub(crate) content: Content,
    pub(crate) screening: Screening,
}

impl Screened {
    /// Nothing is to be said of it.
    pub(crate) fn untouched(content: Content) -> Self {
        Self { content, screening: Screening::default() }
    }
}

/// Who says something, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) user: &'a UserId,
    /// The key of the message, by which a retry is known.
    pub(crate) client_id: Option<&'a ClientId>,
    pub(crate) now: Millis,
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`RuleError`] names the first rule that cannot be used, and why.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RuleError> {
        if rules.is_empty() {
            return Ok(Self(None));
        }
        let compiled = Compiled::new(&rules)?;
        Ok(Self(Some(Arc::new(Engine {
            rules,
            compiled,
            flood: Mutex::default(),
            floods: AtomicU64::default(),
        }))))
    }

    /// The rules as they were given.
    pub fn all(&self) -> &[Rule] {
        self.0.as_ref().map_or(&[], |engine| &engine.rules)
    }

    /// How many contents came too often so far, retries of one among them.
    pub(crate) fn floods(&self) -> u64 {
        self.0.as_ref().map_or(0, |engine| engine.floods.load(Ordering::Relaxed))
    }

    /// Looks at a content that was checked to be JSON. Without rules it costs nothing.
    pub(crate) fn screen(&self, author: Author<'_>, content: Content, limits: &Limits) -> Screened {
        match &self.0 {
            None => Screened::untouched(content),
            Some(engine) => engine.screen(author, content, limits),
        }
    }
}

/// What was found in one content.
struct Search<'a> {
    rules: &'a [Rule],
    limits: &'a Limits,
    /// By the rule's place.
    broken: Vec<bool>,
    /// Places of the JSON text to be masked, in no order.
    masked: Vec<Range<usize>>,
    mask_work_bytes: usize,
    /// The rule whose masking would be more work than allowed.
    exceeded: Option<usize>,
}

impl Search<'_> {
    /// Whether nothing more can come of looking for a rule.
    fn is_settled(&self, rule: usize) -> bool {
        self.exceeded.is_some() || self.broken[rule] && self.rules[rule].action != Action::Mask
    }

    /// Notes a match of a rule in a leaf, by its place in the decoded text; it took a look at so
    /// many bytes.
    fn found(&mut self, rule: usize, leaf: &Leaf<'_>, at: Range<usize>, looked_at: usize) {
        self.broken[rule] = true;
        if self.rules[rule].action != Action::Mask {
            return;
        }
        self.mask_work_bytes = self.mask_work_bytes.saturating_add(looked_at);
        if self.masked.len() >= self.limits.content_matches_max
            || self.mask_work_bytes > self.limits.content_mask_work_bytes_max
        {
            self.exceeded = Some(rule);
        } else {
            self.masked.push(leaf.raw_range(at));
        }
    }
}

impl Engine {
    fn screen(&self, author: Author<'_>, content: Content, limits: &Limits) -> Screened {
        let mut search = Search {
            rules: &self.rules,
            limits,
            broken: vec![false; self.rules.len()],
            masked: Vec::new(),
            mask_work_bytes: 0,
            exceeded: None,
        };
        for leaf in leaves::leaves(&content.0) {
            self.compiled.look(&leaf, &mut search);
            if search.exceeded.is_some() {
                break;
            }
        }
        for &(rule, bound) in &self.compiled.floods {
            let exceeds = self.flood.lock().exceeds(rule, author, &content, bound, limits);
            search.broken[rule] |= exceeds;
            self.floods.fetch_add(u64::from(exceeds), Ordering::Relaxed);
        }
        let Search { broken, mut masked, exceeded, .. } = search;
        let mut broken: Vec<Broken> = self
            .rules
            .iter()
            .zip(broken)
            .filter(|(_, broken)| *broken)
            .map(|(rule, _)| rule.broken())
            .collect();
        if let Some(rule) = exceeded {
            broken.push(Broken { action: Action::Refuse, ..self.rules[rule].broken() });
        }
        let verdict = judge(&broken);
        if let Some(rule) = verdict.refused {
            let refused = Some(Refused { rule, reason: None });
            return Screened { content, screening: Screening { refused, ..Screening::default() } };
        }
        let open_max = limits.reports_open_per_user_max;
        let flagged = verdict.flagged.map(|rule| Flagged { rule, open_max });
        let screening = Screening { flagged, shadow: verdict.shadows, ..Screening::default() };
        if !verdict.masks {
            return Screened { content, screening };
        }
        let kept = Content(mask::mask(&content.0, &mut masked).into());
        Screened { content: kept, screening: Screening { original: Some(content), ..screening } }
    }
}

#[cfg(test)]
mod tests;
