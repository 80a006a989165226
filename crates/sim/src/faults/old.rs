//! Data as an earlier version of Parlor wrote it: a store of schema 1 with messages between the
//! run's users that nobody has seen yet. The run begins with its migration.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Result;
use rusqlite::Connection;

use super::lives::Lives;
use super::shared::conversation;
use crate::history::{Acked, DeviceName, Sent};

const SCHEMA: &str = include_str!("../../../store/src/sqlite/schema_1.sql");
/// Marks a file as Parlor's ("PRLR").
const APPLICATION_ID: i64 = 0x5052_4c52;
const EPOCH: i64 = 7_000_001;
const TOKEN: i64 = 7_000_002;
/// When the first of them was sent, in milliseconds since 1970.
const BEGAN: u64 = 1_700_000_000_000;

/// Writes users, devices and `messages` messages into a new store in `data`, and notes them as sent and acknowledged.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(
    data: &Path,
    users: &[String],
    devices: &[DeviceName],
    messages: u64,
    lives: &mut Lives,
) -> Result<()> {
    fs::create_dir_all(data)?;
    let path = data.join("parlor.db");
    let mut db = Connection::open(&path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    let tx = db.transaction()?;
    tx.execute_batch(SCHEMA)?;
    tx.pragma_update(None, "user_version", 1)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.execute("INSERT INTO life (epoch, began_after) VALUES (?1, 0)", [EPOCH])?;
    tx.execute("INSERT INTO meta (key, value) VALUES ('token', ?1)", [TOKEN])?;
    for (id, user) in users.iter().enumerate() {
        tx.execute("INSERT INTO user (id, name) VALUES (?1, ?2)", (user_id(id)?, user))?;
    }
    // Known devices: a new one would begin with what its user has not confirmed.
    for DeviceName { user, device } in devices {
        let sql = "INSERT INTO device (user, name, active, created, last_seen) \
                   SELECT id, ?2, 1, ?3, ?3 FROM user WHERE name = ?1";
        tx.execute(sql, (user, device, int(BEGAN)?))?;
    }
    let mut heads: BTreeMap<(usize, usize), (i64, u64, u64)> = BTreeMap::new();
    for pos in 1..=messages {
        // Each user to the next one, and back.
        let index = (pos / 2) as usize % users.len();
        let next = (index + 1) % users.len();
        let (from, to) = if pos % 2 == 0 { (index, next) } else { (next, index) };
        let (low, high) = if users[from] < users[to] { (from, to) } else { (to, from) };
        let known = heads.len() as i64 + 1;
        let (id, seq, low_count) = heads.entry((low, high)).or_insert((known, 0, 0));
        *seq += 1;
        *low_count += u64::from(from == low);
        if *seq == 1 {
            let row = (*id, user_id(low)?, user_id(high)?);
            tx.execute("INSERT INTO conversation (id, low, high) VALUES (?1, ?2, ?3)", row)?;
            for user in [low, high] {
                let row = (user_id(user)?, *id);
                tx.execute("INSERT INTO member (user, conversation) VALUES (?1, ?2)", row)?;
            }
        }
        let (client_id, ts) = (format!("old/{pos}"), BEGAN + pos);
        let content = format!("old message {pos} of {}", users[from]);
        tx.execute(
            "INSERT INTO entry (pos, conversation, seq, life, ts, sender, low_count, client_id, \
             content) VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)",
            (
                int(pos)?,
                *id,
                int(*seq)?,
                int(ts)?,
                user_id(from)?,
                int(*low_count)?,
                &client_id,
                format!("{content:?}"),
            ),
        )?;
        let place = conversation(&users[from], &users[to]);
        lives.of(&EPOCH.to_string()).acked.push(Acked {
            client_id: client_id.clone(),
            id: format!("{place}:{seq}"),
            seq: *seq,
            ts,
        });
        let by = DeviceName { user: users[from].clone(), device: "old".into() };
        lives.sent.push(Sent { by, client_id, conversation: place, content });
    }
    tx.commit()?;
    drop(db);
    let inode = fs::metadata(&path)?.ino();
    let text = format!("token {TOKEN}\ninode {inode}\nposition {messages}\n");
    Ok(fs::write(data.join("parlor.life"), text)?)
}

/// The integer name of a user of the list; the store gives them from 1 on.
fn user_id(index: usize) -> Result<i64> {
    int(index as u64 + 1)
}

fn int(value: u64) -> Result<i64> {
    Ok(i64::try_from(value)?)
}
