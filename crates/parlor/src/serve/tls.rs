//! TLS from a certificate chain and its key, both in PEM.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Config;
use crate::exit::{Code, Failure};

/// The TLS configuration, if a certificate is configured.
///
/// # Errors
/// A [`Failure`] naming the file that cannot be used, and why.
pub(crate) fn configure(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
    let (Some(cert), Some(key)) = (&config.server.tls_cert, &config.server.tls_key) else {
        return Ok(None);
    };
    let chain = read_chain(cert)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        let why = match error {
            pem::Error::NoItemsFound => String::from("it holds no private key in PEM"),
            error => error.to_string(),
        };
        fault("server.tls_key", key, &why)
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for both versions")
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| {
            let why = format!(
                "it does not go with the key in {}: {error}; the certificate of the server itself \
                 must come first",
                key.display()
            );
            fault("server.tls_cert", cert, &why)
        })?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(tls)))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if chain.is_empty() => {
            Err(fault("server.tls_cert", path, "it holds no certificate in PEM"))
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(fault("server.tls_cert", path, &error.to_string())),
    }
}

fn fault(key: &str, path: &Path, why: &str) -> Failure {
    Failure::new(Code::Usage, format!("{key}: {} cannot be used: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(cert: &str, key: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.tls_cert = Some(dir.path().join("cert.pem"));
        config.server.tls_key = Some(dir.path().join("key.pem"));
        std::fs::write(dir.path().join("cert.pem"), cert).unwrap();
        std::fs::write(dir.path().join("key.pem"), key).unwrap();
        configure(&config).err().map(|failure| failure.message).unwrap_or_default()
    }

    #[test]
    fn certificate_and_key_must_be_pem_and_go_together() {
        let signed = || rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let (one, other) = (signed(), signed());
        let (cert, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        assert_eq!(refusal(&cert, &key), "");
        assert!(refusal("nothing", &key).contains("holds no certificate"));
        assert!(refusal(&cert, "nothing").contains("holds no private key"));
        assert!(refusal(&cert, &other.signing_key.serialize_pem()).contains("does not go with"));
    }

    #[test]
    fn missing_file_is_named() {
        let mut config = Config::default();
        config.server.tls_cert = Some("/nowhere/cert.pem".into());
        config.server.tls_key = Some("/nowhere/key.pem".into());
        let failure = configure(&config).err().unwrap();
        assert!(failure.message.contains("/nowhere/cert.pem"), "{failure}");
    }

    #[test]
    fn no_certificate_is_no_tls() {
        assert!(configure(&Config::default()).unwrap().is_none());
    }
}
