//! What is read of groups: what they are, and who is in them.
//!
//! A page costs what it holds, however large the group is.

use parlor_chat::entry::Millis;
use parlor_chat::group::decide::InviteCode;
use parlor_chat::group::port::{
    GroupLines, GroupView, InviteLine, MemberLine, MembersCursor, MembersPage, MembersQuery,
    Memberships, Request,
};
use parlor_chat::group::rights::{Action, may};
use parlor_chat::group::{Group, GroupName, GroupRules, Joining, Member, Role};
use parlor_chat::ids::{ConversationId, GroupId, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{GroupLine, StoreError, Viewer};

use super::body;
use super::groups::{GroupRow, group_row, member_row, role_of};
use super::readers::Reader;
use super::rows::{self, Failure, Thread, bound, corrupt, nat};

impl Reader {
    pub(crate) fn ruled(
        &mut self,
        after: Option<&GroupId>,
        limit: usize,
    ) -> Result<Vec<(GroupId, GroupRules)>, Failure> {
        let sql = "SELECT name, rules FROM chat_group WHERE rules IS NOT NULL AND name > ?1 \
                   ORDER BY name LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let after = after.map_or("", GroupId::as_str);
        let mut rows = statement.query((after, bound(limit as u64)))?;
        let mut ruled = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, text): (String, String) = (row.get(0)?, row.get(1)?);
            let what = || corrupt(format!("the rules of group {name}"));
            let rules = body::rules_of(&text).ok_or_else(what)?;
            ruled.push((GroupId::parse(&name).map_err(|_| what())?, rules));
        }
        Ok(ruled)
    }

    pub(crate) fn group(&mut self, viewer: &Viewer, group: &GroupId) -> Result<GroupView, Failure> {
        let (thread, row) = self.living(group)?;
        let membership = match viewer {
            Viewer::User(user) => self.membership(&thread, user)?,
            Viewer::System => None,
        };
        let is_seen = *viewer == Viewer::System
            || membership.is_some()
            || row.group.settings.join != Joining::Invite;
        if !is_seen {
            return Err(StoreError::NotFound.into());
        }
        Ok(GroupView { group: row.group, created: row.created, membership })
    }

    pub(crate) fn memberships(
        &mut self,
        user: &UserId,
        limit: usize,
    ) -> Result<Memberships, Failure> {
        let as_of = self.head_position()?;
        let mut groups = Vec::new();
        if let Some(user) = rows::user_id(&self.conn, user)? {
            let sql = "SELECT g.name FROM member m JOIN chat_group g \
                       ON g.conversation = m.conversation AND g.deleted = 0 \
                       WHERE m.user = ?1 AND m.joined > 0 AND m.left IS NULL LIMIT ?2";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query([user, bound(limit as u64)])?;
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let what = || corrupt(format!("a group of user {user}"));
                groups.push(GroupId::parse(&name).map_err(|_| what())?);
            }
        }
        Ok(Memberships { groups, as_of })
    }

    pub(crate) fn groups(
        &mut self,
        user: &UserId,
        after: Option<MembersCursor>,
        limit: usize,
    ) -> Result<GroupLines, Failure> {
        let mut lines = GroupLines { groups: Vec::new(), next: None };
        let Some(user) = rows::user_id(&self.conn, user)? else { return Ok(lines) };
        let sql = "SELECT g.conversation, g.name, g.title, g.members, m.role FROM member m \
                   JOIN chat_group g ON g.conversation = m.conversation AND g.deleted = 0 \
                   WHERE m.user = ?1 AND m.conversation > ?2 AND m.joined > 0 AND m.left IS NULL \
                   ORDER BY m.conversation LIMIT ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let after = after.map_or(0, |after| bound(after.0));
        let mut rows = statement.query([user, after, bound(limit as u64) + 1])?;
        let mut last = MembersCursor(0);
        while let Some(row) = rows.next()? {
            if lines.groups.len() >= limit {
                lines.next = Some(last);
                break;
            }
            last = MembersCursor(nat(row.get(0)?)?);
            let (name, title): (String, String) = (row.get(1)?, row.get(2)?);
            let what = || corrupt(format!("the group of conversation {}", last.0));
            let line = GroupLine {
                name: GroupName::parse(&title).map_err(|_| what())?,
                members: nat(row.get(3)?)?,
                role: Some(role_of(row.get(4)?)?),
            };
            lines.groups.push((GroupId::parse(&name).map_err(|_| what())?, line));
        }
        Ok(lines)
    }

    pub(crate) fn admins(&mut self, group: &GroupId, limit: usize) -> Result<Vec<UserId>, Failure> {
        let (thread, _) = self.living(group)?;
        let sql = "SELECT u.name FROM member m JOIN user u ON u.id = m.user \
                   WHERE m.conversation = ?1 AND m.role > 0 AND m.role >= 2 \
                   ORDER BY m.user LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id, bound(limit as u64)])?;
        let mut admins = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            admins.push(user_of(&name, &thread)?);
        }
        Ok(admins)
    }

    pub(crate) fn members(&mut self, query: &MembersQuery) -> Result<MembersPage, Failure> {
        let (thread, row, _) = self.seen(&query.group, &query.viewer)?;
        let after = query.after.map_or(0, |after| bound(after.0));
        let sql = "SELECT m.user, u.name, m.role, m.joined_at, m.muted_until FROM member m \
                   JOIN user u ON u.id = m.user WHERE m.conversation = ?1 AND m.user > ?2 \
                   AND m.joined > 0 AND m.left IS NULL ORDER BY m.user LIMIT ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id, after, bound(query.limit as u64) + 1])?;
        let mut page = MembersPage { members: Vec::new(), next: None, count: row.group.members };
        let mut last = MembersCursor(0);
        while let Some(row) = rows.next()? {
            if page.members.len() >= query.limit {
                page.next = Some(last);
                break;
            }
            last = MembersCursor(nat(row.get(0)?)?);
            let name: String = row.get(1)?;
            let muted_until: Option<i64> = row.get(4)?;
            page.members.push(MemberLine {
                user: user_of(&name, &thread)?,
                role: role_of(row.get(2)?)?,
                joined_at: Millis(nat(row.get(3)?)?),
                muted_until: muted_until.map(nat).transpose()?.map(Millis),
            });
        }
        Ok(page)
    }

    pub(crate) fn requests(
        &mut self,
        viewer: &Viewer,
        group: &GroupId,
        limit: usize,
    ) -> Result<Vec<Request>, Failure> {
        let (thread, row, role) = self.seen(group, viewer)?;
        may_add(&row.group, role)?;
        let sql = "SELECT u.name, r.at FROM join_request r JOIN user u ON u.id = r.user \
                   WHERE r.conversation = ?1 ORDER BY r.at, r.user LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id, bound(limit as u64)])?;
        let mut requests = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            requests
                .push(Request { user: user_of(&name, &thread)?, at: Millis(nat(row.get(1)?)?) });
        }
        Ok(requests)
    }

    pub(crate) fn invites(
        &mut self,
        viewer: &Viewer,
        group: &GroupId,
    ) -> Result<Vec<InviteLine>, Failure> {
        let (thread, row, role) = self.seen(group, viewer)?;
        may_add(&row.group, role)?;
        let sql = "SELECT i.code, u.name, i.until, i.uses_left FROM invite i \
                   JOIN user u ON u.id = i.maker WHERE i.conversation = ?1 \
                   ORDER BY i.made DESC, i.code";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([thread.id])?;
        let mut invites = Vec::new();
        while let Some(row) = rows.next()? {
            let (code, name): (String, String) = (row.get(0)?, row.get(1)?);
            let what = || corrupt(format!("an invite of {}", thread.conversation));
            invites.push(InviteLine {
                code: InviteCode::parse(&code).map_err(|_| what())?,
                by: user_of(&name, &thread)?,
                until: Millis(nat(row.get(2)?)?),
                uses_left: nat(row.get(3)?)?,
            });
        }
        Ok(invites)
    }

    /// What a list of conversations says of a group.
    pub(crate) fn group_line(&self, thread: &Thread, user: i64) -> Result<GroupLine, Failure> {
        let row = group_row(&self.conn, thread.id)?;
        let member = member_row(&self.conn, thread.id, user)?.filter(|_| !row.is_deleted);
        Ok(GroupLine {
            name: row.group.name,
            members: row.group.members,
            role: member.map(|member| member.role),
        })
    }

    /// A group that was not deleted.
    pub(crate) fn living(&self, group: &GroupId) -> Result<(Thread, GroupRow), Failure> {
        let conversation = ConversationId::group(group);
        let thread = rows::find_thread(&self.conn, &conversation)?.ok_or(StoreError::NotFound)?;
        let row = group_row(&self.conn, thread.id)?;
        if row.is_deleted {
            return Err(StoreError::NotFound.into());
        }
        Ok((thread, row))
    }

    fn membership(&self, thread: &Thread, user: &UserId) -> Result<Option<Member>, Failure> {
        match rows::user_id(&self.conn, user)? {
            Some(user) => member_row(&self.conn, thread.id, user),
            None => Ok(None),
        }
    }

    /// A group, and with what role a member, or the system, sees it.
    pub(crate) fn seen(
        &self,
        group: &GroupId,
        viewer: &Viewer,
    ) -> Result<(Thread, GroupRow, Role), Failure> {
        let (thread, row) = self.living(group)?;
        let role = match viewer {
            Viewer::System => Role::Owner,
            Viewer::User(user) => {
                let member = self.membership(&thread, user)?;
                let refusal = || StoreError::Refused(Box::new(Refusal::NotAMember));
                member.ok_or_else(refusal)?.role
            }
        };
        Ok((thread, row, role))
    }
}

fn may_add(group: &Group, role: Role) -> Result<(), StoreError> {
    match may(role, Action::Add, &group.settings) {
        true => Ok(()),
        false => Err(StoreError::Refused(Box::new(Refusal::NotAllowed))),
    }
}

pub(crate) fn user_of(name: &str, thread: &Thread) -> Result<UserId, StoreError> {
    UserId::parse(name).map_err(|_| corrupt(format!("a member of {}", thread.conversation)))
}
