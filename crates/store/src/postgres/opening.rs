//! How the store comes about: connections, tables, the task that writes and the thread that tells.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor_chat::entry::Epoch;
use parlor_chat::store::CommitSink;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::conn::{Conn, params};
use super::connections::{self, pool, reason_of};
use super::following::{self, Following};
use super::health::Health;
use super::replica::Replica;
use super::writer::Writer;
use super::{Config, OpenError, Shared, life, migration, schema};
use crate::kept::clock::Clock;
use crate::kept::numbers::int;
use crate::kept::stats::Counters;

/// What opening comes to.
pub(super) struct Begun {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: JoinHandle<()>,
    pub(super) follower: std::thread::JoinHandle<()>,
}

/// Connects, sees to the tables, and starts the task that writes and the thread that tells.
pub(super) async fn begin(
    mut config: Config,
    sink: Arc<dyn CommitSink>,
) -> Result<Begun, OpenError> {
    config.reads_max = config.reads_max.clamp(1, Semaphore::MAX_PERMITS);
    let address = connections::address(&config.url, &config, config.statements)?;
    let known: Arc<Mutex<Option<Epoch>>> = Arc::default();
    let writer_pool = pool(&address, &config, 1, &known)?;
    let (epoch, seal_key, head) = {
        let client = writer_pool
            .get()
            .await
            .map_err(|error| OpenError::Connect { reason: reason_of(&error) })?;
        let conn = Conn::new(&client, &client.statement_cache, config.statements);
        migration::refuse_unfinished(conn).await?;
        refuse_skewed(conn, config.clock_skew_max).await?;
        schema::migrate(conn).await?;
        let head = conn.number("SELECT position FROM counter", params![]).await?;
        let epoch = life::epoch(conn).await?;
        life::note(conn, epoch).await?;
        (epoch, life::seal_key(conn).await?, head)
    };
    let (following, inbox) = Following::new(u64::try_from(head).unwrap_or_default());
    *known.lock() = Some(epoch);
    let replica = Replica::start(&config, epoch, pool(&address, &config, 1, &known)?)?;
    let (writes, commands) = mpsc::channel(config.write_queue_commands_max.max(1));
    let shared = Arc::new(Shared {
        epoch,
        seal_key,
        readers: pool(&address, &config, config.readers.max(1), &known)?,
        replica,
        reads: Arc::new(Semaphore::new(config.reads_max)),
        writes: Mutex::new(Some(writes)),
        queued_bytes: Arc::default(),
        health: Health::default(),
        counters: Counters::default(),
        following,
        config,
    });
    let pages = tokio::runtime::Handle::current();
    let follower = following::start(inbox, shared.clone(), sink, pages);
    let follower = follower.map_err(OpenError::Threads)?;
    let writer = Writer { shared: shared.clone(), pool: writer_pool, commands };
    let writer = tokio::spawn(writer.run());
    Ok(Begun { shared, writer, follower })
}

/// Compares this machine's clock with the server's, by which all nodes then agree with each other: what is said,
/// ends and expires has its time from them. That the question takes a while is in favour of the clock.
///
/// # Errors
/// [`OpenError::ClockSkew`].
async fn refuse_skewed(conn: Conn<'_>, max: Duration) -> Result<(), OpenError> {
    let here = || int(Clock::SYSTEM.now().0);
    let sql = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let before = here();
    let there = conn.number(sql, params![]).await?;
    let after = here();
    let ahead_ms = match there {
        there if there < before => before - there,
        there if there > after => after - there,
        _ => 0,
    };
    if u128::from(ahead_ms.unsigned_abs()) > max.as_millis() {
        return Err(OpenError::ClockSkew { ahead_ms, max });
    }
    Ok(())
}
