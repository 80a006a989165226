//! Verifies a JWT: algorithm, key, signature, then claims.
//!
//! The header's algorithm only selects among what is configured: HS256 is tried with the secret
//! alone, the others with keys of their own type alone. Times are compared with the caller's
//! clock, so that nothing here reads one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parlor_chat::entry::Millis;
use parlor_service::Identity;

use super::claims::{Claims, Rules};
use super::ring::{KeyRing, Refresh};
use super::{Refusal, TOKEN_BYTES_MAX};
use crate::config::{Identity as Config, JwtAlgorithm, Secret};

/// Verifies tokens by a shared secret, by a key set, or by both.
pub(crate) struct JwtAuthenticator {
    secret: Option<DecodingKey>,
    ring: Option<Arc<KeyRing>>,
    algorithms: Vec<JwtAlgorithm>,
    rules: Rules,
}

/// The part of a header that matters here.
#[derive(serde::Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// `null` is as much of a demand as any other value.
    #[serde(default, deserialize_with = "present")]
    crit: Option<serde_json::Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

impl JwtAuthenticator {
    /// Takes the keys and what the configuration asks of tokens.
    pub(crate) fn new(
        config: &Config,
        secret: Option<&Secret>,
        ring: Option<Arc<KeyRing>>,
    ) -> Self {
        Self {
            secret: secret.map(|secret| DecodingKey::from_secret(secret.expose())),
            ring,
            algorithms: config.algorithms.clone(),
            rules: Rules {
                audience: config.audience.clone(),
                issuer: config.issuer.clone(),
                leeway_ms: config.leeway_ms,
                expiry_required: config.expiry_required,
                role_claim: String::new(),
            },
        }
    }

    /// Takes what else a user may do from that claim.
    pub(crate) fn with_role_claim(mut self, name: &str) -> Self {
        name.clone_into(&mut self.rules.role_claim);
        self
    }

    /// Verifies a token at a moment. Does not block; an unknown key asks for the key set to be
    /// read again in the background.
    ///
    /// # Errors
    /// The [`Refusal`], safe to tell the client.
    pub(crate) fn check(&self, token: &str, now: Millis) -> Result<Identity, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        let header = read_header(token)?;
        if header.crit.is_some() {
            return Err(Refusal::CriticalExtension);
        }
        let claims = match self.algorithm(&header.alg)? {
            Algorithm::HS256 => {
                let secret = self.secret.as_ref().ok_or(Refusal::AlgorithmNotAllowed)?;
                read_claims(token, secret, Algorithm::HS256)?
            }
            algorithm => self.by_key_set(token, header.kid.as_deref(), algorithm)?,
        };
        self.rules.check(&claims, now)
    }

    fn algorithm(&self, name: &str) -> Result<Algorithm, Refusal> {
        let (configured, algorithm) = match name {
            "HS256" => (JwtAlgorithm::Hs256, Algorithm::HS256),
            "RS256" => (JwtAlgorithm::Rs256, Algorithm::RS256),
            "ES256" => (JwtAlgorithm::Es256, Algorithm::ES256),
            "EdDSA" => (JwtAlgorithm::EdDsa, Algorithm::EdDSA),
            _ => return Err(Refusal::AlgorithmNotAllowed),
        };
        let allowed = self.algorithms.contains(&configured);
        if allowed { Ok(algorithm) } else { Err(Refusal::AlgorithmNotAllowed) }
    }

    fn by_key_set(
        &self,
        token: &str,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Claims, Refusal> {
        let ring = self.ring.as_ref().ok_or(Refusal::AlgorithmNotAllowed)?;
        let keys = ring.current().ok_or(Refusal::KeysNotLoaded)?;
        let mut outcome = Err(Refusal::UnknownKey);
        for key in keys.candidates(kid, algorithm) {
            outcome = read_claims(token, key, algorithm);
            if outcome.is_ok() {
                break;
            }
        }
        // Without a `kid` a rotated key shows only as a bad signature.
        let stale = matches!(outcome, Err(Refusal::UnknownKey))
            || kid.is_none() && matches!(outcome, Err(Refusal::BadSignature));
        if stale && ring.refresh_soon() == Refresh::Begins {
            return Err(Refusal::KeyBeingFetched);
        }
        outcome
    }
}

fn read_header(token: &str) -> Result<Header, Refusal> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed);
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&header).map_err(|_| Refusal::Malformed)
}

/// The claims, if the signature is by that key and algorithm. Their meaning is not checked.
fn read_claims(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Claims, Refusal> {
    use jsonwebtoken::errors::ErrorKind;

    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<Claims>(token, key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                Refusal::AlgorithmNotAllowed
            }
            ErrorKind::Json(_) | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => Refusal::Malformed,
            ErrorKind::InvalidToken => Refusal::Malformed,
            _ => Refusal::BadSignature,
        }),
    }
}
