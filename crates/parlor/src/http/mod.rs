//! The server's own pages beside Socket.IO: `/healthz`, `/readyz`, `/metrics`, and the web client.
//!
//! They are served by the gateway's shards, so they share its listener, TLS and bounds. A page
//! only reads; what changes something is in `api`, under `/v1`, for who has a key. What is none of
//! these is looked for among the files of the web client (`web`).

mod api;
mod metrics;
mod web;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::get;
use parlor_chat::bus::Bus;
use parlor_chat::entry::Millis;
use parlor_gateway::Io;
use parlor_service::Service;

pub(crate) use self::api::{Answered, Api, fresh_key};
pub(crate) use self::web::Web;
use crate::identity::KeyRing;
use crate::serve::{Backend, SpanCounts};

/// What the pages tell about.
pub(crate) struct App {
    /// The store, whose health decides readiness.
    pub(crate) store: Backend,
    /// The signing keys, where tokens are verified by a key set.
    pub(crate) ring: Option<Arc<KeyRing>>,
    /// The gateway, once it serves.
    pub(crate) gateway: OnceLock<Io>,
    /// The service, once it has started.
    pub(crate) service: OnceLock<Arc<Service>>,
    /// What it speaks to other servers by, if there are to be any.
    pub(crate) bus: OnceLock<Arc<dyn Bus>>,
    /// Whether the app's Socket.IO servers are heard, if they are to be, and how many answers to them were dropped.
    pub(crate) adapter: OnceLock<(Arc<AtomicBool>, Arc<AtomicU64>)>,
    /// What became of spans, if commands are traced.
    pub(crate) traces: OnceLock<Arc<SpanCounts>>,
    /// When the server started.
    pub(crate) started: Millis,
    /// What became of the requests to the API.
    pub(crate) answered: Answered,
    /// Whether the server is ending.
    pub(crate) draining: AtomicBool,
}

impl App {
    /// Pages that tell of a server which is starting.
    pub(crate) fn new(store: Backend, ring: Option<Arc<KeyRing>>, started: Millis) -> Self {
        Self {
            store,
            ring,
            started,
            gateway: OnceLock::new(),
            service: OnceLock::new(),
            bus: OnceLock::new(),
            adapter: OnceLock::new(),
            traces: OnceLock::new(),
            answered: Answered::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// From now on the server takes messages. To be called once.
    pub(crate) fn open(&self, gateway: Io, service: Arc<Service>) {
        let first = self.gateway.set(gateway).is_ok();
        debug_assert!(first, "a server starts once");
        self.service.get_or_init(|| service);
    }

    /// Why messages cannot be taken now, if so.
    pub(crate) fn unready(&self) -> Option<String> {
        if self.draining.load(Ordering::Relaxed) {
            return Some(String::from("the server is draining"));
        }
        if self.service.get().is_none() {
            return Some(String::from("the server is starting"));
        }
        if self.ring.as_ref().is_some_and(|ring| ring.current().is_none()) {
            return Some(String::from("the signing keys are not loaded yet"));
        }
        self.store.health().err().map(|error| error.to_string())
    }
}

/// Routes the pages, and the API and the web client if there are any.
pub(crate) fn router(app: Arc<App>, api: Option<Arc<Api>>, web: Option<Web>) -> Router {
    let web = web.map(Arc::new);
    let pages = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(app)
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| {
            let web = web.clone();
            async move {
                let file = web.and_then(|web| web.answer(&method, uri.path(), &headers));
                file.unwrap_or_else(|| not_found().into_response())
            }
        });
    match api {
        Some(api) => pages.merge(api::router(api)),
        None => pages,
    }
}

/// Keeps answers that are only true now out of caches.
const UNCACHED: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn healthz() -> impl IntoResponse {
    (UNCACHED, "ok\n")
}

async fn readyz(State(app): State<Arc<App>>) -> impl IntoResponse {
    match app.unready() {
        None => (StatusCode::OK, UNCACHED, String::from("ready\n")),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, UNCACHED, format!("not ready: {why}\n")),
    }
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> impl IntoResponse {
    // The two text formats agree on everything used here but their names.
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let kind = match accept {
        Some(accept) if accept.contains("application/openmetrics-text") => {
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
        _ => "text/plain; version=0.0.4; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], metrics::render(&app))
}

fn not_found() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, "not found\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parlor_chat::store::{CommitSink, Committed};
    use parlor_store::sqlite::SqliteStore;

    use super::*;
    use crate::identity::Pace;

    struct Nobody;

    impl CommitSink for Nobody {
        fn committed(&self, _batch: &[Committed]) {}
    }

    #[test]
    fn readiness_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let config = parlor_store::sqlite::Config::new(dir.path());
        let store = Arc::new(SqliteStore::open(config, Arc::new(Nobody)).unwrap());
        let hour = Duration::from_secs(3_600);
        let ring = Arc::new(KeyRing::new(Pace { interval: hour, spacing: hour }));
        let app = App::new(Backend::Sqlite(store), Some(ring), Millis(0));
        assert_eq!(app.unready().as_deref(), Some("the server is starting"));
        app.draining.store(true, Ordering::Relaxed);
        assert_eq!(app.unready().as_deref(), Some("the server is draining"));
    }
}
