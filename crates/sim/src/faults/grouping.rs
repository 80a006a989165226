//! The groups of a run: made before the load starts, each by an owner who is nobody else.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::client::{Connection, Hello};
use super::group_log;
use super::lives::Lives;
use crate::history::{Changed, Wished};

/// How many users may come into each group; about two thirds of them are in at a time.
const POOLS: [usize; 8] = [18, 18, 21, 24, 27, 30, 36, 60];
/// More than any group has.
const MEMBERS_MAX: usize = 500;
/// One in so many of those who may be in reads the group back at the end.
const READER_ONE_IN: usize = 4;

/// One group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Its id.
    pub(super) id: String,
    /// Its conversation's.
    pub(super) conversation: String,
    /// Whose it is.
    pub(super) owner: String,
    /// Who is in it now and then.
    pub(super) pool: Vec<String>,
}

impl Group {
    /// Whether a user reads the group back at the end.
    pub(super) fn is_reader(&self, user: &str) -> bool {
        self.pool.iter().step_by(READER_ONE_IN).any(|reader| reader == user)
    }
}

/// Makes the groups, and notes them as wished and acknowledged. The first shows its past to who
/// joins.
///
/// # Errors
/// When the server does not make one.
pub(super) async fn make(
    server: SocketAddr,
    users: &[String],
    rng: &mut StdRng,
    lives: &mut Lives,
) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for (number, size) in POOLS.into_iter().enumerate() {
        let mut pool: Vec<String> = users.to_vec();
        pool.shuffle(rng);
        pool.truncate(size);
        let first: Vec<&String> = pool.iter().filter(|_| rng.random_ratio(2, 3)).collect();
        let owner = format!("owner{number}");
        let key = format!("{owner}/made");
        let history = if number == 0 { "all" } else { "join" };
        let settings = json!({
            "post": "everyone", "add": "admins", "join": "invite", "slowModeSeconds": 0,
            "membersMax": MEMBERS_MAX, "history": history,
        });
        let name = format!("Group {number}");
        let wish = json!({
            "name": name, "members": first, "settings": settings, "clientId": key,
        });
        let content = group_log::content(&json!({
            "kind": "group_created", "name": name, "settings": settings, "userIds": first,
        }));
        let mut connection = Connection::open(server, &Hello::new(&owner, "phone")).await?;
        let ready = connection.event("ready").await?;
        let epoch = ready["epoch"].as_str().context("a ready without epoch")?;
        let answer = connection.request("group_create", &wish).await?;
        let id = answer["groupId"].as_str().context("no groupId")?.to_owned();
        let conversation = format!("group:{id}");
        let by = owner.clone();
        let wished = Wished { key: key.clone(), by, conversation: conversation.clone(), content };
        lives.wished.push(wished);
        lives.of(epoch).changed.push(changed(key, &answer)?);
        groups.push(Group { id, conversation, owner, pool });
    }
    Ok(groups)
}

/// Reads an answer that names the entry which a wish became.
///
/// # Errors
/// When a field is missing.
pub(super) fn changed(key: String, answer: &Value) -> Result<Changed> {
    let number = |field: &str| {
        answer[field].as_u64().with_context(|| format!("an answer without {field}: {answer}"))
    };
    Ok(Changed {
        key,
        id: answer["id"].as_str().with_context(|| format!("no id: {answer}"))?.to_owned(),
        seq: number("seq")?,
        ts: number("ts")?,
    })
}
