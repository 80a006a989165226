//! Groups and their members, as their rows say.

use parlor_chat::entry::Millis;
use parlor_chat::group::{Group, GroupName, Member, Role};
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::store::StoreError;
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use crate::kept::body;
use crate::kept::numbers::{corrupt, nat};

/// The columns [`GroupRow::of`] reads of a row `g`, in its order.
pub(crate) const GROUP_COLUMNS: &str = "g.conversation, g.title, g.owner, g.settings, g.members, \
     g.created, g.deleted, g.wish, g.slots";

/// A group's row.
#[derive(Debug)]
pub(crate) struct GroupRow {
    pub(crate) group: Group,
    pub(crate) created: Millis,
    pub(crate) is_deleted: bool,
    pub(crate) made_by: Vec<u8>,
    /// How many slots were given to members.
    pub(crate) slots: i64,
}

impl GroupRow {
    /// Reads the row whose columns begin at `at`, if there is one.
    pub(crate) fn of(row: &Row, at: usize) -> Result<Option<Self>, Failure> {
        let Some(conversation) = row.try_get::<_, Option<&str>>(at)? else { return Ok(None) };
        let what = || corrupt(format!("the group of {conversation}"));
        let group = Group {
            name: GroupName::parse(row.try_get(at + 1)?).map_err(|_| what())?,
            owner: UserId::parse(row.try_get(at + 2)?).map_err(|_| what())?,
            settings: body::settings_of(row.try_get(at + 3)?).ok_or_else(what)?,
            members: nat(row.try_get(at + 4)?)?,
        };
        Ok(Some(Self {
            group,
            created: Millis(nat(row.try_get(at + 5)?)?),
            is_deleted: row.try_get::<_, i64>(at + 6)? > 0,
            made_by: row.try_get(at + 7)?,
            slots: row.try_get(at + 8)?,
        }))
    }
}

/// The row of a group.
pub(crate) async fn group_row(
    conn: Conn<'_>,
    conversation: &ConversationId,
) -> Result<Option<GroupRow>, Failure> {
    let sql = format!("SELECT {GROUP_COLUMNS} FROM chat_group g WHERE g.conversation = $1");
    match conn.first(&sql, params![conversation.as_str()]).await? {
        Some(row) => GroupRow::of(&row, 0),
        None => Ok(None),
    }
}

/// The row of a group that was not deleted.
pub(crate) async fn living(
    conn: Conn<'_>,
    conversation: &ConversationId,
) -> Result<GroupRow, Failure> {
    let row = group_row(conn, conversation).await?.filter(|row| !row.is_deleted);
    row.ok_or_else(|| StoreError::NotFound.into())
}

/// A membership out of role, joined, muted_until, said_at and ended; `None` for who is out.
pub(crate) fn member_of(row: &Row, at: usize) -> Result<Option<Member>, Failure> {
    if row.try_get::<_, Option<i64>>(at + 4)?.is_some() {
        return Ok(None);
    }
    let millis = |at: Option<i64>| at.map(|at| nat(at).map(Millis)).transpose();
    Ok(Some(Member {
        role: role_of(row.try_get(at)?)?,
        joined: Seq(nat(row.try_get(at + 1)?)?),
        muted_until: millis(row.try_get(at + 2)?)?,
        said_at: millis(row.try_get(at + 3)?)?,
    }))
}

/// Somebody's membership in a group, if they are in.
pub(crate) async fn member(
    conn: Conn<'_>,
    conversation: &ConversationId,
    user: &UserId,
) -> Result<Option<Member>, Failure> {
    let sql = "SELECT role, joined, muted_until, said_at, ended FROM member \
               WHERE conversation = $1 AND user_id = $2";
    match conn.first(sql, params![conversation.as_str(), user.as_str()]).await? {
        Some(row) => member_of(&row, 0),
        None => Ok(None),
    }
}

/// A role out of a row.
pub(crate) fn role_of(number: i64) -> Result<Role, StoreError> {
    let role = usize::try_from(number).ok().and_then(|number| Role::ALL.get(number));
    role.copied().ok_or_else(|| corrupt(format!("the role {number}")))
}

pub(crate) fn role_number(role: Role) -> i64 {
    Role::ALL.iter().position(|of| *of == role).map_or(0, |at| at as i64)
}
