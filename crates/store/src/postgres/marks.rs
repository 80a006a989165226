//! Watermarks: many at once, in three round trips however many they are.
//!
//! Where members are is fetched for all of them; the marks are taken one behind the other; whether they
//! passed over what others said is asked for all that moved; and what members have become is written
//! together. A row per member and conversation is written, also in large groups.

use std::collections::{BTreeMap, HashMap, HashSet};

use parlor_chat::entry::Millis;
use parlor_chat::ids::{ConversationId, Seq, UserId};
use parlor_chat::own::{OwnCommitted, OwnKey, OwnKind, OwnRecord};
use parlor_chat::requests::RequestState;
use parlor_chat::store::{Mark, Marked, Origin};
use tokio_postgres::Row;

use super::conn::{Conn, Failure, params};
use super::own::{self, Found};
use super::requests;
use super::turn::Turn;
use super::visible::seen;
use crate::kept::numbers::{bound, nat};

/// How far a member is.
#[derive(Debug, Clone)]
struct Standing {
    is_group: bool,
    head: i64,
    is_out: bool,
    request: Option<RequestState>,
    delivered: i64,
    delivered_at: i64,
    read: i64,
    read_at: i64,
    has_moved: bool,
    has_read: bool,
}

/// A mark that moved: whose it was, and over what.
struct Moved {
    /// The place of the mark among all.
    mark: usize,
    before: i64,
}

type Place<'a> = (&'a ConversationId, &'a UserId);

/// Moves watermarks forward; the answers are in the order of `marks`.
pub(crate) async fn mark(turn: &mut Turn<'_>, marks: &[Mark]) -> Result<Vec<Marked>, Failure> {
    let (mut standings, visible, unread) = tokio::try_join!(
        standings(turn, marks),
        visible(turn, marks),
        marked_unread(turn, marks),
    )?;
    let mut marked = vec![Marked::NotFound; marks.len()];
    let mut moved: Vec<Moved> = Vec::new();
    let mut after: HashMap<usize, i64> = HashMap::new();
    let mut devices: BTreeMap<(&str, &str, &str), (i64, i64)> = BTreeMap::new();
    for (at, mark) in marks.iter().enumerate() {
        let place = (&mark.conversation, &mark.user);
        let Some(standing) = standings.get_mut(&place) else { continue };
        let (seq, now) = (bound(mark.seq.0), bound(mark.now.0));
        if seq > standing.head || seq > 0 && standing.is_group && !visible.contains(&at) {
            continue;
        }
        marked[at] = Marked::Unmoved;
        if seq == 0 {
            continue;
        }
        if !mark.device().is_shared() {
            let device = (mark.user.as_str(), mark.device().as_str(), mark.conversation.as_str());
            let had = devices.entry(device).or_default();
            *had = (*had).max((seq, now));
        }
        let mut advance = |had: &mut i64, when: &mut i64, moves: &mut bool| {
            if seq > *had {
                moved.push(Moved { mark: at, before: *had });
                let first = after.entry(at).or_insert(*had);
                *first = (*first).min(*had);
                (*had, *when, *moves) = (seq, now, true);
            }
        };
        advance(&mut standing.delivered, &mut standing.delivered_at, &mut standing.has_moved);
        if mark.is_read() {
            advance(&mut standing.read, &mut standing.read_at, &mut standing.has_read);
        }
    }
    let passed = passed(turn, marks, &moved).await?;
    let few = write(turn, &standings, devices, marks, &passed).await?;
    for at in passed {
        let mark = &marks[at];
        let Some(standing) = standings.get(&(&mark.conversation, &mark.user)) else { continue };
        marked[at] = match standing.is_group {
            false if standing.request.is_some_and(RequestState::hides) => Marked::MovedInRequest,
            false => Marked::Moved,
            true if few.contains(mark.conversation.as_str()) => Marked::Moved,
            true if standing.is_out => Marked::MovedAmongMany { after: Seq(mark.seq.0 - 1) },
            true => {
                let before = after.get(&at).copied().unwrap_or_default();
                Marked::MovedAmongMany { after: Seq(nat(before)?) }
            }
        };
    }
    read(turn, marks, &marked, unread).await?;
    Ok(marked)
}

/// How far the members are whom marks are of.
async fn standings<'a>(
    turn: &Turn<'_>,
    marks: &'a [Mark],
) -> Result<HashMap<Place<'a>, Standing>, Failure> {
    let places: HashSet<Place<'a>> =
        marks.iter().map(|mark| (&mark.conversation, &mark.user)).collect();
    let places: Vec<Place<'a>> = places.into_iter().collect();
    let of: Vec<&str> = places.iter().map(|place| place.0.as_str()).collect();
    let user: Vec<&str> = places.iter().map(|place| place.1.as_str()).collect();
    let sql = "SELECT w.n, c.low IS NULL, c.head, m.ended IS NOT NULL, m.request, m.delivered, \
               m.delivered_at, m.read, m.read_at FROM unnest($1::text[], $2::text[]) \
               WITH ORDINALITY AS w (conversation, user_id, n) \
               JOIN member m ON m.conversation = w.conversation AND m.user_id = w.user_id \
               JOIN conversation c ON c.id = w.conversation";
    let mut standings = HashMap::new();
    for row in turn.conn.query(sql, params![of, user]).await? {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
        let Some(place) = place.and_then(|place| places.get(place)) else { continue };
        let standing = Standing {
            is_group: row.try_get(1)?,
            head: row.try_get(2)?,
            is_out: row.try_get(3)?,
            request: requests::of_number(row.try_get(4)?),
            delivered: row.try_get(5)?,
            delivered_at: row.try_get(6)?,
            read: row.try_get(7)?,
            read_at: row.try_get(8)?,
            has_moved: false,
            has_read: false,
        };
        standings.insert(*place, standing);
    }
    Ok(standings)
}

/// The marks, by their places, that are of entries which their users may see.
async fn visible(turn: &Turn<'_>, marks: &[Mark]) -> Result<HashSet<usize>, Failure> {
    let of: Vec<&str> = marks.iter().map(|mark| mark.conversation.as_str()).collect();
    let user: Vec<&str> = marks.iter().map(|mark| mark.user.as_str()).collect();
    let seq: Vec<i64> = marks.iter().map(|mark| bound(mark.seq.0)).collect();
    let sql = concat!(
        "SELECT e.n FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY \
         AS e (conversation, user_id, seq, n) \
         JOIN member m ON m.conversation = e.conversation AND m.user_id = e.user_id \
         WHERE m.joined > 0 AND ",
        seen!()
    );
    let rows = turn.conn.query(sql, params![of, user, seq]).await?;
    let place = |row: &Row| -> Result<usize, Failure> {
        Ok(usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(usize::MAX))
    };
    rows.iter().map(place).collect()
}

/// Those of the marks that moved over something that others said. Who said what was removed is not known
/// any more: it counts as others'.
async fn passed(
    turn: &Turn<'_>,
    marks: &[Mark],
    moved: &[Moved],
) -> Result<std::collections::BTreeSet<usize>, Failure> {
    let mut passed = std::collections::BTreeSet::new();
    if moved.is_empty() {
        return Ok(passed);
    }
    let of: Vec<&str> = moved.iter().map(|it| marks[it.mark].conversation.as_str()).collect();
    let user: Vec<&str> = moved.iter().map(|it| marks[it.mark].user.as_str()).collect();
    let before: Vec<i64> = moved.iter().map(|it| it.before).collect();
    let to: Vec<i64> = moved.iter().map(|it| bound(marks[it.mark].seq.0)).collect();
    let sql = "SELECT w.n FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) \
               WITH ORDINALITY AS w (conversation, user_id, before, upto, n) \
               JOIN conversation c ON c.id = w.conversation \
               WHERE w.before + 1 < c.first OR EXISTS (SELECT 1 FROM entry e \
               WHERE e.conversation = w.conversation AND e.seq > w.before AND e.seq <= w.upto \
               AND e.kind = 0 AND e.sender <> w.user_id)";
    for row in turn.conn.query(sql, params![of, user, before, to]).await? {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).ok();
        passed.extend(place.and_then(|place| moved.get(place)).map(|it| it.mark));
    }
    Ok(passed)
}

/// Writes where members and their devices are now; gives the groups in which all are told.
async fn write(
    turn: &mut Turn<'_>,
    standings: &HashMap<Place<'_>, Standing>,
    devices: BTreeMap<(&str, &str, &str), (i64, i64)>,
    marks: &[Mark],
    passed: &std::collections::BTreeSet<usize>,
) -> Result<HashSet<String>, Failure> {
    let conn = turn.conn;
    let write_devices = async {
        if devices.is_empty() {
            return Ok(());
        }
        let (places, had): (Vec<_>, Vec<(i64, i64)>) = devices.into_iter().unzip();
        let user: Vec<&str> = places.iter().map(|place| place.0).collect();
        let device: Vec<&str> = places.iter().map(|place| place.1).collect();
        let of: Vec<&str> = places.iter().map(|place| place.2).collect();
        let (seq, at): (Vec<i64>, Vec<i64>) = had.into_iter().unzip();
        let sql = "INSERT INTO delivered AS d (user_id, device, conversation, seq, at) \
                   SELECT w.user_id, w.device, w.conversation, w.seq, w.at \
                   FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
                   AS w (user_id, device, conversation, seq, at) \
                   JOIN device k ON k.user_id = w.user_id AND k.name = w.device AND k.active \
                   ON CONFLICT (user_id, device, conversation) DO UPDATE \
                   SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > d.seq";
        conn.execute(sql, params![user, device, of, seq, at]).await.map(drop)
    };
    let moved: Vec<_> = standings.iter().filter(|(_, it)| it.has_moved || it.has_read).collect();
    if moved.is_empty() {
        write_devices.await?;
        return Ok(HashSet::new());
    }
    let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
    for at in passed {
        let mark = &marks[*at];
        if mark.conversation.group_id().is_some() {
            let last = groups.entry(mark.conversation.as_str()).or_default();
            *last = (*last).max(bound(mark.now.0));
        }
    }
    let members_max = bound(turn.config.receipts_members_max);
    let write_moved = turn.at_position(async |conn, position| {
        let members = write_members(conn, &moved, position);
        let groups = write_groups(conn, groups, members_max, position);
        let ((), few) = tokio::try_join!(members, groups)?;
        Ok(few)
    });
    let ((), few) = tokio::try_join!(write_devices, write_moved)?;
    few.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Where the log is, if it is not known to the caller, who has locked the counter.
macro_rules! position {
    ($known:literal) => {
        concat!("coalesce(", $known, "::bigint, (SELECT position FROM counter))")
    };
}

/// Writes where members are now.
async fn write_members(
    conn: Conn<'_>,
    moved: &[(&Place<'_>, &Standing)],
    position: Option<i64>,
) -> Result<(), tokio_postgres::Error> {
    let of: Vec<&str> = moved.iter().map(|(place, _)| place.0.as_str()).collect();
    let user: Vec<&str> = moved.iter().map(|(place, _)| place.1.as_str()).collect();
    let column = |of: fn(&Standing) -> i64| moved.iter().map(|(_, it)| of(it)).collect::<Vec<_>>();
    let has_moved: Vec<bool> = moved.iter().map(|(_, it)| it.has_moved).collect();
    let has_read: Vec<bool> = moved.iter().map(|(_, it)| it.has_read).collect();
    let sql = concat!(
        "UPDATE member m SET delivered = w.delivered, delivered_at = w.delivered_at, \
         read = w.read, read_at = w.read_at, \
         moved = CASE WHEN w.has_moved THEN ",
        position!("$9"),
        " ELSE m.moved END, read_moved = CASE WHEN w.has_read THEN ",
        position!("$9"),
        " ELSE m.read_moved END \
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], \
         $6::bigint[], $7::boolean[], $8::boolean[]) AS w (conversation, user_id, \
         delivered, delivered_at, read, read_at, has_moved, has_read) \
         WHERE m.conversation = w.conversation AND m.user_id = w.user_id",
    );
    conn.execute(
        sql,
        params![
            of,
            user,
            column(|it| it.delivered),
            column(|it| it.delivered_at),
            column(|it| it.read),
            column(|it| it.read_at),
            has_moved,
            has_read,
            position,
        ],
    )
    .await
    .map(drop)
}

/// Notes in the groups in which all are told that there is a newer mark; gives those.
async fn write_groups(
    conn: Conn<'_>,
    groups: BTreeMap<&str, i64>,
    members_max: i64,
    position: Option<i64>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let (of, at): (Vec<&str>, Vec<i64>) = groups.into_iter().unzip();
    let sql = concat!(
        "UPDATE chat_group g SET marked = ",
        position!("$3"),
        ", marked_at = w.at FROM unnest($1::text[], $2::bigint[]) AS w (conversation, at) \
         WHERE g.conversation = w.conversation AND g.members <= $4 RETURNING g.conversation",
    );
    conn.query(sql, params![of, at, position, members_max]).await
}

/// The conversations of read marks that their users have marked as unread, each with the user.
async fn marked_unread(
    turn: &Turn<'_>,
    marks: &[Mark],
) -> Result<HashSet<(String, String)>, Failure> {
    let reads: Vec<&Mark> = marks.iter().filter(|it| it.is_read() && it.seq.0 > 0).collect();
    if reads.is_empty() {
        return Ok(HashSet::new());
    }
    let user: Vec<&str> = reads.iter().map(|mark| mark.user.as_str()).collect();
    let key: Vec<&str> = reads.iter().map(|mark| mark.conversation.as_str()).collect();
    let sql = "SELECT o.user_id, o.key FROM unnest($1::text[], $2::text[]) AS w (user_id, key) \
               JOIN own o ON o.user_id = w.user_id AND o.kind = $3 AND o.key = w.key \
               WHERE o.value IS NOT NULL";
    let unread = own::number(OwnKind::Unread);
    let rows = turn.conn.query(sql, params![user, key, unread]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Removes what read marks end: that their users have marked the conversations as unread.
async fn read(
    turn: &mut Turn<'_>,
    marks: &[Mark],
    marked: &[Marked],
    mut found: HashSet<(String, String)>,
) -> Result<(), Failure> {
    let reads = marks
        .iter()
        .zip(marked)
        .filter(|(mark, marked)| mark.is_read() && mark.seq.0 > 0 && **marked != Marked::NotFound);
    for (mark, _) in reads {
        let place = (mark.user.to_string(), mark.conversation.to_string());
        if found.remove(&place) {
            let key = OwnKey::conversation(&mark.conversation);
            let before = own::find(turn.conn, &mark.user, OwnKind::Unread, &key).await?;
            let record = removed(key, mark.now, before.as_ref())?;
            own::put(turn, &mark.user, &record, before.as_ref(), None).await?;
            let (user, records) = (mark.user.clone(), vec![record]);
            turn.work.own.push(OwnCommitted { user, origin: Origin::of(0), records });
        }
    }
    Ok(())
}

fn removed(key: OwnKey, now: Millis, before: Option<&Found>) -> Result<OwnRecord, Failure> {
    let at = bound(now.0).max(before.map_or(0, |before| before.at + 1));
    Ok(OwnRecord { kind: OwnKind::Unread, key, value: None, at: Millis(nat(at)?) })
}
