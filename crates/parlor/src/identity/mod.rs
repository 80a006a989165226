//! Who a token speaks for.
//!
//! A token is a JWT, verified by [`jwt::JwtAuthenticator`] with a shared secret or with the keys
//! of a key set that [`ring::KeyRing`] keeps fresh; with `--dev` it is the bare user name. All
//! verification is in memory and does not block. A refusal says to the client what is wrong with
//! the token, and nothing about keys.

mod claims;
mod dev;
mod jwt;
mod keys;
mod mint;
mod ring;
mod source;

pub(crate) use dev::DevAuthenticator;
pub(crate) use jwt::JwtAuthenticator;
pub(crate) use mint::mint;
pub(crate) use ring::{KeyRing, Pace};
pub(crate) use source::Source;

use std::borrow::Cow;

use parlor_chat::entry::Millis;
use parlor_service::{AuthError, Authenticator, Identity};

/// Why a token is refused, in words that are safe for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Not three parts of base64url with JSON in the first two.
    #[error("the token is malformed")]
    Malformed,
    /// Longer than any token that makes sense.
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// `none`, unknown, or not configured.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// Its header has a `crit` that nobody here understands.
    #[error("the token has critical extensions that are not supported")]
    CriticalExtension,
    /// No key of its `kid` and algorithm is known.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// No key of its `kid` and algorithm is known, but keys are being fetched now.
    #[error("the token's key is being fetched")]
    KeyBeingFetched,
    /// No key could be loaded so far.
    #[error("the signing keys are not loaded yet")]
    KeysNotLoaded,
    /// The signature is not by the key.
    #[error("bad signature")]
    BadSignature,
    /// `exp` has passed.
    #[error("token expired")]
    Expired,
    /// `nbf` has not come.
    #[error("token not valid yet")]
    NotYetValid,
    /// `exp` is missing.
    #[error("the token has no expiry (exp)")]
    NoExpiry,
    /// `aud` is missing or names others.
    #[error("the token is for another audience (aud)")]
    WrongAudience,
    /// `iss` is missing or another.
    #[error("the token is by another issuer (iss)")]
    WrongIssuer,
    /// `sub` is missing.
    #[error("the token names no user (sub)")]
    NoSubject,
    /// `sub` is no user id.
    #[error("the token's user (sub) must be 1 to 128 bytes without control characters")]
    BadSubject,
    /// `exp`, `nbf` or `iat` is no time.
    #[error("the token's {0} is not a time")]
    BadTime(&'static str),
}

/// The longest token, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 * 1024;

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        Self {
            reason: Cow::from(refusal.to_string()),
            expired: refusal == Refusal::Expired,
            undecided: matches!(refusal, Refusal::KeysNotLoaded | Refusal::KeyBeingFetched),
        }
    }
}

impl Authenticator for jwt::JwtAuthenticator {
    fn verify(&self, token: &str, now: Millis) -> Result<Identity, AuthError> {
        Ok(self.check(token, now)?)
    }
}

impl Authenticator for DevAuthenticator {
    fn verify(&self, token: &str, _now: Millis) -> Result<Identity, AuthError> {
        Ok(self.check(token)?)
    }
}

#[cfg(test)]
mod tests;
