//! A machine whose clock is wrong keeps nothing.

use std::sync::Arc;
use std::time::Duration;

use parlor_store::postgres::{Config, OpenError, PostgresStore};

use crate::server::server;
use crate::sharing::Heard;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_too_far_from_the_databases_is_refused() {
    let database = server().database();
    // Found before the system's own: a server whose clock is wrong instead.
    database.sql(
        "CREATE SCHEMA wrong; CREATE TABLE wrong.by (ms bigint); INSERT INTO wrong.by VALUES (0); \
         CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
         $$ SELECT pg_catalog.clock_timestamp() + ms * interval '1 ms' FROM wrong.by $$",
    );
    database.sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = wrong, pg_catalog, public', current_database()); END $$");
    let opened = |ms: i64| {
        database.sql(&format!("UPDATE wrong.by SET ms = {ms}"));
        let mut config = Config::new(database.url());
        config.clock_skew_max = Duration::from_secs(10);
        PostgresStore::open(config, Arc::new(Heard::default())).map(drop)
    };
    for (ms, is_ahead) in [(-20_000, true), (20_000, false)] {
        let error = opened(ms).expect_err("it is refused");
        let OpenError::ClockSkew { ahead_ms, .. } = error else { panic!("{error}") };
        assert_eq!(ahead_ms > 0, is_ahead);
        assert!((19_000..=20_000).contains(&ahead_ms.abs()), "{ahead_ms}");
        let words = if is_ahead { "ahead of the database's" } else { "behind the database's" };
        assert!(error.to_string().contains(words), "{error}");
    }
    for ms in [-9_000, 9_000, 0] {
        opened(ms).expect("it is near enough");
    }
    database.remove();
}
