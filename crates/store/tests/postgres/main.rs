//! The store on PostgreSQL keeps every promise of the port, on a real server.

use std::sync::Arc;
use std::time::Duration;

use parlor_chat::store::CommitSink;
use parlor_store::contract::{
    CROWD_MEMBERS_MAX, Made, MadeWhole, RETAINED_MS, clock, moving_clock, run_all, run_around,
    run_crowds, run_groups, run_moderating, run_retaining, run_timing,
};
use parlor_store::postgres::{Clock, Config, PostgresStore};

mod asking;
mod clocks;
mod encrypted;
mod failing;
mod migrating;
mod moving;
mod pooled;
mod replica;
mod server;
mod sharing;

use server::{Database, server};

/// Lets the database go once the store is closed.
struct Removed(Database, Arc<PostgresStore>);

impl Drop for Removed {
    fn drop(&mut self) {
        self.1.close();
        if !std::thread::panicking() {
            self.0.remove();
        }
    }
}

fn quick(database: &Database) -> Config {
    let mut config = Config::new(database.url());
    config.upkeep_every = Duration::from_millis(20);
    config.readers = 4;
    config
}

fn opened(
    sink: Arc<dyn CommitSink>,
    change: impl FnOnce(&mut Config),
) -> (Arc<PostgresStore>, Removed) {
    let database = server().database();
    let mut config = quick(&database);
    change(&mut config);
    let store = Arc::new(PostgresStore::open(config, sink).expect("it opens"));
    (store.clone(), Removed(database, store))
}

fn made(sink: Arc<dyn CommitSink>, change: impl FnOnce(&mut Config)) -> Made<Removed> {
    let (store, guard) = opened(sink, change);
    Made { store, guard }
}

fn whole(sink: Arc<dyn CommitSink>, change: impl FnOnce(&mut Config)) -> MadeWhole<Removed> {
    let (store, guard) = opened(sink, change);
    MadeWhole { store: store.clone(), groups: store.clone(), around: store, guard }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    run_all(|sink| made(sink, |_| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_while_it_removes_old_entries() {
    run_retaining(|sink| {
        made(sink, |config| {
            config.retention_ms = Some(RETAINED_MS);
            config.clock = Clock(clock);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_of_groups() {
    run_groups(|sink| {
        let (store, guard) = opened(sink, |_| {});
        (Made { store: store.clone(), guard }, store)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_what_is_done_to_messages() {
    run_around(|sink| whole(sink, |_| {})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_of_larger_groups() {
    run_crowds(|sink| whole(sink, |config| config.receipts_members_max = CROWD_MEMBERS_MAX)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_times_also_while_it_removes_old_entries() {
    for retention_ms in [None, Some(RETAINED_MS)] {
        run_timing(|sink| {
            whole(sink, |config| {
                config.retention_ms = retention_ms;
                config.clock = Clock(moving_clock);
            })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_of_moderation() {
    run_moderating(|sink| made(sink, |config| config.batch_commands_max = 3)).await;
}
