//! What is read of groups: what they are, who is in them, and how far those are.
//!
//! A page costs what it holds, however large the group is.

use parlor_chat::entry::Millis;
use parlor_chat::group::decide::InviteCode;
use parlor_chat::group::port::{
    GroupLines, GroupView, InviteLine, MemberLine, MembersCursor, MembersPage, MembersQuery,
    Memberships, ReceiptCount, ReceiptLine, ReceiptsPage, ReceiptsQuery, Request,
};
use parlor_chat::group::rights::{Action, may};
use parlor_chat::group::{Group, GroupRules, Joining, Role};
use parlor_chat::ids::{ConversationId, GroupId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{StoreError, Viewer};
use tokio_postgres::Row;

use super::conn::{Failure, params};
use super::group_rows::{self, GroupRow, role_of};
use super::listing::{conversation_of, group_line};
use super::reads::Reader;
use super::speaking::refused;
use super::{people, threads, visible};
use crate::kept::body;
use crate::kept::numbers::{bound, corrupt, nat};

fn user_of(row: &Row, at: usize) -> Result<UserId, Failure> {
    let name: &str = row.try_get(at)?;
    Ok(UserId::parse(name).map_err(|_| corrupt(format!("user {name}")))?)
}

fn group_of(row: &Row, at: usize) -> Result<GroupId, Failure> {
    let conversation = conversation_of(row, at)?;
    Ok(conversation.group_id().ok_or_else(|| corrupt(format!("group {conversation}")))?)
}

fn may_add(group: &Group, role: Role) -> Result<(), StoreError> {
    match may(role, Action::Add, &group.settings) {
        true => Ok(()),
        false => Err(refused(Refusal::NotAllowed)),
    }
}

impl Reader<'_> {
    /// Groups that have rules of their own, in the order of their ids.
    pub(crate) async fn ruled(
        &self,
        after: Option<&GroupId>,
        limit: usize,
    ) -> Result<Vec<(GroupId, GroupRules)>, Failure> {
        let sql = "SELECT conversation, rules FROM chat_group \
                   WHERE rules IS NOT NULL AND conversation > $1 ORDER BY conversation LIMIT $2";
        let after = after.map(ConversationId::group);
        let after = after.as_ref().map_or("", ConversationId::as_str);
        let mut ruled = Vec::new();
        for row in self.conn.query(sql, params![after, bound(limit as u64)]).await? {
            let group = group_of(&row, 0)?;
            let rules = body::rules_of(row.try_get(1)?);
            let what = || corrupt(format!("the rules of group {group}"));
            let rules = rules.ok_or_else(what)?;
            ruled.push((group, rules));
        }
        Ok(ruled)
    }

    /// A group, as somebody sees it.
    pub(crate) async fn group(
        &self,
        viewer: &Viewer,
        group: &GroupId,
    ) -> Result<GroupView, Failure> {
        let conversation = ConversationId::group(group);
        let row = group_rows::living(self.conn, &conversation).await?;
        let membership = match viewer {
            Viewer::User(user) => group_rows::member(self.conn, &conversation, user).await?,
            Viewer::System => None,
        };
        let is_seen = *viewer == Viewer::System
            || membership.is_some()
            || row.group.settings.join != Joining::Invite;
        match is_seen {
            true => Ok(GroupView { group: row.group, created: row.created, membership }),
            false => Err(StoreError::NotFound.into()),
        }
    }

    /// The groups that somebody is in.
    pub(crate) async fn memberships(
        &self,
        user: &UserId,
        limit: usize,
    ) -> Result<Memberships, Failure> {
        let as_of = self.head_position().await?;
        let sql = "SELECT m.conversation FROM member m \
                   JOIN chat_group g ON g.conversation = m.conversation AND g.deleted = 0 \
                   WHERE m.user_id = $1 AND m.joined > 0 AND m.ended IS NULL LIMIT $2";
        let rows = self.conn.query(sql, params![user.as_str(), bound(limit as u64)]).await?;
        let groups = rows.iter().map(|row| group_of(row, 0)).collect::<Result<_, _>>()?;
        Ok(Memberships { groups, as_of })
    }

    /// The same with what a list says of them, in the order in which they were made.
    pub(crate) async fn groups(
        &self,
        user: &UserId,
        after: Option<MembersCursor>,
        limit: usize,
    ) -> Result<GroupLines, Failure> {
        let sql = "SELECT g.conversation, g.title, g.members, m.role, g.born FROM member m \
                   JOIN chat_group g ON g.conversation = m.conversation AND g.deleted = 0 \
                   WHERE m.user_id = $1 AND g.born > $2 AND m.joined > 0 AND m.ended IS NULL \
                   ORDER BY g.born LIMIT $3";
        let after = after.map_or(0, |after| bound(after.0));
        let wanted = bound(limit as u64) + 1;
        let rows = self.conn.query(sql, params![user.as_str(), after, wanted]).await?;
        let mut lines = GroupLines { groups: Vec::new(), next: None };
        for row in rows.iter().take(limit) {
            let line = group_line(row, 1)?.ok_or_else(|| corrupt("the name of a group"))?;
            lines.groups.push((group_of(row, 0)?, line));
        }
        if rows.len() > limit
            && let Some(last) = limit.checked_sub(1).and_then(|last| rows.get(last))
        {
            lines.next = Some(MembersCursor(nat(last.try_get(4)?)?));
        }
        Ok(lines)
    }

    /// The owner and the admins of a group.
    pub(crate) async fn admins(
        &self,
        group: &GroupId,
        limit: usize,
    ) -> Result<Vec<UserId>, Failure> {
        let conversation = ConversationId::group(group);
        group_rows::living(self.conn, &conversation).await?;
        let sql = "SELECT user_id FROM member WHERE conversation = $1 AND role >= 2 \
                   ORDER BY slot LIMIT $2";
        let rows =
            self.conn.query(sql, params![conversation.as_str(), bound(limit as u64)]).await?;
        rows.iter().map(|row| user_of(row, 0)).collect()
    }

    /// Members of a group, a page at a time.
    pub(crate) async fn members(&self, query: &MembersQuery) -> Result<MembersPage, Failure> {
        let (conversation, row, _) = self.seen(&query.group, &query.viewer).await?;
        let sql = "SELECT user_id, role, joined_at, muted_until, slot FROM member \
                   WHERE conversation = $1 AND slot > $2 AND joined > 0 AND ended IS NULL \
                   ORDER BY slot LIMIT $3";
        let after = query.after.map_or(0, |after| bound(after.0));
        let wanted = bound(query.limit as u64) + 1;
        let rows = self.conn.query(sql, params![conversation.as_str(), after, wanted]).await?;
        let mut page = MembersPage { members: Vec::new(), next: None, count: row.group.members };
        let mut last = MembersCursor(0);
        for row in &rows {
            if page.members.len() >= query.limit {
                page.next = Some(last);
                break;
            }
            last = MembersCursor(nat(row.try_get(4)?)?);
            let muted_until: Option<i64> = row.try_get(3)?;
            page.members.push(MemberLine {
                user: user_of(row, 0)?,
                role: role_of(row.try_get(1)?)?,
                joined_at: Millis(nat(row.try_get(2)?)?),
                muted_until: muted_until.map(nat).transpose()?.map(Millis),
            });
        }
        Ok(page)
    }

    /// Who has asked to join, the earliest first.
    pub(crate) async fn requests(
        &self,
        viewer: &Viewer,
        group: &GroupId,
        limit: usize,
    ) -> Result<Vec<Request>, Failure> {
        let (conversation, row, role) = self.seen(group, viewer).await?;
        may_add(&row.group, role)?;
        let sql = "SELECT user_id, at FROM join_request WHERE conversation = $1 \
                   ORDER BY at, user_id LIMIT $2";
        let rows =
            self.conn.query(sql, params![conversation.as_str(), bound(limit as u64)]).await?;
        let request = |row: &Row| -> Result<Request, Failure> {
            Ok(Request { user: user_of(row, 0)?, at: Millis(nat(row.try_get(1)?)?) })
        };
        rows.iter().map(request).collect()
    }

    /// The invites of a group, the newest first.
    pub(crate) async fn invites(
        &self,
        viewer: &Viewer,
        group: &GroupId,
    ) -> Result<Vec<InviteLine>, Failure> {
        let (conversation, row, role) = self.seen(group, viewer).await?;
        may_add(&row.group, role)?;
        let sql = "SELECT code, maker, until, uses_left FROM invite WHERE conversation = $1 \
                   ORDER BY made DESC, code";
        let rows = self.conn.query(sql, params![conversation.as_str()]).await?;
        let invite = |row: &Row| -> Result<InviteLine, Failure> {
            let code = InviteCode::parse(row.try_get(0)?);
            Ok(InviteLine {
                code: code.map_err(|_| corrupt(format!("an invite of {conversation}")))?,
                by: user_of(row, 1)?,
                until: Millis(nat(row.try_get(2)?)?),
                uses_left: nat(row.try_get(3)?)?,
            })
        };
        rows.iter().map(invite).collect()
    }

    /// A group, and with what role a member, or the system, sees it.
    async fn seen(
        &self,
        group: &GroupId,
        viewer: &Viewer,
    ) -> Result<(ConversationId, GroupRow, Role), Failure> {
        let conversation = ConversationId::group(group);
        let row = group_rows::living(self.conn, &conversation).await?;
        let role = match viewer {
            Viewer::System => Role::Owner,
            Viewer::User(user) => {
                let member = group_rows::member(self.conn, &conversation, user).await?;
                member.ok_or_else(|| refused(Refusal::NotAMember))?.role
            }
        };
        Ok((conversation, row, role))
    }

    /// How far the other members of a group are with an entry, for one of them.
    pub(crate) async fn group_receipts(
        &self,
        query: &ReceiptsQuery,
    ) -> Result<ReceiptsPage, Failure> {
        let user = &query.user;
        let (conversation, ..) = self.seen(&query.group, &user.clone().into()).await?;
        let thread = threads::of_member(self.conn, &conversation, user).await?;
        let seq = bound(query.seq.0);
        let is_there = (1..=thread.head).contains(&seq);
        let shadowed = "SELECT 1 FROM entry WHERE conversation = $1 AND seq = $2 AND kind = 10 \
                        AND sender <> $3";
        if !is_there
            || !visible::may_see(self.conn, &thread, user, seq).await?
            || self.conn.exists(shadowed, params![thread.id(), seq, user.as_str()]).await?
        {
            return Err(StoreError::NotFound.into());
        }
        let hears_reads = people::silent(self.conn, &[user]).await?.is_empty();
        let sql = "SELECT m.user_id, m.slot, m.delivered_at, m.read_at, m.read >= $2 \
                   AND NOT EXISTS (SELECT 1 FROM own p WHERE p.user_id = m.user_id \
                   AND p.kind = 8 AND p.key = 'readReceipts' AND p.value = 'false') \
                   FROM member m WHERE m.conversation = $1 AND m.slot > $3 AND m.ended IS NULL \
                   AND m.joined <= $2 AND m.delivered >= $2 AND m.user_id IS DISTINCT FROM \
                   (SELECT e.sender FROM entry e WHERE e.conversation = $1 AND e.seq = $2) \
                   ORDER BY m.slot LIMIT $4";
        let after = query.after.map_or(0, |after| bound(after.0));
        let wanted = bound(query.limit as u64) + 1;
        let rows = self.conn.query(sql, params![thread.id(), seq, after, wanted]).await?;
        let mut page = ReceiptsPage { members: Vec::new(), next: None };
        let mut last = MembersCursor(0);
        for row in &rows {
            if page.members.len() >= query.limit {
                page.next = Some(last);
                break;
            }
            last = MembersCursor(nat(row.try_get(1)?)?);
            let read = hears_reads && row.try_get(4)?;
            let at = Millis(nat(row.try_get(if read { 3 } else { 2 })?)?);
            page.members.push(ReceiptLine { user: user_of(row, 0)?, read, at });
        }
        Ok(page)
    }

    /// How many of the others are as far as each of a group's newest messages in a stretch.
    pub(crate) async fn receipt_counts(
        &self,
        group: &GroupId,
        after: Seq,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<ReceiptCount>, Failure> {
        let conversation = ConversationId::group(group);
        let sql = "SELECT e.seq, e.sender, count(m.user_id), count(m.user_id) FILTER ( \
                   WHERE m.read >= e.seq AND NOT EXISTS (SELECT 1 FROM own p \
                   WHERE p.user_id = m.user_id AND p.kind = 8 AND p.key = 'readReceipts' \
                   AND p.value = 'false')) \
                   FROM (SELECT seq, sender FROM entry WHERE conversation = $1 AND seq > $2 \
                   AND seq <= $3 AND kind = 0 ORDER BY seq DESC LIMIT $4) e \
                   LEFT JOIN member m ON m.conversation = $1 AND m.ended IS NULL \
                   AND m.joined <= e.seq AND m.delivered >= e.seq AND m.user_id <> e.sender \
                   GROUP BY e.seq, e.sender ORDER BY e.seq";
        let (after, up_to) = (bound(after.0), bound(up_to.0));
        let stretch = params![conversation.as_str(), after, up_to, bound(limit as u64)];
        let count = |row: &Row| -> Result<ReceiptCount, Failure> {
            Ok(ReceiptCount {
                seq: Seq(nat(row.try_get(0)?)?),
                author: user_of(row, 1)?,
                delivered: nat(row.try_get(2)?)?,
                read: nat(row.try_get(3)?)?,
            })
        };
        self.conn.query(sql, stretch).await?.iter().map(count).collect()
    }

    /// How many members a group has; none where there is no group.
    pub(crate) async fn group_size(&self, group: &GroupId) -> Result<u64, Failure> {
        let row = group_rows::group_row(self.conn, &ConversationId::group(group)).await?;
        Ok(row.filter(|row| !row.is_deleted).map_or(0, |row| row.group.members))
    }
}
