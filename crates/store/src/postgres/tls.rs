//! The way to the server: encrypted where its address asks for that.
//!
//! `sslmode=require` in the address encrypts and, unlike in PostgreSQL's own programs, proves whose server it
//! is, by certificate and name; so do `verify-ca` and `verify-full`, which are taken for the same. Otherwise
//! nothing is encrypted: a server that merely could would have to have a certificate that is trusted here.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::OpenError;

/// The address of a database, as `tokio_postgres` knows it.
///
/// # Errors
/// [`OpenError::Address`].
pub(crate) fn address(url: &str) -> Result<tokio_postgres::Config, OpenError> {
    let proved = ["verify-ca", "verify-full"].map(|mode| format!("sslmode={mode}"));
    let url = proved.iter().fold(url.to_owned(), |url, it| url.replace(it, "sslmode=require"));
    url.parse().map_err(OpenError::Address)
}

/// What encrypts, if the address asks for it; whose certificates are signed by one in the file is believed, or
/// whom the system believes if no file is named.
///
/// # Errors
/// [`OpenError::Tls`] when there is nobody to believe.
pub(super) fn encryption(
    address: &tokio_postgres::Config,
    ca_file: Option<&Path>,
) -> Result<Option<MakeRustlsConnect>, OpenError> {
    if address.get_ssl_mode() != SslMode::Require {
        return Ok(None);
    }
    let wrong = |reason: String| OpenError::Tls { reason };
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let unusable = |error: &dyn std::fmt::Display| {
                wrong(format!("the certificates in {} cannot be used: {error}", path.display()))
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
        }
    }
    if roots.is_empty() {
        return Err(wrong(String::from("there is no certificate by which to know the server")));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(config)))
}
