//! Where a key set comes from: a file, or a URL.
//!
//! A read is bounded in bytes and time, follows no redirect and uses no proxy.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::keys::{KeySet, KeySetError};

/// The biggest key set, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Why a key set could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The machine's trusted certificates cannot be read.
    #[error("cannot read the machine's trusted certificates (package ca-certificates): {0}")]
    Roots(#[source] std::io::Error),
    /// The server did not answer as it should.
    #[error("cannot fetch {url}: {why}")]
    Fetch {
        /// From where.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// It is bigger than a key set may be.
    #[error("it is longer than {BYTES_MAX} bytes")]
    TooLong,
    /// It was read, but is of no use.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

/// A place that a key set can be read from, again and again.
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// A URL.
    Url(Box<Fetcher>),
}

/// Fetches one URL.
pub(crate) struct Fetcher {
    url: http::Uri,
    timeout: Duration,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Source {
    /// Prepares to fetch a URL.
    ///
    /// # Errors
    /// [`SourceError`] when it is no URL, or no trusted certificate can be read.
    pub(crate) fn url(url: &str, timeout: Duration) -> Result<Self, SourceError> {
        let uri: http::Uri = url.parse().map_err(|error: http::uri::InvalidUri| {
            SourceError::Fetch { url: url.to_owned(), why: error.to_string() }
        })?;
        let connector = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = if uri.scheme_str() == Some("http") {
            // Plain http is allowed on loopback only; it needs no certificates.
            let config = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            connector.with_tls_config(config)
        } else {
            connector.with_native_roots().map_err(SourceError::Roots)?
        };
        let connector = connector.https_or_http().enable_http1().build();
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self::Url(Box::new(Fetcher { url: uri, timeout, client })))
    }

    /// Reads the key set now.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read, is too long, or is no use.
    pub(crate) async fn load(&self) -> Result<KeySet, SourceError> {
        let bytes = match self {
            Self::File(path) => read_file(path)?,
            Self::Url(fetcher) => fetcher.fetch().await?,
        };
        Ok(KeySet::parse(&bytes)?)
    }
}

fn read_file(path: &PathBuf) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| SourceError::File { path: path.clone(), error })?;
    if bytes.len() > BYTES_MAX { Err(SourceError::TooLong) } else { Ok(bytes) }
}

impl Fetcher {
    async fn fetch(&self) -> Result<Vec<u8>, SourceError> {
        let answer = tokio::time::timeout(self.timeout, self.exchange()).await;
        let answer = answer.unwrap_or_else(|_| Err(String::from("it took too long")));
        answer.map_err(|why| SourceError::Fetch { url: self.url.to_string(), why })
    }

    async fn exchange(&self) -> Result<Vec<u8>, String> {
        let response = self.client.get(self.url.clone()).await.map_err(|error| chain(&error))?;
        if response.status() != http::StatusCode::OK {
            return Err(format!("it answered {}", response.status()));
        }
        let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
        Ok(body.map_err(|error| error.to_string())?.to_bytes().to_vec())
    }
}

/// An error with its sources, since the first of hyper's says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
