//! What a batch holds while it is decided: a lock for each conversation and each user it concerns.
//!
//! They are advisory locks of the transaction, named by a hash, taken in one statement and in the order of
//! these names, before anything is read: so two nodes wait for each other and never in a circle, and
//! what has no row yet (a conversation about to begin, a user who never came) is held like all else.
//! Who only has to rely on something shares it. That two names hash alike costs a wait and no more.

use std::collections::BTreeMap;

use parlor_chat::ids::{ConversationId, UserId};
use sha2::{Digest, Sha256};

use super::conn::{Conn, params};

const TAKE: &str = "SELECT pg_current_xact_id()::text, \
                    count(CASE WHEN l.alone THEN pg_advisory_xact_lock(l.key)::text \
                    ELSE pg_advisory_xact_lock_shared(l.key)::text END) \
                    FROM unnest($1::bigint[], $2::boolean[]) AS l (key, alone)";

/// The locks of a batch, each with whether it is held alone.
#[derive(Debug, Default)]
pub(crate) struct Locks(BTreeMap<i64, bool>);

impl Locks {
    fn add(&mut self, kind: &str, name: &str, alone: bool) {
        let mut hasher = Sha256::new();
        hasher.update(kind.as_bytes());
        hasher.update(name.as_bytes());
        let digest = hasher.finalize();
        let key = digest.iter().take(8).fold(0i64, |key, byte| key << 8 | i64::from(*byte));
        *self.0.entry(key).or_default() |= alone;
    }

    /// A conversation that is written.
    pub(crate) fn conversation(&mut self, conversation: &ConversationId) {
        self.add("conversation ", conversation.as_str(), true);
    }

    /// A user of whom something is written.
    pub(crate) fn user(&mut self, user: &UserId) {
        self.add("user ", user.as_str(), true);
    }

    /// A user on whom is relied: on their blocks, contacts and privacy.
    pub(crate) fn rely_on(&mut self, user: &UserId) {
        self.add("user ", user.as_str(), false);
    }

    /// The two members of a direct conversation, likewise.
    pub(crate) fn rely_on_members(&mut self, conversation: &ConversationId) {
        if let Some((low, high)) = conversation.direct_members() {
            self.rely_on(&low);
            self.rely_on(&high);
        }
    }

    /// Reports, suspensions and the audit log are written.
    pub(crate) fn moderation(&mut self) {
        self.add("moderation", "", true);
    }

    /// It is relied on who is suspended.
    pub(crate) fn rely_on_moderation(&mut self) {
        self.add("moderation", "", false);
    }

    /// Sees to it that [`Self::take`] is sent as soon as it is asked for.
    pub(crate) async fn prepare(conn: Conn<'_>) -> Result<(), tokio_postgres::Error> {
        conn.prepare(TAKE, params![Vec::<i64>::new(), Vec::<bool>::new()]).await
    }

    /// Takes them, waiting for whoever has one. Gives the number of the transaction, by which it can be asked after.
    pub(crate) async fn take(self, conn: Conn<'_>) -> Result<String, tokio_postgres::Error> {
        let (keys, alone): (Vec<i64>, Vec<bool>) = self.0.into_iter().unzip();
        let row = conn.first(TAKE, params![keys, alone]).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
    }
}
