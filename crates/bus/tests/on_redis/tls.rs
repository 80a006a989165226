//! By TLS: what the machine trusts is trusted, and nothing else.
//!
//! Which certificates the machine trusts is read from a variable of the environment, so each attempt is a process
//! of its own: this test, run again.

use std::path::Path;
use std::process::Command;

use parlor_bus::redis::{Engine, RedisBus};
use parlor_chat::bus::{Bus, Topic};

use super::config;
use super::server::Server;

/// Where a process of its own is to open a bus.
const URL: &str = "PARLOR_TEST_TLS_URL";

#[tokio::test]
async fn a_certificate_that_the_machine_trusts_is_taken_and_another_is_not() {
    if let Ok(url) = std::env::var(URL) {
        return open(url).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let certificate = |name: &str| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("one");
        let (cert, key) = (dir.path().join(name), dir.path().join(format!("{name}.key")));
        std::fs::write(&cert, made.cert.pem()).expect("it is ours");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("it is ours");
        (cert, key)
    };
    let (cert, key) = certificate("server");
    let (other, _) = certificate("other");
    let server = Server::start_with_tls(&cert, &key);
    let opens = |trusted: &Path, url: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this one"));
        command.args(["tls::a_certificate", "--nocapture"]).env(URL, url);
        command.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR");
        command.output().expect("it runs").status.success()
    };
    let url = server.tls_url();
    assert!(opens(&cert, &url));
    assert!(!opens(&other, &url));
    assert!(!opens(&cert, &url.replace("localhost", "127.0.0.1")));
}

async fn open(url: String) {
    let config = config(Engine::Server { url });
    let bus = RedisBus::open(config, 1).await.expect("it opens");
    bus.publish(Topic::Log, b"sealed".to_vec());
    parlor_bus::contract::until("it is published", || bus.stats().published == 1).await;
    bus.leave().await;
}
