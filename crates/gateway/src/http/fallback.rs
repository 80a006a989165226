//! The service that answers every path that is not Engine.IO's.
//!
//! Any tower service over hyper's request will do, an axum `Router` in particular. It is cloned per
//! request, which for a router is a reference count, and its type is forgotten here so that the
//! rest of the gateway is not generic over it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tower_service::Service;

use super::body::{Body, full};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Who sent a request: the gateway puts it into the extensions of requests for the fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, as the configured proxies tell it.
    pub address: SocketAddr,
    /// Whether the connection is TLS.
    pub secure: bool,
}

/// A fallback service, or none: then other paths are not found.
#[derive(Clone, Default)]
pub(crate) struct Fallback(Option<Arc<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>>);

impl Fallback {
    /// Wraps a service.
    pub(crate) fn new<S, B>(service: S) -> Fallback
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + Send,
        S::Future: Send,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Fallback(Some(Arc::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                let answer = match std::future::poll_fn(|cx| service.poll_ready(cx)).await {
                    Ok(()) => service.call(request).await,
                    Err(error) => Err(error),
                };
                match answer {
                    Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
                    Err(error) => {
                        let error: BoxError = error.into();
                        tracing::error!(error = %error, "the fallback service failed");
                        plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
                    }
                }
            })
        })))
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        match &self.0 {
            Some(service) => service(request).await,
            None => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

impl std::fmt::Debug for Fallback {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Fallback").field(&self.0.is_some()).finish()
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::header::HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    response
}
