//! A group's own rules: words that may not be said there, besides what may be said nowhere.
//!
//! What groups have them is a copy of the store's, read when the service starts and followed with each
//! committed entry, before its wish is answered; so every message that is sent after that is held to
//! them, and no send waits for a read. What looks for the words is made when it is first needed, once
//! for each change, and a bounded number is kept ready.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::entry::{Body, Content, Entry};
use parlor_chat::group::decide::Wish;
use parlor_chat::group::rights::{self, may};
use parlor_chat::group::{Change, GroupRules};
use parlor_chat::ids::GroupId;
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;
use parlor_chat::rules::{Action, Screening};
use parlor_chat::store::{StoreError, Viewer};

use crate::commands::Payload;
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::group_commands::{self as read, About};
use crate::groups;
use crate::json::{Object, push_text};
use crate::queries::failed;
use crate::records;
use crate::rules::{Author, Looked, Rule, Rules, Screened, Within};
use crate::service::Service;

/// What the sender is told that a group's own rules are called.
const RULE: &str = "group";
/// Groups that are read at a time.
const GROUPS_AT_ONCE: usize = 1_000;

/// The groups that have rules of their own.
#[derive(Debug)]
pub(crate) struct Ruled {
    groups: Mutex<Groups>,
    ready_max: usize,
}

#[derive(Debug, Default)]
struct Groups {
    rules: HashMap<GroupId, GroupRules>,
    ready: HashMap<GroupId, Rules>,
}

impl Ruled {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { groups: Mutex::default(), ready_max: limits.group_rules_ready_max }
    }

    /// Follows an entry that was committed.
    pub(crate) fn follow(&self, group: &GroupId, entry: &Entry) {
        match &entry.body {
            Body::Changed(Change::RulesSet(rules)) => self.put(group.clone(), rules.clone()),
            Body::Changed(Change::Deleted) => self.put(group.clone(), None),
            _ => {}
        }
    }

    fn put(&self, group: GroupId, rules: Option<GroupRules>) {
        let mut groups = self.groups.lock();
        groups.ready.remove(&group);
        match rules {
            Some(rules) => drop(groups.rules.insert(group, rules)),
            None => drop(groups.rules.remove(&group)),
        }
    }

    /// A group's rules as they were set.
    fn of(&self, group: &GroupId) -> Option<GroupRules> {
        self.groups.lock().rules.get(group).cloned()
    }

    /// What looks for a group's words.
    fn ready(&self, group: &GroupId) -> Option<Rules> {
        let rules = {
            let groups = self.groups.lock();
            if let Some(ready) = groups.ready.get(group) {
                return Some(ready.clone());
            }
            groups.rules.get(group)?.clone()
        };
        let ready = match compiled(&rules) {
            Ok(ready) => ready,
            Err(reason) => {
                tracing::error!(%group, reason, "the rules of a group cannot be used");
                return None;
            }
        };
        let mut groups = self.groups.lock();
        // They may have been set anew meanwhile.
        if groups.rules.get(group) == Some(&rules) {
            if groups.ready.len() >= self.ready_max {
                groups.ready.clear();
            }
            groups.ready.insert(group.clone(), ready.clone());
        }
        Some(ready)
    }

    /// Looks at a content on its way into a group, after what holds everywhere has.
    pub(crate) fn screen(
        &self,
        group: &GroupId,
        author: Author<'_>,
        screened: Screened,
        limits: &Limits,
    ) -> Screened {
        if screened.screening.refused.is_some() {
            return screened;
        }
        let Some(rules) = self.ready(group) else { return screened };
        let Screened { content, screening } = screened;
        let Screened { content, screening: own } = rules.screen(author, content, limits);
        let original: Option<Content> = screening.original.or(own.original);
        Screened { content, screening: Screening { original, refused: own.refused, ..screening } }
    }
}

/// What looks for the words of rules, or why they cannot be used.
fn compiled(rules: &GroupRules) -> Result<Rules, String> {
    let words = rules.words.iter().map(|word| word.to_string()).collect();
    let looked_for = Looked::Words { words, within: Within::WholeWords };
    let rule = Rule { id: RULE.to_owned(), action: rules.action, looked_for };
    Rules::new(vec![rule]).map_err(|error| error.reason)
}

/// Reads which groups have rules of their own.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(crate) async fn load(service: &Service) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = service.groups.ruled(after.take(), GROUPS_AT_ONCE).await?;
        after = page.last().filter(|_| page.len() == GROUPS_AT_ONCE).map(|last| last.0.clone());
        for (group, rules) in page {
            service.delivery().ruled.put(group, Some(rules));
        }
        if after.is_none() {
            return Ok(());
        }
    }
}

/// `group_rules_set {groupId, words, action?}`; without words there are no rules.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "words", "action"])?;
    let group = required("groupId", fields.id("groupId", GroupId::parse)?)?;
    let most = service.settings.limits.group_words_max;
    let words = required("words", fields.texts("words", most)?)?;
    let action = match fields.text("action")?.as_deref().map(Action::of) {
        None => Action::Refuse,
        Some(Some(action @ (Action::Refuse | Action::Mask))) => action,
        Some(_) => return Err(Refusal::invalid("action", "must be \"refuse\" or \"mask\"")),
    };
    let words: Vec<Arc<str>> = words.into_iter().map(Arc::from).collect();
    let rules = (!words.is_empty()).then_some(GroupRules { words, action });
    if let Some(rules) = &rules {
        compiled(rules)
            .map_err(|reason| Refusal::invalid("words", format!("of a group: it {reason}")))?;
    }
    groups::change(service, caller, About { group, wish: Wish::SetRules(rules) })
}

/// `group_rules {groupId}`, for who may set them.
pub(crate) fn get(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let group = read::alone(payload)?;
    caller.charge(service)?;
    let view = service.groups.group(Viewer::User(caller.user.clone()), group.clone());
    let service = Arc::clone(service);
    Ok(Work::Later(Box::pin(async move {
        let view = view.await.map_err(failed)?;
        let member = view.membership.ok_or(Refusal::NotAMember)?;
        if !may(member.role, rights::Action::Update, &view.group.settings) {
            return Err(Refusal::NotAllowed);
        }
        let rules = service.delivery().ruled.of(&group);
        let object = records::ok_with().text("groupId", group.as_str());
        let (words, action) =
            rules.map_or((Vec::new(), Action::Refuse), |it| (it.words, it.action));
        Ok(object
            .list("words", words.iter().map(|word| quoted(word)))
            .text("action", action.name())
            .end())
    })))
}

fn quoted(word: &str) -> String {
    let mut out = String::new();
    push_text(&mut out, word);
    out
}

/// What a change of a group's rules adds to the entry that says so: not the words.
pub(crate) fn changed(object: Object, rules: Option<&GroupRules>) -> Object {
    let words = rules.map_or(0, |rules| rules.words.len() as u64);
    let object = object.number("words", words);
    match rules {
        Some(rules) => object.text("action", rules.action.name()),
        None => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> GroupId {
        GroupId::parse(text).expect("an id in a test")
    }

    fn rules(word: &str) -> Option<GroupRules> {
        Some(GroupRules { words: vec![word.into()], action: Action::Refuse })
    }

    #[test]
    fn what_is_kept_ready_is_bounded_and_made_anew_after_a_change() {
        let ruled = Ruled::new(&Limits { group_rules_ready_max: 2, ..Limits::default() });
        for name in ["a", "b", "c"] {
            ruled.put(group(name), rules(name));
            assert!(ruled.ready(&group(name)).is_some());
            assert!(ruled.groups.lock().ready.len() <= 2);
        }
        let before = ruled.ready(&group("a"));
        ruled.put(group("a"), rules("other"));
        assert_ne!(ruled.ready(&group("a")), before);
        ruled.put(group("a"), None);
        assert_eq!(ruled.ready(&group("a")), None);
        assert_eq!(ruled.ready(&group("unknown")), None);
    }

    #[test]
    fn words_that_cannot_be_looked_for_are_named() {
        for word in ["", "\u{200b}", &"x".repeat(65)] {
            let rules = rules(word).expect("some");
            assert!(compiled(&rules).is_err_and(|reason| reason.contains("word")), "{word}");
        }
        assert!(compiled(&rules(&"x".repeat(64)).expect("some")).is_ok());
    }
}
