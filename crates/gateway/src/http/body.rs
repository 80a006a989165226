//! Bodies: what is sent, and how a request's body is collected within a limit.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};

/// How much of a body that is too large is read and thrown away, in bytes.
const DISCARD_BYTES_MAX: usize = 16 << 20;

/// How long that may take.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// The body of every response, ours and the fallback's.
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A body that is there in one piece.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Why a request's body could not be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncollected {
    /// It is, or says it will be, larger than the limit.
    TooLarge,
    /// It did not arrive whole in time.
    TimedOut,
    /// The connection ended before the body did, or the body's framing is broken.
    Broken,
}

/// Collects a body of at most `limit_bytes` within `timeout`; for the fallback's own requests, too.
///
/// No byte is kept of a body whose declared length is over the limit; one of unknown length is cut
/// off when it passes the limit.
///
/// # Errors
/// [`Uncollected`]; of what is too large, so much is read and thrown away that a client which is
/// still sending gets to read the answer.
///
/// # Cancel safety
/// What was read is lost.
pub async fn collect<B>(
    body: B,
    limit_bytes: usize,
    timeout: Duration,
) -> Result<Bytes, Uncollected>
where
    B: hyper::body::Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let collected = tokio::time::timeout(timeout, gather(body.as_mut(), limit_bytes)).await;
    let collected = collected.unwrap_or(Err(Uncollected::TimedOut));
    if collected == Err(Uncollected::TooLarge) {
        let _ = tokio::time::timeout(DISCARD_TIME_MAX, discard(body)).await;
    }
    collected
}

async fn gather<B>(mut body: Pin<&mut B>, limit_bytes: usize) -> Result<Bytes, Uncollected>
where
    B: hyper::body::Body<Data = Bytes>,
{
    if body.size_hint().lower() > limit_bytes as u64 {
        return Err(Uncollected::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Uncollected::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        let so_far = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if so_far + data.len() > limit_bytes {
            return Err(Uncollected::TooLarge);
        }
        // Most bodies come in one piece and need no copy.
        match &first {
            None => first = Some(data),
            Some(_) => rest.extend_from_slice(&data),
        }
    }
    Ok(match first {
        None => Bytes::new(),
        Some(first) if rest.is_empty() => first,
        Some(first) => {
            let mut whole = BytesMut::with_capacity(first.len() + rest.len());
            whole.extend_from_slice(&first);
            whole.extend_from_slice(&rest);
            whole.freeze()
        }
    })
}

/// Reads on without keeping anything, so that a client that is still sending gets to read the
/// answer instead of a reset.
async fn discard<B>(mut body: Pin<&mut B>)
where
    B: hyper::body::Body<Data = Bytes>,
{
    let mut left = DISCARD_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(bytes) else { return };
        left = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn collected(text: &'static str, limit_bytes: usize) -> Result<Bytes, Uncollected> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime starts");
        runtime.block_on(collect(
            Full::new(Bytes::from_static(text.as_bytes())),
            limit_bytes,
            SECOND,
        ))
    }

    #[test]
    fn a_body_at_the_limit_is_taken_whole() {
        assert_eq!(collected("12345", 5), Ok(Bytes::from_static(b"12345")));
    }

    #[test]
    fn a_body_over_the_limit_is_refused() {
        assert_eq!(collected("123456", 5), Err(Uncollected::TooLarge));
    }
}
