//! The audit log: what moderators did, as a chain that shows when it was edited. A trigger refuses to
//! change or remove entries; who may drop the trigger can make all of it anew, so the hashes that
//! `audit` gives to moderators, and that the server's log has, are kept elsewhere.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::{AuditPage, AuditQuery, Audited, DeedKind, ReportId};
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use crate::kept::audit::{BEFORE_FIRST, Doing, Hash, hash, hex};
use crate::kept::numbers::{bound, corrupt, int, nat};

/// Appends an entry; gives its number.
pub(crate) async fn append(conn: Conn<'_>, doing: &Doing<'_>) -> Result<i64, Failure> {
    let what = || corrupt("the head of the audit log");
    let sql = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    let (count, before): (i64, Hash) = match conn.first(sql, params![]).await? {
        None => (0, BEFORE_FIRST),
        Some(row) => {
            let hash: Vec<u8> = row.try_get(1)?;
            (row.try_get(0)?, hash.try_into().map_err(|_| what())?)
        }
    };
    let number = count + 1;
    let hash = hash(&before, number, doing);
    let sql = "INSERT INTO audit (number, at, moderator, deed, user_id, report, until, text, note, \
               client_id, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let (report, until) =
        (doing.report.map(|report| int(report.0)), doing.until.map(|until| int(until.0)));
    conn.execute(
        sql,
        params![
            number,
            int(doing.at.0),
            doing.by.as_str(),
            doing.deed.name(),
            doing.user.as_str(),
            report,
            until,
            doing.text,
            doing.note,
            doing.client_id,
            &hash[..],
        ],
    )
    .await?;
    let deed = doing.deed.name();
    tracing::info!(number, deed, moderator = %doing.by, hash = %hex(&hash), "audit");
    Ok(number)
}

const COLUMNS: &str =
    "SELECT number, at, moderator, deed, user_id, report, until, text, note, hash FROM audit";

fn kept(row: &Row) -> Result<Audited, Failure> {
    let what = || corrupt("an entry of the audit log");
    let user = |at: usize| -> Result<UserId, Failure> {
        Ok(UserId::parse(row.try_get(at)?).map_err(|_| what())?)
    };
    let number = |at: usize| -> Result<Option<u64>, Failure> {
        Ok(row.try_get::<_, Option<i64>>(at)?.map(nat).transpose()?)
    };
    let hash: Vec<u8> = row.try_get(9)?;
    Ok(Audited {
        number: nat(row.try_get(0)?)?,
        at: Millis(nat(row.try_get(1)?)?),
        by: user(2)?,
        deed: DeedKind::of(row.try_get(3)?).ok_or_else(what)?,
        user: user(4)?,
        report: number(5)?.map(ReportId),
        until: number(6)?.map(Millis),
        text: row.try_get::<_, Option<&str>>(7)?.map(Into::into),
        note: row.try_get::<_, Option<&str>>(8)?.map(Into::into),
        hash: hash.try_into().map_err(|_| what())?,
    })
}

/// A warning that a moderator gave before under the same key.
pub(crate) async fn by_key(
    conn: Conn<'_>,
    by: &UserId,
    client_id: &str,
) -> Result<Option<Audited>, Failure> {
    let sql = format!("{COLUMNS} WHERE moderator = $1 AND client_id = $2");
    let row = conn.first(&sql, params![by.as_str(), client_id]).await?;
    row.map(|row| kept(&row)).transpose()
}

/// A piece of the log, newest first.
pub(crate) async fn page(conn: Conn<'_>, query: AuditQuery) -> Result<AuditPage, Failure> {
    let before = query.before.map_or(i64::MAX, bound);
    let sql = format!("{COLUMNS} WHERE number < $1 ORDER BY number DESC LIMIT $2");
    let rows = conn.query(&sql, params![before, bound(query.limit as u64) + 1]).await?;
    let more = rows.len() > query.limit;
    let entries = rows.iter().take(query.limit).map(kept).collect::<Result<_, _>>()?;
    Ok(AuditPage { entries, more })
}
