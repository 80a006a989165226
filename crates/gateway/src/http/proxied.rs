//! Whose address a connection comes from, behind a proxy that says so before all else: the PROXY protocol, in
//! its text and its binary version (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! Whoever may say so is known before; whether somebody does is never guessed. Of the connection nothing but the
//! header is read, for TLS begins right behind it.

use std::io;
use std::net::SocketAddr;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a header as text, with its end (section 2.1).
const TEXT_BYTES_MAX: usize = 107;

/// Bytes of a binary header behind its fixed part: the addresses, and what a proxy adds about them.
const BINARY_BYTES_MAX: usize = 4_096;

/// What a header as text begins with.
const TEXT_SIGNATURE: &[u8] = b"PROXY ";

/// What a binary header begins with (section 2.2).
const BINARY_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Why a connection is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoHeader {
    /// It ended before the header did.
    #[error("it ended within the header")]
    Ended(#[from] io::Error),
    /// It begins with something else.
    #[error("it does not begin with a header of the PROXY protocol")]
    Other,
    /// A header that says more than it may.
    #[error("the header is too long")]
    TooLong,
    /// A header that is none.
    #[error("the header cannot be read")]
    Malformed,
}

/// Reads the header; gives the client's address, or nothing where the proxy speaks for itself or does not know.
///
/// # Errors
/// [`NoHeader`].
pub(crate) async fn client(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, NoHeader> {
    // No header is shorter.
    let mut header = vec![0; BINARY_SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == BINARY_SIGNATURE {
        return binary(stream, header).await;
    }
    if !header.starts_with(TEXT_SIGNATURE) {
        return Err(NoHeader::Other);
    }
    // Where it ends shows at its end, and what follows is not ours.
    while !header.ends_with(b"\r\n") {
        if header.len() == TEXT_BYTES_MAX {
            return Err(NoHeader::TooLong);
        }
        header.push(stream.read_u8().await?);
    }
    match v1::Header::try_from(header.as_slice()).map_err(|_| NoHeader::Malformed)?.addresses {
        v1::Addresses::Unknown => Ok(None),
        v1::Addresses::Tcp4(from) => Ok(Some((from.source_address, from.source_port).into())),
        v1::Addresses::Tcp6(from) => Ok(Some((from.source_address, from.source_port).into())),
    }
}

async fn binary(
    stream: &mut (impl AsyncRead + Unpin),
    mut header: Vec<u8>,
) -> Result<Option<SocketAddr>, NoHeader> {
    header.extend(stream.read_u16().await?.to_be_bytes());
    let length = stream.read_u16().await?;
    header.extend(length.to_be_bytes());
    let (begin, length) = (header.len(), usize::from(length));
    if length > BINARY_BYTES_MAX {
        return Err(NoHeader::TooLong);
    }
    header.resize(begin + length, 0);
    stream.read_exact(&mut header[begin..]).await?;
    let header = v2::Header::try_from(header.as_slice()).map_err(|_| NoHeader::Malformed)?;
    match (header.command, header.addresses) {
        (v2::Command::Proxy, v2::Addresses::IPv4(from)) => {
            Ok(Some((from.source_address, from.source_port).into()))
        }
        (v2::Command::Proxy, v2::Addresses::IPv6(from)) => {
            Ok(Some((from.source_address, from.source_port).into()))
        }
        // A health check of the proxy's own, or a socket without an address.
        (v2::Command::Local, _) | (_, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was read, and what was left.
    async fn read(mut bytes: &[u8]) -> (Result<Option<SocketAddr>, NoHeader>, &[u8]) {
        let read = client(&mut bytes).await;
        (read, bytes)
    }

    fn binary_header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).expect("it is short").to_be_bytes();
        [&BINARY_SIGNATURE[..], &[command, family], &length, addresses].concat()
    }

    const FROM_IPV4: [u8; 12] = [203, 0, 113, 9, 10, 0, 0, 1, 0x30, 0x39, 0, 80];

    #[tokio::test]
    async fn both_versions_name_the_client_and_leave_what_follows() {
        let mut from_ipv6 = [0; 36];
        from_ipv6[15] = 9;
        from_ipv6[32..34].copy_from_slice(&[0, 7]);
        let extended = [&FROM_IPV4[..], &[4, 0, 1, 42]].concat();
        let table: [(Vec<u8>, Option<&str>); 8] = [
            (b"PROXY TCP4 203.0.113.9 10.0.0.1 12345 80\r\n".into(), Some("203.0.113.9:12345")),
            (b"PROXY TCP6 2001:db8::9 ::1 12345 80\r\n".into(), Some("[2001:db8::9]:12345")),
            (b"PROXY UNKNOWN\r\n".into(), None),
            (b"PROXY UNKNOWN anything at all\r\n".into(), None),
            (binary_header(0x21, 0x11, &FROM_IPV4), Some("203.0.113.9:12345")),
            (binary_header(0x21, 0x11, &extended), Some("203.0.113.9:12345")),
            (binary_header(0x21, 0x21, &from_ipv6), Some("[::9]:7")),
            // A health check of the proxy's own.
            (binary_header(0x20, 0x00, &[]), None),
        ];
        for (header, client) in table {
            let bytes = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            let (read, left) = read(&bytes).await;
            let read = read.expect("it is a header").map(|address| address.to_string());
            assert_eq!((read.as_deref(), left), (client, &b"GET / HTTP/1.1\r\n"[..]), "{header:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        assert!(matches!(read(b"GET / HTTP/1.1\r\n\r\n").await.0, Err(NoHeader::Other)));
        assert!(matches!(read(b"PROXY TCP4 203.0.113.9").await.0, Err(NoHeader::Ended(_))));
        assert!(matches!(read(b"PROXY TCP4 here there 1 2\r\n").await.0, Err(NoHeader::Malformed)));
        let other_version = binary_header(0x31, 0x11, &FROM_IPV4);
        assert!(matches!(read(&other_version).await.0, Err(NoHeader::Malformed)));
        let whole = binary_header(0x21, 0x11, &FROM_IPV4);
        for cut in 0..whole.len() {
            assert!(matches!(read(&whole[..cut]).await.0, Err(NoHeader::Ended(_))), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn headers_have_bounds() {
        let text = |bytes: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(bytes - 16));
        assert!(read(text(TEXT_BYTES_MAX).as_bytes()).await.0.is_ok());
        let longer = text(TEXT_BYTES_MAX + 1);
        assert!(matches!(read(longer.as_bytes()).await.0, Err(NoHeader::TooLong)));
        let binary = |bytes: usize| binary_header(0x20, 0x00, &vec![0; bytes]);
        assert!(read(&binary(BINARY_BYTES_MAX)).await.0.is_ok());
        assert!(matches!(read(&binary(BINARY_BYTES_MAX + 1)).await.0, Err(NoHeader::TooLong)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..3) {
            let begin: &[u8] = match kind {
                0 => b"",
                1 => TEXT_SIGNATURE,
                _ => BINARY_SIGNATURE,
            };
            let bytes = [begin, &bytes].concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let _ = runtime.block_on(client(&mut &bytes[..]));
        }
    }
}
