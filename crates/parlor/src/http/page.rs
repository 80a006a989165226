//! The page at `/`: says what this is. No script, no style, nothing from elsewhere.

use axum::response::{Html, IntoResponse};

/// Allows the page to load nothing at all.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page, around a client to copy and paste.
pub(crate) fn render(snippet: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parlor</title>
</head>
<body>
<h1>Parlor</h1>
<p>This is a chat server that any <a href="https://socket.io/docs/v4/client-api/">Socket.IO client</a>
can talk to. It keeps each message before it acknowledges it, and delivers it to every device of the
recipient, now or when it comes back.</p>
<h2>A client</h2>
<pre><code>{snippet}</code></pre>
<h2>For operators</h2>
<ul>
<li><a href="/healthz">/healthz</a>: the server runs</li>
<li><a href="/readyz">/readyz</a>: it can take messages now</li>
<li><a href="/metrics">/metrics</a>: what it counts, for Prometheus</li>
<li><a href="{repository}">documentation</a></li>
</ul>
<p>Version {version}</p>
</body>
</html>
"#,
        snippet = escape(snippet),
        repository = env!("CARGO_PKG_REPOSITORY"),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Answers with the page.
pub(crate) fn respond(page: &str) -> impl IntoResponse + use<> {
    let headers = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
    ];
    (headers, Html(page.to_owned()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_escapes_what_it_shows_and_loads_nothing() {
        let page = render("(a) => \"<b>\" && c");
        assert!(page.contains("(a) =&gt; &quot;&lt;b&gt;&quot; &amp;&amp; c"));
        for loading in ["<script", "<style", "<link", "<img", "src="] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
