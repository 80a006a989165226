//! Opens the listening socket, and says what to do where that fails.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::exit::{Code, Failure};

/// Connections that wait to be accepted. The system's own bound may be lower.
const BACKLOG: i32 = 4096;

/// Listens on an address; `again` if this process will bind further sockets to it.
///
/// # Errors
/// A [`Failure`] that says what to do: choose another port, ask for the right, or another address.
pub(crate) fn open(address: SocketAddr, again: bool) -> Result<TcpListener, Failure> {
    bind(address, again).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; end it, or choose another port with --listen \
                 (port 0 takes a free one)"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a right that this user lacks; choose another with --listen"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; 0.0.0.0 or [::] listens on all it has"
            }
            _ => "choose another address with --listen",
        };
        Failure::new(Code::Listen, format!("cannot listen on {address}: {error}; {advice}"))
    })
}

fn bind(address: SocketAddr, again: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // On Unix this lets a restart listen at once; elsewhere it would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    if again {
        // A socket bound without it keeps this one from being bound, so no server is joined unawares.
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_in_use_is_refused_with_advice() {
        let first = open(([127, 0, 0, 1], 0).into(), false).unwrap();
        let failure = open(first.local_addr().unwrap(), false).err().unwrap();
        assert_eq!(failure.code, Code::Listen);
        assert!(failure.message.contains("another program listens there"), "{failure}");
    }

    #[test]
    fn address_of_another_machine_is_refused_with_advice() {
        let failure = open("192.0.2.1:0".parse().unwrap(), false).err().unwrap();
        assert!(failure.message.contains("no such address"), "{failure}");
    }
}
