//! How the store comes about: connections, tables, the task that writes and the thread that tells.

use std::sync::Arc;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError};
use deadpool_postgres::{RecyclingMethod, Runtime};
use parking_lot::Mutex;
use parlor_chat::entry::Epoch;
use parlor_chat::store::CommitSink;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use super::conn::{Conn, params};
use super::following::{self, Following};
use super::health::Health;
use super::writer::Writer;
use super::{Config, OpenError, Shared, life, schema, tls};
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
    let mut address = tls::address(&config.url)?;
    address.application_name("parlor").connect_timeout(config.patience);
    let known: Arc<Mutex<Option<Epoch>>> = Arc::default();
    let writer_pool = pool(&address, &config, 1, &known)?;
    let (epoch, seal_key, head) = {
        let client = writer_pool
            .get()
            .await
            .map_err(|error| OpenError::Connect { reason: reason_of(&error) })?;
        let conn = Conn::new(&client, &client.statement_cache, config.statements);
        schema::migrate(conn).await?;
        let head = conn.number("SELECT position FROM counter", params![]).await?;
        (life::epoch(conn).await?, life::seal_key(conn).await?, head)
    };
    let (following, inbox) = Following::new(u64::try_from(head).unwrap_or_default());
    *known.lock() = Some(epoch);
    let (writes, commands) = mpsc::channel(config.write_queue_commands_max.max(1));
    let shared = Arc::new(Shared {
        epoch,
        seal_key,
        readers: pool(&address, &config, config.readers.max(1), &known)?,
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

/// What a connection is told that meets another epoch than the store was opened with.
pub(super) const OTHER_EPOCH: &str =
    "the database's log is in another life than when this server started";

/// Connections to the database. Each new one makes sure that the log is in the life it was in.
fn pool(
    address: &tokio_postgres::Config,
    config: &Config,
    connections: usize,
    known: &Arc<Mutex<Option<Epoch>>>,
) -> Result<Pool, OpenError> {
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls::encryption(address, config.tls_ca_file.as_deref())? {
        Some(encryption) => Manager::from_config(address.clone(), encryption, manager),
        None => Manager::from_config(address.clone(), NoTls, manager),
    };
    let (known, statements) = (known.clone(), config.statements);
    let check = Hook::async_fn(move |client, _| {
        let known = known.clone();
        Box::pin(async move {
            let Some(expected) = *known.lock() else { return Ok(()) };
            let conn = Conn::new(client, &client.statement_cache, statements);
            match life::epoch(conn).await {
                Ok(epoch) if epoch == expected => Ok(()),
                Ok(_) => Err(HookError::message(OTHER_EPOCH)),
                Err(error) => Err(HookError::message(error.to_string())),
            }
        })
    });
    Pool::builder(manager)
        .max_size(connections)
        .wait_timeout(Some(config.patience))
        .create_timeout(Some(config.patience))
        .runtime(Runtime::Tokio1)
        .post_create(check)
        .build()
        .map_err(|error| OpenError::Connect { reason: error.to_string() })
}

/// Why no connection was given.
pub(super) fn reason_of(error: &PoolError) -> String {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        // Some say what their source says as well.
        let said = error.to_string();
        if !reason.contains(&said) {
            reason.push_str(": ");
            reason.push_str(&said);
        }
        source = error.source();
    }
    reason
}
