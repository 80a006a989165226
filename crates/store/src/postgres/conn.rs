//! One connection: how statements are sent, and what can go wrong.
//!
//! Statements are prepared once and kept by the connection; or, where a pooler hands connections from
//! one to another at each transaction, sent each time without a name ([`Statements`]). Every parameter
//! knows its type, so neither way asks the server for it.

use std::sync::Arc;

use deadpool_postgres::StatementCache;
use parlor_chat::refusal::Refusal;
use parlor_chat::store::StoreError;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statements {
    /// Prepared once for each connection.
    #[default]
    Prepared,
    /// Without a name, each time, and nothing is said to a connection that holds beyond a transaction: for a
    /// pooler in transaction mode.
    Unnamed,
}

impl Statements {
    /// What is said first in each transaction. A pooler takes no options for a connection: they go with each
    /// transaction then.
    pub(crate) fn setting(self) -> Option<&'static str> {
        match self {
            Self::Prepared => None,
            Self::Unnamed => Some("SET LOCAL jit = off"),
        }
    }
}

/// Why one command, or the whole batch, cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This command is refused; nothing was written for it.
    Refused(StoreError),
    /// The server, or the way to it, failed.
    Engine(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// What the caller is told.
    pub(crate) fn told(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Engine(error) => told(&error),
        }
    }
}

/// Whether the server would refuse the same data again: its values, its constraints, or what is stored
/// in their place (PostgreSQL 17, appendix A: classes 22 and 23, `XX001`, `XX002`).
pub(crate) fn is_of_data(error: &tokio_postgres::Error) -> bool {
    let class = |code: &SqlState| code.code().starts_with("22") || code.code().starts_with("23");
    let corrupt = [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
    error.code().is_some_and(|code| class(code) || corrupt.contains(code))
}

/// What a caller is told of a failure of the server.
pub(crate) fn told(error: &tokio_postgres::Error) -> StoreError {
    if error.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE) {
        let refusal = Refusal::invalid("text", "must not have the character U+0000");
        return StoreError::Refused(Box::new(refusal));
    }
    // The detail of an error may have values of rows in it.
    let what: Arc<str> = match error.as_db_error() {
        Some(db) => format!("PostgreSQL: {} ({})", db.message(), db.code().code()).into(),
        None => format!("PostgreSQL: {error}").into(),
    };
    match is_of_data(error) {
        true => StoreError::Corrupt { what },
        false => StoreError::Unavailable { reason: what },
    }
}

/// A parameter of a statement.
pub(crate) trait Param: ToSql + Sync + Send {
    /// Its type.
    fn of_type(&self) -> Type;
    /// Itself.
    fn as_sql(&self) -> &(dyn ToSql + Sync);
}

macro_rules! param {
    ($($rust:ty => $sql:ident),* $(,)?) => {
        $(impl Param for $rust {
            fn of_type(&self) -> Type {
                Type::$sql
            }

            fn as_sql(&self) -> &(dyn ToSql + Sync) {
                self
            }
        })*
    };
}

param! {
    i64 => INT8, Option<i64> => INT8, Vec<i64> => INT8_ARRAY, Vec<Option<i64>> => INT8_ARRAY,
    bool => BOOL, Vec<bool> => BOOL_ARRAY,
    &str => TEXT, Option<&str> => TEXT, String => TEXT, Option<String> => TEXT,
    Vec<&str> => TEXT_ARRAY, Vec<String> => TEXT_ARRAY, Vec<Option<&str>> => TEXT_ARRAY,
    Vec<Option<String>> => TEXT_ARRAY,
    &[u8] => BYTEA, Vec<Vec<u8>> => BYTEA_ARRAY,
}

/// The parameters of a statement.
macro_rules! params {
    ($($param:expr),* $(,)?) => {
        &[$(&$param as &dyn $crate::postgres::conn::Param),*]
    };
}
pub(crate) use params;

/// A connection, for as long as somebody has it.
#[derive(Clone, Copy)]
pub(crate) struct Conn<'a> {
    client: &'a Client,
    cache: &'a StatementCache,
    statements: Statements,
}

impl<'a> Conn<'a> {
    /// Whether each transaction may be carried out by another server: whoever stands between decides.
    pub(crate) fn is_pooled(&self) -> bool {
        self.statements == Statements::Unnamed
    }

    pub(crate) fn new(
        client: &'a Client,
        cache: &'a Arc<StatementCache>,
        statements: Statements,
    ) -> Self {
        Self { client, cache, statements }
    }

    /// Prepares a statement, so that it is sent as soon as it is asked for: before what is asked for behind it.
    pub(crate) async fn prepare(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<(), tokio_postgres::Error> {
        if self.statements == Statements::Prepared {
            let types: Vec<Type> = params.iter().map(|param| param.of_type()).collect();
            self.cache.prepare_typed(self.client, sql, &types).await?;
        }
        Ok(())
    }

    /// The rows that a statement gives.
    pub(crate) async fn query(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        match self.statements {
            Statements::Prepared => {
                let types: Vec<Type> = params.iter().map(|param| param.of_type()).collect();
                let statement = self.cache.prepare_typed(self.client, sql, &types).await?;
                let params: Vec<_> = params.iter().map(|param| param.as_sql()).collect();
                self.client.query(&statement, &params).await
            }
            Statements::Unnamed => {
                let params: Vec<_> =
                    params.iter().map(|param| (param.as_sql(), param.of_type())).collect();
                self.client.query_typed(sql, &params).await
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Whether there is a row.
    pub(crate) async fn exists(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<bool, tokio_postgres::Error> {
        Ok(!self.query(sql, params).await?.is_empty())
    }

    /// The number in the first column of the first row; 0 if there is none.
    pub(crate) async fn number(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<i64, tokio_postgres::Error> {
        let found = self.first(sql, params).await?;
        Ok(found.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten().unwrap_or(0))
    }

    /// Carries a statement out; gives how many rows it changed.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        params: &[&dyn Param],
    ) -> Result<u64, tokio_postgres::Error> {
        match self.statements {
            Statements::Prepared => {
                let types: Vec<Type> = params.iter().map(|param| param.of_type()).collect();
                let statement = self.cache.prepare_typed(self.client, sql, &types).await?;
                let params: Vec<_> = params.iter().map(|param| param.as_sql()).collect();
                self.client.execute(&statement, &params).await
            }
            Statements::Unnamed => {
                let params: Vec<_> =
                    params.iter().map(|param| (param.as_sql(), param.of_type())).collect();
                self.client.execute_typed(sql, &params).await
            }
        }
    }

    /// Carries out statements that have no parameters, one behind the other.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<(), tokio_postgres::Error> {
        match self.statements.setting() {
            Some(setting) => self.run(&format!("BEGIN; {setting}")).await,
            None => self.run("BEGIN").await,
        }
    }
}
