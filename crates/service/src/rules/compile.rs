//! From rules as they are written to what looks for them.

use parlor_chat::rules::{Action, Broken};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::Search;
use super::flood::FloodBound;
use super::leaves::Leaf;
use super::links::Links;
use super::words::{WORD_CHARS_MAX, Within, Words, folded};

/// A content rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What people and the app know it by: 1 to 64 letters, digits, `-` and `_`.
    pub id: String,
    /// What is done about a content that breaks it.
    pub action: Action,
    /// What breaks it.
    pub looked_for: Looked,
}

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Words, in any case.
    Words {
        /// Each at most 64 characters long.
        words: Vec<String>,
        /// Whether a word may also be a piece of another.
        within: Within,
    },
    /// Regular expressions, as the crate `regex` has them: without what would make them slow.
    Patterns(Vec<String>),
    /// Links to other hosts than these and those below them.
    Links {
        /// Hosts, such as `example.com`.
        allowed: Vec<String>,
    },
    /// The same content again and again, by one user.
    Flood(FloodBound),
}

/// Rules of a server.
const RULES_MAX: usize = 1_000;
/// Words of all rules.
const WORDS_MAX: usize = 100_000;
/// Patterns of all rules.
const PATTERNS_MAX: usize = 200;
/// Bytes that one pattern may take once it is compiled.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Bytes that all patterns may take once they are compiled.
const PATTERNS_BYTES_MAX: usize = 16 << 20;
/// The longest window of a flood rule, in milliseconds: a day.
const FLOOD_WINDOW_MAX_MS: u64 = 86_400_000;
/// The most repeats that a flood rule can count.
const FLOOD_REPEATS_MAX: u32 = 100;

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the content rule `{rule}` {reason}")]
pub struct RuleError {
    /// Its id.
    pub rule: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Rule {
    pub(super) fn broken(&self) -> Broken {
        Broken { rule: self.id.as_str().into(), action: self.action }
    }

    fn error(&self, reason: impl Into<String>) -> RuleError {
        RuleError { rule: self.id.clone(), reason: reason.into() }
    }
}

/// What looks for all rules at once.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    words: Option<Words>,
    patterns: Option<Patterns>,
    links: Option<Links>,
    /// Rules about links, with the hosts that they allow.
    linked: Vec<(usize, Vec<String>)>,
    /// Rules about floods.
    pub(super) floods: Vec<(usize, FloodBound)>,
}

#[derive(Debug)]
struct Patterns {
    set: RegexSet,
    each: Vec<(usize, Regex)>,
}

impl Compiled {
    pub(super) fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut compiled = Self::default();
        let (mut words, mut patterns) = (Vec::new(), Vec::new());
        for (place, rule) in rules.iter().enumerate() {
            check_id(rules, place)?;
            match &rule.looked_for {
                Looked::Words { words: of_rule, within } => {
                    let folded = of_rule.iter().map(|word| checked_word(rule, word));
                    for word in some(rule, "words", folded.collect::<Result<Vec<_>, _>>()?)? {
                        words.push((word, place, *within));
                    }
                }
                Looked::Patterns(of_rule) => {
                    for pattern in some(rule, "patterns", of_rule.clone())? {
                        patterns.push((place, checked_pattern(rule, &pattern)?));
                    }
                }
                Looked::Links { allowed } => {
                    let allowed = allowed.iter().map(|host| checked_host(rule, host));
                    compiled.linked.push((place, allowed.collect::<Result<_, _>>()?));
                }
                Looked::Flood(bound) => {
                    check_flood(rule, bound)?;
                    compiled.floods.push((place, *bound));
                }
            }
            if words.len() > WORDS_MAX || patterns.len() > PATTERNS_MAX {
                let most = format!("{WORDS_MAX} words and {PATTERNS_MAX} patterns");
                return Err(rule.error(format!("is one too many: all rules have at most {most}")));
            }
        }
        let Some(last) = rules.last() else { return Ok(compiled) };
        if !words.is_empty() {
            compiled.words = Some(Words::new(words).map_err(|error| last.error(error))?);
        }
        if !patterns.is_empty() {
            let set = RegexSetBuilder::new(patterns.iter().map(|(_, regex)| regex.as_str()))
                .size_limit(PATTERNS_BYTES_MAX)
                .build()
                .map_err(|error| last.error(format!("with the others: {error}")))?;
            compiled.patterns = Some(Patterns { set, each: patterns });
        }
        if !compiled.linked.is_empty() {
            compiled.links = Some(Links::new().map_err(|error| last.error(error.to_string()))?);
        }
        Ok(compiled)
    }

    /// Looks for what a leaf may not hold.
    pub(super) fn look(&self, leaf: &Leaf<'_>, search: &mut Search<'_>) {
        let text = &*leaf.text;
        // Both closures note in the same search, one after the other.
        let search = std::cell::RefCell::new(search);
        if let Some(words) = &self.words {
            words.each(
                text,
                |rule| !search.borrow().is_settled(rule),
                |rule, at| search.borrow_mut().found(rule, leaf, at, 0),
            );
        }
        if let Some(patterns) = &self.patterns {
            for matched in patterns.set.matches(text) {
                let (rule, regex) = &patterns.each[matched];
                for at in regex.find_iter(text) {
                    if search.borrow().is_settled(*rule) {
                        break;
                    }
                    // An empty match is nothing that could be masked, but breaks the rule.
                    search.borrow_mut().found(*rule, leaf, at.range(), text.len());
                }
            }
        }
        if let Some(links) = &self.links {
            for (rule, allowed) in &self.linked {
                links.each(
                    text,
                    allowed,
                    || !search.borrow().is_settled(*rule),
                    |at| search.borrow_mut().found(*rule, leaf, at, 0),
                );
            }
        }
    }
}

fn check_id(rules: &[Rule], place: usize) -> Result<(), RuleError> {
    let rule = &rules[place];
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if rule.id.is_empty() || rule.id.len() > 64 || !rule.id.chars().all(plain) {
        return Err(rule.error("must have an id of 1 to 64 letters, digits, - and _"));
    }
    if rules[..place].iter().any(|earlier| earlier.id == rule.id) {
        return Err(rule.error("has the id of an earlier one"));
    }
    if place >= RULES_MAX {
        return Err(rule.error(format!("is one too many: there are at most {RULES_MAX}")));
    }
    Ok(())
}

fn some<T>(rule: &Rule, name: &str, all: Vec<T>) -> Result<Vec<T>, RuleError> {
    if all.is_empty() { Err(rule.error(format!("has no {name}"))) } else { Ok(all) }
}

fn checked_word(rule: &Rule, word: &str) -> Result<String, RuleError> {
    let word = folded(word);
    match word.chars().count() {
        1..=WORD_CHARS_MAX => Ok(word),
        0 => Err(rule.error("has a word of which nothing can be seen")),
        _ => Err(rule.error(format!("has a word of more than {WORD_CHARS_MAX} characters"))),
    }
}

fn checked_pattern(rule: &Rule, pattern: &str) -> Result<Regex, RuleError> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| rule.error(format!("has a pattern that cannot be used: {error}")))?;
    if regex.is_match("") {
        return Err(rule.error("has a pattern that matches nothing at all, so it is in every text"));
    }
    Ok(regex)
}

fn checked_host(rule: &Rule, host: &str) -> Result<String, RuleError> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':');
    let ends = [host.chars().next(), host.chars().next_back()];
    if !host.chars().all(plain) || ends.contains(&Some('.')) || ends.contains(&None) {
        let example = "such as `example.com`, which stands for what is below it too";
        return Err(rule.error(format!("allows `{host}`, which is no host: {example}")));
    }
    Ok(host.to_lowercase())
}

fn check_flood(rule: &Rule, bound: &FloodBound) -> Result<(), RuleError> {
    if rule.action == Action::Mask {
        return Err(rule.error("is about repeats, of which nothing can be masked"));
    }
    if !(1..=FLOOD_REPEATS_MAX).contains(&bound.repeats_max) {
        return Err(rule.error(format!("must allow from 1 to {FLOOD_REPEATS_MAX} repeats")));
    }
    if !(1..=FLOOD_WINDOW_MAX_MS).contains(&bound.window_ms) {
        return Err(rule.error(format!("must have a window of 1 to {FLOOD_WINDOW_MAX_MS} ms")));
    }
    Ok(())
}
