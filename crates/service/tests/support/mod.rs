//! A whole house for tests: the real store, the real gateway on port 0, and the service between.

pub(crate) mod client;
pub(crate) mod deeds;
pub(crate) mod faulty;
pub(crate) mod groups;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::Role;
use parlor_chat::store::{CommitSink, Store};
use parlor_gateway::{Config, Gateway, Listener, Running};
use parlor_service::{AuthError, Authenticator, Delivery, Identity, Service, Settings};
use parlor_store::sqlite::SqliteStore;

pub(crate) use client::Client;

/// The entry of a kind that was heard.
pub(crate) fn entry_of(heard: &client::Heard, kind: &str) -> Option<serde_json::Value> {
    match heard {
        client::Heard::Event(name, entry) if name == "entry" && entry["kind"] == kind => {
            Some(entry.clone())
        }
        _ => None,
    }
}

/// Takes `user`, or `user;exp=MS;iat=MS;name=TEXT;role=NAME`, for the user's token.
pub(crate) struct PlainTokens;

impl Authenticator for PlainTokens {
    fn verify(&self, token: &str, now: Millis) -> Result<Identity, AuthError> {
        let mut parts = token.split(';');
        let user = parts.next().and_then(|user| UserId::parse(user).ok());
        let user = user.ok_or_else(|| AuthError::untrusted("no user"))?;
        let (mut issued, mut expires, mut name, mut role) = (None, None, None, Role::User);
        for part in parts {
            if let Some(text) = part.strip_prefix("name=") {
                name = Some(text.to_owned());
                continue;
            }
            if let Some(name) = part.strip_prefix("role=") {
                role = Role::of(name);
                continue;
            }
            match part.split_once('=').map(|(name, ms)| (name, ms.parse().map(Millis))) {
                Some(("exp", Ok(ms))) => expires = Some(ms),
                Some(("iat", Ok(ms))) => issued = Some(ms),
                _ => return Err(AuthError::untrusted("not a token")),
            }
        }
        if expires.is_some_and(|at| at <= now) {
            return Err(AuthError::expired());
        }
        Ok(Identity { user, name, issued, expires, role })
    }
}

/// Puts something between two parts.
pub(crate) type Between<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T>>;

/// How a house is built.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) gateway: Config,
    pub(crate) shards: usize,
    /// Put between the service and the real store.
    pub(crate) wrap: Between<dyn Store>,
    /// Put between the real store and the delivery.
    pub(crate) sink: Between<dyn CommitSink>,
}

impl Default for Plan {
    fn default() -> Self {
        let gateway = Config { ping_interval: Duration::from_millis(200), ..Config::default() };
        Self {
            settings: Settings::default(),
            gateway,
            shards: 1,
            wrap: Box::new(|store| store),
            sink: Box::new(|sink| sink),
        }
    }
}

/// A running house.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) service: Arc<Service>,
    sqlite: Arc<SqliteStore>,
    running: Running,
    _data: Option<tempfile::TempDir>,
}

impl House {
    /// Builds one on fresh data.
    pub(crate) async fn new(plan: Plan) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut house = Self::on(data.path(), plan).await;
        house._data = Some(data);
        house
    }

    /// Builds one on these data.
    pub(crate) async fn on(data: &std::path::Path, plan: Plan) -> Self {
        let delivery = Delivery::new(plan.settings.limits.clone());
        let sqlite = open_store(data, &plan.settings, (plan.sink)(Arc::clone(&delivery) as Arc<_>));
        let store = (plan.wrap)(Arc::clone(&sqlite) as Arc<dyn Store>);
        let (groups, around) = (Arc::clone(&sqlite), Arc::clone(&sqlite));
        let auth = Arc::new(PlainTokens);
        let service = Service::new(plan.settings, store, groups, around, auth, delivery);
        let mut gateway = Gateway::builder(plan.gateway);
        gateway.namespace("/", service.namespace());
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let running =
            gateway.serve(vec![Listener { tcp, tls: None }], plan.shards).expect("a gateway");
        let address = running.local_addrs()[0];
        service.start(running.io()).await.expect("a readable store");
        Self { address, service, sqlite, running, _data: None }
    }

    /// A user's device, connected and caught up.
    pub(crate) async fn device(&self, token: &str, device: &str) -> Client {
        Client::device(self.address, token, device).await
    }

    /// The gateway's counters.
    pub(crate) fn gateway(&self) -> parlor_gateway::Stats {
        self.running.stats()
    }

    /// Ends it in order; the data stay where they are.
    pub(crate) async fn end(self) {
        self.service.drain().await;
        self.running.shutdown(Duration::from_secs(2)).await;
        self.sqlite.close();
    }
}

fn open_store(
    data: &std::path::Path,
    settings: &Settings,
    sink: Arc<dyn CommitSink>,
) -> Arc<SqliteStore> {
    let mut config = parlor_store::sqlite::Config::new(data);
    config.receipts_members_max = settings.limits.receipts_members_max;
    config.client_id_window_ms = settings.limits.client_id_window_ms();
    config.requests = settings.limits.requests();
    Arc::new(SqliteStore::open(config, sink).expect("a store"))
}
