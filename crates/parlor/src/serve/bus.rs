//! Opens the bus by which this server speaks to the others on its log.

use std::sync::Arc;
#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "postgres")]
use parlor_bus::redis::{Config as Redis, Engine, RedisBus};
use parlor_chat::bus::Bus;

use super::Backend;
use crate::config::Config;
#[cfg(feature = "postgres")]
use crate::config::{BusBackend, Secret};
#[cfg(feature = "postgres")]
use crate::exit::Code;
use crate::exit::Failure;

/// Opens the bus that is configured, if one is, for the log of a store.
///
/// # Errors
/// A [`Failure`] that says what to do.
#[cfg(feature = "postgres")]
pub(super) async fn open(
    config: &Config,
    store: &Backend,
) -> Result<Option<Arc<dyn Bus>>, Failure> {
    match store.log_id() {
        Some(log) => open_for(config, log).await,
        None => Ok(None),
    }
}

/// There is none where no other server can have the log.
#[cfg(not(feature = "postgres"))]
pub(super) async fn open(_: &Config, _: &Backend) -> Result<Option<Arc<dyn Bus>>, Failure> {
    Ok(None)
}

#[cfg(feature = "postgres")]
async fn open_for(config: &Config, log: u64) -> Result<Option<Arc<dyn Bus>>, Failure> {
    let Some(settings) = redis(config) else { return Ok(None) };
    match RedisBus::open(settings, log).await {
        Ok(bus) => Ok(Some(Arc::new(bus))),
        Err(error) => {
            let why = super::with_sources(&error);
            let advice = "look at [bus], and whether Redis is there and lets this user in";
            Err(Failure::new(Code::Data, format!("the bus cannot be used: {why}; {advice}")))
        }
    }
}

#[cfg(feature = "postgres")]
fn redis(config: &Config) -> Option<Redis> {
    let bus = &config.bus;
    let text = |url: &Secret| String::from_utf8_lossy(url.expose()).into_owned();
    let engine = match bus.backend {
        BusBackend::None => return None,
        // That there is one was looked at before.
        BusBackend::Redis => Engine::Server { url: bus.url.as_ref().map(text).unwrap_or_default() },
        BusBackend::RedisCluster => Engine::Cluster { urls: bus.urls.iter().map(text).collect() },
    };
    Some(Redis {
        cluster: bus.cluster.clone(),
        lease: Duration::from_millis(bus.lease_ms),
        queue_messages_max: super::settings::size(bus.queue_messages_max),
        queue_bytes_max: super::settings::size(bus.queue_bytes_max),
        seats_max: super::settings::size(bus.seats_max),
        ..Redis::new(engine)
    })
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn defaults_reach_the_bus_unchanged() {
        let mut config = Config::default();
        assert!(redis(&config).is_none());
        let url = String::from("redis://:secret@redis.example");
        config.bus.backend = BusBackend::Redis;
        config.bus.url = Some(Secret::new(url.clone()));
        let engine = Engine::Server { url: url.clone() };
        assert_eq!(redis(&config), Some(Redis::new(engine)));
        config.bus.backend = BusBackend::RedisCluster;
        config.bus.urls = vec![Secret::new(url.clone())];
        assert_eq!(redis(&config), Some(Redis::new(Engine::Cluster { urls: vec![url] })));
    }

    #[tokio::test]
    async fn one_that_cannot_be_used_is_refused_with_the_reason() {
        let mut config = Config::default();
        assert!(open_for(&config, 1).await.is_ok_and(|bus| bus.is_none()));
        config.bus.backend = BusBackend::Redis;
        config.bus.url = Some(Secret::new(String::from("redis://:secret@127.0.0.1:1")));
        let bus = open_for(&config, 1).await.expect("it is waited for").expect("one is configured");
        assert!(!bus.stats().is_up);
        config.bus.url = Some(Secret::new(String::from("redis+nothing://:secret@127.0.0.1:1")));
        let failure = open_for(&config, 1).await.err().expect("is refused").to_string();
        assert!(failure.contains("[bus]") && !failure.contains("secret"), "{failure}");
    }
}
