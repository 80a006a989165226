//! What the server prints at its start: where it listens, where its data lies, where to chat, and a
//! client to copy and paste.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the greeting is about.
pub(crate) struct Greeting<'a> {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// Whether bare user names are tokens.
    pub(crate) dev: bool,
    /// Whether it serves the web client.
    pub(crate) web: bool,
    /// Where the data lies.
    pub(crate) data: &'a str,
    /// The path of Socket.IO requests.
    pub(crate) path: &'a str,
}

/// The path that clients use unless told otherwise.
const USUAL_PATH: &str = "/socket.io/";

impl Greeting<'_> {
    /// The URL that a client on this machine uses.
    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        format!("{scheme}://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// A client for Node, to copy and paste.
    fn snippet(&self) -> String {
        let token = if self.dev { "\"alice\"" } else { "token" };
        let path = match self.path {
            USUAL_PATH => String::new(),
            path => format!("path: {}, ", serde_json::Value::from(path)),
        };
        format!(
            r#"const {{ io }} = require("socket.io-client"); // npm install socket.io-client
const socket = io("{url}", {{ {path}auth: {{ token: {token} }} }});
socket.on("private_message", (msg) => {{
  console.log(msg.from + ":", msg.content);
  socket.emit("delivered", {{ messageId: msg.id }});
}});
socket.emit("private_message", {{
  toUserId: "bob", content: "Hello!", clientId: crypto.randomUUID(),
}}, (ack) => console.log(ack));
"#,
            url = self.url(),
        )
    }

    /// All of it. The first line ends with the URL of the address that is listened on.
    pub(crate) fn text(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let mut out = format!("Parlor listens on {scheme}://{}\n", self.address);
        out.push_str(&format!("Its data lies in {}\n", self.data));
        if self.dev {
            out.push_str(DEV_WARNING);
        }
        if self.web {
            out.push_str(&format!("\nTo chat, open {}/ in a browser.\n", self.url()));
        }
        let preface = if self.dev {
            "A client (run it as alice, and again as bob with the names exchanged):"
        } else {
            "A client (`parlor token --user alice` prints a token, if a secret is configured):"
        };
        out.push_str(&format!("\n{preface}\n\n{}", self.snippet()));
        out
    }
}

/// What `--dev` means, loudly.
const DEV_WARNING: &str = "
  ***********************************************************************
  *  --dev: ANYONE who can reach this port can be ANY user.             *
  *  A bare user name is a token, and rates and connections have no     *
  *  limit. For trying things out on this machine only.                 *
  ***********************************************************************
";

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(address: &str, dev: bool) -> Greeting<'static> {
        let address = address.parse().unwrap();
        Greeting { address, tls: false, dev, web: true, data: "/data", path: USUAL_PATH }
    }

    #[test]
    fn first_line_ends_with_the_bound_address() {
        let text = greeting("0.0.0.0:4000", false).text();
        assert_eq!(text.lines().next(), Some("Parlor listens on http://0.0.0.0:4000"));
        assert!(text.contains("\nIts data lies in /data\n"));
    }

    #[test]
    fn snippet_has_an_address_that_clients_can_reach() {
        assert!(greeting("0.0.0.0:4000", false).snippet().contains("\"http://127.0.0.1:4000\""));
        assert!(greeting("[::]:4000", false).snippet().contains("\"http://[::1]:4000\""));
        let tls = Greeting { tls: true, ..greeting("127.0.0.1:1", false) };
        assert!(tls.snippet().contains("\"https://127.0.0.1:1\""));
    }

    #[test]
    fn browsers_are_sent_to_the_web_client_where_there_is_one() {
        let web = greeting("0.0.0.0:4000", true);
        assert!(web.text().contains("\nTo chat, open http://127.0.0.1:4000/ in a browser.\n"));
        assert!(!Greeting { web: false, ..web }.text().contains("browser"));
    }

    #[test]
    fn dev_warns_and_gives_a_bare_name() {
        let dev = greeting("127.0.0.1:3000", true).text();
        assert!(dev.contains("ANYONE") && dev.contains("auth: { token: \"alice\" }"));
        let real = greeting("127.0.0.1:3000", false).text();
        assert!(!real.contains("ANYONE") && real.contains("auth: { token: token }"));
    }

    #[test]
    fn snippet_names_a_path_that_is_not_the_usual_one() {
        assert!(!greeting("127.0.0.1:1", true).snippet().contains("path:"));
        let other = Greeting { path: "/chat/", ..greeting("127.0.0.1:1", true) };
        assert!(other.snippet().contains("path: \"/chat/\", "));
    }
}
