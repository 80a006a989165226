//! What chat's rules for groups look at, fetched before they are asked: a few statements, however many
//! users a wish names.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use parlor_chat::entry::Millis;
use parlor_chat::group::decide::{Invite, InviteCode, Look, Wish};
use parlor_chat::group::port::ChangeGroup;
use parlor_chat::group::{GroupRules, Member};
use parlor_chat::ids::{ConversationId, UserId};

use super::conn::{Conn, Failure, params};
use super::group_rows::member_of;
use super::groups::named;
use crate::kept::body;
use crate::kept::numbers::{corrupt, nat};

/// All that chat's rules may look at for one wish.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    members: HashMap<UserId, Member>,
    banned: HashMap<UserId, Millis>,
    /// Who of them keeps out who wishes.
    blocking: HashSet<UserId>,
    groups: HashMap<UserId, u64>,
    asked: HashSet<UserId>,
    invite: Option<Invite>,
    invites: u64,
    requests: u64,
    rules: Option<GroupRules>,
    ruled_groups: u64,
}

impl Looked {
    pub(crate) async fn at(
        conn: Conn<'_>,
        conversation: &ConversationId,
        change: &ChangeGroup,
    ) -> Result<Self, Failure> {
        let mut looked = Self::default();
        let of = conversation.as_str();
        let users = named(change);
        let names: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
        let sql = "SELECT w.n, m.role, m.joined, m.muted_until, m.said_at, m.ended, b.until, \
                   EXISTS (SELECT 1 FROM block k WHERE k.user_id = w.user_id AND k.other = $3 \
                   AND k.active), \
                   (SELECT count(*) FROM member g JOIN chat_group c \
                   ON c.conversation = g.conversation AND c.deleted = 0 \
                   WHERE g.user_id = w.user_id AND g.joined > 0 AND g.ended IS NULL), \
                   r.user_id IS NOT NULL \
                   FROM unnest($2::text[]) WITH ORDINALITY AS w (user_id, n) \
                   LEFT JOIN member m ON m.conversation = $1 AND m.user_id = w.user_id \
                   LEFT JOIN ban b ON b.conversation = $1 AND b.user_id = w.user_id \
                   LEFT JOIN join_request r ON r.conversation = $1 AND r.user_id = w.user_id";
        for row in conn.query(sql, params![of, names, change.by.as_str()]).await? {
            let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
            let Some(user) = place.and_then(|place| users.get(place)) else { continue };
            if row.try_get::<_, Option<i64>>(1)?.is_some()
                && let Some(member) = member_of(&row, 1)?
            {
                looked.members.insert((*user).clone(), member);
            }
            if let Some(until) = row.try_get::<_, Option<i64>>(6)? {
                looked.banned.insert((*user).clone(), Millis(nat(until)?));
            }
            if row.try_get(7)? {
                looked.blocking.insert((*user).clone());
            }
            looked.groups.insert((*user).clone(), nat(row.try_get(8)?)?);
            if row.try_get(9)? {
                looked.asked.insert((*user).clone());
            }
        }
        let code = match &change.wish {
            Wish::Join(Some(code)) | Wish::RevokeInvite(code) | Wish::Invite { code, .. } => {
                code.as_str()
            }
            _ => "",
        };
        let sql = "SELECT i.until, i.uses_left, \
                   (SELECT count(*) FROM invite WHERE conversation = $1), \
                   (SELECT count(*) FROM join_request WHERE conversation = $1), \
                   (SELECT rules FROM chat_group WHERE conversation = $1), \
                   CASE WHEN $3 THEN (SELECT count(*) FROM chat_group WHERE rules IS NOT NULL) \
                   ELSE 0 END FROM (SELECT 1) one \
                   LEFT JOIN invite i ON i.conversation = $1 AND i.code = $2";
        let sets_rules = matches!(change.wish, Wish::SetRules(_));
        if let Some(row) = conn.first(sql, params![of, code, sets_rules]).await? {
            let until: Option<i64> = row.try_get(0)?;
            let uses: Option<i64> = row.try_get(1)?;
            if let (Some(until), Some(uses)) = (until, uses) {
                let (until, uses_left) = (Millis(nat(until)?), nat(uses)?);
                looked.invite = Some(Invite { until, uses_left });
            }
            looked.invites = nat(row.try_get(2)?)?;
            looked.requests = nat(row.try_get(3)?)?;
            let what = || corrupt(format!("the rules of {conversation}"));
            let rules: Option<&str> = row.try_get(4)?;
            looked.rules = rules.map(|text| body::rules_of(text).ok_or_else(what)).transpose()?;
            looked.ruled_groups = nat(row.try_get(5)?)?;
        }
        Ok(looked)
    }
}

impl Look for Looked {
    type Error = Infallible;

    fn member(&mut self, user: &UserId) -> Result<Option<Member>, Infallible> {
        Ok(self.members.get(user).copied())
    }

    fn banned_until(&mut self, user: &UserId) -> Result<Option<Millis>, Infallible> {
        Ok(self.banned.get(user).copied())
    }

    /// Only ever asked of who wishes.
    fn blocks(&mut self, user: &UserId, _: &UserId) -> Result<bool, Infallible> {
        Ok(self.blocking.contains(user))
    }

    fn groups_of(&mut self, user: &UserId) -> Result<u64, Infallible> {
        Ok(self.groups.get(user).copied().unwrap_or(0))
    }

    fn invite(&mut self, _: &InviteCode) -> Result<Option<Invite>, Infallible> {
        Ok(self.invite)
    }

    fn invites(&mut self) -> Result<u64, Infallible> {
        Ok(self.invites)
    }

    fn has_asked(&mut self, user: &UserId) -> Result<bool, Infallible> {
        Ok(self.asked.contains(user))
    }

    fn requests(&mut self) -> Result<u64, Infallible> {
        Ok(self.requests)
    }

    fn rules(&mut self) -> Result<Option<GroupRules>, Infallible> {
        Ok(self.rules.clone())
    }

    fn ruled_groups(&mut self) -> Result<u64, Infallible> {
        Ok(self.ruled_groups)
    }
}
