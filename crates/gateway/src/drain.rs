//! How a gateway goes down: over how long its connections are closed, and what each hears before.

use std::time::Duration;

use crate::frame::Frame;
use crate::socket::Socket;

type Farewell = Box<dyn Fn(&Socket, f64) -> Option<Frame> + Send + Sync>;

/// The plan of a shutdown, shared by the shards.
pub(crate) struct Drain {
    pub(crate) spread: Duration,
    pub(crate) farewell: Option<Farewell>,
}
