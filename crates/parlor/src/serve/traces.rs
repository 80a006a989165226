//! Starts to trace commands, where that is configured.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parlor_chat::bus::NodeId;
use parlor_service::Tracer;

use super::Backend;
use crate::config::Config;
#[cfg(feature = "traces")]
use crate::exit::Code;
use crate::exit::Failure;

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    /// The collector took them.
    pub(crate) exported: AtomicU64,
    /// There was no room for them, or no collector.
    pub(crate) dropped: AtomicU64,
}

/// Spans on their way.
pub(crate) struct Tracing {
    /// Takes them.
    pub(crate) tracer: Arc<dyn Tracer>,
    /// Counts them.
    pub(crate) counts: Arc<SpanCounts>,
    /// Sends what waits, and no more, within a bound of time.
    pub(crate) flush: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Starts to send spans, if there is to be a collector.
///
/// # Errors
/// A [`Failure`] that says what to do.
#[cfg(feature = "traces")]
pub(super) fn start(
    config: &Config,
    node: Option<NodeId>,
    store: &Backend,
) -> Result<Option<Tracing>, Failure> {
    crate::traces::start(&config.traces, node, store.system())
        .map_err(|error| Failure::new(Code::Usage, format!("traces.endpoint: {error}")))
}

/// There is no collector for a server that was built without.
#[cfg(not(feature = "traces"))]
pub(super) fn start(
    _: &Config,
    _: Option<NodeId>,
    _: &Backend,
) -> Result<Option<Tracing>, Failure> {
    Ok(None)
}
