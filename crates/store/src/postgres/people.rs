//! Profiles, the words by which they are found, and how users stand to each other.

use std::collections::HashSet;
use std::sync::Arc;

use parlor_chat::ids::UserId;
use parlor_chat::people::{
    FieldWish, Profile, ProfileChange, ProfileChanged, UsersCursor, UsersPage, UsersQuery, words_of,
};
use parlor_chat::privacy::Regard;
use parlor_chat::store::{Block, Blocked, Blocks, StoreError};
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use super::turn::Turn;
use crate::kept::numbers::{bound, corrupt, nat};

/// Words that one page of a search looks at; it may find fewer people than asked for.
const WORDS_LOOKED_AT_MAX: usize = 2_000;

type Text = Option<Arc<str>>;

/// A profile as it lies in the table.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Kept {
    name: Text,
    token_name: Text,
    avatar: Text,
    about: Text,
}

impl Kept {
    fn of(row: &Row, at: usize) -> Result<Self, Failure> {
        let text = |at: usize| -> Result<Text, Failure> {
            Ok(row.try_get::<_, Option<&str>>(at)?.map(Arc::from))
        };
        let (name, token_name) = (text(at)?, text(at + 1)?);
        Ok(Self { name, token_name, avatar: text(at + 2)?, about: text(at + 3)? })
    }

    fn shown(&self, user: UserId) -> Profile {
        Profile {
            user,
            name: self.name.clone().or_else(|| self.token_name.clone()),
            avatar: self.avatar.clone(),
            about: self.about.clone(),
        }
    }
}

async fn kept(conn: Conn<'_>, user: &UserId) -> Result<Kept, Failure> {
    let sql = "SELECT name, token_name, avatar, about FROM profile WHERE user_id = $1";
    let row = conn.first(sql, params![user.as_str()]).await?;
    row.map_or(Ok(Kept::default()), |row| Kept::of(&row, 0))
}

/// Changes a profile.
pub(crate) async fn change(
    turn: &mut Turn<'_>,
    change: &ProfileChange,
) -> Result<ProfileChanged, Failure> {
    let (conn, user) = (turn.conn, change.user.as_str());
    let before = kept(conn, &change.user).await?;
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
    let sql = "INSERT INTO profile (user_id, name, token_name, avatar, about) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE \
               SET name = excluded.name, token_name = excluded.token_name, \
               avatar = excluded.avatar, about = excluded.about";
    let Kept { name, token_name, avatar, about } = &after;
    let fields =
        params![user, name.as_deref(), token_name.as_deref(), avatar.as_deref(), about.as_deref(),];
    conn.execute(sql, fields).await?;
    conn.execute("DELETE FROM profile_word WHERE user_id = $1", params![user]).await?;
    let words = words_of(&change.user, profile.name.as_deref());
    let sql = "INSERT INTO profile_word (user_id, word) SELECT $1, unnest($2::text[])";
    conn.execute(sql, params![user, words]).await?;
    Ok(ProfileChanged { profile, changed })
}

/// A user's profile.
pub(crate) async fn profile(conn: Conn<'_>, user: &UserId) -> Result<Profile, Failure> {
    Ok(kept(conn, user).await?.shown(user.clone()))
}

/// The end of what begins with a text, in the order of bytes.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// People by the beginnings of words.
pub(crate) async fn users(conn: Conn<'_>, query: &UsersQuery) -> Result<UsersPage, Failure> {
    let mut page = UsersPage { users: Vec::new(), next: None };
    // The longest word is the one that the fewest have.
    let Some(first) = query.words.iter().max_by_key(|word| word.len()) else { return Ok(page) };
    let (word, user) = match &query.after {
        Some(after) => (after.word.as_str(), after.user.as_str()),
        None => (first.as_str(), ""),
    };
    let others: Vec<&str> =
        query.words.iter().filter(|other| *other != first).map(String::as_str).collect();
    let ends: Vec<String> = others.iter().map(|other| end_of(other)).collect();
    // All words must be there, and it is the user's first word that begins so: who has several is
    // found once. Who is kept out by one of the two is not found.
    let sql = "SELECT w.word, w.user_id, \
               w.word = (SELECT min(f.word) FROM profile_word f \
               WHERE f.user_id = w.user_id AND f.word >= $1 AND f.word < $2) \
               AND NOT EXISTS (SELECT 1 FROM unnest($6::text[], $7::text[]) AS o (word, ends) \
               WHERE NOT EXISTS (SELECT 1 FROM profile_word f WHERE f.user_id = w.user_id \
               AND f.word >= o.word AND f.word < o.ends)) \
               AND NOT EXISTS (SELECT 1 FROM block b WHERE b.active \
               AND (b.user_id, b.other) IN ((w.user_id, $8), ($8, w.user_id))), \
               p.name, p.token_name, p.avatar, p.about \
               FROM profile_word w LEFT JOIN profile p ON p.user_id = w.user_id \
               WHERE w.word >= $1 AND w.word < $2 AND (w.word, w.user_id) > ($3, $4) \
               ORDER BY w.word, w.user_id LIMIT $5";
    let limit = bound(WORDS_LOOKED_AT_MAX as u64) + 1;
    let asker = query.asker.as_str();
    let (from, to) = (first.as_str(), end_of(first));
    let rows = conn.query(sql, params![from, to, word, user, limit, others, ends, asker]).await?;
    let mut last = None;
    for (looked_at, row) in rows.iter().enumerate() {
        if page.users.len() >= query.limit || looked_at >= WORDS_LOOKED_AT_MAX {
            page.next = last;
            break;
        }
        let name: &str = row.try_get(1)?;
        let user = UserId::parse(name).map_err(|_| corrupt(format!("user {name}")))?;
        if row.try_get(2)? {
            page.users.push(Kept::of(row, 3)?.shown(user.clone()));
        }
        last = Some(UsersCursor { word: row.try_get(0)?, user });
    }
    Ok(page)
}

/// How a user stands to another.
pub(crate) async fn regard(
    conn: Conn<'_>,
    user: &UserId,
    other: &UserId,
) -> Result<Regard, Failure> {
    let mut regard = Regard::default();
    // 7 is the kind of contacts, 8 of privacy.
    let sql = "SELECT key, value FROM own WHERE user_id = $1 AND kind = 8 AND value IS NOT NULL \
               UNION ALL SELECT '', 'contact' FROM own WHERE user_id = $1 AND kind = 7 \
               AND key = $2 AND value IS NOT NULL \
               UNION ALL SELECT '', 'block' FROM block WHERE user_id = $1 AND other = $2 AND active";
    for row in conn.query(sql, params![user.as_str(), other.as_str()]).await? {
        match (row.try_get(0)?, row.try_get(1)?) {
            ("", "contact") => regard.is_contact = true,
            ("", _) => regard.keeps_out = true,
            (key, value) => regard.privacy.take(key, value),
        }
    }
    Ok(regard)
}

/// Those of some users whose read marks are told to nobody.
pub(crate) async fn silent(conn: Conn<'_>, users: &[&UserId]) -> Result<HashSet<String>, Failure> {
    let names: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
    let sql = "SELECT user_id FROM own WHERE user_id = ANY ($1) AND kind = 8 \
               AND key = 'readReceipts' AND value = 'false'";
    let rows = conn.query(sql, params![names]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Changes whether one user is kept from writing to another.
pub(crate) async fn block(turn: &mut Turn<'_>, block: &Block) -> Result<Blocked, Failure> {
    let (user, other) = (block.user.as_str(), block.other.as_str());
    let sql = "SELECT 1 FROM block WHERE user_id = $1 AND other = $2 AND active";
    if turn.conn.exists(sql, params![user, other]).await? == block.blocked {
        return Ok(Blocked::Unchanged);
    }
    if block.blocked {
        let sql = "SELECT count(*) FROM block WHERE user_id = $1 AND active";
        if nat(turn.conn.number(sql, params![user]).await?)? >= block.blocks_max as u64 {
            return Err(StoreError::TooManyBlocks.into());
        }
    }
    let (position, at) = (turn.position().await?, bound(block.now.0));
    let sql = "INSERT INTO block (user_id, other, active, at, moved) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (user_id, other) DO UPDATE \
               SET active = excluded.active, at = excluded.at, moved = excluded.moved";
    turn.conn.execute(sql, params![user, other, block.blocked, at, position]).await?;
    // Of those that were lifted the one that moved last says enough.
    let sql = "DELETE FROM block WHERE user_id = $1 AND NOT active AND other <> $2";
    turn.conn.execute(sql, params![user, other]).await?;
    Ok(Blocked::Changed)
}

/// Whom a user keeps out.
pub(crate) async fn blocks(conn: Conn<'_>, user: &UserId) -> Result<Blocks, Failure> {
    let sql = "SELECT other FROM block WHERE user_id = $1 AND active ORDER BY other";
    let rows = conn.query(sql, params![user.as_str()]).await?;
    let name = |row: &Row| -> Result<UserId, Failure> {
        let what = || corrupt(format!("a block of user {user}"));
        Ok(UserId::parse(row.try_get(0)?).map_err(|_| what())?)
    };
    Ok(Blocks { users: rows.iter().map(name).collect::<Result<_, _>>()? })
}

/// A user's blocks, if one changed at or after a position, or since a time.
pub(crate) async fn blocks_if_moved(
    conn: Conn<'_>,
    user: &UserId,
    position: i64,
    time: i64,
) -> Result<Option<Blocks>, Failure> {
    let sql = "SELECT 1 FROM block WHERE user_id = $1 AND (moved >= $2 OR at >= $3)";
    match conn.exists(sql, params![user.as_str(), position, time]).await? {
        true => Ok(Some(blocks(conn, user).await?)),
        false => Ok(None),
    }
}
