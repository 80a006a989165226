//! Profiles, and the words by which they are found.

use std::sync::Arc;

use parlor_chat::ids::UserId;
use parlor_chat::people::{
    FieldWish, Profile, ProfileChange, ProfileChanged, UsersCursor, UsersPage, UsersQuery, words_of,
};
use rusqlite::{Connection, OptionalExtension};

use super::blocks;
use super::commands::user_or_new;
use super::readers::Reader;
use super::rows::{self, Failure, bound, corrupt};

/// Words that one page of a search looks at; it may find fewer people than asked for.
const WORDS_LOOKED_AT_MAX: usize = 2_000;

type Text = Option<Arc<str>>;

/// A profile as it lies in the file.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Kept {
    name: Text,
    token_name: Text,
    avatar: Text,
    about: Text,
}

impl Kept {
    fn shown(&self, user: UserId) -> Profile {
        Profile {
            user,
            name: self.name.clone().or_else(|| self.token_name.clone()),
            avatar: self.avatar.clone(),
            about: self.about.clone(),
        }
    }
}

fn kept(conn: &Connection, user: i64) -> Result<Option<Kept>, rusqlite::Error> {
    let sql = "SELECT name, token_name, avatar, about FROM profile WHERE user = ?1";
    conn.prepare_cached(sql)?
        .query_row([user], |row| {
            Ok(Kept {
                name: row.get(0)?,
                token_name: row.get(1)?,
                avatar: row.get(2)?,
                about: row.get(3)?,
            })
        })
        .optional()
}

/// Changes a profile inside the writer's transaction.
pub(crate) fn change(conn: &Connection, change: &ProfileChange) -> Result<ProfileChanged, Failure> {
    let known = rows::user_id(conn, &change.user)?;
    let before = known.map(|user| kept(conn, user)).transpose()?.flatten().unwrap_or_default();
    let mut after = before.clone();
    let set = |field: &mut Text, wish: &FieldWish| {
        if let Some(wish) = wish {
            *field = wish.clone();
        }
    };
    set(&mut after.name, &change.name);
    set(&mut after.token_name, &change.token_name);
    set(&mut after.avatar, &change.avatar);
    set(&mut after.about, &change.about);
    let profile = after.shown(change.user.clone());
    let changed = profile != before.shown(change.user.clone());
    if after == before {
        return Ok(ProfileChanged { profile, changed });
    }
    let user = user_or_new(conn, &change.user)?;
    let sql = "INSERT INTO profile (user, name, token_name, avatar, about) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (user) DO UPDATE \
               SET name = excluded.name, token_name = excluded.token_name, \
               avatar = excluded.avatar, about = excluded.about";
    let Kept { name, token_name, avatar, about } = &after;
    conn.prepare_cached(sql)?.execute((user, name, token_name, avatar, about))?;
    conn.prepare_cached("DELETE FROM profile_word WHERE user = ?1")?.execute([user])?;
    for word in words_of(&change.user, profile.name.as_deref()) {
        let sql = "INSERT INTO profile_word (word, user) VALUES (?1, ?2)";
        conn.prepare_cached(sql)?.execute((word, user))?;
    }
    Ok(ProfileChanged { profile, changed })
}

/// The end of what begins with a text, in the order of bytes.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

impl Reader {
    pub(crate) fn profile(&mut self, user: &UserId) -> Result<Profile, Failure> {
        let id = rows::user_id(&self.conn, user)?;
        let kept = id.map(|id| kept(&self.conn, id)).transpose()?.flatten().unwrap_or_default();
        Ok(kept.shown(user.clone()))
    }

    pub(crate) fn users(&mut self, query: &UsersQuery) -> Result<UsersPage, Failure> {
        let mut page = UsersPage { users: Vec::new(), next: None };
        // The longest word is the one that the fewest have.
        let Some(first) = query.words.iter().max_by_key(|word| word.len()) else {
            return Ok(page);
        };
        let asker = rows::user_id(&self.conn, &query.asker)?;
        let (word, user) = match &query.after {
            Some(after) => {
                (after.word.as_str(), rows::user_id(&self.conn, &after.user)?.unwrap_or(i64::MAX))
            }
            None => (first.as_str(), -1),
        };
        let sql = "SELECT w.word, w.user, u.name FROM profile_word w JOIN user u ON u.id = w.user \
                   WHERE w.word >= ?1 AND w.word < ?2 AND (w.word, w.user) > (?3, ?4) \
                   ORDER BY w.word, w.user LIMIT ?5";
        let limit = bound(WORDS_LOOKED_AT_MAX as u64) + 1;
        let found: Vec<(String, i64, String)> = self
            .conn
            .prepare_cached(sql)?
            .query_map((first, end_of(first), word, user, limit), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut last = None;
        for (looked_at, (word, id, name)) in found.into_iter().enumerate() {
            if page.users.len() >= query.limit || looked_at >= WORDS_LOOKED_AT_MAX {
                page.next = last;
                break;
            }
            let user = UserId::parse(&name).map_err(|_| corrupt(format!("user {id}")))?;
            if self.is_found(id, first, &word, &query.words)? && !self.is_hidden(asker, id)? {
                let kept = kept(&self.conn, id)?;
                page.users.push(kept.unwrap_or_default().shown(user.clone()));
            }
            last = Some(UsersCursor { word, user });
        }
        Ok(page)
    }

    /// Whether all words are there, and this is the first word of the user's that begins so: who
    /// has several is found once.
    fn is_found(
        &self,
        user: i64,
        first: &str,
        word: &str,
        words: &[String],
    ) -> Result<bool, Failure> {
        let sql = "SELECT min(word) FROM profile_word \
                   WHERE user = ?1 AND word >= ?2 AND word < ?3";
        let mut least = self.conn.prepare_cached(sql)?;
        let mut least = |prefix: &str| -> Result<Option<String>, rusqlite::Error> {
            least.query_row((user, prefix, end_of(prefix)), |row| row.get(0))
        };
        if least(first)?.as_deref() != Some(word) {
            return Ok(false);
        }
        for other in words.iter().filter(|other| *other != first) {
            if least(other)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether one of two keeps the other out.
    fn is_hidden(&self, asker: Option<i64>, user: i64) -> Result<bool, Failure> {
        let Some(asker) = asker else { return Ok(false) };
        let conn = &self.conn;
        Ok(blocks::is_active(conn, user, asker)? || blocks::is_active(conn, asker, user)?)
    }
}
