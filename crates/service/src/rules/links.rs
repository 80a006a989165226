//! Links in texts, and to where they lead.
//!
//! A link is what has a scheme and slashes (of either kind, as browsers take them) or begins with
//! `www.`. Its host is what browsers would go to: behind the last `@` of the authority, before the
//! port. A name that merely looks like a host is no link.

use std::ops::Range;

use regex::Regex;

/// Finds links.
#[derive(Debug)]
pub(super) struct Links(Regex);

/// One link: with a scheme and its authority, or with `www.`.
const LINK: &str = r#"(?i)(?:\b[a-z][a-z0-9+.-]{0,31}:[/\\]+([^\s/\\?#"'<>(){}]+)|\b(www\.[^\s/\\?#"'<>(){}\[\]]+))[^\s"'<>]*"#;

impl Links {
    pub(super) fn new() -> Result<Self, regex::Error> {
        regex::RegexBuilder::new(LINK).size_limit(1 << 20).build().map(Self)
    }

    /// Tells each link in a text to a host that is not among the allowed ones or below them, as long
    /// as that is wanted.
    pub(super) fn each(
        &self,
        text: &str,
        allowed: &[String],
        mut wanted: impl FnMut() -> bool,
        mut found: impl FnMut(Range<usize>),
    ) {
        for link in self.0.captures_iter(text) {
            if !wanted() {
                return;
            }
            let authority = link.get(1).or_else(|| link.get(2)).map_or("", |it| it.as_str());
            if let Some(whole) = link.get(0)
                && !is_allowed(host(authority), allowed)
            {
                found(whole.range());
            }
        }
    }
}

/// The host of an authority.
fn host(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    host.trim_end_matches(['.', ',', ';', '!', '*', '_', '~', ']'])
}

fn is_allowed(host: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|allowed| {
        let Some(at) = host.len().checked_sub(allowed.len()) else { return false };
        let ends = host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(allowed));
        ends && (at == 0 || host.as_bytes()[at - 1] == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, allowed: &[&str]) -> Vec<String> {
        let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
        let mut all = Vec::new();
        let links = Links::new().expect("it compiles");
        links.each(text, &allowed, || true, |at| all.push(text[at].to_owned()));
        all
    }

    #[test]
    fn links_are_found_and_names_are_not() {
        for text in [
            "https://evil.example/x?y#z",
            "HTTP://EVIL.EXAMPLE",
            "see www.evil.example/x",
            "(ftp://evil.example)",
            "https:/\\evil.example",
            "https:\\\\evil.example",
            "myapp://open",
            "https://[::1]/x",
            "https://127.0.0.1:8080",
        ] {
            assert_eq!(found(text, &[]).len(), 1, "{text}");
        }
        for text in ["evil.example", "e.g. this", "12:30", "a://", "http:", "www. x", "mailto:a@b"]
        {
            assert_eq!(found(text, &[]), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn only_what_really_leads_to_an_allowed_host_is_allowed() {
        for text in [
            "https://good.example/x",
            "https://sub.good.example",
            "https://GOOD.example:443/",
            "https://good.example.",
            "https://user@good.example/",
            "www.good.example",
        ] {
            assert_eq!(found(text, &["good.example"]), Vec::<String>::new(), "{text}");
        }
        for text in [
            "https://notgood.example",
            "https://good.example.evil.example",
            "https://good.example@evil.example/",
            "https://evil.example/good.example",
            "https://evil.example\\@good.example",
            "https://evil.example?@good.example",
            "https://evil.example#good.example",
            "https://good.example%2eevil.example",
            "https://ex\u{fffd}good.examplé",
        ] {
            assert_eq!(found(text, &["good.example"]).len(), 1, "{text}");
        }
    }

    #[test]
    fn several_links_are_told_apart() {
        let text = "a https://one.example/1 b https://good.example/2 c https://two.example/3";
        let expected = ["https://one.example/1", "https://two.example/3"];
        assert_eq!(found(text, &["good.example"]), expected);
    }
}
