//! Fetches pages of running servers, for the commands that look at one from outside.
//!
//! The client is the one that reads key sets. An answer is bounded in bytes and time, redirects are
//! not followed, and no proxy is used. A server on this machine's own loopback is believed without
//! a look at its certificate: that is of another name, and nothing secret is asked or told.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use crate::config::Config;
use crate::serve::with_sources;

/// The longest page that is read, in bytes.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where a server is, as people write it: without a path at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    text: String,
    uri: Uri,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|error| format!("it is no URL: {error}"))?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let plain = uri.query().is_none()
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if !known || !plain {
            return Err(String::from("write http:// or https://, host and port"));
        }
        Ok(Self { text: text.to_owned(), uri })
    }

    /// The server that this configuration makes on this machine.
    pub(crate) fn local(config: &Config) -> Self {
        let listen = config.server.listen;
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ip => ip,
        };
        let scheme = if config.server.tls_cert.is_some() { "https" } else { "http" };
        let text = format!("{scheme}://{}", SocketAddr::new(ip, listen.port()));
        Self::parse(&text).expect("a socket's address is an authority")
    }

    /// What a person tells it by: host and port.
    pub(crate) fn name(&self) -> &str {
        self.uri.authority().map_or(&self.text, |authority| authority.as_str())
    }

    fn is_loopback(&self) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Fetches from one server.
#[derive(Clone)]
pub(crate) struct Fetcher {
    address: Address,
    timeout: Duration,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Fetcher {
    /// Prepares to ask a server, waiting so long for each answer.
    ///
    /// # Errors
    /// That the machine's trusted certificates, which are needed, cannot be read.
    pub(crate) fn new(address: Address, timeout: Duration) -> Result<Self, String> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = if address.is_loopback() || address.uri.scheme_str() == Some("http") {
            let config = rustls::ClientConfig::builder()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate))
                .with_no_client_auth();
            connector.with_tls_config(config)
        } else {
            connector.with_native_roots().map_err(|error| {
                format!("cannot read the machine's trusted certificates: {error}")
            })?
        };
        let connector = connector.https_or_http().enable_http1().build();
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector);
        Ok(Self { address, timeout, client })
    }

    /// Reads one page. Cancel safe.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), String> {
        let url = format!("{}{path}", self.address.text);
        let url: Uri = url.parse().map_err(|error| format!("`{url}` is no URL: {error}"))?;
        let asked = async {
            let answer = self.client.get(url).await.map_err(|error| with_sources(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), PAGE_BYTES_MAX).collect().await;
            Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        let answer = tokio::time::timeout(self.timeout, asked).await;
        answer.unwrap_or_else(|_| Err(format!("no answer in {} ms", self.timeout.as_millis())))
    }
}

/// Believes whoever answers.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_server_is_where_the_configuration_says() {
        let mut config = Config::default();
        for (listen, name) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.7:9", "192.0.2.7:9"),
        ] {
            config.server.listen = listen.parse().unwrap();
            let address = Address::local(&config);
            assert_eq!((address.name(), address.text.starts_with("http://")), (name, true));
        }
        config.server.tls_cert = Some("cert.pem".into());
        assert!(Address::local(&config).text.starts_with("https://"));
    }

    #[test]
    fn certificates_are_passed_over_on_loopback_only() {
        for (url, is_loopback) in [
            ("https://127.0.0.1:3000/", true),
            ("https://[::1]:3000", true),
            ("https://localhost", true),
            ("https://127.0.0.1.example", false),
            ("https://chat.example", false),
        ] {
            assert_eq!(Address::parse(url).unwrap().is_loopback(), is_loopback, "{url}");
        }
    }

    #[test]
    fn addresses_that_cannot_be_asked_are_refused() {
        for url in
            ["", "chat.example", "ftp://chat.example", "http://a:b@c", "http://a?b", "http://"]
        {
            Address::parse(url).unwrap_err();
        }
    }
}
