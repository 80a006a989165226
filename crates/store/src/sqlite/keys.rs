//! Which key opens what: master keys from the configuration, a data key for each conversation.
//!
//! A conversation's data key is made with the first entry that is sealed, in that entry's
//! transaction, and kept sealed by the current master key. From it come the key of contents,
//! that of idempotency digests and that of the words in the index. To rotate the master key seals the data keys anew and touches no
//! entry. The store names master keys by what anyone may see of them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use parlor_chat::ids::{ConversationId, GroupId, UserId};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use zeroize::Zeroizing;

use super::cipher::{self, CannotOpen, Digester, KeyBytes, Sealer};
use super::progress::{Progress, Report};
use super::rows::{Failure, Thread, corrupt};
use super::{DATABASE_FILE, OpenError, own_keys, restore, schema};

/// A master key.
#[derive(Debug)]
pub struct MasterKey {
    name: String,
    sealer: Sealer,
}

/// Why a text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 64 hexadecimal digits")]
pub struct NoMasterKey;

impl MasterKey {
    /// Reads a key of 64 hexadecimal digits; white space around it is no part of it.
    ///
    /// # Errors
    /// [`NoMasterKey`], which says nothing of the text.
    pub fn parse(text: &str) -> Result<Self, NoMasterKey> {
        let digits = text.trim().as_bytes();
        let mut key: KeyBytes = Zeroizing::new([0; 32]);
        if digits.len() != 64 {
            return Err(NoMasterKey);
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or(NoMasterKey);
            *byte = u8::try_from(digit(0)? << 4 | digit(1)?).map_err(|_| NoMasterKey)?;
        }
        let public = cipher::derive(&key, "parlor: the public name of a master key");
        let name = public[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let sealer = Sealer::new(&cipher::derive(&key, "parlor: data keys"));
        Ok(Self { name, sealer })
    }

    /// What the store and messages call it: 16 hexadecimal digits, of which it cannot be guessed.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The master keys that are configured.
#[derive(Debug)]
pub struct Keyring {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

impl Keyring {
    /// Seals by `current`, and opens what `previous` ones sealed.
    pub fn new(current: MasterKey, previous: Vec<MasterKey>) -> Self {
        Self { current, previous }
    }

    /// What seals from now on.
    pub(crate) fn current(&self) -> &MasterKey {
        &self.current
    }

    pub(crate) fn get(&self, name: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.name == name)
    }
}

/// The keys of one conversation.
#[derive(Debug)]
pub(crate) struct ConversationKeys {
    pub(crate) content: Sealer,
    pub(crate) digest: Digester,
    pub(crate) words: Digester,
}

impl ConversationKeys {
    fn of(data_key: &KeyBytes) -> Self {
        Self {
            content: Sealer::new(&cipher::derive(data_key, "parlor: contents")),
            digest: Digester::new(&cipher::derive(data_key, "parlor: digests")),
            words: Digester::new(&cipher::derive(data_key, "parlor: words")),
        }
    }
}

/// Keys of conversations that one thread has looked up, about a KiB each; at the bound all are dropped.
pub(crate) const KEYS_CACHED_MAX: usize = 16_384;

/// Looks up the keys of conversations, and of users' own records.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(super) keyring: Option<Arc<Keyring>>,
    known: HashMap<i64, Arc<ConversationKeys>>,
    pub(super) own: HashMap<i64, Arc<Sealer>>,
}

impl Keys {
    pub(crate) fn new(keyring: Option<Arc<Keyring>>) -> Self {
        Self { keyring, known: HashMap::new(), own: HashMap::new() }
    }

    /// Whether new contents are sealed.
    pub(crate) fn seals(&self) -> bool {
        self.keyring.is_some()
    }

    /// Forgets what a rolled back transaction may have made up.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.own.clear();
    }

    /// The keys of a conversation that has sealed entries.
    pub(crate) fn find(
        &mut self,
        conn: &Connection,
        thread: &Thread,
    ) -> Result<Option<Arc<ConversationKeys>>, Failure> {
        let Some(keyring) = &self.keyring else { return Ok(None) };
        if let Some(keys) = self.known.get(&thread.id) {
            return Ok(Some(keys.clone()));
        }
        let sql = "SELECT m.name, d.sealed FROM data_key d JOIN master_key m ON m.id = d.master \
                   WHERE d.conversation = ?1";
        let found: Option<(String, Vec<u8>)> = conn
            .prepare_cached(sql)?
            .query_row([thread.id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((master, sealed)) = found else { return Ok(None) };
        let what = |why| corrupt(format!("the key of {} {why}", thread.conversation));
        let master = keyring.get(&master).ok_or_else(|| what("is sealed by an unknown key"))?;
        let data_key = open(master, thread.conversation.as_str(), &sealed)
            .map_err(|CannotOpen| what("cannot be opened"))?;
        let keys = ConversationKeys::of(&data_key);
        Ok(Some(self.remember(thread.id, keys)))
    }

    /// The keys to seal a conversation's next entry by, made if it has none yet; `None` if nothing
    /// is sealed here.
    pub(crate) fn find_or_make(
        &mut self,
        conn: &Connection,
        thread: &Thread,
    ) -> Result<Option<Arc<ConversationKeys>>, Failure> {
        if let Some(keys) = self.find(conn, thread)? {
            return Ok(Some(keys));
        }
        let Some(keyring) = &self.keyring else { return Ok(None) };
        let data_key = cipher::random_key();
        let sealed = seal(&keyring.current, thread.conversation.as_str(), &data_key);
        let master = master_id(conn, &keyring.current)?;
        conn.prepare_cached(
            "INSERT INTO data_key (conversation, master, sealed) VALUES (?1, ?2, ?3)",
        )?
        .execute((thread.id, master, sealed))?;
        let keys = ConversationKeys::of(&data_key);
        Ok(Some(self.remember(thread.id, keys)))
    }

    fn remember(&mut self, conversation: i64, keys: ConversationKeys) -> Arc<ConversationKeys> {
        if self.known.len() >= KEYS_CACHED_MAX {
            self.known.clear();
        }
        let keys = Arc::new(keys);
        self.known.insert(conversation, keys.clone());
        keys
    }
}

/// The small name of a master key, which it gets with the first key that it seals.
pub(crate) fn master_id(conn: &Connection, master: &MasterKey) -> Result<i64, rusqlite::Error> {
    conn.prepare_cached("INSERT INTO master_key (name) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([&master.name])?;
    conn.prepare_cached("SELECT id FROM master_key WHERE name = ?1")?
        .query_row([&master.name], |row| row.get(0))
}

/// What a data key is bound to: that it is one, and whose.
fn context(conversation: &str) -> Vec<u8> {
    [b"parlor: data key of ", conversation.as_bytes()].concat()
}

pub(crate) fn seal(master: &MasterKey, conversation: &str, data_key: &KeyBytes) -> Vec<u8> {
    master.sealer.seal(&context(conversation), &data_key[..])
}

pub(crate) fn open(
    master: &MasterKey,
    conversation: &str,
    sealed: &[u8],
) -> Result<KeyBytes, CannotOpen> {
    let opened = Zeroizing::new(master.sealer.open(&context(conversation), sealed)?);
    let data_key = <[u8; 32]>::try_from(&opened[..]).map_err(|_| CannotOpen)?;
    Ok(Zeroizing::new(data_key))
}

/// Refuses a store that has sealed entries whose keys are not at hand.
pub(crate) fn check(conn: &Connection, keyring: Option<&Keyring>) -> Result<(), OpenError> {
    let names: Vec<String> = conn
        .prepare("SELECT name FROM master_key ORDER BY id")?
        .query_map((), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let lacks = |name: &String| keyring.is_none_or(|keyring| keyring.get(name).is_none());
    match names.into_iter().find(lacks) {
        Some(name) => Err(OpenError::KeyMissing { name }),
        None => Ok(()),
    }
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Data keys that are sealed by the current master key since this rotation.
    pub sealed: u64,
    /// Whether all are, so that the previous master keys may go.
    pub whole: bool,
}

/// Data keys sealed anew in one transaction.
pub(crate) const ROTATED_AT_ONCE: u32 = 256;

/// Seals all data keys by the current master key. A server may be running, if it has the same
/// keys; one that was interrupted is run again and goes on.
///
/// # Errors
/// [`OpenError`] when there is no store of this version, a key is not at hand, or a data key cannot
/// be opened by it.
pub fn rotate(dir: &Path, keyring: &Keyring, report: Report<'_>) -> Result<Rotated, OpenError> {
    let path = dir.join(DATABASE_FILE);
    std::fs::metadata(&path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
    restore::refuse_unfinished(dir)?;
    let mut conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    schema::check(&conn)?;
    check(&conn, Some(keyring))?;
    let total = {
        let sql = "SELECT count(*) FROM (SELECT master FROM data_key \
                   UNION ALL SELECT master FROM own_key) d \
                   JOIN master_key m ON m.id = d.master WHERE m.name <> ?1";
        conn.query_row(sql, [&keyring.current.name], |row| row.get::<_, i64>(0))?
    };
    let total = u64::try_from(total).unwrap_or(0);
    let mut sealed = 0;
    for rotate_some in [rotate_some, own_keys::rotate_some] {
        let mut after = 0;
        loop {
            let done = sealed.min(total);
            report(Progress { step: "keys sealed anew", done, total: Some(total) });
            let began = Instant::now();
            let Some((last, some)) = rotate_some(&mut conn, keyring, after)? else { break };
            (sealed, after) = (sealed + some, last);
            // As long for the server's own commits.
            std::thread::park_timeout(began.elapsed());
        }
    }
    let whole = forget_unused(&mut conn, keyring)?;
    Ok(Rotated { sealed, whole })
}

/// Seals some data keys anew; gives the last one's conversation and how many, `None` if none is
/// left.
fn rotate_some(
    conn: &mut Connection,
    keyring: &Keyring,
    after: i64,
) -> Result<Option<(i64, u64)>, OpenError> {
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let master = master_id(&tx, &keyring.current)?;
    type Found = (i64, Option<String>, Option<String>, Option<String>, String, Vec<u8>);
    let found: Vec<Found> = {
        let sql = "SELECT d.conversation, l.name, h.name, g.name, m.name, d.sealed \
                   FROM data_key d JOIN conversation c ON c.id = d.conversation \
                   LEFT JOIN user l ON l.id = c.low LEFT JOIN user h ON h.id = c.high \
                   LEFT JOIN chat_group g ON g.conversation = c.id JOIN master_key m ON m.id = d.master \
                   WHERE d.conversation > ?1 AND d.master <> ?2 ORDER BY d.conversation LIMIT ?3";
        let mut statement = tx.prepare(sql)?;
        let rows = statement.query_map((after, master, ROTATED_AT_ONCE), |row| {
            let names = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, names.0, names.1, names.2, row.get(4)?, row.get(5)?))
        })?;
        rows.collect::<Result<_, _>>()?
    };
    let Some((last, ..)) = found.last() else { return Ok(None) };
    let (last, some) = (*last, found.len() as u64);
    for (id, low, high, group, of, wrapped) in found {
        let user = |name: Option<String>| UserId::parse(&name?).ok();
        let pair = user(low).zip(user(high)).map(|(low, high)| ConversationId::direct(&low, &high));
        let group = group.and_then(|group| GroupId::parse(&group).ok());
        let conversation = pair.or_else(|| group.map(|group| ConversationId::group(&group)));
        let conversation = conversation.ok_or(OpenError::KeyUnusable { conversation: id })?;
        let data_key = keyring
            .get(&of)
            .and_then(|master| open(master, conversation.as_str(), &wrapped).ok())
            .ok_or(OpenError::KeyUnusable { conversation: id })?;
        let anew = seal(&keyring.current, conversation.as_str(), &data_key);
        tx.prepare_cached("UPDATE data_key SET master = ?1, sealed = ?2 WHERE conversation = ?3")?
            .execute((master, anew, id))?;
    }
    tx.commit()?;
    Ok(Some((last, some)))
}

/// Forgets the names of master keys that seal nothing any more. Tells whether only the current one
/// is left: a server with the old key may have made more meanwhile.
fn forget_unused(conn: &mut Connection, keyring: &Keyring) -> Result<bool, OpenError> {
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let sql = "DELETE FROM master_key WHERE name <> ?1 \
               AND id NOT IN (SELECT master FROM data_key) \
               AND id NOT IN (SELECT master FROM own_key)";
    tx.execute(sql, [&keyring.current.name])?;
    let left: i64 = tx.query_row(
        "SELECT count(*) FROM master_key WHERE name <> ?1",
        [&keyring.current.name],
        |row| row.get(0),
    )?;
    tx.commit()?;
    Ok(left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(digit: char) -> String {
        std::iter::repeat_n(digit, 64).collect()
    }

    #[test]
    fn a_master_key_is_64_hexadecimal_digits_and_never_shown() {
        let key = MasterKey::parse(&format!(" {}\r\n", digits('a'))).expect("a key");
        assert_eq!(key.name().len(), 16);
        assert!(!format!("{key:?}").contains("aaaa"));
        for text in [String::new(), digits('g'), digits('a')[1..].into(), digits('é')] {
            assert_eq!(MasterKey::parse(&text).err(), Some(NoMasterKey));
        }
        let other = MasterKey::parse(&digits('b')).expect("a key");
        assert_ne!(key.name(), other.name());
    }

    #[test]
    fn a_data_key_opens_for_its_conversation_and_master_key_alone() {
        let (one, other) = (MasterKey::parse(&digits('1')), MasterKey::parse(&digits('2')));
        let (one, other) = (one.expect("a key"), other.expect("a key"));
        let data_key = cipher::random_key();
        let sealed = seal(&one, "dm:a:b", &data_key);
        assert_eq!(open(&one, "dm:a:b", &sealed), Ok(data_key));
        assert_eq!(open(&one, "dm:a:c", &sealed), Err(CannotOpen));
        assert_eq!(open(&other, "dm:a:b", &sealed), Err(CannotOpen));
    }
}
