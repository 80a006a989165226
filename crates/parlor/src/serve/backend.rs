//! The store that messages are kept in, whichever it is.

use std::path::Path;
use std::sync::Arc;

use parlor_chat::around::port::Around;
use parlor_chat::bus::Bus;
use parlor_chat::group::port::Groups;
use parlor_chat::store::{CommitSink, Store, StoreError};
#[cfg(feature = "postgres")]
use parlor_store::postgres::PostgresStore;
use parlor_store::sqlite::{SqliteStore, Stats};

use super::data;
use crate::config::{self, Config};
#[cfg(feature = "postgres")]
use crate::exit::Code;
use crate::exit::Failure;

/// An opened store.
#[derive(Clone)]
pub(crate) enum Backend {
    /// In a file of SQLite's.
    Sqlite(Arc<SqliteStore>),
    /// On a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Arc<PostgresStore>),
}

impl Backend {
    /// Opens the store that is configured.
    ///
    /// # Errors
    /// A [`Failure`] that says what to do.
    pub(crate) fn open(
        data: &Path,
        config: &Config,
        sink: Arc<dyn CommitSink>,
    ) -> Result<Self, Failure> {
        match config.store.backend {
            config::Backend::Sqlite => data::open(data, config, sink).map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            config::Backend::Postgres => postgres(config, sink).map(Self::Postgres),
            #[cfg(not(feature = "postgres"))]
            config::Backend::Postgres => unreachable!("it was refused before"),
        }
    }

    /// The parts of the store that the service takes.
    pub(crate) fn parts(&self) -> (Arc<dyn Store>, Arc<dyn Groups>, Arc<dyn Around>) {
        match self {
            Self::Sqlite(store) => (store.clone(), store.clone(), store.clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => (store.clone(), store.clone(), store.clone()),
        }
    }

    /// Whether writes can be acknowledged now; the reason if not.
    pub(crate) fn health(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.health(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.health(),
        }
    }

    /// What its log is called on a bus; `None` for a log that no other node can have.
    #[cfg(feature = "postgres")]
    pub(crate) fn log_id(&self) -> Option<u64> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.log_id()),
        }
    }

    /// Has it tell other nodes what it commits, and hear them.
    pub(crate) fn join(&self, bus: Arc<dyn Bus>) {
        match self {
            Self::Sqlite(_) => drop(bus),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.join(bus),
        }
    }

    /// What it has counted.
    pub(crate) fn stats(&self) -> Stats {
        match self {
            Self::Sqlite(store) => store.stats(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.stats(),
        }
    }

    /// Finishes what is queued and closes it. Blocks until it is done.
    pub(crate) fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.close(),
        }
    }

    /// What the engine is called by OpenTelemetry's conventions.
    #[cfg(feature = "traces")]
    pub(crate) fn system(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "postgresql",
        }
    }

    /// Where messages are kept, for people.
    pub(crate) fn place(&self, data: &Path) -> String {
        match self {
            Self::Sqlite(_) => data.display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => String::from("PostgreSQL"),
        }
    }
}

#[cfg(feature = "postgres")]
fn postgres(config: &Config, sink: Arc<dyn CommitSink>) -> Result<Arc<PostgresStore>, Failure> {
    let url = config.store.url.as_ref().map_or(&b""[..], |url| url.expose());
    let url = String::from_utf8_lossy(url);
    let opened = PostgresStore::open(super::settings::postgres(config, &url), sink);
    opened.map(Arc::new).map_err(|error| {
        let why = super::with_sources(&error);
        let advice = "look at store.url, and whether the server is there and lets this user make \
                      tables in that database";
        Failure::new(Code::Data, format!("the database cannot be used: {why}; {advice}"))
    })
}
