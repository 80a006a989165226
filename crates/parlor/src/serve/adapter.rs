//! Has programs of the app heard that emit to rooms over Redis, if they are configured.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "postgres")]
use parlor_bus::redis::{Emitters, Engine};
#[cfg(feature = "postgres")]
use parlor_gateway::Emission;
use parlor_service::Service;

use crate::config::Config;
#[cfg(feature = "postgres")]
use crate::exit::Code;
use crate::exit::Failure;

/// Emitters that are heard until this is dropped.
pub(super) struct Heard {
    /// Whether there is a connection now.
    pub(super) is_up: Arc<AtomicBool>,
    #[cfg(feature = "postgres")]
    _emitters: Emitters,
}

/// Hears emitters from now on, and has the service tell its sockets.
///
/// # Errors
/// A [`Failure`] that says what to do.
#[cfg(feature = "postgres")]
pub(super) fn hear(config: &Config, service: &Arc<Service>) -> Result<Option<Heard>, Failure> {
    let Some(url) = &config.emitters.url else { return Ok(None) };
    let engine = Engine::Server { url: String::from_utf8_lossy(url.expose()).into_owned() };
    let service = Arc::downgrade(service);
    let take = move |message: &[u8]| {
        let Some(service) = service.upgrade() else { return };
        match Emission::decode(message) {
            Ok(emission) => {
                if let Err(error) = service.emit(emission) {
                    tracing::debug!(%error, "an event of an emitter is not told");
                }
            }
            Err(error) => {
                service.emission_not_read();
                tracing::debug!(%error, "an event of an emitter cannot be read");
            }
        }
    };
    let emitters = Emitters::hear(engine, &config.emitters.prefix, take).map_err(|error| {
        let why = super::with_sources(&error);
        Failure::new(Code::Usage, format!("emitters cannot be heard: {why}; look at emitters.url"))
    })?;
    Ok(Some(Heard { is_up: emitters.is_up(), _emitters: emitters }))
}

/// There are none without what speaks to Redis.
#[cfg(not(feature = "postgres"))]
pub(super) fn hear(_: &Config, _: &Arc<Service>) -> Result<Option<Heard>, Failure> {
    Ok(None)
}
