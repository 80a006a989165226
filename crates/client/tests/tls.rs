//! Over TLS: the server's own, with certificates made for the test.

mod support;

use std::path::PathBuf;
use std::time::Duration;

use parlor_client::{Parlor, Reason, State};
use support::{PATIENCE, Server, until, until_state};
use tempfile::TempDir;

/// A certificate that signs itself, as files.
struct Certificate {
    folder: TempDir,
    pem: String,
}

impl Certificate {
    fn of(host: &str) -> Self {
        Self::by("the test", host)
    }

    /// The same by this issuer.
    fn by(issuer: &str, host: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut wanted = rcgen::CertificateParams::new([host.to_owned()]).expect("a host");
        wanted.distinguished_name.push(rcgen::DnType::CommonName, issuer);
        let pem = wanted.self_signed(&key).expect("it is made").pem();
        let certificate = Self { folder: tempfile::tempdir().expect("a folder"), pem };
        std::fs::write(certificate.file(), &certificate.pem).expect("it is written");
        std::fs::write(certificate.key(), key.serialize_pem()).expect("it is written");
        certificate
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn server(&self) -> Server {
        Server::encrypted(&self.file(), &self.key())
    }
}

/// Why a client cannot connect.
async fn why_offline(parlor: &Parlor) -> Reason {
    until_state(parlor, State::Offline).await;
    let reason = parlor.status().borrow().reason.clone();
    reason.expect("there is a reason")
}

#[tokio::test]
async fn two_users_chat_over_tls_and_come_back_after_a_crash() {
    let certificate = Certificate::of("127.0.0.1");
    let mut server = certificate.server();
    let client = |user| server.client(user).root_certificates(certificate.pem.clone());
    let (alice, bob) = (client("alice").connect(), client("bob").connect());
    let (alice, bob) = (alice.expect("a client"), bob.expect("a client"));
    for parlor in [&alice, &bob] {
        let live = tokio::time::timeout(PATIENCE, parlor.live()).await.expect("in time");
        live.expect("it is let in");
    }
    let to_bob = alice.direct("bob");
    to_bob.send("x".repeat(50_000)).await.expect("kept").sent().await.expect("sent");
    server.kill();
    until_state(&alice, State::Offline).await;
    let sending = to_bob.send("still here?").await.expect("kept");
    server.restart();
    assert_eq!(sending.sent().await.expect("sent").seq, 2);
    let heard = || bob.direct("alice").messages().iter().filter(|it| it.logged.is_some()).count();
    until("bob has both", || heard() == 2).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_trusted_signed_is_refused() {
    let certificate = Certificate::of("127.0.0.1");
    let other = Certificate::by("somebody else", "127.0.0.1");
    let server = certificate.server();
    let parlor = server.client("alice").root_certificates(other.pem.clone()).connect();
    let parlor = parlor.expect("a client");
    let reason = why_offline(&parlor).await;
    assert!(matches!(&reason, Reason::Certificate(_)), "{reason}");
    let text = reason.to_string();
    assert!(text.contains("certificate is refused: nobody who is trusted here"), "{text}");
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    let certificate = Certificate::of("elsewhere.example");
    let server = certificate.server();
    let parlor = server.client("alice").root_certificates(certificate.pem.clone()).connect();
    let reason = why_offline(&parlor.expect("a client")).await.to_string();
    assert!(reason.contains("it is for another host"), "{reason}");
}

#[tokio::test]
async fn who_speaks_no_tls_is_named() {
    let server = Server::dev();
    let certificate = Certificate::of("127.0.0.1");
    let url = server.url().replace("http://", "https://");
    let soon = Duration::from_millis(20);
    let parlor = Parlor::builder(url).token("alice").reconnect(soon, soon);
    let parlor = parlor.root_certificates(certificate.pem.clone()).connect().expect("a client");
    let reason = why_offline(&parlor).await.to_string();
    assert!(reason.contains("does not speak TLS"), "{reason}");
}
