//! TLS from a certificate chain and its key, both in PEM.
//!
//! The two files are looked at again every minute, so that a renewed certificate is used without
//! a restart. What cannot be used leaves the old one in place, with a warning.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::Config;
use crate::exit::{Code, Failure};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The certificate in use, and where it came from.
#[derive(Debug)]
pub(crate) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// The configured certificate, if there is one.
    ///
    /// # Errors
    /// A [`Failure`] naming the file that cannot be used, and why.
    pub(crate) fn load(config: &Config) -> Result<Option<Arc<Self>>, Failure> {
        let (Some(cert), Some(key)) = (&config.server.tls_cert, &config.server.tls_key) else {
            return Ok(None);
        };
        let current = RwLock::new(Arc::new(read(cert, key)?));
        Ok(Some(Arc::new(Self { cert: cert.clone(), key: key.clone(), current })))
    }

    /// The TLS configuration that uses it.
    pub(crate) fn server_config(self: &Arc<Self>) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(tls)
    }

    /// Uses what the files hold now. Returns whether that is another certificate.
    ///
    /// # Errors
    /// A [`Failure`]; the old one stays in use.
    fn renew(&self) -> Result<Renewed, Failure> {
        let fresh = read(&self.cert, &self.key)?;
        let mut current = self.current.write();
        if current.cert == fresh.cert {
            return Ok(Renewed::Same);
        }
        *current = Arc::new(fresh);
        Ok(Renewed::Another)
    }

    /// Looks at the files for ever.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.renew() {
                Ok(Renewed::Same) => {}
                Ok(Renewed::Another) => tracing::info!("the renewed certificate is in use"),
                Err(failure) => tracing::warn!(%failure, "the old certificate stays in use"),
            }
        }
    }
}

/// What a look at the files showed.
#[derive(Debug, PartialEq, Eq)]
enum Renewed {
    Same,
    Another,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, Failure> {
    let chain = read_chain(cert)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        let why = match error {
            pem::Error::NoItemsFound => String::from("it holds no private key in PEM"),
            error => error.to_string(),
        };
        fault("server.tls_key", key, &why)
    })?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key_der, &provider).map_err(|error| {
        let why = format!(
            "it does not go with the key in {}: {error}; the certificate of the server itself must \
             come first",
            key.display()
        );
        fault("server.tls_cert", cert, &why)
    })
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
        Certificate::load(&config).err().map(|failure| failure.message).unwrap_or_default()
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
        let failure = Certificate::load(&config).err().unwrap();
        assert!(failure.message.contains("/nowhere/cert.pem"), "{failure}");
    }

    #[test]
    fn no_certificate_is_no_tls() {
        assert!(Certificate::load(&Config::default()).unwrap().is_none());
    }

    #[test]
    fn renewed_certificate_is_taken_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        config.server.tls_cert = Some(cert.clone());
        config.server.tls_key = Some(key.clone());
        let write = || {
            let signed = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
            std::fs::write(&cert, signed.cert.pem()).unwrap();
            std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
        };
        write();
        let certificate = Certificate::load(&config).unwrap().unwrap();
        assert_eq!(certificate.renew().unwrap(), Renewed::Same);
        write();
        assert_eq!(certificate.renew().unwrap(), Renewed::Another);
        let used = Arc::clone(&certificate.current.read());
        std::fs::write(&key, "half a").unwrap();
        certificate.renew().unwrap_err();
        assert!(Arc::ptr_eq(&used, &certificate.current.read()));
    }
}
