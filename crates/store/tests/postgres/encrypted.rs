//! The way to the server, encrypted.

use std::sync::Arc;

use parlor_store::postgres::{Config, OpenError, PostgresStore};

use crate::server::encrypted;
use crate::sharing::{Heard, say};

fn opened(url: String, ca: Option<&str>) -> Result<PostgresStore, OpenError> {
    let mut config = Config::new(url);
    config.tls_ca_file = ca.map(|name| encrypted().socket().join(name));
    PostgresStore::open(config, Arc::new(Heard::default()))
}

fn refused(url: String, ca: Option<&str>) -> String {
    opened(url, ca).map(drop).expect_err("it is refused").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_a_server_that_is_believed_is_encrypted() {
    let database = encrypted().database();
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = database.url_over_tls("localhost", &format!("sslmode={mode}"));
        let store = opened(url, Some("server.crt")).expect("it opens");
        say(&store, "a", "b", None).await.expect("it is kept");
        let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                   WHERE application_name = 'parlor'";
        assert_eq!(database.sql(sql), "t");
        store.close();
    }
    database.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_is_believed_without_proof() {
    let database = encrypted().database();
    let localhost = database.url_over_tls("localhost", "sslmode=require");
    let stranger = refused(localhost.clone(), None);
    assert!(stranger.contains("certificate"), "{stranger}");
    let other = refused(database.url_over_tls("127.0.0.1", "sslmode=require"), Some("server.crt"));
    assert!(other.contains("certificate"), "{other}");
    let no_certificate = refused(localhost.clone(), Some("server.key"));
    assert!(no_certificate.contains("no certificate by which to know"), "{no_certificate}");
    let no_file = refused(localhost, Some("nothing"));
    assert!(no_file.contains("nothing cannot be used"), "{no_file}");
    database.remove();
}
