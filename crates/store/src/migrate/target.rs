//! The target: one connection to the database, held by a lock against other migrations.
//!
//! Each slice of the log and each table is written in a transaction of its own, so that a migration that is
//! cut off, wherever that is, leaves whole ones. What is given back for comparison is read after the commit.

use deadpool_postgres::Client;
use parlor_chat::store::StoreError;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;

use super::cells::{Cell, Cells, Kind, Sum, columns, given_back};
use super::error::MigrateError;
use super::log::{ENTRY, Range, Search, Slice, Sums, WORDS};
use super::tables::Table;
use crate::postgres::conn::{Conn, Param, params};
use crate::postgres::migration::{self, Found, Origin, Whole};
use crate::postgres::{Config, OpenError, Statements, connections, tls};

/// Held by a migration for as long as it is at work ("migrate" as a number).
const LOCK: i64 = 0x006d_6967_7261_7465;

/// Rows, and bytes, written in one statement.
const ROWS_AT_ONCE: usize = 1_000;
const BYTES_AT_ONCE: usize = 4 << 20;

/// Rows given back by one statement.
const FETCHED_AT_ONCE: u32 = 1_000;

/// How the connection is: it waits for locks that a cut migration may still have, but not for ever; and the
/// statistics of a database that was just filled must not lead joins astray.
const SESSION: &str = "SET lock_timeout = '10s'; SET statement_timeout = 0; \
    SET idle_in_transaction_session_timeout = 0; \
    SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Lets the server notice soon that a migration was killed, where its system can tell.
const NOTICES: &str = "SET client_connection_check_interval = '1s'";

/// The target of a migration.
pub(crate) struct Target {
    client: Client,
    runtime: Runtime,
}

impl Target {
    /// Connects, and keeps other migrations out.
    pub(crate) fn connect(config: &Config) -> Result<Self, MigrateError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("migrate-postgres")
            .enable_all()
            .build()
            .map_err(MigrateError::Threads)?;
        let mut address = tls::address(&config.url)?;
        address.application_name("parlor migrate").connect_timeout(config.patience);
        let client = runtime.block_on(async {
            let pool = connections::pool(&address, config, 1, &std::sync::Arc::default())?;
            let reason = |error| OpenError::Connect { reason: connections::reason_of(&error) };
            pool.get().await.map_err(reason)
        })?;
        let target = Self { client, runtime };
        let conn = target.conn();
        target.runtime.block_on(async {
            conn.run(SESSION).await?;
            // Where it cannot tell, it notices with the end of the statement.
            drop(conn.run(NOTICES).await);
            match conn.query("SELECT pg_advisory_lock($1)", params![LOCK]).await {
                Ok(_) => Ok(()),
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                    Err(MigrateError::Busy)
                }
                Err(error) => Err(error.into()),
            }
        })?;
        Ok(target)
    }

    fn conn(&self) -> Conn<'_> {
        Conn::new(&self.client, &self.client.statement_cache, Statements::Unnamed)
    }

    pub(crate) fn claim(&self, origin: &Origin) -> Result<Found, MigrateError> {
        Ok(self.runtime.block_on(migration::claim(self.conn(), origin))?)
    }

    pub(crate) fn finish(&self, whole: &Whole) -> Result<(), MigrateError> {
        Ok(self.runtime.block_on(migration::finish(self.conn(), whole))?)
    }

    /// Lets the database see what it holds, so that its first server finds things fast.
    pub(crate) fn analyze(&self) -> Result<(), MigrateError> {
        Ok(self.runtime.block_on(self.conn().run("ANALYZE"))?)
    }

    /// Does something in a transaction.
    fn whole<T>(
        &self,
        work: impl FnOnce(Conn<'_>) -> Result<T, MigrateError>,
    ) -> Result<T, MigrateError> {
        let conn = self.conn();
        self.runtime.block_on(conn.run("BEGIN"))?;
        let done = work(conn);
        match done {
            Ok(_) => self.runtime.block_on(conn.run("COMMIT"))?,
            // What cannot be rolled back has ended with the connection.
            Err(_) => drop(self.runtime.block_on(conn.run("ROLLBACK"))),
        }
        done
    }

    /// Puts what the source has in a range in the place of what is there.
    pub(crate) fn put(&self, slice: &Slice) -> Result<(), MigrateError> {
        let places = columns("entry", &[Kind::Text, Kind::Int], &slice.entries)?;
        self.whole(|conn| {
            self.runtime.block_on(async {
                let Range { after, to } = slice.range;
                let sql = "DELETE FROM message_words w USING entry e WHERE e.pos > $1 AND e.pos <= $2 \
                           AND w.conversation = e.conversation AND w.seq = e.seq";
                conn.execute(sql, params![after, to]).await?;
                let sql = "DELETE FROM entry WHERE pos > $1 AND pos <= $2";
                conn.execute(sql, params![after, to]).await?;
                // A source that was put back from a copy may have other positions for the same places.
                for table in ["message_words", "entry"] {
                    let sql = format!(
                        "DELETE FROM {table} t USING unnest($1::text[], $2::bigint[]) AS n (c, s) \
                         WHERE t.conversation = n.c AND t.seq = n.s"
                    );
                    conn.execute(&sql, &given(&places)).await?;
                }
                insert(conn, "entry", &ENTRY, &slice.entries).await?;
                insert(conn, "message_words", &WORDS, &slice.words).await?;
                let sql = "UPDATE migration SET up_to = $1 WHERE up_to < $1";
                conn.execute(sql, params![last_position(slice)]).await?;
                Ok(())
            })
        })
    }

    /// What is there in a range.
    pub(crate) fn sums(&self, range: Range, search: Search) -> Result<Sums, MigrateError> {
        if range.is_wide() {
            let sql = "SELECT count(*) FROM entry WHERE pos > $1 AND pos <= $2";
            let count =
                self.runtime.block_on(self.conn().number(sql, params![range.after, range.to]))?;
            let entries = Sum::unread(count.unsigned_abs());
            let entries = if count == 0 { Sum::default() } else { entries };
            return Ok(Sums { entries, words: Sum::default() });
        }
        let words = match search {
            Search::On => self.words(range)?,
            Search::Off => Vec::new(),
        };
        Ok(Sums { entries: Sum::of(&self.entries(range)?), words: Sum::of(&words) })
    }

    /// The entries of a range that is not wide, in the order of their positions.
    pub(crate) fn entries(&self, range: Range) -> Result<Vec<Cells>, MigrateError> {
        let names = ENTRY.map(|(name, _)| name).join(", ");
        let sql = format!("SELECT {names} FROM entry WHERE pos > $1 AND pos <= $2 ORDER BY pos");
        self.given_back(&sql, params![range.after, range.to], &ENTRY.map(|(_, kind)| kind))
    }

    /// The words of the messages of a range that is not wide.
    fn words(&self, range: Range) -> Result<Vec<Cells>, MigrateError> {
        let sql = "SELECT w.conversation, w.seq, w.pos, \
                   array_to_string(tsvector_to_array(w.words), ' ') FROM entry e \
                   JOIN message_words w ON w.conversation = e.conversation AND w.seq = e.seq \
                   WHERE e.pos > $1 AND e.pos <= $2";
        let kinds = WORDS.map(|(_, kind)| kind);
        let mut rows = self.given_back(sql, params![range.after, range.to], &kinds)?;
        for row in &mut rows {
            if let Some(Cell::Text(words)) = row.last_mut() {
                let mut sorted: Vec<&str> = words.split(' ').collect();
                sorted.sort_unstable();
                *words = sorted.join(" ");
            }
        }
        Ok(rows)
    }

    fn given_back(
        &self,
        sql: &str,
        params: &[&dyn Param],
        kinds: &[Kind],
    ) -> Result<Vec<Cells>, MigrateError> {
        let rows = self.runtime.block_on(self.conn().query(sql, params))?;
        Ok(rows.iter().map(|row| given_back(kinds, row)).collect::<Result<_, _>>()?)
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> Result<u64, MigrateError> {
        let sql = format!("SELECT count(*) FROM {table}");
        Ok(self.runtime.block_on(self.conn().number(&sql, params![]))?.unsigned_abs())
    }

    /// Fills a table anew with what `fill` gives.
    pub(crate) fn replace(
        &self,
        table: &Table,
        fill: impl FnOnce(&mut dyn FnMut(Cells) -> Result<(), MigrateError>) -> Result<(), MigrateError>,
    ) -> Result<Sum, MigrateError> {
        let columns: Vec<(&str, Kind)> =
            table.columns.iter().map(|(name, from)| (*name, from.kind())).collect();
        self.whole(|conn| {
            self.runtime.block_on(conn.run(&format!("TRUNCATE {}", table.name)))?;
            let (mut sum, mut rows, mut bytes) = (Sum::default(), Vec::new(), 0);
            let mut take = |row: Cells| {
                sum.add(&row);
                bytes += row.iter().map(Cell::weight).sum::<usize>();
                rows.push(row);
                if rows.len() >= ROWS_AT_ONCE || bytes >= BYTES_AT_ONCE {
                    self.runtime.block_on(insert(conn, table.name, &columns, &rows))?;
                    rows.clear();
                    bytes = 0;
                }
                Ok(())
            };
            fill(&mut take)?;
            self.runtime.block_on(insert(conn, table.name, &columns, &rows))?;
            Ok(sum)
        })
    }

    /// The checksum of a whole table, read a piece at a time.
    pub(crate) fn sum(&self, table: &Table) -> Result<Sum, MigrateError> {
        let names: Vec<String> = table.columns.iter().map(|it| format!("\"{}\"", it.0)).collect();
        let kinds = table.kinds();
        self.whole(|conn| {
            let (names, table) = (names.join(", "), table.name);
            let open = format!("DECLARE piece NO SCROLL CURSOR FOR SELECT {names} FROM {table}");
            self.runtime.block_on(conn.run(&open))?;
            let fetch = format!("FETCH {FETCHED_AT_ONCE} FROM piece");
            let mut sum = Sum::default();
            loop {
                let rows = self.given_back(&fetch, params![], &kinds)?;
                if rows.is_empty() {
                    break;
                }
                sum.join(Sum::of(&rows));
            }
            self.runtime.block_on(conn.run("CLOSE piece"))?;
            Ok(sum)
        })
    }
}

/// Up to where a slice brings entries. Where there are none, it brings nothing.
fn last_position(slice: &Slice) -> i64 {
    if slice.entries.is_empty() { 0 } else { slice.range.to }
}

fn given(columns: &[Box<dyn Param>]) -> Vec<&dyn Param> {
    columns.iter().map(AsRef::as_ref).collect()
}

async fn insert(
    conn: Conn<'_>,
    table: &'static str,
    columns: &[(&str, Kind)],
    rows: &[Cells],
) -> Result<(), MigrateError> {
    if rows.is_empty() {
        return Ok(());
    }
    let kinds: Vec<Kind> = columns.iter().map(|(_, kind)| *kind).collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let value = |name: &String| match (table, name.as_str()) {
        ("message_words", "\"words\"") => {
            String::from("array_to_tsvector(string_to_array(n.words, ' '))")
        }
        _ => format!("n.{name}"),
    };
    let values: Vec<String> = names.iter().map(value).collect();
    let array = |(at, kind): (usize, &Kind)| {
        let of = match kind {
            Kind::Int => "bigint",
            Kind::Bool => "boolean",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        };
        format!("${}::{of}[]", at + 1)
    };
    let arrays: Vec<String> = kinds.iter().enumerate().map(array).collect();
    let (names, values, arrays) = (names.join(", "), values.join(", "), arrays.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({names}) SELECT {values} FROM unnest({arrays}) AS n ({names})"
    );
    let columns = self::columns(table, &kinds, rows)?;
    conn.execute(&sql, &given(&columns)).await?;
    Ok(())
}

impl From<crate::postgres::conn::Failure> for MigrateError {
    fn from(failure: crate::postgres::conn::Failure) -> Self {
        match failure {
            crate::postgres::conn::Failure::Refused(StoreError::Corrupt { what }) => {
                Self::Damaged { what }
            }
            crate::postgres::conn::Failure::Refused(error) => error.into(),
            crate::postgres::conn::Failure::Engine(error) => error.into(),
        }
    }
}
