use super::*;

fn web(config: &Config) -> Web {
    Web::new(config, false).expect("the client is on by default")
}

fn ask(path: &str, headers: &[(HeaderName, &'static str)]) -> Response<Body> {
    let headers =
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    let headers: HeaderMap = headers.collect();
    web(&Config::default()).answer(&Method::GET, path, &headers).expect("there is such a file")
}

fn header(response: &Response<Body>, name: &str) -> String {
    let value = response.headers().get(name).map(|value| value.to_str().expect("text"));
    value.unwrap_or_default().to_owned()
}

/// A script, by what its name begins with.
fn script() -> &'static str {
    let scripts = files::FILES.iter().filter(|file| file.hashed && file.path.ends_with(".js"));
    scripts.max_by_key(|file| file.plain.len()).expect("a script").path
}

#[test]
fn page_is_asked_for_again_and_scripts_are_kept() {
    let page = ask("/", &[]);
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    let script = ask(script(), &[]);
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    assert!(header(&script, "cache-control").contains("immutable"));
    for response in [page, script] {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert!(header(&response, "permissions-policy").contains("microphone=()"));
        assert_eq!(header(&response, "content-encoding"), "");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("; connect-src 'self'; "), "{policy}");
    }
}

#[test]
fn copies_that_are_good_are_not_sent_again() {
    let tags: Vec<String> = ["", "gzip", "br, gzip"]
        .map(|accept| header(&ask("/", &[(header::ACCEPT_ENCODING, accept)]), "etag"))
        .into();
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    let again = |tags: String| {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&tags).expect("tags"));
        web(&Config::default()).answer(&Method::GET, "/", &headers).expect("the page")
    };
    for good in [tags[0].clone(), format!("\"other\", W/{}", tags[0]), String::from("*")] {
        let response = again(good);
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&response, "etag"), tags[0]);
        assert_eq!(header(&response, "cache-control"), "no-cache");
        assert_eq!(header(&response, "content-type"), "");
    }
    for other in [tags[1].clone(), String::from("\"x\""), String::new(), tags[0].replace('"', "")] {
        assert_eq!(again(other).status(), StatusCode::OK);
    }
}

#[test]
fn files_come_in_the_form_that_is_liked() {
    let size = |response: &Response<Body>| -> usize {
        header(response, "content-length").parse().expect("a number")
    };
    let plain = ask(script(), &[(header::ACCEPT_ENCODING, "identity")]);
    let gzip = ask(script(), &[(header::ACCEPT_ENCODING, "gzip")]);
    let brotli = ask(script(), &[(header::ACCEPT_ENCODING, "gzip, br")]);
    assert_eq!(header(&gzip, "content-encoding"), "gzip");
    assert_eq!(header(&brotli, "content-encoding"), "br");
    assert!(size(&brotli) < size(&gzip) && size(&gzip) < size(&plain));
}

#[test]
fn other_methods_are_refused_and_other_paths_not_found() {
    let web = web(&Config::default());
    let none = HeaderMap::new();
    let post = web.answer(&Method::POST, "/", &none).expect("there is a page");
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header(&post, "allow"), "GET, HEAD");
    for path in
        ["/nothing", "/../Cargo.toml", "/assets/../index.html", "/%2e%2e/", "/ASSETS/", "/%"]
    {
        assert!(web.answer(&Method::GET, path, &none).is_none(), "{path}");
    }
}

#[test]
fn ranges_are_not_offered() {
    let response = ask(script(), &[(header::RANGE, "bytes=0-10")]);
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "accept-ranges"), "");
}

#[test]
fn configuration_says_how_one_signs_in() {
    let mut config = Config::default();
    config.web.sign_in_url = Some(String::from("https://app.example/chat"));
    config.web.token_url = Some(String::from("https://id.example:8443/parlor?x=1"));
    let web = web(&config);
    let says: serde_json::Value = serde_json::from_slice(&web.config).expect("JSON");
    let expected = json!({
        "dev": false,
        "signInUrl": "https://app.example/chat",
        "tokenUrl": "https://id.example:8443/parlor?x=1",
        "path": "/socket.io/",
    });
    assert_eq!(says, expected);
    let policy = web.policy.to_str().expect("text");
    assert!(policy.contains("connect-src 'self' https://id.example:8443; "), "{policy}");
    config.web.enabled = false;
    assert!(Web::new(&config, false).is_none());
}
