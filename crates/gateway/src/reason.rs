//! Why connections and sockets end: closed enums, so that every end is counted under a known name.
//! A `CloseReason` ends a connection; each of its sockets then ends with a `DisconnectReason`.

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CloseReason {
    /// The peer closed the transport, or sent the close packet.
    TransportClose,
    /// Reading or writing failed, or a WebSocket rule was broken.
    TransportError,
    /// No pong came in time.
    PingTimeout,
    /// A packet could not be read.
    ParseError,
    /// A message was larger than `max_payload`.
    MessageTooBig,
    /// The client did not take what was sent: its queue was full (`Config::output_bytes_max`), or
    /// something waited in it for a whole heartbeat and none of it was taken. Told by the WebSocket
    /// close code 1013 (try again later) and the reason `slow reader`, if the client reads again in
    /// time to see them; what it has not taken is dropped, so mostly it finds the connection reset.
    /// A client may come back at once, and should resume. Over polling: the queue was full.
    SlowReader,
    /// No CONNECT came within `connect_timeout`.
    ConnectTimeout,
    /// A second CONNECT to a namespace, or a packet the protocol forbids at that point.
    ProtocolViolation,
    /// The server asked for it by `disconnect(Close::Connection)`.
    ForcedClose,
    /// The server is going down.
    ServerShutdown,
    /// A handler panicked while serving this connection.
    HandlerPanic,
    /// The application closed it because a credential ended.
    Expired,
    /// The application closed it because another session took its place.
    Replaced,
    /// The application closed it: it kept sending above its limits.
    LimitExceeded,
}

impl CloseReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 14] = [
        Self::TransportClose,
        Self::TransportError,
        Self::PingTimeout,
        Self::ParseError,
        Self::MessageTooBig,
        Self::SlowReader,
        Self::ConnectTimeout,
        Self::ProtocolViolation,
        Self::ForcedClose,
        Self::ServerShutdown,
        Self::HandlerPanic,
        Self::Expired,
        Self::Replaced,
        Self::LimitExceeded,
    ];

    /// The reason in Socket.IO's words where it has them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::MessageTooBig => "message too big",
            Self::SlowReader => "slow reader",
            Self::ConnectTimeout => "connect timeout",
            Self::ProtocolViolation => "protocol violation",
            Self::ForcedClose => "forced server close",
            Self::ServerShutdown => "server shutting down",
            Self::HandlerPanic => "handler panic",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::LimitExceeded => "limit exceeded",
        }
    }

    /// Whether the server decided it, and the client should hear its last words.
    pub(crate) fn is_of_the_server(self) -> bool {
        matches!(
            self,
            Self::ForcedClose
                | Self::ServerShutdown
                | Self::Expired
                | Self::Replaced
                | Self::LimitExceeded
        )
    }

    /// Whether a client that comes back may go on as if nothing had happened: the connection was
    /// lost, not ended for something that the client, or the application, did.
    pub fn is_recoverable(self) -> bool {
        matches!(
            self,
            Self::TransportClose
                | Self::TransportError
                | Self::PingTimeout
                | Self::SlowReader
                | Self::ForcedClose
                | Self::ServerShutdown
        )
    }

    /// The WebSocket close code that tells the peer.
    pub(crate) fn websocket_code(self) -> u16 {
        match self {
            Self::TransportClose | Self::ForcedClose => 1000,
            Self::ServerShutdown => 1001,
            Self::TransportError | Self::ProtocolViolation | Self::ParseError => 1002,
            Self::MessageTooBig => 1009,
            Self::HandlerPanic => 1011,
            Self::SlowReader => 1013,
            Self::PingTimeout | Self::ConnectTimeout => 1000,
            Self::Expired | Self::Replaced | Self::LimitExceeded => 1008,
        }
    }
}

/// Why a socket left its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisconnectReason {
    /// The client sent DISCONNECT.
    ClientNamespaceDisconnect,
    /// The server called `disconnect(Close::Namespace)` or `disconnect(Close::Connection)`.
    ServerNamespaceDisconnect,
    /// Its connection ended.
    Connection(CloseReason),
}

impl DisconnectReason {
    /// Whether the connection was lost, so that the socket may be recovered.
    pub fn is_recoverable(self) -> bool {
        matches!(self, Self::Connection(reason) if reason.is_recoverable())
    }

    /// The reason in Socket.IO's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::Connection(reason) => reason.as_str(),
        }
    }
}

/// How far a disconnect by the server goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The socket leaves its namespace; the connection stays.
    Namespace,
    /// The whole connection is closed.
    Connection,
}
