//! The connections for commands: to the server, or in a cluster to each master that a key needs.
//!
//! A command names its key. In a cluster commands are sent together to whoever has their slots, side by side;
//! those that went wrong, since a slot moved or a node is gone, are sent once more by a map that was read
//! anew. What fails then is the caller's to repeat.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use rand::seq::SliceRandom;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, ProtocolVersion, RedisError, RedisResult, Value,
    io::tcp::TcpSettings,
};

use super::slots::{Place, Slots, slot};
use super::{Config, Engine, OpenError};

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often commands are sent: a second time by a new map.
const ATTEMPTS: usize = 2;

/// A command, and the slot of its key.
#[derive(Clone)]
pub(super) struct Command {
    slot: u16,
    cmd: Cmd,
}

impl Command {
    /// A command on a key or channel.
    pub(super) fn new(name: &str, key: &str) -> Self {
        let mut cmd = redis::cmd(name);
        cmd.arg(key);
        Self { slot: slot(key.as_bytes()), cmd }
    }

    /// With one more argument.
    pub(super) fn arg(mut self, arg: impl redis::ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

/// The connections of a node.
pub(super) struct Links {
    seeds: Vec<ConnectionInfo>,
    is_cluster: bool,
    answer_timeout: Duration,
    open: Mutex<HashMap<Place, MultiplexedConnection>>,
    map: Mutex<Map>,
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Map {
    slots: Slots,
    /// How often it was read.
    version: u64,
}

impl Links {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`OpenError`] when an address is none.
    pub(super) fn new(config: &Config) -> Result<Self, OpenError> {
        let (urls, is_cluster) = match &config.engine {
            Engine::Server { url } => (std::slice::from_ref(url), false),
            Engine::Cluster { urls } => (urls.as_slice(), true),
        };
        let seeds = urls.iter().map(|url| address(url)).collect::<RedisResult<Vec<_>>>();
        let seeds = seeds.map_err(OpenError::Address)?;
        if seeds.is_empty() {
            return Err(OpenError::NoAddress);
        }
        Ok(Self {
            seeds,
            is_cluster,
            answer_timeout: config.answer_timeout,
            open: Mutex::default(),
            map: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
        })
    }

    /// Closes all connections.
    pub(super) fn reset(&self) {
        self.open.lock().clear();
    }

    /// The word for publishing here, and for subscribing.
    pub(super) fn pub_sub(&self) -> (&'static str, &'static str) {
        if self.is_cluster { ("SPUBLISH", "SSUBSCRIBE") } else { ("PUBLISH", "SUBSCRIBE") }
    }

    /// Runs commands, each of which has its answer at the same place. Those of one slot run in order. Cancel
    /// safe, but what was sent is done.
    ///
    /// # Errors
    /// That of one that could not be run. Others may have been.
    pub(super) async fn run(&self, commands: Vec<Command>) -> RedisResult<Vec<Value>> {
        if self.is_cluster {
            return self.run_spread(&commands).await;
        }
        let place = Place::of(self.seeds[0].addr());
        let answers = self.pipeline(&place, commands.into_iter().map(|it| it.cmd)).await?;
        answers.into_iter().map(Value::extract_error).collect()
    }

    async fn run_spread(&self, commands: &[Command]) -> RedisResult<Vec<Value>> {
        let mut answers: Vec<Value> = vec![Value::Nil; commands.len()];
        let mut left: Vec<usize> = (0..commands.len()).collect();
        let mut version = self.map.lock().version;
        if version == 0 {
            version = self.refresh(version).await?;
        }
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                version = self.refresh(version).await?;
            }
            let (groups, homeless) = self.groups(commands, &left);
            let runs = groups.into_iter().map(|(place, group)| async move {
                let cmds = group.iter().map(|at| commands[*at].cmd.clone());
                let outcome = self.pipeline(&place, cmds).await;
                (group, outcome)
            });
            left = homeless;
            if !left.is_empty() {
                last = Some(no_owner());
            }
            for (group, outcome) in join_all(runs).await {
                match outcome {
                    Ok(values) => {
                        for (at, value) in group.into_iter().zip(values) {
                            match self.settled(&commands[at], value).await {
                                Ok(value) => answers[at] = value,
                                Err(error) => {
                                    left.push(at);
                                    last = Some(error);
                                }
                            }
                        }
                    }
                    Err(error) => {
                        left.extend(group);
                        last = Some(error);
                    }
                }
            }
            if left.is_empty() {
                return Ok(answers);
            }
            left.sort_unstable();
        }
        Err(last.unwrap_or_else(|| RedisError::from((ErrorKind::Client, "nothing was run"))))
    }

    /// An answer that is one, also by way of the node to which a moving slot sends on.
    async fn settled(&self, command: &Command, value: Value) -> RedisResult<Value> {
        let error = match value.extract_error() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let asks = error.kind() == ErrorKind::Server(redis::ServerErrorKind::Ask);
        let Some(place) = error.redirect_node().and_then(|(addr, _)| Place::parse(addr)) else {
            return Err(error);
        };
        if !asks {
            return Err(error);
        }
        let answers = self.pipeline(&place, [redis::cmd("ASKING"), command.cmd.clone()]).await?;
        answers.into_iter().next_back().map_or(Err(error), Value::extract_error)
    }

    /// Sends commands to one node. Errors that the server answered with are among the values.
    async fn pipeline(
        &self,
        place: &Place,
        cmds: impl IntoIterator<Item = Cmd>,
    ) -> RedisResult<Vec<Value>> {
        let mut connection = self.connection(place).await?;
        let mut pipeline = Pipeline::new();
        for cmd in cmds {
            pipeline.add_command(cmd);
        }
        let count = pipeline.len();
        let answers = connection.send_packed_commands(&pipeline, 0, count).await;
        if answers.is_err() {
            self.open.lock().remove(place);
        }
        answers
    }

    /// Which of the commands go where, and which of them nowhere, since nobody is known to have their slots.
    fn groups(
        &self,
        commands: &[Command],
        left: &[usize],
    ) -> (BTreeMap<Place, Vec<usize>>, Vec<usize>) {
        let map = self.map.lock();
        let (mut groups, mut homeless) = (BTreeMap::<Place, Vec<usize>>::new(), Vec::new());
        for at in left {
            match map.slots.owner(commands[*at].slot) {
                Some(place) => groups.entry(place.clone()).or_default().push(*at),
                None => homeless.push(*at),
            }
        }
        (groups, homeless)
    }

    /// Reads the cluster's map anew, unless somebody has since `version`. Gives the version it has then.
    async fn refresh(&self, version: u64) -> RedisResult<u64> {
        let _turn = self.refreshing.lock().await;
        let current = self.map.lock().version;
        if current > version {
            return Ok(current);
        }
        let mut last = None;
        for place in self.candidates() {
            let mut cmd = redis::cmd("CLUSTER");
            cmd.arg("SLOTS");
            match self.pipeline(&place, [cmd]).await {
                Ok(answers) => {
                    let slots = answers.first().map(|answer| Slots::parse(answer, &place));
                    if let Some(slots) = slots.filter(|slots| !slots.is_empty()) {
                        let mut map = self.map.lock();
                        *map = Map { slots, version: current + 1 };
                        return Ok(map.version);
                    }
                    let said = answers.into_iter().next().map(Value::extract_error);
                    last = said.and_then(Result::err).or(last);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_owner))
    }

    /// Finds out anew where slots are, in a cluster.
    ///
    /// # Errors
    /// Why that cannot be known now.
    pub(super) async fn look_anew(&self) -> RedisResult<()> {
        if self.is_cluster {
            let version = self.map.lock().version;
            self.refresh(version).await?;
        }
        Ok(())
    }

    /// Whom to ask for the map, in any order, so that no node which is out of date is asked for ever.
    fn candidates(&self) -> Vec<Place> {
        let mut places: BTreeSet<Place> =
            self.seeds.iter().map(|seed| Place::of(seed.addr())).collect();
        places.extend(self.map.lock().slots.places().cloned());
        let mut places: Vec<Place> = places.into_iter().collect();
        places.shuffle(&mut rand::rng());
        places
    }

    async fn connection(&self, place: &Place) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = self.open.lock().get(place) {
            return Ok(connection.clone());
        }
        let connection = self.connect(place, self.settings()).await?;
        self.open.lock().insert(place.clone(), connection.clone());
        Ok(connection)
    }

    /// How connections are made.
    pub(super) fn settings(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(self.answer_timeout))
    }

    /// Connects.
    ///
    /// # Errors
    /// Why that is not possible now.
    pub(super) async fn connect(
        &self,
        place: &Place,
        settings: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let info = self.seeds[0].clone();
        let info = if self.is_cluster { place.reach(info) } else { info };
        Client::open(info)?.get_multiplexed_async_connection_with_config(&settings).await
    }

    /// Where a slot is.
    ///
    /// # Errors
    /// Why that cannot be known now.
    pub(super) async fn owner(&self, slot: u16) -> RedisResult<Place> {
        if !self.is_cluster {
            return Ok(Place::of(self.seeds[0].addr()));
        }
        if self.map.lock().slots.is_empty() {
            self.refresh(0).await?;
        }
        self.map.lock().slots.owner(slot).cloned().ok_or_else(no_owner)
    }

    /// Whether a slot is there, as far as is known.
    pub(super) fn has(&self, place: &Place, slot: u16) -> bool {
        !self.is_cluster || self.map.lock().slots.owner(slot) == Some(place)
    }
}

impl Place {
    /// Where an address leads; one that is no host's needs no name.
    fn of(addr: &ConnectionAddr) -> Self {
        match addr {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Self { host: host.clone(), port: *port }
            }
            _ => Self { host: String::new(), port: 0 },
        }
    }

    /// As the seed is reached, but here.
    fn reach(&self, seed: ConnectionInfo) -> ConnectionInfo {
        let (host, port) = (self.host.clone(), self.port);
        let addr = match seed.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        seed.set_addr(addr)
    }
}

/// Reads an address. What is pushed needs the third version of the protocol.
fn address(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

fn no_owner() -> RedisError {
    RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node has the slot of a key"))
}
