//! The web client as the binary serves it: whole, by bytes, and whatever is asked for.

use std::io::{Read, Write};

use crate::support;
use crate::support::{Server, connect, parlor};

/// One request as it is written, and all that comes back.
fn exchange(server: &Server, request: &[u8]) -> Vec<u8> {
    let mut stream = connect(server.addr);
    stream.write_all(request).expect("the request is sent");
    let mut bytes = Vec::new();
    // The server may have left before all was read.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

fn ask(server: &Server, line: &str, headers: &str) -> (String, Vec<u8>) {
    let request =
        format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    let bytes = exchange(server, request.as_bytes());
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    (head, bytes[end + 4..].to_vec())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The path of the page's script.
fn script(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let start = page.find("src=\"/assets/").expect("a script") + 5;
    page[start..].split('"').next().expect("a path").to_owned()
}

#[test]
fn page_and_script_arrive_whole_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let (head, page) = ask(&server, "GET /", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(String::from_utf8_lossy(&page).contains("<title>Parlor</title>"));
    for path in ["/".to_owned(), script(&page)] {
        let (plain, whole) = ask(&server, &format!("GET {path}"), "");
        assert_eq!(header(&plain, "content-encoding"), None);
        for encoding in ["gzip", "br"] {
            let accept = format!("accept-encoding: {encoding}\r\n");
            let (head, body) = ask(&server, &format!("GET {path}"), &accept);
            assert_eq!(header(&head, "content-encoding"), Some(encoding));
            assert_eq!(header(&head, "content-length"), Some(&*body.len().to_string()));
            assert!(body.len() < whole.len());
            let (only_head, nothing) = ask(&server, &format!("HEAD {path}"), &accept);
            assert!(nothing.is_empty());
            for name in ["content-length", "content-encoding", "etag", "content-type"] {
                assert_eq!(header(&only_head, name), header(&head, name), "{name}");
            }
            let tag = header(&head, "etag").expect("a tag");
            let again = format!("{accept}if-none-match: {tag}\r\n");
            let (head, nothing) = ask(&server, &format!("GET {path}"), &again);
            assert!(head.starts_with("http/1.1 304") && nothing.is_empty(), "{head}");
        }
    }
}

#[test]
fn odd_requests_get_an_answer_and_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    for path in [
        "/..",
        "/../",
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/assets",
        "/assets/",
        "//",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fetc",
        "/assets%2findex.js",
        "/index.html",
        "/sw.js/",
        "/%00",
        "/%",
        "/%zz",
        "/icon.svg%20",
        "/ICON.SVG",
        "/.git/config",
        "/files.rs",
        "/;/",
    ] {
        let (head, body) = ask(&server, &format!("GET {path}"), "");
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
        assert_eq!(body, b"not found\n", "{path}");
    }
    for line in ["POST /", "PUT /icon.svg", "DELETE /web-config.json", "OPTIONS /", "TRACE /"] {
        let (head, body) = ask(&server, line, "");
        assert!(head.starts_with("http/1.1 405"), "{line}: {head}");
        assert_eq!(header(&head, "allow"), Some("get, head"));
        assert!(body.is_empty());
    }
    let (head, _) = ask(&server, "GET /?utm=x", "range: bytes=0-1\r\n");
    assert!(head.starts_with("http/1.1 200") && header(&head, "content-range").is_none());
    let long = format!("GET /{}", "a".repeat(4_000));
    assert!(ask(&server, &long, "").0.starts_with("http/1.1 404"));
    for odd in [
        &b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: br;q=\xff,,;\r\n\r\n"
            [..],
        b"GET \xff HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        exchange(&server, odd);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn configuration_reaches_the_client_and_its_policy() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(dir.path()).env("PARLOR_IDENTITY__HS256_SECRET", support::SECRET);
    command.env("PARLOR_WEB__SIGN_IN_URL", "https://app.example/chat");
    command.env("PARLOR_WEB__TOKEN_URL", "https://id.example/token");
    let server = Server::start(&mut command);
    let (head, body) = ask(&server, "GET /web-config.json", "");
    assert_eq!(header(&head, "content-type"), Some("application/json"));
    assert_eq!(header(&head, "cache-control"), Some("no-store"));
    let says: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(says["dev"], false);
    assert_eq!(says["signInUrl"], "https://app.example/chat");
    assert_eq!(says["tokenUrl"], "https://id.example/token");
    let (head, _) = ask(&server, "GET /", "");
    assert!(head.contains("connect-src 'self' https://id.example;"), "{head}");
}

#[test]
fn client_can_be_turned_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = parlor(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let server =
        Server::start(command.arg("--data").arg(dir.path()).env("PARLOR_WEB__ENABLED", "false"));
    for path in ["/", "/web-config.json", "/icon.svg"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}
