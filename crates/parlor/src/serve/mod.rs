//! Runs the server: opens what it stands on, wires the parts, and ends them in order.
//!
//! In this order: configuration, keys, certificate, listening socket, data, then the service and
//! the gateway. What fails before the gateway serves leaves nothing behind. On a signal: not
//! ready any more, nobody is let in, the gateway closes its connections in turn (each with its
//! events answered), the service drains, the store closes; all within the configured bound.

mod adapter;
mod backend;
mod bus;
mod data;
mod greeting;
mod listen;
mod settings;
mod tls;
mod traces;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parlor_chat::bus::Bus;
use parlor_chat::ids::UserId;
use parlor_gateway::{Gateway, Listener, Running};
use parlor_service::{Authenticator, Delivery, Service};
use tokio::time::Instant;

pub(crate) use self::backend::Backend;
pub(crate) use self::data::{explain, explain_file, locate, prepare, with_sources};
use self::greeting::Greeting;
#[cfg(feature = "postgres")]
pub(crate) use self::settings::postgres as postgres_settings;
use self::tls::Certificate;
pub(crate) use self::traces::SpanCounts;
#[cfg(feature = "traces")]
pub(crate) use self::traces::Tracing;
use crate::config::{self, Config, Overrides};
use crate::exit::{Code, Failure};
use crate::http::{Api, App, Web};
use crate::identity::{DevAuthenticator, JwtAuthenticator, KeyRing, Pace, Source};
use crate::system::{self, EndSignals};
use crate::{cli, http, now, telemetry};

/// Threads of the runtime that serves no connections: catch-up, watermarks, expiry, signals.
const BACKGROUND_THREADS: usize = 2;

/// How long the store may take to move its log into the database at the end.
const STORE_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to tell other nodes that this one is gone.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long what the store was given may take once the connections are gone.
const LAST_WRITES_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until a signal ends it.
///
/// # Errors
/// A [`Failure`] with its exit code.
pub(crate) fn run(arguments: &cli::Serve) -> Result<(), Failure> {
    let overrides = Overrides { listen: arguments.listen, data: arguments.data.clone() };
    let mut config = crate::load(&arguments.config, &overrides)?;
    config::read_addresses(&mut config)?;
    config::refuse(&config, arguments.dev)?;
    telemetry::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(BACKGROUND_THREADS)
        .thread_name("background")
        .enable_all()
        .build()
        .map_err(|error| failed("cannot start the runtime", &error))?;
    let outcome = runtime.block_on(serve(&config, arguments.dev));
    // What is still running then was given up on, by the bound or by a second signal.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: &Config, dev: bool) -> Result<(), Failure> {
    let started = now();
    let open_files = system::raise_open_files_limit();
    let certificate = Certificate::load(config)?;
    let (auth, ring) = identity(config, dev).await?;
    let tcp = listen::open(config.server.listen, config.server.own_file_tables)?;
    let mut signals =
        EndSignals::listen().map_err(|error| failed("cannot listen for signals", &error))?;

    let chat = settings::service(config, dev)?;
    let data = locate(&config.server.data)?;
    let delivery = Delivery::new(settings::limits(config));
    let store = Backend::open(&data, config, delivery.clone())?;
    let (port, groups, around) = store.parts();
    let service = Service::new(chat, port, groups, around, auth, delivery);
    let app = Arc::new(App::new(store.clone(), ring, started));
    let bus = bus::open(config, &store).await?;
    if let Some(bus) = &bus {
        store.join(Arc::clone(bus));
        service.join(Arc::clone(bus));
        app.bus.get_or_init(|| Arc::clone(bus));
    }

    let traces = traces::start(config, bus.as_ref().map(|bus| bus.node()), &store)?;
    if let Some(traces) = &traces {
        service.trace(Arc::clone(&traces.tracer));
        app.traces.get_or_init(|| Arc::clone(&traces.counts));
    }

    let member = adapter::join(config, &service)?;
    if let Some(member) = &member {
        app.adapter.get_or_init(|| (Arc::clone(&member.is_up), Arc::clone(&member.dropped)));
    }

    let tls = certificate.as_ref().map(Certificate::server_config);
    let with_tls = tls.is_some();
    if let Some(certificate) = certificate {
        tokio::spawn(certificate.keep_fresh());
    }
    let mut gateway = Gateway::builder(settings::gateway(config, dev));
    gateway.namespace("/", service.namespace());
    let api = Api::new(Arc::clone(&app), config, dev);
    let web = Web::new(config, dev);
    let with_web = web.is_some();
    gateway.fallback(http::router(Arc::clone(&app), api, web));
    let shards = settings::shards(config);
    let running = gateway
        .serve(vec![Listener { tcp, tls }], shards)
        .map_err(|error| failed("cannot start the gateway", &error))?;
    let address = running.local_addrs()[0];
    service
        .start(running.io())
        .await
        .map_err(|error| Failure::new(Code::Data, format!("cannot read the data: {error}")))?;

    let data = store.place(&data);
    app.open(running.io(), Arc::clone(&service));
    tracing::info!(%address, tls = with_tls, data, shards, open_files, "serving");
    if dev {
        tracing::warn!("--dev: anyone who can reach this port can be any user");
    }
    let path = &config.server.path;
    let greeting = Greeting { address, tls: with_tls, dev, web: with_web, data: &data, path };
    print(&greeting.text());

    let signal = signals.next().await;
    tracing::info!(signal, patience_ms = config.server.drain_ms, "draining");
    app.draining.store(true, Ordering::Relaxed);
    tokio::select! {
        whole = drain(&service, running, member, store, bus, settings::drain(config)) => {
            if let Some(traces) = traces {
                traces.flush.await;
            }
            whole
        }
        signal = signals.next() => {
            Err(Failure::new(
                Code::Cut,
                format!("ended at once by a second signal ({signal}); what was acknowledged is safe"),
            ))
        }
    }
}

/// Ends connections, service and store within a bound: nobody is let in any more; each connection
/// is closed in its turn, told when to come back, with its events answered; then writes end, and other nodes are
/// told that this one is gone.
async fn drain(
    service: &Arc<Service>,
    running: Running,
    member: Option<adapter::Member>,
    store: Backend,
    bus: Option<Arc<dyn Bus>>,
    settings::Drain { patience, spread }: settings::Drain,
) -> Result<(), Failure> {
    let deadline = Instant::now() + patience;
    service.close();
    let farewell = Arc::clone(service);
    running.io().drain(spread, move |socket, jitter| farewell.farewell(socket, jitter));
    running.shutdown(patience).await;
    // Without sockets it is no member: nobody waits for its answers any more.
    drop(member);
    let in_time = Instant::now() < deadline;
    let last = deadline.max(Instant::now() + LAST_WRITES_TIMEOUT);
    let drained = tokio::time::timeout_at(last, service.drain()).await.is_ok();
    let in_time = in_time && drained;
    let closed = tokio::task::spawn_blocking(move || store.close());
    if tokio::time::timeout(STORE_CLOSE_TIMEOUT, closed).await.is_err() {
        tracing::warn!("the store did not close in time; it will recover at the next start");
    }
    if let Some(bus) = bus
        && tokio::time::timeout(GOODBYE_TIMEOUT, bus.leave()).await.is_err()
    {
        tracing::warn!("the other nodes were not told; they will see it by the lease");
    }
    if in_time {
        tracing::info!("drained");
        return Ok(());
    }
    Err(Failure::new(
        Code::Cut,
        format!(
            "connections were still ending after {} ms (server.drain_ms) and were cut; what was \
             acknowledged is safe",
            patience.as_millis()
        ),
    ))
}

type Verifier = (Arc<dyn Authenticator>, Option<Arc<KeyRing>>);

/// Who verifies tokens, with keys that are kept fresh.
async fn identity(config: &Config, dev: bool) -> Result<Verifier, Failure> {
    if dev {
        let names = config.moderation.dev_moderators.iter();
        let moderators = names.filter_map(|name| UserId::parse(name).ok()).collect();
        return Ok((Arc::new(DevAuthenticator { moderators }), None));
    }
    let identity = &config.identity;
    let role_claim = &config.moderation.role_claim;
    let secret = config::secret(identity)?;
    let timeout = Duration::from_millis(identity.jwks_timeout_ms);
    let source =
        match (&identity.jwks_file, &identity.jwks_url) {
            (Some(path), _) => Some(Source::File(path.clone())),
            (None, Some(url)) => Some(Source::url(url, timeout).map_err(|error| {
                Failure::new(Code::Usage, format!("identity.jwks_url: {error}"))
            })?),
            (None, None) => None,
        };
    let Some(source) = source else {
        let auth = JwtAuthenticator::new(identity, secret.as_ref(), None);
        return Ok((Arc::new(auth.with_role_claim(role_claim)), None));
    };
    let ring = Arc::new(KeyRing::new(Pace {
        interval: Duration::from_millis(identity.jwks_refresh_ms),
        spacing: Duration::from_millis(identity.jwks_refresh_min_ms),
    }));
    if let Err(error) = ring.refresh(&source).await {
        // A file is the operator's to mend; an issuer that is down now will be up again.
        if matches!(source, Source::File(_)) {
            return Err(Failure::new(Code::Usage, format!("identity.jwks_file: {error}")));
        }
        tracing::warn!(%error, "the signing keys could not be read; nobody can connect until they are");
    }
    let keeper = Arc::clone(&ring);
    tokio::spawn(async move { keeper.keep_fresh(source).await });
    let auth = JwtAuthenticator::new(identity, secret.as_ref(), Some(Arc::clone(&ring)));
    Ok((Arc::new(auth.with_role_claim(role_claim)), Some(ring)))
}

/// Prints to standard output; a closed one is nobody's loss.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "nobody reads standard output");
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::Failed, format!("{what}: {error}"))
}
