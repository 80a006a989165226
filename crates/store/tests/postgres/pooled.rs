//! The store behind a pooler in transaction mode, a real PgBouncer.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parlor_chat::store::{CommitSink, Store, StoreError};
use parlor_store::contract::{Made, run_groups};
use parlor_store::postgres::{Config, OpenError, PostgresStore, Statements};

use crate::server::{Database, directory, server};
use crate::sharing::{Heard, say, user};
use crate::{Removed, quick};

/// Starts the pooler, has it read its configuration again at each line of the input, and ends it with that. As
/// root it runs as nobody.
const SCRIPT: &str = r#"
if [ "$(id -u)" = 0 ]; then as="runuser -u nobody --"; else as=; fi
PATH=$PATH:/usr/sbin
$as pgbouncer -q "$1"/pgbouncer.ini >>"$1"/log 2>&1 &
while read -r _; do $as kill -HUP "$(cat "$1"/pid)"; done
$as kill -INT "$(cat "$1"/pid)"
wait
rm -rf "$1"
"#;

/// A pooler before the server of this process.
struct Pooler {
    dir: PathBuf,
    shell: Child,
}

impl Pooler {
    /// It knows every database of the server by its name, and one by another.
    fn start(moved: Option<&Database>) -> Self {
        let dir = directory();
        configure(&dir, moved);
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(&dir).current_dir("/");
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let pooler = Self { shell: shell.spawn().expect("a shell starts"), dir };
        let began = Instant::now();
        while !(pooler.dir.join(".s.PGSQL.5432").exists() && pooler.dir.join("pid").exists()) {
            let log = || std::fs::read_to_string(pooler.dir.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(30), "the pooler starts: {}", log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        pooler
    }

    /// The other name is that of this database from now on.
    fn move_to(&mut self, database: &Database) {
        configure(&self.dir, Some(database));
        let input = self.shell.stdin.as_mut().expect("it is a pipe");
        std::io::Write::write_all(input, b"again\n").expect("the shell reads");
    }
}

/// Fewer connections than are asked for by the many stores of a process, so that all are shared.
fn configure(dir: &Path, moved: Option<&Database>) {
    let (own, server) = (dir.display(), server().socket().display());
    let to = format!("host={server} user=parlor");
    let moved = moved.map(|it| format!("moved = {to} dbname={}\n", it.name()));
    let moved = moved.unwrap_or_default();
    let text = format!(
        "[databases]\n{moved}* = {to}\n\
         [pgbouncer]\nlisten_addr =\nunix_socket_dir = {own}\nlisten_port = 5432\npidfile = {own}/pid\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 500\n",
    );
    std::fs::write(dir.join("pgbouncer.ini"), text).expect("it is written");
}

fn pooler() -> &'static Pooler {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    POOLER.get_or_init(|| Pooler::start(None))
}

fn through(pooler: &Pooler, config: &mut Config, database: Option<&Database>) {
    config.statements = Statements::Unnamed;
    config.url = match database {
        Some(database) => database.url_at(&pooler.dir),
        None => format!("host={} user=parlor dbname=moved", pooler.dir.display()),
    };
}

/// Of all claims those that write and read most ways: the statements are the same for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_of_groups_behind_a_pooler_in_small_batches() {
    run_groups(|sink| {
        let database = server().database();
        let mut config = quick(&database);
        through(pooler(), &mut config, Some(&database));
        config.batch_commands_max = 3;
        let store = Arc::new(PostgresStore::open(config, sink).expect("it opens"));
        (Made { store: store.clone(), guard: Removed(database, store.clone()) }, store)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_nothing_is_said_of_is_named() {
    let database = server().database();
    let config = Config::new(database.url_at(&pooler().dir));
    let error = PostgresStore::open(config, Arc::new(Heard::default())).err();
    let error = error.expect("options are refused");
    assert!(matches!(error, OpenError::Connect { .. }), "{error}");
    assert!(error.to_string().contains("set store.pooler to true"), "{error}");
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_that_moves_to_another_log_nothing_is_read_or_kept() {
    let (database, other) = (server().database(), server().database());
    // The other one has a log, too.
    let heard: Arc<dyn CommitSink> = Arc::new(Heard::default());
    drop(PostgresStore::open(Config::new(other.url()), heard.clone()).expect("it opens"));
    let mut pooler = Pooler::start(Some(&database));
    let mut config = Config::new(String::new());
    through(&pooler, &mut config, None);
    let store = PostgresStore::open(config, heard).expect("it opens");
    say(&store, "a", "b", Some("1")).await.expect("it is kept");
    store.devices(user("a")).await.expect("it is read");
    pooler.move_to(&other);
    let began = Instant::now();
    let mut sent = 1;
    let refused = loop {
        sent += 1;
        match say(&store, "a", "b", Some(&sent.to_string())).await {
            Ok(_) => assert!(began.elapsed() < Duration::from_secs(30), "the pooler moves"),
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(refused.to_string().contains("another life"), "{refused}");
    let refused = store.devices(user("a")).await.expect_err("it would be another's");
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    assert!(store.health().is_err());
    assert_eq!(database.sql("SELECT count(*) FROM entry"), (sent - 1).to_string());
    assert_eq!(other.sql("SELECT count(*) FROM entry"), "0");
    drop(store);
    drop(pooler);
    database.remove();
    other.remove();
}
