//! Makes tokens for trying things out.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use serde::Serialize;

use crate::config::{Identity, Secret};

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
}

/// Signs a token that this configuration accepts, by HS256.
///
/// # Errors
/// When signing fails.
pub(crate) fn mint(
    config: &Identity,
    secret: &Secret,
    user: &UserId,
    now: Millis,
    lifetime: Duration,
) -> Result<String, jsonwebtoken::errors::Error> {
    let claims = Claims {
        sub: user.as_str(),
        iat: now.0 / 1_000,
        exp: (now.0 / 1_000).saturating_add(lifetime.as_secs()),
        aud: config.audience.first().map(String::as_str),
        iss: config.issuer.first().map(String::as_str),
    };
    let key = EncodingKey::from_secret(secret.expose());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
}
