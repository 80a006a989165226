//! Tokens and key sets against each other: every algorithm, every failure, rotation.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_chat::moderation::Role;
use parlor_service::Authenticator;
use serde_json::{Value, json};

use super::keys::{KeySet, KeySetError};
use super::ring::{KeyRing, Pace};
use super::source::Source;
use super::*;
use crate::config::{Identity as Config, JwtAlgorithm, Secret};
use crate::identity::jwt::JwtAuthenticator;

const NOW: Millis = Millis(1_700_000_000_000);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Reads keys when told to, and then not again for a while.
const SLOW: Pace = Pace { interval: Duration::from_secs(3_600), spacing: Duration::from_secs(60) };

/// A signing key with the JWK that verifies it.
struct Signer {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
}

impl Signer {
    fn new(kid: &str, algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::RS256 => &rcgen::PKCS_RSA_SHA256,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_ECDSA_P256_SHA256,
        };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let (key, public) = match algorithm {
            Algorithm::RS256 => {
                let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
                let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
                (key, serde_json::to_value(jwk).unwrap())
            }
            Algorithm::EdDSA => {
                let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
                let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
                (key, json!({"kty": "OKP", "crv": "Ed25519", "x": x}))
            }
            _ => {
                let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
                let raw = pair.public_key_raw();
                let (x, y) = (&raw[1..33], &raw[33..65]);
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                (key, json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
            }
        };
        let mut jwk = public;
        jwk["kid"] = json!(kid);
        Self { kid: kid.to_owned(), algorithm, key, jwk }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    fn sign_without_kid(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(self.algorithm), claims, &self.key).unwrap()
    }
}

fn set(signers: &[&Signer]) -> Vec<u8> {
    let keys: Vec<&Value> = signers.iter().map(|signer| &signer.jwk).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

fn alice() -> Value {
    json!({"sub": "alice", "exp": NOW.0 / 1_000 + 60, "iat": NOW.0 / 1_000})
}

fn by_secret() -> JwtAuthenticator {
    JwtAuthenticator::new(&Config::default(), Some(&Secret::new(SECRET.into())), None)
}

async fn by_file(path: &Path) -> (JwtAuthenticator, Arc<KeyRing>, Source) {
    let ring = Arc::new(KeyRing::new(SLOW));
    let source = Source::File(path.to_owned());
    ring.refresh(&source).await.unwrap();
    (JwtAuthenticator::new(&Config::default(), None, Some(ring.clone())), ring, source)
}

async fn by_keys(
    signers: &[&Signer],
    config: &Config,
    secret: Option<&Secret>,
) -> JwtAuthenticator {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, set(signers)).unwrap();
    let ring = Arc::new(KeyRing::new(SLOW));
    ring.refresh(&Source::File(path)).await.unwrap();
    JwtAuthenticator::new(config, secret, Some(ring))
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// A token put together by hand: any header, any signature.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn minted_token_is_accepted_until_it_expires() {
    let config = Config {
        audience: vec!["chat".into(), "web".into()],
        issuer: vec!["us".into()],
        ..Config::default()
    };
    let secret = Secret::new(SECRET.into());
    let user = UserId::parse("Zoë / 7").unwrap();
    let token = mint(&config, &secret, &user, NOW, Duration::from_secs(60)).unwrap();
    let authenticator = JwtAuthenticator::new(&config, Some(&secret), None);
    let verified = authenticator.check(&token, NOW).unwrap();
    assert_eq!(verified.user, user);
    assert_eq!(verified.issued, Some(NOW));
    let expires = verified.expires.unwrap();
    assert_eq!(expires, Millis(NOW.0 + 60_000 + config.leeway_ms));
    assert_eq!(authenticator.check(&token, expires), Err(Refusal::Expired));
    let error = authenticator.verify(&token, expires).unwrap_err();
    assert!(error.expired);
    assert_eq!(error.reason, "token expired");
}

#[test]
fn another_secret_is_a_bad_signature() {
    let token = hs256(&alice(), b"another secret of thirty-two bytes");
    assert_eq!(by_secret().check(&token, NOW), Err(Refusal::BadSignature));
    assert!(!by_secret().verify(&token, NOW).unwrap_err().expired);
}

#[test]
fn changed_claims_are_a_bad_signature() {
    let token = hs256(&alice(), SECRET.as_bytes());
    let signature = token.rsplit('.').next().unwrap();
    let mut claims = alice();
    claims["sub"] = json!("mallory");
    let token = forged(&json!({"alg": "HS256", "typ": "JWT"}), &claims, signature);
    assert_eq!(by_secret().check(&token, NOW), Err(Refusal::BadSignature));
}

#[test]
fn algorithm_none_is_refused_in_any_spelling() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "AA"] {
            let token = forged(&json!({"alg": name}), &alice(), signature);
            assert_eq!(by_secret().check(&token, NOW), Err(Refusal::AlgorithmNotAllowed));
        }
    }
}

#[test]
fn algorithms_beyond_the_four_are_refused() {
    for name in ["HS384", "HS512", "RS384", "PS256", "ES384", "hs256"] {
        let token = forged(&json!({"alg": name}), &alice(), "AA");
        assert_eq!(by_secret().check(&token, NOW), Err(Refusal::AlgorithmNotAllowed));
    }
}

#[test]
fn garbage_is_malformed_and_never_a_panic() {
    let header = URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\"}");
    let signed_text = {
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode("not json"));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    };
    let tokens = [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "alice",
        "e30.e30.",
        "bnVsbA.e30.AA",
        &signed_text,
    ];
    for token in tokens {
        assert_eq!(by_secret().check(token, NOW), Err(Refusal::Malformed), "{token}");
    }
    let long = "a".repeat(TOKEN_BYTES_MAX + 1);
    assert_eq!(by_secret().check(&long, NOW), Err(Refusal::TooLong));
}

#[test]
fn critical_extension_is_refused() {
    for crit in [json!(["b64"]), json!([]), json!(null)] {
        let header = json!({"alg": "HS256", "crit": crit, "b64": false});
        let token = forged(&header, &alice(), "AA");
        assert_eq!(by_secret().check(&token, NOW), Err(Refusal::CriticalExtension));
    }
}

#[tokio::test]
async fn each_algorithm_of_a_key_set_is_accepted() {
    let signers = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
        .map(|a| Signer::new(&format!("{a:?}"), a));
    let all: Vec<&Signer> = signers.iter().collect();
    let authenticator = by_keys(&all, &Config::default(), None).await;
    for signer in &signers {
        for token in [signer.sign(&alice()), signer.sign_without_kid(&alice())] {
            assert_eq!(authenticator.check(&token, NOW).unwrap().user.as_str(), "alice");
        }
    }
}

#[tokio::test]
async fn public_key_is_never_taken_for_a_secret() {
    let signer = Signer::new("k", Algorithm::RS256);
    let config = Config::default();
    let public = signer.jwk.to_string();
    let modulus = URL_SAFE_NO_PAD.decode(signer.jwk["n"].as_str().unwrap()).unwrap();
    for with_secret in [None, Some(Secret::new(SECRET.into()))] {
        let authenticator = by_keys(&[&signer], &config, with_secret.as_ref()).await;
        for key in [public.as_bytes(), &modulus] {
            let refused = authenticator.check(&hs256(&alice(), key), NOW).unwrap_err();
            let expected = match with_secret {
                Some(_) => Refusal::BadSignature,
                None => Refusal::AlgorithmNotAllowed,
            };
            assert_eq!(refused, expected);
        }
    }
}

#[tokio::test]
async fn header_of_another_key_type_finds_no_key() {
    let signer = Signer::new("k", Algorithm::ES256);
    let authenticator = by_keys(&[&signer], &Config::default(), None).await;
    let token = signer.sign(&alice());
    let signature = token.rsplit('.').next().unwrap();
    for name in ["RS256", "EdDSA"] {
        let token = forged(&json!({"alg": name, "kid": "k"}), &alice(), signature);
        assert_eq!(authenticator.check(&token, NOW), Err(Refusal::UnknownKey));
    }
}

#[tokio::test]
async fn algorithm_left_out_of_the_configuration_is_refused() {
    let signer = Signer::new("k", Algorithm::ES256);
    let config = Config { algorithms: vec![JwtAlgorithm::Rs256], ..Config::default() };
    let authenticator = by_keys(&[&signer], &config, Some(&Secret::new(SECRET.into()))).await;
    let token = signer.sign(&alice());
    assert_eq!(authenticator.check(&token, NOW), Err(Refusal::AlgorithmNotAllowed));
    let token = hs256(&alice(), SECRET.as_bytes());
    assert_eq!(authenticator.check(&token, NOW), Err(Refusal::AlgorithmNotAllowed));
}

#[tokio::test]
async fn key_of_the_same_id_but_another_pair_is_a_bad_signature() {
    let (ours, theirs) = (Signer::new("k", Algorithm::EdDSA), Signer::new("k", Algorithm::EdDSA));
    let authenticator = by_keys(&[&ours], &Config::default(), None).await;
    assert_eq!(authenticator.check(&theirs.sign(&alice()), NOW), Err(Refusal::BadSignature));
}

#[test]
fn unusable_keys_are_left_out_and_a_set_without_others_is_refused() {
    let good = Signer::new("good", Algorithm::ES256);
    let mut encryption = good.jwk.clone();
    encryption["use"] = json!("enc");
    let mut other_algorithm = good.jwk.clone();
    other_algorithm["alg"] = json!("ES384");
    let shared = json!({"kty": "oct", "kid": "s", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    let odd = json!({"kty": "from the future"});
    let unusable = vec![encryption, other_algorithm, shared, odd, json!(7)];
    let mut keys = unusable.clone();
    keys.push(good.jwk.clone());
    let parse = |keys: &[Value]| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes());
    assert_eq!(parse(&keys).unwrap().len(), 1);
    assert!(matches!(parse(&unusable), Err(KeySetError::NoneUsable(5))));
    assert!(matches!(parse(&vec![good.jwk; 101]), Err(KeySetError::TooMany(101))));
    assert!(matches!(KeySet::parse(b"[]"), Err(KeySetError::Malformed(_))));
}

#[tokio::test]
async fn key_file_is_read_again_and_a_broken_one_leaves_the_old_keys() {
    let (old, new) = (Signer::new("old", Algorithm::ES256), Signer::new("new", Algorithm::ES256));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, set(&[&old])).unwrap();
    let (authenticator, ring, source) = by_file(&path).await;
    authenticator.check(&old.sign(&alice()), NOW).unwrap();
    assert_eq!(authenticator.check(&new.sign(&alice()), NOW), Err(Refusal::UnknownKey));

    std::fs::write(&path, b"{").unwrap();
    ring.refresh(&source).await.unwrap_err();
    authenticator.check(&old.sign(&alice()), NOW).unwrap();

    std::fs::write(&path, set(&[&new])).unwrap();
    ring.refresh(&source).await.unwrap();
    authenticator.check(&new.sign(&alice()), NOW).unwrap();
    assert_eq!(authenticator.check(&old.sign(&alice()), NOW), Err(Refusal::UnknownKey));
    assert_eq!(ring.counts(), (2, 1));

    std::fs::remove_file(&path).unwrap();
    ring.refresh(&source).await.unwrap_err();
    authenticator.check(&new.sign(&alice()), NOW).unwrap();
}

#[tokio::test]
async fn client_with_an_unknown_key_is_to_come_back_only_while_keys_are_fetched() {
    let (old, new) = (Signer::new("old", Algorithm::ES256), Signer::new("new", Algorithm::ES256));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, set(&[&old])).unwrap();
    let pace = Pace { spacing: Duration::ZERO, ..SLOW };
    for (pace, undecided) in [(pace, true), (SLOW, false)] {
        let ring = Arc::new(KeyRing::new(pace));
        ring.refresh(&Source::File(path.clone())).await.unwrap();
        let authenticator = JwtAuthenticator::new(&Config::default(), None, Some(ring));
        let error = authenticator.verify(&new.sign(&alice()), NOW).unwrap_err();
        assert_eq!(error.undecided, undecided, "{error}");
    }
}

#[tokio::test]
async fn tokens_are_refused_until_keys_are_loaded() {
    let ring = Arc::new(KeyRing::new(SLOW));
    let authenticator = JwtAuthenticator::new(&Config::default(), None, Some(ring));
    let token = Signer::new("k", Algorithm::ES256).sign(&alice());
    assert_eq!(authenticator.check(&token, NOW), Err(Refusal::KeysNotLoaded));
    assert!(authenticator.verify(&token, NOW).unwrap_err().undecided);
}

#[test]
fn bare_name_is_a_token_with_dev_alone() {
    let auth = DevAuthenticator { moderators: vec![UserId::parse("mo").unwrap()] };
    assert_eq!(auth.check("alice").unwrap().user.as_str(), "alice");
    assert_eq!(auth.check("alice").unwrap().role, Role::User);
    assert_eq!(auth.check("mo").unwrap().role, Role::Moderator);
    assert_eq!(auth.check(""), Err(Refusal::BadSubject));
    assert_eq!(auth.check("a\u{7}"), Err(Refusal::BadSubject));
    assert_eq!(by_secret().check("alice", NOW), Err(Refusal::Malformed));
}

/// Answers each request on loopback with what `body` holds, and counts them.
struct KeyServer {
    url: String,
    body: Arc<Mutex<Vec<u8>>>,
    requests: Arc<AtomicUsize>,
}

impl KeyServer {
    fn start(status: &'static str, first: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let body = Arc::new(Mutex::new(first));
        let requests = Arc::new(AtomicUsize::new(0));
        let (served, counted) = (body.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let body = served.lock().clone();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Self { url, body, requests }
    }

    fn source(&self) -> Source {
        Source::url(&self.url, Duration::from_secs(5)).unwrap()
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited too long until {what}");
}

#[tokio::test]
async fn rotated_keys_are_fetched_when_a_token_names_one() {
    let (old, new) = (Signer::new("old", Algorithm::RS256), Signer::new("new", Algorithm::EdDSA));
    let server = KeyServer::start("200 OK", set(&[&old]));
    let pace = Pace { spacing: Duration::from_millis(20), ..SLOW };
    let ring = Arc::new(KeyRing::new(pace));
    let authenticator = JwtAuthenticator::new(&Config::default(), None, Some(ring.clone()));
    let keeper = tokio::spawn({
        let (ring, source) = (ring.clone(), server.source());
        async move { ring.keep_fresh(source).await }
    });
    until("the first keys are there", || ring.current().is_some()).await;
    authenticator.check(&old.sign(&alice()), NOW).unwrap();

    *server.body.lock() = set(&[&old, &new]);
    let token = new.sign(&alice());
    until("a read may begin", || authenticator.check(&token, NOW) != Err(Refusal::UnknownKey))
        .await;
    until("the new key is accepted", || authenticator.check(&token, NOW).is_ok()).await;
    authenticator.check(&old.sign(&alice()), NOW).unwrap();
    keeper.abort();
}

#[tokio::test]
async fn keys_are_fetched_at_the_interval() {
    let (old, new) = (Signer::new("old", Algorithm::ES256), Signer::new("new", Algorithm::ES256));
    let server = KeyServer::start("200 OK", set(&[&old]));
    let often = Duration::from_millis(20);
    let ring = Arc::new(KeyRing::new(Pace { interval: often, spacing: often }));
    let keeper = tokio::spawn({
        let (ring, source) = (ring.clone(), server.source());
        async move { ring.keep_fresh(source).await }
    });
    *server.body.lock() = set(&[&new]);
    let authenticator = JwtAuthenticator::new(&Config::default(), None, Some(ring.clone()));
    let token = new.sign(&alice());
    until("the new key is there", || authenticator.check(&token, NOW).is_ok()).await;
    keeper.abort();
}

#[tokio::test]
async fn flood_of_unknown_keys_does_not_flood_the_issuer() {
    let known = Signer::new("known", Algorithm::ES256);
    let stranger = Signer::new("stranger", Algorithm::ES256).sign(&alice());
    let server = KeyServer::start("200 OK", set(&[&known]));
    let ring = Arc::new(KeyRing::new(SLOW));
    ring.refresh(&server.source()).await.unwrap();
    let authenticator = JwtAuthenticator::new(&Config::default(), None, Some(ring.clone()));
    let keeper = tokio::spawn({
        let (ring, source) = (ring.clone(), server.source());
        async move { ring.keep_fresh(source).await }
    });
    for _ in 0..200 {
        assert_eq!(authenticator.check(&stranger, NOW), Err(Refusal::UnknownKey));
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    keeper.abort();
}

#[tokio::test]
async fn answers_that_are_no_key_set_are_errors() {
    let failing = KeyServer::start("500 Internal Server Error", Vec::new());
    let error = failing.source().load().await.err().unwrap().to_string();
    assert!(error.contains("it answered 500"), "{error}");
    let moved = KeyServer::start("302 Found", Vec::new());
    assert!(moved.source().load().await.is_err());
    let huge = KeyServer::start("200 OK", vec![b' '; 2 * 1024 * 1024]);
    assert!(huge.source().load().await.is_err());
    let page = KeyServer::start("200 OK", b"<html>".to_vec());
    assert!(page.source().load().await.is_err());
}

#[tokio::test]
async fn silent_issuer_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let source = Source::url(&url, Duration::from_millis(50)).unwrap();
    let error = source.load().await.err().unwrap().to_string();
    assert!(error.contains("took too long"), "{error}");
}
