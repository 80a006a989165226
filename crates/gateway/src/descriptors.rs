//! The shards' descriptors: of one table that the process shares, or, where
//! `Config::own_file_tables` asks for it, of a table for each shard.
//!
//! The system's limit of open files holds for a table. With one each, a process holds as many
//! connections as its memory allows, though the limit cannot be raised. What several threads use
//! must be open before the first of them leaves the shared table, since a descriptor that is
//! opened later means nothing, or another file, in the other tables: so all runtimes (which wake
//! each other by descriptors) and all listeners are made here first, and from then on no
//! descriptor goes from one shard to another.

use std::io;
use std::net::TcpListener;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::Runtime;

use crate::gateway::Listener;

/// Connections that wait to be accepted at a shard's own listener.
const BACKLOG: i32 = 4096;

/// What a shard's thread needs open.
pub(crate) struct Opened {
    pub(crate) runtime: Runtime,
    pub(crate) listeners: Vec<Listener>,
}

/// Opens what all shards need: the same listeners for each, or, with tables of their own,
/// listeners of their own, among which the system spreads connections.
///
/// # Errors
/// A runtime cannot be made, or a listener not shared (to be bound again, it must have been bound
/// with `SO_REUSEPORT`).
pub(crate) fn open(listeners: &[Listener], shards: usize, own: bool) -> io::Result<Vec<Opened>> {
    let opened = (0..shards).map(|shard| {
        let listeners = listeners.iter().map(|Listener { tcp, tls }| {
            let tcp = if own && shard > 0 { bind_again(tcp)? } else { tcp.try_clone()? };
            tcp.set_nonblocking(true)?;
            Ok(Listener { tcp, tls: tls.clone() })
        });
        let listeners = listeners.collect::<io::Result<_>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Opened { runtime, listeners })
    });
    opened.collect()
}

fn bind_again(listener: &TcpListener) -> io::Result<TcpListener> {
    let address = listener.local_addr()?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(socket2::SockRef::from(listener).only_v6()?)?;
    }
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Gives the calling thread a table of its own, a copy of the one it had.
///
/// # Errors
/// Where there is no such thing.
#[cfg(target_os = "linux")]
pub(crate) fn leave_table() -> io::Result<()> {
    use nix::sched::{CloneFlags, unshare};

    Ok(unshare(CloneFlags::CLONE_FILES)?)
}

/// There is no such thing here.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) fn leave_table() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "file tables of threads need Linux"))
}
