//! Where tokens come from, and when to renew one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

const RENEW_DELAY_MIN: Duration = Duration::from_secs(1);

/// Why a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenReason {
    /// To connect: a kept one is good enough.
    Connect,
    /// To go on before the last one ends: give a fresh one.
    Renew,
    /// The last one has ended: give a fresh one.
    Expired,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Fetching = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>;

/// Gives tokens.
#[derive(Clone)]
pub(crate) enum Tokens {
    /// The same for ever.
    Fixed(String),
    /// Asked for at each connect, and before the last one ends.
    Fetched(Arc<dyn Fn(TokenReason) -> Fetching + Send + Sync>),
}

impl Tokens {
    pub(crate) fn fetched<F, T, E>(fetch: F) -> Self
    where
        F: Fn(TokenReason) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::Fetched(Arc::new(move |reason| {
            let fetching = fetch(reason);
            Box::pin(async move { fetching.await.map_err(Into::into) })
        }))
    }

    /// Whether another call may give another token.
    pub(crate) fn may_change(&self) -> bool {
        matches!(self, Self::Fetched(_))
    }

    pub(crate) async fn get(&self, reason: TokenReason) -> Result<String, BoxError> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Fetched(fetch) => fetch(reason).await,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.may_change() { "Fetched" } else { "Fixed" })
    }
}

/// What a JWT says of itself, unverified.
#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
    iat: Option<f64>,
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// Whose token it is, as far as it says so: the `sub` of a JWT, or a bare name as `--dev` takes it.
pub(crate) fn user_of(token: &str) -> Option<String> {
    match claims(token) {
        Some(claims) => claims.sub,
        None => Some(token.to_owned()).filter(|name| !name.is_empty()),
    }
}

/// How long after a token was given to renew it; `None` if it does not end or does not say.
///
/// `now_ms` is the server's time as far as it is known: if that is out of the token's life, the
/// clock is wrong, and the token is taken to be new.
pub(crate) fn renew_delay(token: &str, now_ms: u64) -> Option<Duration> {
    let Claims { exp, iat, .. } = claims(token)?;
    let exp = exp?;
    let left = exp - now_ms as f64 / 1_000.0;
    let life = iat.map(|iat| exp - iat);
    let rest = match life {
        Some(life) if left <= 0.0 || left > life => life,
        _ => left,
    };
    // Four fifths of what is left of it.
    let delay = Duration::try_from_secs_f64((rest * 0.8).max(0.0)).unwrap_or(Duration::MAX);
    Some(delay.clamp(RENEW_DELAY_MIN, Duration::from_secs(86_400 * 365)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn tokens_say_whose_they_are() {
        assert_eq!(user_of("alice").as_deref(), Some("alice"));
        assert_eq!(user_of(&jwt(r#"{"sub":"bob"}"#)).as_deref(), Some("bob"));
        assert_eq!(user_of(&jwt("{}")), None);
        assert_eq!(user_of(""), None);
    }

    #[test]
    fn renewal_comes_after_four_fifths_whatever_the_clock_says() {
        let token = jwt(r#"{"iat":1000,"exp":1100}"#);
        assert_eq!(renew_delay(&token, 1_000_000), Some(Duration::from_secs(80)));
        assert_eq!(renew_delay(&token, 1_050_000), Some(Duration::from_secs(40)));
        assert_eq!(renew_delay(&token, 5_000_000), Some(Duration::from_secs(80)));
        assert_eq!(renew_delay(&token, 0), Some(Duration::from_secs(80)));
        assert_eq!(renew_delay(&jwt("{}"), 0), None);
        assert_eq!(renew_delay("alice", 0), None);
        assert!(renew_delay(&jwt(r#"{"exp":1e300}"#), 0).is_some());
    }
}
