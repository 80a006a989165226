//! A non-blocking byte stream: TCP, or TLS over it driven by hand. Reads and writes mean plain
//! bytes; `WouldBlock` means that readiness will be told by the poll.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

use crate::front;

/// Plain bytes given to TLS at a time, so that what it encrypts ahead stays small.
const TLS_CHUNK: usize = 64 << 10;

/// The stream of a connection whose HTTP is over.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

pub(crate) struct Tls {
    tcp: TcpStream,
    session: ServerConnection,
}

impl Stream {
    pub(crate) fn new(stream: front::Stream) -> io::Result<Self> {
        let adopt = |tcp: std::net::TcpStream| {
            tcp.set_nonblocking(true)?;
            io::Result::Ok(TcpStream::from_std(tcp))
        };
        Ok(match stream {
            front::Stream::Plain(tcp) => Self::Plain(adopt(tcp)?),
            front::Stream::Tls(tcp, session) => {
                Self::Tls(Box::new(Tls { tcp: adopt(tcp)?, session: *session }))
            }
        })
    }

    fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &mut tls.tcp,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.tcp(), token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn reregister(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(self.tcp(), token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Makes the end of this stream a reset: what the peer has not taken is dropped by the kernel
    /// too, which else keeps it for minutes.
    pub(crate) fn forget_unsent(&mut self) {
        if let Err(error) = socket2::SockRef::from(&*self.tcp()).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "a connection ends without a reset");
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish(&mut self) {
        if let Self::Tls(tls) = self {
            tls.session.send_close_notify();
            let _ = tls.flush();
        }
        let _ = self.tcp().shutdown(Shutdown::Write);
    }

    /// Whether a read that did not fill its buffer may have left bytes behind.
    pub(crate) fn reads_short(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let outcome = match self {
                Self::Plain(tcp) => tcp.read(buffer),
                Self::Tls(tls) => tls.read(buffer),
            };
            match outcome {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let outcome = match self {
                Self::Plain(tcp) => tcp.write(bytes),
                Self::Tls(tls) => tls.write(bytes),
            };
            match outcome {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    pub(crate) fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) if slices.len() > 1 => tcp.write_vectored(slices),
            _ => self.write(slices.first().map_or(&[], |slice| slice)),
        }
    }

    /// Writes out what is encrypted already; `WouldBlock` if some is left.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.session.read_tls(&mut self.tcp)? == 0 {
                return Ok(0);
            }
            let state = self
                .session
                .process_new_packets()
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error));
            if self.session.wants_write() {
                match self.flush() {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
            state?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let taken = self.session.writer().write(&bytes[..bytes.len().min(TLS_CHUNK)])?;
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.tcp)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}
