//! Encryption: whose certificates are believed, and why a server's was not.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tracing::warn;

use crate::error::Error;

/// Believes what the system does, and these roots, each a PEM text of one or more certificates.
///
/// # Errors
/// [`Error::Usage`] when a text has no certificate, or when there is none to believe at all.
pub(crate) fn trusting(roots: &[Vec<u8>]) -> Result<Arc<ClientConfig>, Error> {
    let wrong = |what: String| Error::Usage(format!("a root certificate cannot be used: {what}"));
    let mut store = RootCertStore::empty();
    for pem in roots {
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            store.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if store.len() == before {
            return Err(wrong("there is none in the PEM text".to_owned()));
        }
    }
    let system = rustls_native_certs::load_native_certs();
    if !system.errors.is_empty() {
        warn!(errors = ?system.errors, "not all certificates of the system can be read");
    }
    store.add_parsable_certificates(system.certs);
    if store.is_empty() {
        let none = "the system trusts no certificates: install some, or give root certificates";
        return Err(Error::Usage(none.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has what both versions need")
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Why a handshake failed, where that is no matter of the network.
pub(crate) enum Refused {
    /// The certificate is not believed, for this reason.
    Certificate(String),
    /// Whoever answers does not speak TLS.
    NoTls,
}

/// Reads the error of a connection.
pub(crate) fn refused(error: &std::io::Error) -> Option<Refused> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(Refused::Certificate(reason(why))),
        rustls::Error::InvalidMessage(_) => Some(Refused::NoTls),
        _ => None,
    }
}

fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => "nobody who is trusted here has signed it".to_owned(),
        CertificateError::BadSignature => "it is not signed by whom it names".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_none_is_said_at_once() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let error = trusting(&[pem.as_bytes().to_vec()]).expect_err(pem);
            assert!(matches!(&error, Error::Usage(text) if text.contains("root certificate")));
        }
    }
}
