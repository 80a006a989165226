//! A blocking byte stream to the server, plain or TLS, that fails instead of hanging.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A connection with a read-ahead buffer.
pub struct Stream {
    inner: Inner,
    ahead: Vec<u8>,
}

enum Inner {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

impl Stream {
    pub fn plain(address: SocketAddr) -> Stream {
        Stream { inner: Inner::Plain(tcp(address)), ahead: Vec::new() }
    }

    pub fn tls(address: SocketAddr, config: Arc<rustls::ClientConfig>) -> Stream {
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let tls = rustls::ClientConnection::new(config, name).unwrap();
        let inner = rustls::StreamOwned::new(tls, tcp(address));
        Stream { inner: Inner::Tls(Box::new(inner)), ahead: Vec::new() }
    }

    fn socket(&self) -> &TcpStream {
        match &self.inner {
            Inner::Plain(tcp) => tcp,
            Inner::Tls(tls) => &tls.sock,
        }
    }

    /// The addresses of the server's end and of this one.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.socket().peer_addr().unwrap(), self.socket().local_addr().unwrap())
    }

    /// Ends the connection at once, in both directions.
    pub fn shutdown(&self) {
        let _ = self.socket().shutdown(Shutdown::Both);
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).expect("the server takes what is written");
    }

    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.inner {
            Inner::Plain(tcp) => tcp.write_all(bytes),
            Inner::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }

    /// Reads more bytes ahead; 0 at the end of the stream, a reset included.
    fn fill(&mut self) -> usize {
        let mut bytes = [0; 16 * 1024];
        let read = match &mut self.inner {
            Inner::Plain(tcp) => tcp.read(&mut bytes),
            Inner::Tls(tls) => tls.read(&mut bytes),
        };
        match read {
            Ok(read) => {
                self.ahead.extend_from_slice(&bytes[..read]);
                read
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionAborted
                ) =>
            {
                0
            }
            Err(error) => panic!("nothing came within the patience: {error}"),
        }
    }

    /// Exactly `count` bytes, or `None` if the stream ends before.
    pub fn read_exact(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < count {
            if self.fill() == 0 {
                return None;
            }
        }
        Some(self.ahead.drain(..count).collect())
    }

    /// Everything up to and including `end`, or `None` if the stream ends before.
    pub fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.ahead.windows(end.len()).position(|window| window == end) {
                return Some(self.ahead.drain(..at + end.len()).collect());
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// Whether the stream has ended, waiting for that; what comes before is thrown away.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() != 0 {}
        std::mem::take(&mut self.ahead)
    }
}

fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(address).expect("the server accepts");
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp
}
