//! Groups, as the writer changes them: inside the transaction chat's rules are asked, then the
//! change becomes the next entry, and the rows of the group and its members follow it.

use parlor_chat::entry::{Body, Millis};
use parlor_chat::group::decide::{self, Decision, Denied, Invite, InviteCode, Look, Wish};
use parlor_chat::group::port::{ChangeGroup, Done, GroupChanged};
use parlor_chat::group::{Change, Gone, Group, GroupName, GroupRules, Member, PastShown, Role};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Authority, Committed, StoreError};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::blocks;
use super::body;
use super::commands::{Executor, Turn, user_or_new};
use super::entries::{Lasts, Next};
use super::mark_blocks;
use super::rows::{self, Failure, Thread, Who, bound, corrupt, nat};

/// A group's row.
#[derive(Debug)]
pub(crate) struct GroupRow {
    pub(crate) group: Group,
    pub(crate) created: Millis,
    pub(crate) is_deleted: bool,
    made_by: [u8; 16],
}

/// The row of a group by its conversation.
pub(crate) fn group_row(conn: &Connection, conversation: i64) -> Result<GroupRow, Failure> {
    let sql = "SELECT g.title, o.name, g.settings, g.members, g.created, g.deleted, g.wish \
               FROM chat_group g JOIN user o ON o.id = g.owner WHERE g.conversation = ?1";
    type Found = (String, String, String, i64, i64, i64, Vec<u8>);
    let found: Option<Found> = conn
        .prepare_cached(sql)?
        .query_row([conversation], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
            ))
        })
        .optional()?;
    let what = || corrupt(format!("the group of conversation {conversation}"));
    let (title, owner, settings, members, created, deleted, wish) = found.ok_or_else(what)?;
    let group = Group {
        name: GroupName::parse(&title).map_err(|_| what())?,
        owner: UserId::parse(&owner).map_err(|_| what())?,
        settings: body::settings_of(&settings).ok_or_else(what)?,
        members: nat(members)?,
    };
    let made_by = wish.try_into().map_err(|_| what())?;
    Ok(GroupRow { group, created: Millis(nat(created)?), is_deleted: deleted > 0, made_by })
}

/// Somebody's membership in a group, if they are in.
pub(crate) fn member_row(
    conn: &Connection,
    conversation: i64,
    user: i64,
) -> Result<Option<Member>, Failure> {
    let sql = "SELECT role, joined, muted_until, said_at FROM member \
               WHERE user = ?1 AND conversation = ?2 AND left IS NULL";
    let found: Option<(i64, i64, Option<i64>, Option<i64>)> = conn
        .prepare_cached(sql)?
        .query_row([user, conversation], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((role, joined, muted_until, said_at)) = found else { return Ok(None) };
    let millis = |at: Option<i64>| at.map(|at| nat(at).map(Millis)).transpose();
    Ok(Some(Member {
        role: role_of(role)?,
        joined: Seq(nat(joined)?),
        muted_until: millis(muted_until)?,
        said_at: millis(said_at)?,
    }))
}

/// A role out of a row.
pub(crate) fn role_of(number: i64) -> Result<Role, StoreError> {
    let role = usize::try_from(number).ok().and_then(|number| Role::ALL.get(number));
    role.copied().ok_or_else(|| corrupt(format!("the role {number}")))
}

fn role_number(role: Role) -> i64 {
    Role::ALL.iter().position(|of| *of == role).map_or(0, |at| at as i64)
}

/// Whether somebody may say something in a group; the inner error is why not.
pub(crate) fn may_post(
    conn: &Connection,
    thread: &Thread,
    (from, authority): (&UserId, Authority),
    now: Millis,
) -> Result<Result<(), StoreError>, Failure> {
    let row = group_row(conn, thread.id)?;
    if row.is_deleted {
        return Ok(Err(StoreError::NotFound));
    }
    if authority == Authority::System {
        return Ok(Ok(()));
    }
    let member = match rows::user_id(conn, from)? {
        Some(user) => member_row(conn, thread.id, user)?,
        None => None,
    };
    let judged = decide::may_post(&row.group, member.as_ref(), now);
    Ok(judged.map_err(|refusal| StoreError::Refused(Box::new(refusal))))
}

/// Notes that a member has posted, where slow mode asks for it.
pub(crate) fn note_said(
    conn: &Connection,
    thread: &Thread,
    user: i64,
    at: Millis,
) -> Result<(), Failure> {
    let row = group_row(conn, thread.id)?;
    let member = member_row(conn, thread.id, user)?;
    if member.is_some_and(|member| decide::is_slowed(&row.group, &member)) {
        conn.prepare_cached(
            "UPDATE member SET said_at = ?1 WHERE user = ?2 AND conversation = ?3",
        )?
        .execute([bound(at.0), user, thread.id])?;
    }
    Ok(())
}

/// What a wish about a group came to, and the entry if there is one.
pub(crate) struct GroupDone {
    pub(crate) changed: GroupChanged,
    pub(crate) committed: Option<Committed>,
}

impl GroupDone {
    fn without_entry(done: Done) -> Self {
        Self { changed: GroupChanged { done, repeated: false }, committed: None }
    }
}

impl Executor {
    pub(crate) fn change_group(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        change: &ChangeGroup,
    ) -> Result<GroupDone, Failure> {
        let conversation = ConversationId::group(&change.group);
        let thread = self.thread(conn, &conversation)?;
        let row = thread.as_ref().map(|thread| group_row(conn, thread.id)).transpose()?;
        let digest = digest(&change.wish);
        if let (Some(thread), Some(row), Wish::Create { .. }) = (&thread, &row, &change.wish) {
            return was_made(conn, thread, row, change, &digest);
        }
        let group = row.filter(|row| !row.is_deleted).map(|row| row.group);
        let mut looking = Looking { conn, conversation: thread.as_ref().map_or(0, |t| t.id) };
        let ChangeGroup { by, authority, wish, now, limits, .. } = change;
        let by = (by, *authority);
        let decided = decide::decide(by, wish, group.as_ref(), &mut looking, *now, limits);
        let decision = decided.map_err(|denied| match denied {
            Denied::Refused(refusal) => StoreError::Refused(Box::new(refusal)).into(),
            Denied::Failed(failure) => failure,
        })?;
        let thread_id = thread.as_ref().map_or(0, |thread| thread.id);
        match (decision, wish) {
            (Decision::Commit(committed), _) => {
                let thread = match thread {
                    Some(thread) => thread,
                    None => self.new_group(conn, conversation, change, &digest)?,
                };
                self.commit_change(conn, turn, &thread, change, committed)
            }
            (Decision::Unchanged, _) => Ok(GroupDone::without_entry(Done::Unchanged)),
            (Decision::Ask, _) => {
                let sql = "INSERT INTO join_request (conversation, user, at) VALUES (?1, ?2, ?3) \
                           ON CONFLICT DO NOTHING";
                let user = user_or_new(conn, by.0)?;
                conn.prepare_cached(sql)?.execute([thread_id, user, bound(now.0)])?;
                Ok(GroupDone::without_entry(Done::Asked))
            }
            (Decision::KeepInvite, Wish::Invite { code, until, uses }) => {
                let sql = "INSERT INTO invite (conversation, code, maker, made, until, uses_left) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                conn.prepare_cached(sql)?.execute((
                    thread_id,
                    code.as_str(),
                    user_or_new(conn, by.0)?,
                    bound(now.0),
                    bound(until.0),
                    bound(*uses),
                ))?;
                Ok(GroupDone::without_entry(Done::Noted))
            }
            (Decision::EndInvite, Wish::RevokeInvite(code)) => {
                let sql = "DELETE FROM invite WHERE conversation = ?1 AND code = ?2";
                conn.prepare_cached(sql)?.execute((thread_id, code.as_str()))?;
                Ok(GroupDone::without_entry(Done::Noted))
            }
            (Decision::Deny, Wish::Deny(user)) => {
                forget_request(conn, thread_id, user)?;
                Ok(GroupDone::without_entry(Done::Noted))
            }
            (Decision::KeepInvite | Decision::EndInvite | Decision::Deny, _) => {
                Err(StoreError::Refused(Box::new(Refusal::Internal)).into())
            }
        }
    }

    fn new_group(
        &mut self,
        conn: &Connection,
        conversation: ConversationId,
        change: &ChangeGroup,
        digest: &[u8; 16],
    ) -> Result<std::sync::Arc<Thread>, Failure> {
        let sql = "INSERT INTO conversation (low, high) VALUES (NULL, NULL) RETURNING id";
        let id: i64 = conn.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        let owner = user_or_new(conn, &change.by)?;
        // Name, settings and members come with the entry.
        let sql = "INSERT INTO chat_group (conversation, name, title, owner, settings, members, \
                   created, wish) VALUES (?1, ?2, '', ?3, '', 0, ?4, ?5)";
        conn.prepare_cached(sql)?.execute((
            id,
            change.group.as_str(),
            owner,
            bound(change.now.0),
            &digest[..],
        ))?;
        Ok(self.remember(Thread { id, conversation, who: Who::Group }))
    }

    fn commit_change(
        &mut self,
        conn: &Connection,
        turn: &Turn<'_>,
        thread: &Thread,
        change: &ChangeGroup,
        committed: Change,
    ) -> Result<GroupDone, Failure> {
        let sender = user_or_new(conn, &change.by)?;
        let head = self.sound_head(conn, thread, sender)?;
        let next = Next {
            from: &change.by,
            sender,
            client_id: change.client_id.as_ref(),
            envelope: None,
            lasts: Lasts::Always,
            body: Body::Changed(committed.clone()),
            now: change.now,
        };
        let entry = self.insert(conn, turn, thread, head, next)?;
        let seq = rows::int(entry.seq.0);
        let at = rows::int(entry.ts.0);
        take_effect(conn, thread.id, change, &committed, seq, at)?;
        let done = Done::Committed { seq: entry.seq, ts: entry.ts };
        let changed = GroupChanged { done, repeated: false };
        Ok(GroupDone { changed, committed: Some(Committed { entry, origin: change.origin }) })
    }
}

/// Lets the rows follow a change that is the entry at `seq`.
fn take_effect(
    conn: &Connection,
    conversation: i64,
    change: &ChangeGroup,
    committed: &Change,
    seq: i64,
    at: i64,
) -> Result<(), Failure> {
    match committed {
        Change::Created { name, settings, .. } => {
            let sql = "UPDATE chat_group SET title = ?1, settings = ?2 WHERE conversation = ?3";
            let settings = body::settings_text(settings);
            conn.prepare_cached(sql)?.execute((name.as_str(), settings, conversation))?;
        }
        Change::Updated { name, settings } => {
            let sql = "UPDATE chat_group SET title = coalesce(?1, title), \
                       settings = coalesce(?2, settings) WHERE conversation = ?3";
            let settings = settings.as_ref().map(body::settings_text);
            let name = name.as_ref().map(GroupName::as_str);
            conn.prepare_cached(sql)?.execute((name, settings, conversation))?;
        }
        Change::Deleted => {
            let sql = "UPDATE chat_group SET deleted = ?1, rules = NULL WHERE conversation = ?2";
            conn.prepare_cached(sql)?.execute([seq, conversation])?;
            for table in ["ban", "invite", "join_request"] {
                let sql = format!("DELETE FROM {table} WHERE conversation = ?1");
                conn.prepare_cached(&sql)?.execute([conversation])?;
            }
        }
        Change::Banned(user, until) => {
            let sql = "INSERT INTO ban (conversation, user, until) VALUES (?1, ?2, ?3) \
                       ON CONFLICT DO UPDATE SET until = excluded.until";
            let user_id = user_or_new(conn, user)?;
            conn.prepare_cached(sql)?.execute([conversation, user_id, bound(until.0)])?;
            forget_request(conn, conversation, user)?;
        }
        Change::Unbanned(user) => {
            let sql = "DELETE FROM ban WHERE conversation = ?1 AND user = ?2";
            conn.prepare_cached(sql)?.execute([conversation, user_or_new(conn, user)?])?;
        }
        Change::RulesSet(rules) => {
            let sql = "UPDATE chat_group SET rules = ?1 WHERE conversation = ?2";
            conn.prepare_cached(sql)?
                .execute((rules.as_ref().map(body::rules_text), conversation))?;
        }
        Change::Muted(user, until) => mute(conn, conversation, user, Some(bound(until.0)))?,
        Change::Unmuted(user) => mute(conn, conversation, user, None)?,
        Change::RoleSet(user, role) => {
            let user = user_or_new(conn, user)?;
            if *role == Role::Owner {
                let owner = group_row(conn, conversation)?.group.owner;
                set_role(conn, conversation, user_or_new(conn, &owner)?, Role::Admin)?;
                let sql = "UPDATE chat_group SET owner = ?1 WHERE conversation = ?2";
                conn.prepare_cached(sql)?.execute([user, conversation])?;
            }
            set_role(conn, conversation, user, *role)?;
        }
        Change::Joined => {
            if let Wish::Join(Some(code)) = &change.wish {
                let sql = "UPDATE invite SET uses_left = uses_left - 1 \
                           WHERE conversation = ?1 AND code = ?2";
                conn.prepare_cached(sql)?.execute((conversation, code.as_str()))?;
                let sql = "DELETE FROM invite WHERE conversation = ?1 AND uses_left <= 0";
                conn.prepare_cached(sql)?.execute([conversation])?;
            }
        }
        Change::Added(_) | Change::Left | Change::Kicked(_) => {}
    }
    let past = group_row(conn, conversation)?.group.settings.past;
    for user in committed.joined(&change.by) {
        let role = match committed {
            Change::Created { .. } if *user == change.by => Role::Owner,
            _ => Role::Member,
        };
        join(conn, conversation, user, role, past, (seq, at))?;
    }
    if let Gone::One(user) = committed.left(&change.by) {
        mark_blocks::fold(conn, conversation, user_or_new(conn, user)?)?;
        let sql = "UPDATE member SET left = ?1, role = 0, muted_until = NULL, said_at = NULL \
                   WHERE user = ?2 AND conversation = ?3 AND left IS NULL";
        let left =
            conn.prepare_cached(sql)?.execute([seq, user_or_new(conn, user)?, conversation])?;
        let sql = "UPDATE chat_group SET members = members - ?1 WHERE conversation = ?2";
        conn.prepare_cached(sql)?.execute([rows::int(left as u64), conversation])?;
    }
    Ok(())
}

fn join(
    conn: &Connection,
    conversation: i64,
    user: &UserId,
    role: Role,
    past: PastShown,
    (seq, at): (i64, i64),
) -> Result<(), Failure> {
    forget_request(conn, conversation, user)?;
    let user = user_or_new(conn, user)?;
    let sql = "INSERT INTO past_member (user, conversation, joined, seen_from, left) \
               SELECT user, conversation, joined, seen_from, left FROM member \
               WHERE user = ?1 AND conversation = ?2 AND left IS NOT NULL";
    conn.prepare_cached(sql)?.execute([user, conversation])?;
    let seen_from = match past {
        PastShown::FromJoin => seq,
        PastShown::All => 1,
    };
    // Who joins has nothing to confirm, or to read, of what was before.
    let sql = "INSERT INTO member (user, conversation, delivered, read, role, joined, joined_at, \
               seen_from, slot) VALUES (?1, ?2, ?3 - 1, ?3 - 1, ?4, ?3, ?5, ?6, \
               (SELECT slots + 1 FROM chat_group WHERE conversation = ?2)) \
               ON CONFLICT (user, conversation) DO UPDATE SET delivered = excluded.delivered, \
               read = excluded.read, role = excluded.role, joined = excluded.joined, \
               joined_at = excluded.joined_at, seen_from = excluded.seen_from, left = NULL, \
               muted_until = NULL, said_at = NULL";
    conn.prepare_cached(sql)?.execute((
        user,
        conversation,
        seq,
        role_number(role),
        at,
        seen_from,
    ))?;
    let sql = "UPDATE chat_group SET members = members + 1, slots = max(slots, (SELECT slot \
               FROM member WHERE user = ?2 AND conversation = ?1)) WHERE conversation = ?1";
    conn.prepare_cached(sql)?.execute([conversation, user])?;
    Ok(())
}

fn mute(
    conn: &Connection,
    conversation: i64,
    user: &UserId,
    until: Option<i64>,
) -> Result<(), Failure> {
    let sql = "UPDATE member SET muted_until = ?1 WHERE user = ?2 AND conversation = ?3";
    conn.prepare_cached(sql)?.execute((until, user_or_new(conn, user)?, conversation))?;
    Ok(())
}

fn set_role(conn: &Connection, conversation: i64, user: i64, role: Role) -> Result<(), Failure> {
    let sql = "UPDATE member SET role = ?1 WHERE user = ?2 AND conversation = ?3";
    conn.prepare_cached(sql)?.execute([role_number(role), user, conversation])?;
    Ok(())
}

fn forget_request(conn: &Connection, conversation: i64, user: &UserId) -> Result<(), Failure> {
    let Some(user) = rows::user_id(conn, user)? else { return Ok(()) };
    let sql = "DELETE FROM join_request WHERE conversation = ?1 AND user = ?2";
    conn.prepare_cached(sql)?.execute([conversation, user])?;
    Ok(())
}

/// What is told to who makes a group that is there: that it was made, if it was by the same wish.
fn was_made(
    conn: &Connection,
    thread: &Thread,
    row: &GroupRow,
    change: &ChangeGroup,
    digest: &[u8; 16],
) -> Result<GroupDone, Failure> {
    let sql = "SELECT e.ts, u.name FROM entry e JOIN user u ON u.id = e.sender \
               WHERE e.conversation = ?1 AND e.seq = 1";
    let first: Option<(i64, String)> = conn
        .prepare_cached(sql)?
        .query_row([thread.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let maker_differs = first.as_ref().is_some_and(|(_, name)| name != change.by.as_str());
    if row.made_by != *digest || maker_differs {
        return Err(StoreError::ClientIdConflict.into());
    }
    let ts = first.map_or(Ok(row.created), |(ts, _)| nat(ts).map(Millis))?;
    let done = Done::Committed { seq: Seq(1), ts };
    Ok(GroupDone { changed: GroupChanged { done, repeated: true }, committed: None })
}

/// What another wish to make the same group is told by.
fn digest(wish: &Wish) -> [u8; 16] {
    let mut digest = [0; 16];
    if let Wish::Create { name, settings, members } = wish {
        let text = body::wish_text(name, settings, members);
        digest.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    }
    digest
}

/// What chat's rules look at.
struct Looking<'a> {
    conn: &'a Connection,
    conversation: i64,
}

impl Looking<'_> {
    fn user(&self, user: &UserId) -> Result<Option<i64>, rusqlite::Error> {
        rows::user_id(self.conn, user)
    }

    fn count(&self, sql: &str) -> Result<u64, Failure> {
        let count: i64 =
            self.conn.prepare_cached(sql)?.query_row([self.conversation], |row| row.get(0))?;
        Ok(nat(count)?)
    }
}

impl Look for Looking<'_> {
    type Error = Failure;

    fn member(&mut self, user: &UserId) -> Result<Option<Member>, Failure> {
        match self.user(user)? {
            Some(user) => member_row(self.conn, self.conversation, user),
            None => Ok(None),
        }
    }

    fn banned_until(&mut self, user: &UserId) -> Result<Option<Millis>, Failure> {
        let Some(user) = self.user(user)? else { return Ok(None) };
        let sql = "SELECT until FROM ban WHERE conversation = ?1 AND user = ?2";
        let until: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row([self.conversation, user], |row| row.get(0))
            .optional()?;
        Ok(until.map(nat).transpose()?.map(Millis))
    }

    fn blocks(&mut self, user: &UserId, other: &UserId) -> Result<bool, Failure> {
        let (Some(user), Some(other)) = (self.user(user)?, self.user(other)?) else {
            return Ok(false);
        };
        Ok(blocks::is_active(self.conn, user, other)?)
    }

    fn groups_of(&mut self, user: &UserId) -> Result<u64, Failure> {
        let Some(user) = self.user(user)? else { return Ok(0) };
        let sql = "SELECT count(*) FROM member m JOIN chat_group g \
                   ON g.conversation = m.conversation AND g.deleted = 0 \
                   WHERE m.user = ?1 AND m.joined > 0 AND m.left IS NULL";
        let count: i64 = self.conn.prepare_cached(sql)?.query_row([user], |row| row.get(0))?;
        Ok(nat(count)?)
    }

    fn invite(&mut self, code: &InviteCode) -> Result<Option<Invite>, Failure> {
        let sql = "SELECT until, uses_left FROM invite WHERE conversation = ?1 AND code = ?2";
        let found: Option<(i64, i64)> = self
            .conn
            .prepare_cached(sql)?
            .query_row((self.conversation, code.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((until, uses_left)) = found else { return Ok(None) };
        Ok(Some(Invite { until: Millis(nat(until)?), uses_left: nat(uses_left)? }))
    }

    fn invites(&mut self) -> Result<u64, Failure> {
        self.count("SELECT count(*) FROM invite WHERE conversation = ?1")
    }

    fn has_asked(&mut self, user: &UserId) -> Result<bool, Failure> {
        let Some(user) = self.user(user)? else { return Ok(false) };
        let sql = "SELECT 1 FROM join_request WHERE conversation = ?1 AND user = ?2";
        Ok(self.conn.prepare_cached(sql)?.exists([self.conversation, user])?)
    }

    fn requests(&mut self) -> Result<u64, Failure> {
        self.count("SELECT count(*) FROM join_request WHERE conversation = ?1")
    }

    fn rules(&mut self) -> Result<Option<GroupRules>, Failure> {
        let sql = "SELECT rules FROM chat_group WHERE conversation = ?1";
        let text: Option<Option<String>> = self
            .conn
            .prepare_cached(sql)?
            .query_row([self.conversation], |row| row.get(0))
            .optional()?;
        let rules = |text: String| {
            let what = || corrupt(format!("the rules of group {}", self.conversation));
            body::rules_of(&text).ok_or_else(what)
        };
        Ok(text.flatten().map(rules).transpose()?)
    }

    fn ruled_groups(&mut self) -> Result<u64, Failure> {
        let sql = "SELECT count(*) FROM chat_group WHERE rules IS NOT NULL";
        let count: i64 = self.conn.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        Ok(nat(count)?)
    }
}
