//! API keys: made, recognised, and kept to their rate.
//!
//! A key is `prl_` and 256 random bits in base64url. Only its SHA-256 is configured, which is
//! enough against guessing, since there is nothing to guess. Every digest is compared, each in
//! constant time, so that how long it takes says nothing about any.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use parlor_chat::entry::Millis;
use parlor_chat::rate::{Bucket, Rate};
use parlor_chat::refusal::Refusal;

use crate::config::{ApiKey, Scope};

/// What every key begins with, so that tools which look for leaked secrets know it.
const PREFIX: &str = "prl_";
/// Random bytes of a key.
const SECRET_BYTES: usize = 32;
/// The longest text that is looked at.
const KEY_BYTES_MAX: usize = 128;

/// The keys that are taken.
pub(super) struct Keys {
    known: Vec<Known>,
    rate: Rate,
}

struct Known {
    key: ApiKey,
    bucket: Mutex<Bucket>,
}

impl Keys {
    /// Takes these keys, each at this rate.
    pub(super) fn new(keys: &[ApiKey], rate: Rate) -> Self {
        let known = keys.iter().map(|key| Known { key: key.clone(), bucket: Mutex::default() });
        Self { known: known.collect(), rate }
    }

    /// Admits a request, and gives the name of its key.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`], [`Refusal::RateLimited`], [`Refusal::MissingScope`].
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        scope: Scope,
        now: Millis,
    ) -> Result<&str, Refusal> {
        let presented = bearer(headers)
            .ok_or_else(|| Refusal::unauthorized("an API key is required as a bearer token"))?;
        let known =
            self.find(presented).ok_or_else(|| Refusal::unauthorized("the API key is unknown"))?;
        let taken = known.bucket.lock().take(&self.rate, now);
        taken.map_err(|fast| Refusal::RateLimited { retry_after_ms: fast.retry_after_ms })?;
        if known.key.scopes.contains(&scope) {
            Ok(&known.key.name)
        } else {
            Err(Refusal::MissingScope { scope: scope.word() })
        }
    }

    fn find(&self, presented: &str) -> Option<&Known> {
        if presented.len() > KEY_BYTES_MAX {
            return None;
        }
        let presented = digest(&SHA256, presented.as_bytes());
        let mut found = None;
        for known in &self.known {
            if verify_slices_are_equal(presented.as_ref(), &known.key.sha256).is_ok() {
                found = Some(known);
            }
        }
        found
    }
}

/// The token of `Authorization: Bearer`, if there is exactly one such header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (given.next()?, given.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A fresh key, with its digest.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn fresh_key() -> Result<(String, [u8; 32]), aws_lc_rs::error::Unspecified> {
    let mut secret = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut secret)?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    Ok((key, sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(authorization: &[&str]) -> HeaderMap {
        let values = authorization.iter().map(|text| text.parse().expect("a header's value"));
        values.map(|value| (header::AUTHORIZATION, value)).collect()
    }

    #[test]
    fn a_fresh_key_is_recognised_and_no_other() {
        let made = [fresh_key().unwrap(), fresh_key().unwrap()];
        assert_ne!(made[0].0, made[1].0);
        assert!(made[0].0.starts_with("prl_") && made[0].0.len() == 4 + 43);
        let key = |name: &str, at: usize| ApiKey {
            name: name.into(),
            sha256: made[at].1,
            scopes: vec![Scope::UsersRead],
        };
        let keys = Keys::new(&[key("a", 0), key("b", 1)], Rate::unlimited());
        let admit = |authorization: &[&str], scope| {
            let said = keys.admit(&with(authorization), scope, Millis(1));
            said.map(str::to_owned).map_err(|refusal| refusal.name())
        };
        let good: Vec<String> = made.iter().map(|(key, _)| format!("Bearer {key}")).collect();
        assert_eq!(admit(&[&good[0]], Scope::UsersRead), Ok("a".into()));
        assert_eq!(
            admit(&[&good[1].replace("Bearer", "bearer")], Scope::UsersRead),
            Ok("b".into())
        );
        assert_eq!(admit(&[&good[1]], Scope::UsersWrite), Err("missing_scope"));
        let (longer, bare) = (format!("{}A", good[0]), good[0].replace("Bearer ", ""));
        let long = format!("Bearer {}", "x".repeat(9_999));
        for bad in [
            &[][..],
            &[longer.as_str()],
            &[&good[0][..good[0].len() - 1]],
            &[bare.as_str()],
            &[&good[0].replace("Bearer", "Basic")],
            &["Bearer"],
            &["Bearer "],
            &[long.as_str()],
            &[&good[0], &good[1]],
        ] {
            assert_eq!(admit(bad, Scope::UsersRead), Err("unauthorized"), "{bad:?}");
        }
    }

    #[test]
    fn each_key_has_a_rate_of_its_own() {
        let made = [fresh_key().unwrap(), fresh_key().unwrap()];
        let key = |at: usize| ApiKey {
            name: at.to_string(),
            sha256: made[at].1,
            scopes: vec![Scope::UsersRead],
        };
        let keys = Keys::new(&[key(0), key(1)], Rate::new(2, 1));
        let admit = |at: usize, now| {
            let headers = with(&[&format!("Bearer {}", made[at].0)]);
            keys.admit(&headers, Scope::UsersRead, Millis(now)).map(drop)
        };
        assert_eq!([admit(0, 5_000), admit(0, 5_000)], [Ok(()), Ok(())]);
        assert_eq!(admit(0, 5_000), Err(Refusal::RateLimited { retry_after_ms: 1_000 }));
        assert_eq!(admit(1, 5_000), Ok(()));
        assert_eq!(admit(0, 6_000), Ok(()));
    }
}
