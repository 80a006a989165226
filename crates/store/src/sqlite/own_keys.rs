//! The keys that users' own records are sealed by: a data key for each user, made with the first
//! record that is sealed and kept like those of conversations (see [`super::keys`]).

use std::sync::Arc;

use parlor_chat::ids::UserId;
use rusqlite::{Connection, OptionalExtension};

use super::OpenError;
use super::cipher::{self, CannotOpen, Sealer};
use super::keys::{self, Keyring, Keys, MasterKey, ROTATED_AT_ONCE};
use super::rows::{Failure, corrupt};

/// What a user's data key is bound to.
fn subject(user: &str) -> String {
    format!("the records of {user}")
}

/// What a sealed value is bound to: whose record it is, and which.
pub(crate) fn context(user: &UserId, kind: i64, key: &str) -> Vec<u8> {
    format!("parlor: record {kind} {key} of {user}").into_bytes()
}

impl Keys {
    /// What opens a user's records, if any is sealed.
    pub(crate) fn find_own(
        &mut self,
        conn: &Connection,
        (id, user): (i64, &UserId),
    ) -> Result<Option<Arc<Sealer>>, Failure> {
        let Some(keyring) = &self.keyring else { return Ok(None) };
        if let Some(sealer) = self.own.get(&id) {
            return Ok(Some(sealer.clone()));
        }
        let sql = "SELECT m.name, k.sealed FROM own_key k JOIN master_key m ON m.id = k.master \
                   WHERE k.user = ?1";
        let found: Option<(String, Vec<u8>)> = conn
            .prepare_cached(sql)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((master, sealed)) = found else { return Ok(None) };
        let what = |why| corrupt(format!("the key of the records of user {id} {why}"));
        let master = keyring.get(&master).ok_or_else(|| what("is sealed by an unknown key"))?;
        let data_key = keys::open(master, &subject(user.as_str()), &sealed)
            .map_err(|CannotOpen| what("cannot be opened"))?;
        Ok(Some(self.remember_own(id, &data_key)))
    }

    /// What seals a user's next record, made if there is none yet; `None` if nothing is sealed here.
    pub(crate) fn find_or_make_own(
        &mut self,
        conn: &Connection,
        (id, user): (i64, &UserId),
    ) -> Result<Option<Arc<Sealer>>, Failure> {
        if let Some(sealer) = self.find_own(conn, (id, user))? {
            return Ok(Some(sealer));
        }
        let Some(keyring) = &self.keyring else { return Ok(None) };
        let data_key = cipher::random_key();
        let sealed = keys::seal(keyring.current(), &subject(user.as_str()), &data_key);
        let master = keys::master_id(conn, keyring.current())?;
        conn.prepare_cached("INSERT INTO own_key (user, master, sealed) VALUES (?1, ?2, ?3)")?
            .execute((id, master, sealed))?;
        Ok(Some(self.remember_own(id, &data_key)))
    }

    fn remember_own(&mut self, user: i64, data_key: &cipher::KeyBytes) -> Arc<Sealer> {
        if self.own.len() >= keys::KEYS_CACHED_MAX {
            self.own.clear();
        }
        let sealer = Sealer::new(&cipher::derive(data_key, "parlor: own records"));
        let sealer = Arc::new(sealer);
        self.own.insert(user, sealer.clone());
        sealer
    }
}

/// Seals some users' data keys anew; gives the last one's user and how many, `None` if none is left.
pub(crate) fn rotate_some(
    conn: &mut Connection,
    keyring: &Keyring,
    after: i64,
) -> Result<Option<(i64, u64)>, OpenError> {
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let current: &MasterKey = keyring.current();
    let master = keys::master_id(&tx, current)?;
    let found: Vec<(i64, String, String, Vec<u8>)> = {
        let sql = "SELECT k.user, u.name, m.name, k.sealed FROM own_key k \
                   JOIN user u ON u.id = k.user JOIN master_key m ON m.id = k.master \
                   WHERE k.user > ?1 AND k.master <> ?2 ORDER BY k.user LIMIT ?3";
        let mut statement = tx.prepare(sql)?;
        let rows = statement.query_map((after, master, ROTATED_AT_ONCE), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        rows.collect::<Result<_, _>>()?
    };
    let Some((last, ..)) = found.last() else { return Ok(None) };
    let (last, some) = (*last, found.len() as u64);
    for (user, name, of, wrapped) in found {
        let data_key = keyring
            .get(&of)
            .and_then(|master| keys::open(master, &subject(&name), &wrapped).ok())
            .ok_or(OpenError::OwnKeyUnusable { user })?;
        let anew = keys::seal(current, &subject(&name), &data_key);
        tx.prepare_cached("UPDATE own_key SET master = ?1, sealed = ?2 WHERE user = ?3")?
            .execute((master, anew, user))?;
    }
    tx.commit()?;
    Ok(Some((last, some)))
}
