//! A server that runs under a tool, or will be looked at by one, and the load that talks to it.

use std::ffi::OsString;
use std::time::Duration;

use crate::crew::Crew;
use crate::fanout::{self, Sizes};
use crate::groups;
use crate::load::user_name;
use crate::place::Place;
use crate::protocol::{Ask, Command, Room, Subscribe};
use crate::server::{Kind, Limits, Server};

/// Connections in the making at the same time: few, since the server is slowed down many times.
const AT_ONCE: u32 = 16;

/// Bytes of text of each broadcast.
const TEXT_BYTES: usize = 80;

/// Broadcasts before those that are counted.
const WARM_UP: u32 = 5;

/// Time between heartbeats: beyond every count that is not about them, and the longest that Parlor's
/// configuration takes.
const NO_HEARTBEAT: Duration = Duration::from_secs(3600);

/// How a server is run to be counted.
pub(super) struct Setting {
    kind: Kind,
    /// The words before its own: the tool it runs under, if it does.
    words: Vec<OsString>,
    ping_interval: Duration,
    plant: Option<&'static str>,
}

impl Setting {
    /// The gateway alone, with something planted in it that it knows by this name.
    pub(super) fn gateway(words: Vec<OsString>, plant: Option<&'static str>) -> Self {
        Self { kind: Kind::Gateway, words, ping_interval: NO_HEARTBEAT, plant }
    }

    /// The whole chat server.
    pub(super) fn chat(words: Vec<OsString>) -> Self {
        Self { kind: Kind::Parlor, words, ping_interval: NO_HEARTBEAT, plant: None }
    }

    /// The same with a heartbeat so long after each pong.
    pub(super) fn with_heartbeat(self, ping_interval: Duration) -> Self {
        Self { ping_interval, ..self }
    }
}

/// A running server and its load.
pub(super) struct Watched {
    server: Server,
    crew: Crew,
    kind: Kind,
    connections: u32,
}

/// Those who hear a broadcast: all connections, in one room or in several.
pub(super) struct Audience {
    rooms: Vec<Room>,
    members_each: u32,
}

impl Watched {
    /// Starts both; `most` connections will be opened.
    ///
    /// # Errors
    /// One of them cannot be started.
    pub(super) fn start(place: &Place, setting: Setting, most: u32) -> anyhow::Result<Self> {
        let Setting { kind, words, ping_interval, plant } = setting;
        let mut under: Vec<OsString> = vec!["env".into()];
        for name in ["PARLOR_LIMITS__PING_INTERVAL_MS", "BENCH_GATEWAY_PING_INTERVAL_MS"] {
            under.push(format!("{name}={}", ping_interval.as_millis()).into());
        }
        // The index of words follows behind the messages, when there is time.
        under.push("PARLOR_SEARCH__ENABLED=false".into());
        under.extend(plant.map(|plant| format!("BENCH_GATEWAY_PLANT={plant}").into()));
        under.extend(words);
        let place = Place { under, ..place.clone() };
        let server = Server::start(kind, &place, Limits::HIGH_RATES)?;
        let crew = Crew::start(most, place.load_core, server.address(), kind.auth(), AT_ONCE)?;
        Ok(Self { server, crew, kind, connections: 0 })
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Opens connections until there are so many, an even number.
    pub(super) fn connect_up_to(&mut self, connections: u32) -> anyhow::Result<()> {
        self.crew.connect(connections - self.connections)?;
        self.connections = connections;
        Ok(())
    }

    /// Puts all connections into rooms of this size, of Parlor's groups of them, and speaks to each a
    /// few times. The gateway alone has one room for all.
    pub(super) fn assemble(&mut self, members_each: u32) -> anyhow::Result<Audience> {
        let rooms = match self.kind {
            Kind::Parlor => (0..self.connections / members_each)
                .map(|room| {
                    let first = usize::try_from(room * members_each)?;
                    Ok(Room::Group(groups::gather(&mut self.crew, first, members_each)?))
                })
                .collect::<anyhow::Result<_>>()?,
            _ => vec![Room::All],
        };
        let audience = Audience { rooms, members_each };
        self.broadcast(&audience, WARM_UP, 1)?;
        Ok(audience)
    }

    /// Sends so many broadcasts to each room, at most `in_flight` of them ahead of their arrival.
    ///
    /// # Errors
    /// One did not arrive exactly once with everyone.
    pub(super) fn broadcast(
        &mut self,
        audience: &Audience,
        broadcasts: u32,
        in_flight: u32,
    ) -> anyhow::Result<()> {
        let sizes = Sizes {
            members: audience.members_each,
            rooms: u32::try_from(audience.rooms.len())?,
            broadcasts,
            in_flight,
            payload_bytes: TEXT_BYTES,
        };
        fanout::broadcast(&mut self.crew, sizes, broadcasts, &audience.rooms).map(drop)
    }

    /// Has the first user send direct messages to the second, each once the one before was
    /// acknowledged.
    pub(super) fn say(&mut self, messages: u32) -> anyhow::Result<()> {
        let (to, text) = (user_name(1), "x".repeat(TEXT_BYTES));
        let event = format!(r#"["private_message",{{"toUserId":"{to}","content":"{text}"}}]"#);
        let ask = Ask { commands: vec![(0, event)], rounds: messages };
        let first = |at| if at == 0 { Command::Ask(ask.clone()) } else { Command::Count };
        self.crew.command(first).map(drop)
    }

    /// Has every connection watch the presence of so many others.
    pub(super) fn watch_each_other(&mut self, each: u32) -> anyhow::Result<()> {
        let watch = Subscribe { first: 0, users: self.connections, each };
        self.crew.command(|_| Command::Subscribe(watch.clone())).map(drop)
    }
}
