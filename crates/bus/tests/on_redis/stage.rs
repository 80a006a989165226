//! A stage of the contract on Redis. Each node has a runtime of its own, so that one can end without a goodbye.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use parlor_bus::contract::{Kept, Stage};
use parlor_bus::redis::{Config, Engine, RedisBus};
use parlor_chat::bus::{Bus, NodeId, Topic};
use tokio::runtime::Runtime;

use super::config;
use super::server::{Cluster, Server, cli};

/// What nodes meet on.
enum Redis {
    Server(Server),
    Cluster(Arc<Mutex<Cluster>>),
}

/// An engine, and the nodes on it.
pub(crate) struct OnRedis {
    redis: Mutex<Redis>,
    config: Config,
    nodes: Mutex<HashMap<NodeId, Runtime>>,
}

impl OnRedis {
    /// On a server of its own.
    pub(crate) fn server() -> Self {
        let server = Server::start();
        let config = config(Engine::Server { url: server.url() });
        Self::on(Redis::Server(server), config)
    }

    /// On a cluster that it shares with others, under a name of its own.
    pub(crate) fn cluster(cluster: &Arc<Mutex<Cluster>>) -> Self {
        static STAGES: AtomicU32 = AtomicU32::new(0);
        let urls = cluster.lock().urls();
        let mut config = config(Engine::Cluster { urls });
        config.cluster = format!("stage-{}", STAGES.fetch_add(1, Ordering::Relaxed));
        Self::on(Redis::Cluster(Arc::clone(cluster)), config)
    }

    fn on(redis: Redis, config: Config) -> Self {
        Self { redis: Mutex::new(redis), config, nodes: Mutex::default() }
    }

    /// Changes how nodes are opened.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Does something to each server.
    pub(crate) fn servers(&self, each: impl FnMut(&mut Server)) {
        match &mut *self.redis.lock() {
            Redis::Server(server) => std::iter::once(server).for_each(each),
            Redis::Cluster(cluster) => cluster.lock().servers.iter_mut().for_each(each),
        }
    }

    fn interrupted(&self, kept: Kept) {
        self.servers(Server::kill);
        if kept == Kept::Nothing {
            self.servers(|server| server.forget());
        }
        self.servers(Server::run);
        if let Redis::Cluster(cluster) = &*self.redis.lock() {
            match kept {
                Kept::All => cluster.lock().settle(),
                Kept::Nothing => cluster.lock().create(),
            }
        }
    }

    async fn say(&self, topic: Topic, bytes: &[u8]) {
        let mut urls = Vec::new();
        self.servers(|server| urls.push(server.url()));
        let word = match &self.config.engine {
            Engine::Server { .. } => "PUBLISH",
            Engine::Cluster { .. } => "SPUBLISH",
        };
        let channel = format!("parlor:{}:{}", self.config.cluster, topic.as_str());
        for url in urls {
            let client = redis::Client::open(url).expect("an address");
            let connected = client.get_multiplexed_async_connection().await;
            let mut connection = connected.expect("it is there");
            let mut cmd = redis::cmd(word);
            cmd.arg(&channel).arg(bytes);
            // In a cluster whoever has the channel takes it.
            if cmd.query_async::<u64>(&mut connection).await.is_ok() {
                return;
            }
        }
        panic!("nobody takes it");
    }
}

impl Stage for OnRedis {
    fn join(&self, log: u64) -> BoxFuture<'_, Result<Arc<dyn Bus>, String>> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let opened = runtime.spawn(RedisBus::open(self.config.clone(), log));
        async move {
            match opened.await.expect("it does not panic") {
                Ok(bus) => {
                    self.nodes.lock().insert(bus.node(), runtime);
                    Ok(Arc::new(bus) as Arc<dyn Bus>)
                }
                Err(error) => {
                    runtime.shutdown_background();
                    Err(error.to_string())
                }
            }
        }
        .boxed()
    }

    fn crash(&self, node: NodeId) -> BoxFuture<'_, ()> {
        let runtime = self.nodes.lock().remove(&node).expect("it lives");
        runtime.shutdown_background();
        async {}.boxed()
    }

    fn wipe(&self) -> BoxFuture<'_, ()> {
        self.servers(|server| {
            // Replicas do not take it, and follow their masters.
            cli(server.port(), &["FLUSHALL"]);
        });
        async {}.boxed()
    }

    fn interrupt(&self, kept: Kept) -> BoxFuture<'_, ()> {
        self.interrupted(kept);
        async {}.boxed()
    }

    fn say(&self, topic: Topic, bytes: Vec<u8>) -> BoxFuture<'_, ()> {
        async move { self.say(topic, &bytes).await }.boxed()
    }
}

impl Drop for OnRedis {
    fn drop(&mut self) {
        for (_, runtime) in self.nodes.get_mut().drain() {
            runtime.shutdown_background();
        }
    }
}
