//! Connections to the database: how they are made, when one counts as lost, how long one is waited for.
//!
//! A server, or a way to it, that is silent must hold nobody for long: what was sent is acknowledged by the
//! other end's kernel within [`Config::patience`], and an idle connection is asked for as often.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError};
use deadpool_postgres::{RecyclingMethod, Runtime, Timeouts};
use parking_lot::Mutex;
use parlor_chat::entry::Epoch;
use parlor_chat::store::StoreError;
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;

use super::conn::{Conn, Failure, Statements};
use super::{Config, OpenError, Shared, life, tls};

/// How soon one is asked for again, where there was none.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// Questions to an idle connection without an answer, after which it is lost, and the pause between them.
const KEEPALIVES_MAX: u32 = 3;
const KEEPALIVE_PAUSE: Duration = Duration::from_secs(1);
/// What the server is told at the beginning of a connection, where no pooler stands between.
///
/// Compiling a statement costs half a second and more, where carrying it out takes a few milliseconds: for
/// 16 partitions of a small log the planner thinks it dear enough.
///
/// A plan is made once for each connection: made for its parameters it looks at one partition, so the planner
/// would make it anew each time, which costs more than carrying it out; one that is kept finds its
/// partition when it begins. It may have been made while the tables were empty, or before the server knew
/// how large they are, and then reads all of them for every message: so what every statement is written for
/// is asked for, indexes and loops over few rows.
const OPTIONS: &str = "-c jit=off -c plan_cache_mode=force_generic_plan \
    -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// Where a database is, and how a connection to it is kept.
///
/// # Errors
/// [`OpenError::Address`].
pub(super) fn address(
    url: &str,
    config: &Config,
    statements: Statements,
) -> Result<tokio_postgres::Config, OpenError> {
    let mut address = tls::address(url)?;
    address
        .application_name("parlor")
        .connect_timeout(config.patience)
        .tcp_user_timeout(config.patience)
        .keepalives_idle(config.patience)
        .keepalives_interval(KEEPALIVE_PAUSE)
        .keepalives_retries(KEEPALIVES_MAX);
    if statements == Statements::Prepared {
        let own = address.get_options().map(|own| format!("{OPTIONS} {own}"));
        address.options(own.as_deref().unwrap_or(OPTIONS));
    }
    Ok(address)
}

/// What is told of a server that has another epoch than the store was opened with.
pub(super) const OTHER_EPOCH: &str =
    "the database's log is in another life than when this server started";

/// Connections that are kept. Each new one makes sure that the log is in the life it was in.
pub(crate) fn pool(
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
pub(crate) fn reason_of(error: &PoolError) -> String {
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

/// Lets a connection go that is not to be used again.
pub(super) fn discard(client: Client) {
    drop(Client::take(client));
}

impl Shared {
    /// Makes sure, within a transaction, that a pooler has not come to another server meanwhile, or to the same
    /// one in another life. What no pooler stands before was asked when the connection was made, once for all.
    ///
    /// # Errors
    /// It has: that is noted, and only a restart mends it. Or the server is not to be asked.
    pub(super) async fn same_life(&self, conn: Conn<'_>) -> Result<(), Failure> {
        if !conn.is_pooled() {
            return Ok(());
        }
        match life::epoch(conn).await {
            Ok(epoch) if epoch == self.epoch => Ok(()),
            Err(OpenError::Database(error)) => Err(Failure::Engine(error)),
            // One that has no tables is another, too.
            Ok(_) | Err(_) => {
                self.health.fail(OTHER_EPOCH);
                Err(StoreError::Unavailable { reason: OTHER_EPOCH.into() }.into())
            }
        }
    }

    /// A connection that reads; until the deadline it is tried again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], when there was none until then.
    pub(super) async fn reader(&self, deadline: Instant) -> Result<Client, StoreError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let within = Timeouts { wait: Some(left), create: Some(left), recycle: Some(left) };
            let error = match self.readers.timeout_get(&within).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let reason = self.no_connection(&error);
            self.health.check_lasting()?;
            let is_last = matches!(error, PoolError::Closed) || Instant::now() + PAUSE >= deadline;
            if is_last {
                return Err(StoreError::Unavailable { reason });
            }
            sleep(PAUSE).await;
        }
    }

    /// Why no connection was given; if that is for good, it is noted.
    pub(super) fn no_connection(&self, error: &PoolError) -> Arc<str> {
        let reason = reason_of(error);
        if reason.contains(OTHER_EPOCH) {
            self.health.fail(OTHER_EPOCH);
        }
        reason.into()
    }
}
