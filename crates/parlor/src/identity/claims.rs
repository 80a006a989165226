//! The claims of a verified token, checked against what the configuration asks for.

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;
use parlor_service::Identity;
use serde::Deserialize;
use serde_json::Number;

use super::Refusal;

/// What a token says, once its signature is verified.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Claims {
    sub: Option<serde_json::Value>,
    exp: Option<serde_json::Value>,
    nbf: Option<serde_json::Value>,
    iat: Option<serde_json::Value>,
    iss: Option<serde_json::Value>,
    aud: Option<serde_json::Value>,
    name: Option<serde_json::Value>,
}

/// What claims must hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// `aud` must name one of these; empty: there must be no `aud`.
    pub(crate) audience: Vec<String>,
    /// `iss` must be one of these; empty: any or none.
    pub(crate) issuer: Vec<String>,
    /// How far clocks may differ.
    pub(crate) leeway_ms: u64,
    /// Whether `exp` must be there.
    pub(crate) expiry_required: bool,
}

impl Rules {
    /// Checks claims at a moment.
    ///
    /// # Errors
    /// The first [`Refusal`], times first.
    pub(crate) fn check(&self, claims: &Claims, now: Millis) -> Result<Identity, Refusal> {
        let expires = time(claims.exp.as_ref(), "exp")?
            .map(|expires| Millis(expires.0.saturating_add(self.leeway_ms)));
        let not_before = time(claims.nbf.as_ref(), "nbf")?;
        let issued = time(claims.iat.as_ref(), "iat")?;
        match expires {
            Some(expires) if expires <= now => return Err(Refusal::Expired),
            None if self.expiry_required => return Err(Refusal::NoExpiry),
            _ => {}
        }
        if not_before.is_some_and(|at| at.0 > now.0.saturating_add(self.leeway_ms)) {
            return Err(Refusal::NotYetValid);
        }
        if !self.audience_fits(claims.aud.as_ref()) {
            return Err(Refusal::WrongAudience);
        }
        let issuer = claims.iss.as_ref().and_then(serde_json::Value::as_str);
        let issuer_fits = |issuer| self.issuer.iter().any(|allowed| allowed == issuer);
        if !self.issuer.is_empty() && !issuer.is_some_and(issuer_fits) {
            return Err(Refusal::WrongIssuer);
        }
        let user = match &claims.sub {
            None | Some(serde_json::Value::Null) => return Err(Refusal::NoSubject),
            Some(serde_json::Value::String(sub)) => {
                UserId::parse(sub).map_err(|_| Refusal::BadSubject)?
            }
            Some(_) => return Err(Refusal::BadSubject),
        };
        // Not what a token is accepted by: one that is no text is as good as none.
        let name = claims.name.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok(Identity { user, name, issued, expires })
    }

    fn audience_fits(&self, audience: Option<&serde_json::Value>) -> bool {
        let named = |value: &serde_json::Value| {
            value.as_str().is_some_and(|name| self.audience.iter().any(|allowed| allowed == name))
        };
        match audience {
            None | Some(serde_json::Value::Null) => self.audience.is_empty(),
            Some(serde_json::Value::Array(names)) => names.iter().any(named),
            Some(name) => named(name),
        }
    }
}

/// A NumericDate of RFC 7519: seconds since the epoch, perhaps with a fraction.
fn time(value: Option<&serde_json::Value>, name: &'static str) -> Result<Option<Millis>, Refusal> {
    let number = match value {
        None | Some(serde_json::Value::Null) => return Ok(None),
        Some(serde_json::Value::Number(number)) => number,
        Some(_) => return Err(Refusal::BadTime(name)),
    };
    millis(number).map(Some).ok_or(Refusal::BadTime(name))
}

fn millis(number: &Number) -> Option<Millis> {
    const SECONDS_MAX: f64 = ((1_u64 << 53) / 1_000) as f64;
    let seconds = number.as_f64()?;
    // Within the range the product is below 2^53, so the cast is exact but for the fraction.
    (0.0..SECONDS_MAX).contains(&seconds).then_some(Millis((seconds * 1_000.0) as u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_000_000_000);
    const NOW_S: u64 = NOW.0 / 1_000;

    fn rules() -> Rules {
        Rules { leeway_ms: 30_000, expiry_required: true, ..Rules::default() }
    }

    fn check(rules: &Rules, claims: serde_json::Value) -> Result<Identity, Refusal> {
        rules.check(&serde_json::from_value(claims).unwrap(), NOW)
    }

    #[test]
    fn whole_token_gives_user_and_times() {
        let claims = json!({"sub": "alice", "iat": NOW_S - 5, "exp": NOW_S as f64 + 60.5});
        let verified = check(&rules(), claims).unwrap();
        assert_eq!(verified.user.as_str(), "alice");
        assert_eq!(verified.issued, Some(Millis(NOW.0 - 5_000)));
        assert_eq!(verified.expires, Some(Millis(NOW.0 + 60_500 + 30_000)));
    }

    #[test]
    fn a_name_is_taken_from_a_text_and_nothing_else() {
        let with = |name| {
            let claims = json!({"sub": "a", "exp": NOW_S + 9, "name": name});
            check(&rules(), claims).unwrap().name
        };
        assert_eq!(with(json!("Ada")).as_deref(), Some("Ada"));
        for none in [json!(null), json!(7), json!(["Ada"])] {
            assert_eq!(with(none), None);
        }
    }

    #[test]
    fn expiry_has_leeway_and_no_more() {
        check(&rules(), json!({"sub": "a", "exp": NOW_S - 29})).unwrap();
        let expired = check(&rules(), json!({"sub": "a", "exp": NOW_S - 30}));
        assert_eq!(expired, Err(Refusal::Expired));
    }

    #[test]
    fn expiry_may_be_left_out_only_where_configured() {
        assert_eq!(check(&rules(), json!({"sub": "a"})), Err(Refusal::NoExpiry));
        assert_eq!(check(&rules(), json!({"sub": "a", "exp": null})), Err(Refusal::NoExpiry));
        let lax = Rules { expiry_required: false, ..rules() };
        assert_eq!(check(&lax, json!({"sub": "a"})).unwrap().expires, None);
        assert_eq!(check(&lax, json!({"sub": "a", "exp": 5})), Err(Refusal::Expired));
    }

    #[test]
    fn future_nbf_is_refused_beyond_leeway() {
        let at = |nbf| check(&rules(), json!({"sub": "a", "exp": NOW_S + 900, "nbf": nbf}));
        at(NOW_S + 30).unwrap();
        assert_eq!(at(NOW_S + 31), Err(Refusal::NotYetValid));
    }

    #[test]
    fn times_that_are_no_numbers_are_refused() {
        for bad in [json!("soon"), json!(-1), json!(1e300), json!([1]), json!(true)] {
            let refused = check(&rules(), json!({"sub": "a", "exp": bad}));
            assert_eq!(refused, Err(Refusal::BadTime("exp")));
        }
        let refused = check(&rules(), json!({"sub": "a", "exp": NOW_S + 9, "nbf": "x"}));
        assert_eq!(refused, Err(Refusal::BadTime("nbf")));
    }

    #[test]
    fn audience_must_name_us_alone_or_among_others() {
        let rules = Rules { audience: vec!["chat".into(), "web".into()], ..rules() };
        let with = |aud| check(&rules, json!({"sub": "a", "exp": NOW_S + 9, "aud": aud}));
        with(json!("chat")).unwrap();
        with(json!(["other", "web"])).unwrap();
        for wrong in [json!("other"), json!([]), json!(["other"]), json!(7), json!(null)] {
            assert_eq!(with(wrong), Err(Refusal::WrongAudience));
        }
        let missing = check(&rules, json!({"sub": "a", "exp": NOW_S + 9}));
        assert_eq!(missing, Err(Refusal::WrongAudience));
    }

    #[test]
    fn token_for_an_audience_is_refused_where_none_is_configured() {
        let refused = check(&rules(), json!({"sub": "a", "exp": NOW_S + 9, "aud": "another-app"}));
        assert_eq!(refused, Err(Refusal::WrongAudience));
    }

    #[test]
    fn issuer_must_be_one_of_those_configured() {
        let rules = Rules { issuer: vec!["https://id.example".into()], ..rules() };
        let with = |iss| check(&rules, json!({"sub": "a", "exp": NOW_S + 9, "iss": iss}));
        with(json!("https://id.example")).unwrap();
        assert_eq!(with(json!("https://evil.example")), Err(Refusal::WrongIssuer));
        assert_eq!(with(json!(null)), Err(Refusal::WrongIssuer));
        check(
            &super::Rules { issuer: vec![], ..rules.clone() },
            json!({"sub": "a", "exp": NOW_S + 9, "iss": "x"}),
        )
        .unwrap();
    }

    #[test]
    fn subject_must_be_a_user_id() {
        let with = |sub| check(&rules(), json!({"sub": sub, "exp": NOW_S + 9}));
        assert_eq!(with(json!(null)), Err(Refusal::NoSubject));
        assert_eq!(check(&rules(), json!({"exp": NOW_S + 9})), Err(Refusal::NoSubject));
        for bad in [json!(""), json!("a\nb"), json!("x".repeat(129)), json!(7)] {
            assert_eq!(with(bad), Err(Refusal::BadSubject));
        }
    }
}
