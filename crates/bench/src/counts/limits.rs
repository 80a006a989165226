//! What each count may be at most, a little above what is measured. Who makes a count smaller may make
//! its limit smaller too.
//!
//! Counts of instructions move by a few percent with compilers and C libraries, and by less between runs;
//! the rest is as good as exact.

/// One count, and the most that it may be.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) what: &'static str,
    pub(super) most: f64,
    /// Decimals it is shown with.
    pub(super) decimals: usize,
}

const fn limit(what: &'static str, most: f64, decimals: usize) -> Limit {
    Limit { what, most, decimals }
}

/// None: the frame is encoded once and written from where it lies, and the list of sockets is one
/// allocation. What is left for the limit is less than one more allocation per broadcast to a thousand.
pub(super) const ALLOCATIONS_PER_DELIVERY: Limit =
    limit("gateway: allocations per delivery", 0.001, 4);

/// Listing and marking the socket, finding its connection, room in its queue, the C library's `send`. What is
/// inlined on that way changes with whatever else the crate has, and on a busy machine batches are smaller:
/// 418 to 459 were counted of the same code.
pub(super) const INSTRUCTIONS_PER_DELIVERY: Limit =
    limit("gateway: instructions per delivery", 480.0, 0);

/// One write. Beyond it are the wakes of the shard, which do not grow with the room but with time.
pub(super) const CALLS_BUT_WAITS_PER_DELIVERY: Limit =
    limit("gateway: system calls per delivery, but for waits", 1.01, 4);

/// One write, and a look for readiness after each slice of a millisecond; a slower machine or strace
/// looks more often. One look for each delivery would be two calls.
pub(super) const CALLS_PER_DELIVERY: Limit = limit("gateway: system calls per delivery", 1.5, 3);

/// Seven or eight broadcasts share a write: an eighth to a seventh, and a look after each slice.
pub(super) const CALLS_PER_DELIVERY_IN_FLIGHT: Limit =
    limit("gateway, 8 in flight: system calls per delivery", 0.3, 3);

/// None, as for the gateway alone: nothing is looked up, noted or made for a member. The chat server has more
/// that comes with time, and a fan-out to more takes longer: the limit is one for fifty members.
pub(super) const ALLOCATIONS_PER_MEMBER: Limit =
    limit("group message: allocations per member", 0.02, 4);

/// As of a delivery by the gateway alone, and the look for an encoding with an offset.
pub(super) const INSTRUCTIONS_PER_MEMBER: Limit =
    limit("group message: instructions per member", 505.0, 0);

/// One write. Beyond it is what time brings; a commit is a few dozen calls, whatever the group's size.
pub(super) const CALLS_PER_MEMBER: Limit =
    limit("group message: system calls per member, but for waits", 1.02, 3);

/// Of a durable message, its delivery and its ack: the parsed event, the entry on its way to the writer and
/// back, rows that are read, two frames and their queues.
pub(super) const ALLOCATIONS_PER_MESSAGE: Limit =
    limit("direct message with ack: allocations", 60.0, 1);

/// The same. Most is SQLite's: one commit for each message, since the next is sent when it is answered.
pub(super) const INSTRUCTIONS_PER_MESSAGE: Limit =
    limit("direct message with ack: instructions", 140_000.0, 0);

/// Ping, pong, two places in the timing wheel, and its share of the shard's turns and of the load of
/// reading and writing.
pub(super) const INSTRUCTIONS_PER_HEARTBEAT: Limit = limit("heartbeat: instructions", 2_800.0, 0);

/// The rows of connection and socket and the socket's handle (some 420), its token, the room of its own
/// with its name, its seat in the room of all.
pub(super) const GATEWAY_BYTES_PER_CONNECTION: Limit =
    limit("gateway: heap bytes per idle connection", 680.0, 0);

/// The rows of connection and socket and the socket's handle (some 420), the session (176), the room of its
/// user with its name (some 150), the store's rows of user and device in SQLite's cache (some 90), the map
/// of who is there (67), the user's and the device's ids (48), the roster of its groups (40).
pub(super) const BYTES_PER_CONNECTION: Limit =
    limit("chat server: heap bytes per idle connection", 1_085.0, 0);
