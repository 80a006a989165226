//! What content rules say of a message, and what the store makes of it.
//!
//! A rule has an id that people see and an [`Action`]. The service finds which rules a content
//! breaks and what is left of it (it knows JSON, this crate does not); [`judge`] decides from that,
//! and [`Screening`] carries it into the append, so that it is part of the commit.
//!
//! **Retries.** A retry is judged again. Its idempotency digest is taken of what the sender wrote
//! ([`Screening::original`]), never of what a rule made of it, so that it equals the first one's; and
//! what was kept under the same key before is answered like the first time even if a rule would
//! refuse it now, as with a block. A refused content is kept nowhere.

use std::sync::Arc;

use crate::entry::Content;

/// What is done about a content that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is not kept; the sender is told the rule's id.
    Refuse,
    /// Each match is replaced by `*` before it is kept.
    Mask,
    /// It is kept, and brought before the moderators.
    Flag,
    /// It is kept for its sender's eyes alone, who is not told so, and brought before the moderators.
    Shadow,
}

impl Action {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Mask => "mask",
            Self::Flag => "flag",
            Self::Shadow => "shadow",
        }
    }

    /// The action of a word.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "refuse" => Some(Self::Refuse),
            "mask" => Some(Self::Mask),
            "flag" => Some(Self::Flag),
            "shadow" => Some(Self::Shadow),
            _ => None,
        }
    }
}

/// A rule that a content breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule's id.
    pub rule: Arc<str>,
    /// What it asks for.
    pub action: Action,
}

/// What the rules decide on a content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The rule that keeps it out.
    pub refused: Option<Arc<str>>,
    /// Whether matches are to be masked.
    pub masks: bool,
    /// The rule that brings it before the moderators.
    pub flagged: Option<Arc<str>>,
    /// Whether its sender alone is to see it.
    pub shadows: bool,
}

/// Decides from the rules that a content breaks, in the order of the rules: the first that refuses
/// counts above all else; of those that shadow or flag the first that shadows is the one that moderators are
/// told, or else the first that flags.
pub fn judge(broken: &[Broken]) -> Verdict {
    let first = |action| broken.iter().find(|it| it.action == action).map(|it| it.rule.clone());
    let refused = first(Action::Refuse);
    if refused.is_some() {
        return Verdict { refused, ..Verdict::default() };
    }
    let shadowed = first(Action::Shadow);
    Verdict {
        refused,
        masks: first(Action::Mask).is_some(),
        shadows: shadowed.is_some(),
        flagged: shadowed.or_else(|| first(Action::Flag)),
    }
}

/// What an append is to know of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screening {
    /// What the sender wrote, if what is to be kept is something else.
    pub original: Option<Content>,
    /// A rule that keeps it out, unless it was kept before under the same key.
    pub refused: Option<Refused>,
    /// A rule that brings it before the moderators, in the same commit.
    pub flagged: Option<Flagged>,
    /// Whether its sender alone is to see it.
    pub shadow: bool,
}

/// A rule that keeps a content out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its id.
    pub rule: Arc<str>,
    /// What the app's own check said, for the sender.
    pub reason: Option<Arc<str>>,
}

/// A rule that brings a message before the moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flagged {
    /// Its id.
    pub rule: Arc<str>,
    /// Flagged messages of one user that may be open at a time; a further one is kept, but not
    /// brought before them.
    pub open_max: usize,
}

impl Screening {
    /// Whether it asks for nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(rule: &str, action: Action) -> Broken {
        Broken { rule: rule.into(), action }
    }

    #[test]
    fn a_refusal_counts_above_all_else() {
        let all = [
            broken("m", Action::Mask),
            broken("f", Action::Flag),
            broken("r1", Action::Refuse),
            broken("r2", Action::Refuse),
        ];
        let verdict = judge(&all);
        assert_eq!(verdict, Verdict { refused: Some("r1".into()), ..Verdict::default() });
    }

    #[test]
    fn masks_and_flags_go_together() {
        let all =
            [broken("f1", Action::Flag), broken("m", Action::Mask), broken("f2", Action::Flag)];
        let expected = Verdict { masks: true, flagged: Some("f1".into()), ..Verdict::default() };
        assert_eq!(judge(&all), expected);
        let shadowed = [&all[..], &[broken("s", Action::Shadow)]].concat();
        let expected = Verdict { flagged: Some("s".into()), shadows: true, ..expected };
        assert_eq!(judge(&shadowed), expected);
        assert_eq!(judge(&[]), Verdict::default());
    }

    #[test]
    fn only_known_actions_have_words() {
        for action in [Action::Refuse, Action::Mask, Action::Flag, Action::Shadow] {
            assert_eq!(Action::of(action.name()), Some(action));
        }
        assert_eq!([Action::of("hide"), Action::of("Refuse"), Action::of("")], [None; 3]);
    }
}
