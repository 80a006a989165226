//! Gateways for tests, on port 0, with the heartbeat of the public test suites.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_gateway::{
    Config, ConnectRequest, Data, Engine, Gateway, Io, Listener, Message, Namespace, Running,
};

/// Where the gateway's protocol is served.
pub const PATH: &str = "/socket.io/";

/// A running gateway; it stops when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub running: Running,
}

impl Server {
    /// Starts a gateway that `build` gives its namespaces.
    pub fn start(config: Config, shards: usize, build: impl FnOnce(&mut Gateway)) -> Server {
        Self::start_tls(config, shards, None, build)
    }

    /// The same, encrypted.
    pub fn start_tls(
        config: Config,
        shards: usize,
        tls: Option<Arc<rustls::ServerConfig>>,
        build: impl FnOnce(&mut Gateway),
    ) -> Server {
        let mut gateway = Gateway::builder(config);
        build(&mut gateway);
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let running = gateway.serve(vec![Listener { tcp, tls }], shards).expect("it starts");
        Server { address: running.local_addrs()[0], running }
    }

    /// A gateway with the main namespace alone.
    pub fn main(namespace: Namespace) -> Server {
        Self::start(fast(), 1, |gateway| {
            gateway.namespace("/", namespace);
        })
    }

    pub fn io(&self) -> Io {
        self.running.io()
    }
}

/// The public suites' intervals: pings after 300 ms, 200 ms to answer.
pub fn fast() -> Config {
    Config {
        path: PATH.to_owned(),
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
        connect_timeout: Duration::from_millis(1_000),
        ..Config::default()
    }
}

/// Intervals that no test reaches.
pub fn calm() -> Config {
    Config {
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(45),
        ..fast()
    }
}

/// An Engine.IO server that sends back what it hears.
pub fn engine_echo() -> Server {
    engine_echo_on(1, fast())
}

/// The same with another config.
pub fn engine_echo_with(config: Config) -> Server {
    engine_echo_on(1, config)
}

/// The same on several shards.
pub fn engine_echo_on(shards: usize, config: Config) -> Server {
    Server::start(config, shards, |gateway| {
        gateway.engine(Engine::new().on_message(|link, message: Message| {
            link.send(message).expect("the inbox has room");
        }));
    })
}

/// A Socket.IO server as the public suite asks for it, with `/` and `/custom`.
pub fn echo() -> Server {
    echo_with(fast())
}

/// The same with another config.
pub fn echo_with(config: Config) -> Server {
    Server::start(config, 1, |gateway| {
        gateway.namespace("/", echo_namespace()).namespace("/custom", echo_namespace());
    })
}

pub fn echo_namespace() -> Namespace {
    Namespace::new()
        .middleware(async |request: &ConnectRequest| {
            let auth = request.auth().map_or("{}", |auth| auth.get());
            Ok(Data::new(format!("[{auth}]")))
        })
        .on_connect(|socket| {
            socket.emit_raw("auth", socket.data::<String>().unwrap()).unwrap();
        })
        .on("message", |socket, event| {
            socket.emit_with("message-back", event.args(), event.attachments().to_vec()).unwrap();
        })
        .on("message-with-ack", |_, mut event| {
            let ack = event.take_ack().unwrap();
            ack.send_with(event.args(), event.attachments().to_vec()).unwrap();
        })
}

/// A namespace that answers `sync` by `synced`: what was emitted before comes before it.
pub fn syncing() -> Namespace {
    Namespace::new().on("sync", |socket, _| socket.emit("synced", &()).unwrap())
}

/// Lets what was just written reach the server before something else does. Only the order of two
/// connections hangs on it, never the outcome of a wait.
pub fn settle() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Waits until a condition holds.
pub fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + super::stream::PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "the condition never held");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a future of the gateway's API on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(super::stream::PATIENCE, future).await.expect("it completes in time")
    })
}
