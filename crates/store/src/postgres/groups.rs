//! Groups, as they are changed: inside the transaction chat's rules are asked, then the change becomes
//! the next entry, and the rows of the group and its members follow it.
//!
//! The rules look at what they need one by one; so all that a wish may make them look at is fetched
//! first ([`Looked`]).

use parlor_chat::entry::{Body, Entry, Millis};
use parlor_chat::group::decide::{self, Decision, Denied, Wish};
use parlor_chat::group::port::{ChangeGroup, Done, GroupChanged};
use parlor_chat::group::{Change, Gone, GroupName, PastShown, Role};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::{Authority, Committed, StoreError};

use super::appends;
use super::conn::{Conn, Failure, params};
use super::entries::{Lasts, Next};
use super::group_look::Looked;
use super::group_rows::{GroupRow, group_row, role_number};
use super::speaking::refused;
use super::threads::{self, Thread};
use super::turn::Turn;
use crate::kept::body;
use crate::kept::numbers::{bound, int, nat};

/// Does what the rules make of a wish about a group.
pub(crate) async fn change(
    turn: &mut Turn<'_>,
    change: &ChangeGroup,
) -> Result<GroupChanged, Failure> {
    let conversation = ConversationId::group(&change.group);
    if change.authority == Authority::User {
        super::moderation::refuse(turn.conn, &change.by, change.now).await?;
    }
    let row = group_row(turn.conn, &conversation).await?;
    let digest = wish_digest(&change.wish);
    if let (Some(row), Wish::Create { .. }) = (&row, &change.wish) {
        return was_made(turn.conn, &conversation, row, change, &digest).await;
    }
    let row = row.filter(|row| !row.is_deleted);
    let mut looked = Looked::at(turn.conn, &conversation, change).await?;
    let ChangeGroup { by, authority, wish, now, limits, .. } = change;
    let group = row.as_ref().map(|row| &row.group);
    let decided = decide::decide((by, *authority), wish, group, &mut looked, *now, limits);
    let decision = decided.map_err(|denied| match denied {
        Denied::Refused(refusal) => refused(refusal),
        Denied::Failed(never) => match never {},
    })?;
    let done = |done| Ok(GroupChanged { done, repeated: false });
    let of = conversation.as_str();
    match (decision, wish) {
        (Decision::Commit(committed), _) => {
            let entry = commit(turn, &conversation, change, row.as_ref(), &committed, &digest);
            let entry = entry.await?;
            done(Done::Committed { seq: entry.seq, ts: entry.ts })
        }
        (Decision::Unchanged, _) => done(Done::Unchanged),
        (Decision::Ask, _) => {
            let sql = "INSERT INTO join_request (conversation, user_id, at) VALUES ($1, $2, $3) \
                       ON CONFLICT DO NOTHING";
            turn.conn.execute(sql, params![of, by.as_str(), bound(now.0)]).await?;
            done(Done::Asked)
        }
        (Decision::KeepInvite, Wish::Invite { code, until, uses }) => {
            let sql = "INSERT INTO invite (conversation, code, maker, made, until, uses_left) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let (made, until, uses) = (bound(now.0), bound(until.0), bound(*uses));
            let row = params![of, code.as_str(), by.as_str(), made, until, uses];
            turn.conn.execute(sql, row).await?;
            done(Done::Noted)
        }
        (Decision::EndInvite, Wish::RevokeInvite(code)) => {
            let sql = "DELETE FROM invite WHERE conversation = $1 AND code = $2";
            turn.conn.execute(sql, params![of, code.as_str()]).await?;
            done(Done::Noted)
        }
        (Decision::Deny, Wish::Deny(user)) => {
            forget_requests(turn.conn, of, &[user]).await?;
            done(Done::Noted)
        }
        (Decision::KeepInvite | Decision::EndInvite | Decision::Deny, _) => {
            Err(refused(Refusal::Internal).into())
        }
    }
}

/// Makes a change the next entry of the log, and lets the rows follow it.
async fn commit(
    turn: &mut Turn<'_>,
    conversation: &ConversationId,
    change: &ChangeGroup,
    row: Option<&GroupRow>,
    committed: &Change,
    digest: &[u8; 16],
) -> Result<std::sync::Arc<Entry>, Failure> {
    let found = threads::find(turn.conn, conversation).await?;
    let mut thread = found.map_or_else(|| Thread::begin(conversation.clone()), Ok)?;
    let next = Next {
        from: &change.by,
        client_id: change.client_id.as_ref(),
        digest: None,
        envelope: None,
        lasts: Lasts::Always,
        body: Body::Changed(committed.clone()),
        now: change.now,
    };
    let entry = turn.append(&mut thread, next).await?;
    if let Change::Created { name, settings, .. } = committed {
        let sql = "INSERT INTO chat_group (conversation, title, owner, settings, created, born, \
                   wish) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let (created, born) = (bound(change.now.0), int(entry.position.0));
        let settings = body::settings_text(settings);
        let (of, by) = (conversation.as_str(), change.by.as_str());
        let row = params![of, name.as_str(), by, settings, created, born, &digest[..]];
        turn.conn.execute(sql, row).await?;
    }
    take_effect(turn.conn, change, row, committed, &entry).await?;
    turn.work.committed.push(Committed { entry: entry.clone(), origin: change.origin });
    Ok(entry)
}

/// Lets the rows follow a change that is an entry.
async fn take_effect(
    conn: Conn<'_>,
    change: &ChangeGroup,
    row: Option<&GroupRow>,
    committed: &Change,
    entry: &Entry,
) -> Result<(), Failure> {
    let (of, seq) = (entry.conversation.as_str(), int(entry.seq.0));
    match committed {
        Change::Updated { name, settings } => {
            let sql = "UPDATE chat_group SET title = coalesce($1, title), \
                       settings = coalesce($2, settings) WHERE conversation = $3";
            let settings = settings.as_ref().map(body::settings_text);
            let name = name.as_ref().map(GroupName::as_str);
            conn.execute(sql, params![name, settings, of]).await?;
        }
        Change::Deleted => {
            let sql = "UPDATE chat_group SET deleted = $1, rules = NULL WHERE conversation = $2";
            conn.execute(sql, params![seq, of]).await?;
            for sql in [
                "DELETE FROM ban WHERE conversation = $1",
                "DELETE FROM invite WHERE conversation = $1",
                "DELETE FROM join_request WHERE conversation = $1",
            ] {
                conn.execute(sql, params![of]).await?;
            }
        }
        Change::Banned(user, until) => {
            let sql = "INSERT INTO ban (conversation, user_id, until) VALUES ($1, $2, $3) \
                       ON CONFLICT (conversation, user_id) DO UPDATE SET until = excluded.until";
            conn.execute(sql, params![of, user.as_str(), bound(until.0)]).await?;
            forget_requests(conn, of, &[user]).await?;
        }
        Change::Unbanned(user) => {
            let sql = "DELETE FROM ban WHERE conversation = $1 AND user_id = $2";
            conn.execute(sql, params![of, user.as_str()]).await?;
        }
        Change::RulesSet(rules) => {
            let sql = "UPDATE chat_group SET rules = $1 WHERE conversation = $2";
            conn.execute(sql, params![rules.as_ref().map(body::rules_text), of]).await?;
        }
        Change::Muted(user, until) => mute(conn, of, user, Some(bound(until.0))).await?,
        Change::Unmuted(user) => mute(conn, of, user, None).await?,
        Change::RoleSet(user, role) => {
            if let Some(row) = row.filter(|_| *role == Role::Owner) {
                set_role(conn, of, &row.group.owner, Role::Admin).await?;
                let sql = "UPDATE chat_group SET owner = $1 WHERE conversation = $2";
                conn.execute(sql, params![user.as_str(), of]).await?;
            }
            set_role(conn, of, user, *role).await?;
        }
        Change::Joined => {
            if let Wish::Join(Some(code)) = &change.wish {
                let sql = "UPDATE invite SET uses_left = uses_left - 1 \
                           WHERE conversation = $1 AND code = $2";
                conn.execute(sql, params![of, code.as_str()]).await?;
                let sql = "DELETE FROM invite WHERE conversation = $1 AND uses_left <= 0";
                conn.execute(sql, params![of]).await?;
            }
        }
        Change::Created { .. } | Change::Added(_) | Change::Left | Change::Kicked(_) => {}
    }
    let past = match (committed, row) {
        (Change::Created { settings, .. }, _) => settings.past,
        (_, Some(row)) => row.group.settings.past,
        (_, None) => PastShown::default(),
    };
    let joined: Vec<&UserId> = committed.joined(&change.by).collect();
    if !joined.is_empty() {
        let is_new = matches!(committed, Change::Created { .. });
        let owner = is_new.then_some(&change.by);
        join(conn, &joined, owner, past, row.map_or(0, |row| row.slots), entry).await?;
    }
    if let Gone::One(user) = committed.left(&change.by) {
        let sql = "UPDATE member SET ended = $1, role = 0, muted_until = NULL, said_at = NULL \
                   WHERE conversation = $2 AND user_id = $3 AND ended IS NULL";
        let left = int(conn.execute(sql, params![seq, of, user.as_str()]).await?);
        let sql = "UPDATE chat_group SET members = members - $1 WHERE conversation = $2";
        conn.execute(sql, params![left, of]).await?;
    }
    Ok(())
}

/// Brings users in by an entry, who are not in.
async fn join(
    conn: Conn<'_>,
    users: &[&UserId],
    owner: Option<&UserId>,
    past: PastShown,
    slots: i64,
    entry: &Entry,
) -> Result<(), Failure> {
    let (of, seq, at) = (entry.conversation.as_str(), int(entry.seq.0), int(entry.ts.0));
    forget_requests(conn, of, users).await?;
    let names: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
    let role = |user: &&UserId| match owner == Some(*user) {
        true => role_number(Role::Owner),
        false => role_number(Role::Member),
    };
    let roles: Vec<i64> = users.iter().map(role).collect();
    let sql = "INSERT INTO past_member (conversation, user_id, joined, seen_from, ended) \
               SELECT conversation, user_id, joined, seen_from, ended FROM member \
               WHERE conversation = $1 AND user_id = ANY ($2) AND ended IS NOT NULL";
    conn.execute(sql, params![of, names]).await?;
    let seen_from = match past {
        PastShown::FromJoin => seq,
        PastShown::All => 1,
    };
    // Who joins has nothing to confirm, or to read, of what was before. Who came back keeps their slot.
    let sql = "INSERT INTO member (conversation, user_id, delivered, read, role, joined, \
               joined_at, seen_from, slot) \
               SELECT $1, w.user_id, $4 - 1, $4 - 1, w.role, $4, $5, $6, $7 + w.n \
               FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS w (user_id, role, n) \
               ON CONFLICT (conversation, user_id) DO UPDATE SET delivered = excluded.delivered, \
               read = excluded.read, role = excluded.role, joined = excluded.joined, \
               joined_at = excluded.joined_at, seen_from = excluded.seen_from, ended = NULL, \
               muted_until = NULL, said_at = NULL";
    conn.execute(sql, params![of, names, roles, seq, at, seen_from, slots]).await?;
    let count = users.len() as i64;
    let sql = "UPDATE chat_group SET members = members + $2, slots = slots + $2 \
               WHERE conversation = $1";
    conn.execute(sql, params![of, count]).await?;
    Ok(())
}

async fn mute(conn: Conn<'_>, of: &str, user: &UserId, until: Option<i64>) -> Result<(), Failure> {
    let sql = "UPDATE member SET muted_until = $1 WHERE conversation = $2 AND user_id = $3";
    conn.execute(sql, params![until, of, user.as_str()]).await?;
    Ok(())
}

async fn set_role(conn: Conn<'_>, of: &str, user: &UserId, role: Role) -> Result<(), Failure> {
    let sql = "UPDATE member SET role = $1 WHERE conversation = $2 AND user_id = $3";
    conn.execute(sql, params![role_number(role), of, user.as_str()]).await?;
    Ok(())
}

async fn forget_requests(conn: Conn<'_>, of: &str, users: &[&UserId]) -> Result<(), Failure> {
    let names: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
    let sql = "DELETE FROM join_request WHERE conversation = $1 AND user_id = ANY ($2)";
    conn.execute(sql, params![of, names]).await?;
    Ok(())
}

/// What is told to who makes a group that is there: that it was made, if it was by the same wish.
async fn was_made(
    conn: Conn<'_>,
    conversation: &ConversationId,
    row: &GroupRow,
    change: &ChangeGroup,
    digest: &[u8; 16],
) -> Result<GroupChanged, Failure> {
    let sql = "SELECT ts, sender FROM entry WHERE conversation = $1 AND seq = 1";
    let first = conn.first(sql, params![conversation.as_str()]).await?;
    let mut ts = row.created;
    if let Some(first) = &first {
        ts = Millis(nat(first.try_get(0)?)?);
        if first.try_get::<_, &str>(1)? != change.by.as_str() {
            return Err(StoreError::ClientIdConflict.into());
        }
    }
    if row.made_by != digest {
        return Err(StoreError::ClientIdConflict.into());
    }
    Ok(GroupChanged { done: Done::Committed { seq: Seq(1), ts }, repeated: true })
}

/// What another wish to make the same group is told by.
fn wish_digest(wish: &Wish) -> [u8; 16] {
    match wish {
        Wish::Create { name, settings, members } => {
            appends::digest(&body::wish_text(name, settings, members))
        }
        _ => [0; 16],
    }
}

/// Whom a wish names, who wishes among them.
pub(crate) fn named(change: &ChangeGroup) -> Vec<&UserId> {
    let (some, one): (&[UserId], Option<&UserId>) = match &change.wish {
        Wish::Create { members: users, .. } | Wish::Add(users) => (users, None),
        Wish::Kick(user)
        | Wish::Ban(user, _)
        | Wish::Unban(user)
        | Wish::Mute(user, _)
        | Wish::Unmute(user)
        | Wish::SetRole(user, _)
        | Wish::Deny(user) => (&[], Some(user)),
        _ => (&[], None),
    };
    std::iter::once(&change.by).chain(some).chain(one).collect()
}
