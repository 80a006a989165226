//! Buses on Redis keep every promise of the port, on real servers.

use std::time::Duration;

use parlor_bus::contract::run_all;
use parlor_bus::redis::{Config, Engine, OpenError, RedisBus};
use parlor_chat::bus::Bus;

mod faults;
mod rooms;
mod server;
mod stage;
mod tls;

use server::Server;
use stage::OnRedis;

/// Settings with which all is noticed soon.
fn config(engine: Engine) -> Config {
    Config {
        lease: Duration::from_millis(1_500),
        answer_timeout: Duration::from_millis(500),
        elsewhere_timeout: Duration::from_millis(1_000),
        reconnect_delay_max: Duration::from_millis(200),
        ..Config::new(engine)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_server_keeps_the_contract() {
    run_all(async || OnRedis::server()).await;
}

#[tokio::test]
async fn a_log_that_has_another_ones_name_is_told_what_to_do() {
    let server = Server::start();
    let config = config(Engine::Server { url: server.url() });
    let first = RedisBus::open(config.clone(), 1).await.expect("it opens");
    let error = RedisBus::open(config.clone(), 2).await.err().expect("it is refused");
    let said = error.to_string();
    assert!(matches!(error, OpenError::OtherLog(_)), "{said}");
    assert!(said.contains("`parlor:parlor:log-id`") && said.contains("bus.cluster"), "{said}");
    let elsewhere = Config { cluster: String::from("other"), ..config };
    RedisBus::open(elsewhere, 2).await.expect("another name is free");
    drop(first);
}

#[tokio::test]
async fn what_cannot_work_is_refused() {
    let at = |url: &str| config(Engine::Server { url: url.to_owned() });
    let refused = async |config| RedisBus::open(config, 1).await.err().expect("it is refused");
    assert!(matches!(refused(at("http://x")).await, OpenError::Address(_)));
    let waits = RedisBus::open(at("redis://127.0.0.1:1"), 1).await.expect("it is waited for");
    assert!(!waits.stats().is_up);
    let nowhere = config(Engine::Cluster { urls: Vec::new() });
    assert!(matches!(refused(nowhere).await, OpenError::NoAddress));
    let named = Config { cluster: String::from("a b"), ..at("redis://127.0.0.1:1") };
    assert!(matches!(refused(named).await, OpenError::Name(_)));
    let secret = format!("{:?}", at("redis://user:secret@127.0.0.1:1"));
    assert!(!secret.contains("secret"));
}
