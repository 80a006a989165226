//! `profile_get`, `profile_set` and `users`: who people say they are, and how they are found.
//!
//! A user who gives no name has the one in the token, which is noted when a connection is let in.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::ids::UserId;
use parlor_chat::people::{FieldWish, Profile, ProfileChange, UsersCursor, UsersQuery, wanted};
use parlor_chat::refusal::{Refusal, of_store};

use crate::commands::{self, Payload};
use crate::dispatch::{Caller, Work};
use crate::fields::{Fields, required};
use crate::identity::Identity;
use crate::json::Object;
use crate::own;
use crate::records;
use crate::service::Service;

/// As how many commands a search counts: it may look at many words.
const SEARCH_COMMANDS: u32 = 4;
/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 256;
/// Users whose names in tokens are remembered as noted; at the bound all are forgotten.
const NOTED_MAX: usize = 65_536;

/// Whether a text may have line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    One,
    Many,
}

/// Refuses a text that is too long or has control characters.
///
/// # Errors
/// [`Refusal::InvalidArgument`] naming the field.
pub(crate) fn check_text(
    field: &'static str,
    text: &str,
    bytes_max: usize,
    lines: Lines,
) -> Result<(), Refusal> {
    if text.len() > bytes_max {
        return Err(Refusal::invalid(field, format!("must be at most {bytes_max} bytes")));
    }
    let (allowed, rule): (&[char], _) = match lines {
        Lines::One => (&[], "must be without control characters"),
        Lines::Many => (&['\n'], "must be without control characters other than \\n"),
    };
    match text.chars().any(|c| c.is_control() && !allowed.contains(&c)) {
        true => Err(Refusal::invalid(field, rule)),
        false => Ok(()),
    }
}

/// A picture's address: `https` or `http`, a host, and nothing that is not of a URL.
fn check_url(text: &str, bytes_max: usize) -> Result<(), Refusal> {
    check_text("avatarUrl", text, bytes_max, Lines::One)?;
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '<' | '>' | '\\' | '`');
    match host.is_some_and(|host| !host.is_empty()) && text.chars().all(plain) {
        true => Ok(()),
        false => Err(Refusal::invalid("avatarUrl", "must be an https or http URL")),
    }
}

/// `profile_set {name?, avatarUrl?, about?}`; an empty text takes a field away.
pub(crate) fn set(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let limits = &service.settings.limits;
    let fields = Fields::parse(payload, ["name", "avatarUrl", "about"])?;
    let (name, avatar, about) =
        (fields.text("name")?, fields.text("avatarUrl")?, fields.text("about")?);
    if let Some(name) = &name {
        check_text("name", name, limits.name_bytes_max, Lines::One)?;
    }
    if let Some(avatar) = avatar.as_deref().filter(|avatar| !avatar.is_empty()) {
        check_url(avatar, limits.avatar_url_bytes_max)?;
    }
    if let Some(about) = &about {
        check_text("about", about, limits.about_bytes_max, Lines::Many)?;
    }
    if name.is_none() && avatar.is_none() && about.is_none() {
        return Err(Refusal::invalid("name", "or avatarUrl or about is required"));
    }
    service.accepts_writes()?;
    caller.charge(service)?;
    let wish = |text: Option<String>| -> FieldWish {
        text.map(|text| Some(text.trim()).filter(|text| !text.is_empty()).map(Arc::from))
    };
    let user = caller.user.clone();
    let changed = service.store.change_profile(ProfileChange {
        user: user.clone(),
        name: wish(name),
        token_name: None,
        avatar: wish(avatar),
        about: wish(about),
    });
    let (key, service) = (caller.socket.key(), Arc::clone(service));
    Ok(Work::Later(Box::pin(async move {
        let done = changed.await.map_err(|error| of_store(&error))?;
        if done.changed {
            let said = profile(Object::new(), &done.profile);
            service.tell_user(&user, Some(key), "profile", &said);
        }
        Ok(profile(records::ok_with(), &done.profile))
    })))
}

/// `profile_get {userId}`.
pub(crate) fn get(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let user = commands::other_user(payload)?;
    caller.charge(service)?;
    let found = service.store.profile(user);
    Ok(Work::Later(Box::pin(async move {
        let found = found.await.map_err(|error| of_store(&error))?;
        Ok(profile(records::ok_with(), &found))
    })))
}

fn profile(object: Object, profile: &Profile) -> String {
    let field = |object: Object, name: &str, text: &Option<Arc<str>>| match text {
        Some(text) => object.text(name, text),
        None => object.raw(name, "null"),
    };
    let object = object.text("userId", profile.user.as_str());
    let object = field(object, "name", &profile.name);
    let object = field(object, "avatarUrl", &profile.avatar);
    field(object, "about", &profile.about).end()
}

/// `users {query, cursor?, limit?}`.
pub(crate) fn search(
    service: &Arc<Service>,
    caller: &Caller<'_>,
    payload: Payload<'_>,
) -> Result<Work, Refusal> {
    let fields = Fields::parse(payload, ["query", "cursor", "limit"])?;
    let query = required("query", fields.text("query")?)?;
    check_text("query", &query, QUERY_BYTES_MAX, Lines::One)?;
    if query.trim().is_empty() {
        return Err(Refusal::invalid("query", "must not be empty"));
    }
    let after = match fields.text("cursor")? {
        None => None,
        Some(text) => Some(cursor(&text).ok_or_else(own::no_cursor)?),
    };
    let limit = own::limit(&fields, &service.settings.limits)?;
    caller.charge_as(service, SEARCH_COMMANDS)?;
    let words = wanted(query.trim());
    let page = service.store.users(UsersQuery { asker: caller.user.clone(), words, after, limit });
    Ok(Work::Later(Box::pin(async move {
        let page = page.await.map_err(|error| of_store(&error))?;
        let lines = page.users.iter().map(|found| profile(Object::new(), found));
        let object = records::ok_with().list("users", lines);
        Ok(match &page.next {
            Some(next) => object.text("cursor", &cursor_text(next)).end(),
            None => object.raw("cursor", "null").end(),
        })
    })))
}

fn cursor_text(cursor: &UsersCursor) -> String {
    format!("{}.{}{}", cursor.word.len(), cursor.word, cursor.user)
}

fn cursor(text: &str) -> Option<UsersCursor> {
    let (length, rest) = text.split_once('.')?;
    let (word, user) = rest.split_at_checked(length.parse().ok()?)?;
    Some(UsersCursor { word: word.to_owned(), user: UserId::parse(user).ok()? })
}

/// Whose names in tokens the store knows.
#[derive(Debug, Default, Clone)]
pub(crate) struct TokenNames(Arc<Mutex<HashMap<UserId, Arc<str>>>>);

impl TokenNames {
    /// Whether a name is news; from now on it is none.
    fn is_news(&self, user: &UserId, name: &Arc<str>) -> bool {
        let mut noted = self.0.lock();
        if noted.get(user) == Some(name) {
            return false;
        }
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(user.clone(), Arc::clone(name));
        true
    }

    fn forget(&self, user: &UserId) {
        self.0.lock().remove(user);
    }
}

/// Sees to it that a user has at least the name that a token gives. Nobody waits for it: should it
/// fail, the next connection tries again. A name that no profile could have is passed over.
pub(crate) fn note(service: &Service, identity: &Identity) {
    let Some(name) = identity.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) else {
        return;
    };
    let name_bytes_max = service.settings.limits.name_bytes_max;
    let (user, name): (&UserId, Arc<str>) = (&identity.user, Arc::from(name));
    let is_good = check_text("name", &name, name_bytes_max, Lines::One).is_ok();
    if !is_good || !service.token_names.is_news(user, &name) {
        return;
    }
    let changed = service.store.change_profile(ProfileChange {
        user: user.clone(),
        name: None,
        token_name: Some(Some(name)),
        avatar: None,
        about: None,
    });
    let (names, user) = (service.token_names.clone(), user.clone());
    service.tasks.spawn(async move {
        if let Err(error) = changed.await {
            tracing::debug!(%error, "connection: the name in a token was not noted");
            names.forget(&user);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_the_web_are_pictures() {
        for good in ["https://x", "http://x.example/a.png?b#c", "https://[::1]:8/é"] {
            assert!(check_url(good, 99).is_ok(), "{good}");
        }
        for bad in [
            "ftp://x",
            "javascript:alert(1)",
            "https://",
            "https:///a",
            "https://x/ y",
            "https://x/\"",
            "//x",
            "HTTPS:x",
        ] {
            assert!(check_url(bad, 99).is_err(), "{bad}");
        }
        assert!(check_url("https://x", 9).is_ok() && check_url("https://x", 8).is_err());
    }

    #[test]
    fn a_cursor_is_one_that_was_given() {
        let user = UserId::parse("1.é:b").expect("an id in a test");
        let given = UsersCursor { word: "élan.x".to_owned(), user };
        assert_eq!(cursor(&cursor_text(&given)), Some(given));
        for text in ["", "1", "1.", "1.é", "9.ab", "x.ab", "2.ab"] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_news_once() {
        let (names, user) = (TokenNames::default(), UserId::parse("a").expect("an id in a test"));
        assert!(names.is_news(&user, &"A".into()) && !names.is_news(&user, &"A".into()));
        assert!(names.is_news(&user, &"B".into()));
        names.forget(&user);
        assert!(names.is_news(&user, &"B".into()));
    }
}
