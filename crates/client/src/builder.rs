//! How to reach the server, and as whom.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::driver::{Connecting, drive};
use crate::error::Error;
use crate::keeper::keep;
use crate::outbox::{MemoryOutbox, OutboxStore};
use crate::parlor::Parlor;
use crate::shared::Shared;
use crate::tls;
use crate::token::{TokenReason, Tokens, user_of};

/// What a client is made of.
pub struct Builder {
    url: String,
    path: String,
    tokens: Option<Tokens>,
    user: Option<String>,
    device: Option<String>,
    outbox: Box<dyn OutboxStore>,
    delays: (Duration, Duration),
    roots: Vec<Vec<u8>>,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            path: "/socket.io/".to_owned(),
            tokens: None,
            user: None,
            device: None,
            outbox: Box::new(MemoryOutbox::default()),
            delays: (Duration::from_millis(500), Duration::from_secs(30)),
            roots: Vec::new(),
        }
    }

    /// Says who the user is. For tokens that end give [`Builder::token_from`] instead.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.tokens = Some(Tokens::Fixed(token.into()));
        self
    }

    /// Gives a token: it is called at each connect, and before the last one ends. Needs
    /// [`Builder::user`] too.
    #[must_use]
    pub fn token_from<F, T, E>(mut self, fetch: F) -> Self
    where
        F: Fn(TokenReason) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.tokens = Some(Tokens::fetched(fetch));
        self
    }

    /// Who the user is. If it is not given, it is what the token says: its `sub`, or the whole of one
    /// that is no JWT.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Names this device: 1 to 64 bytes, to be kept over restarts. What was said while it was away
    /// comes when it is back. Without it the client is of the device that all connections without
    /// one share.
    #[must_use]
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// Where messages are kept until the server has them: in memory if not given.
    #[must_use]
    pub fn outbox(mut self, store: impl OutboxStore) -> Self {
        self.outbox = Box::new(store);
        self
    }

    /// The path of Socket.IO at the server, if it is not `/socket.io/`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Delays between tries to connect: they begin with half a second and double up to thirty, if
    /// not said otherwise.
    #[must_use]
    pub fn reconnect(mut self, first: Duration, max: Duration) -> Self {
        self.delays = (first, max);
        self
    }

    /// Believes servers by this root too, beside those that the system trusts: a PEM text of one or
    /// more certificates. For servers with a certificate of one's own; may be called several times.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Starts the client, which connects by itself and stays connected until it is closed or its
    /// last handle is dropped. Reads the outbox, which blocks for as long as that takes.
    ///
    /// # Errors
    /// [`Error::Usage`] when the address is none, there is no token, it does not say whose it is, or a
    /// root certificate is none;
    /// [`Error::Store`] when the outbox cannot be read.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect(self) -> Result<Parlor, Error> {
        let Self { url, path, tokens, user, device, mut outbox, delays, roots } = self;
        let usage = |text: &str| Error::Usage(text.to_owned());
        let tokens = tokens.ok_or_else(|| usage("give a token, or where tokens come from"))?;
        let named = || match &tokens {
            Tokens::Fixed(token) => user_of(token),
            Tokens::Fetched(_) => None,
        };
        let user = user.or_else(named);
        let user =
            user.ok_or_else(|| usage("the token does not say whose it is: name the user"))?;
        let socket = socket_url(&url, &path)?;
        let is_encrypted = socket.scheme_str() == Some("wss");
        let trust = is_encrypted.then(|| tls::trusting(&roots)).transpose()?;
        let owner = format!("{}|{user}", url.trim_end_matches('/'));
        let (shared, ring) = Shared::new(&user);
        shared.look().outbox.load(outbox.items(&owner)?);
        let keeper = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("parlor-outbox".to_owned())
            .spawn(move || keep(&keeper, &ring, &owner, outbox))
            .map_err(|error| Error::Store(Arc::new(error)))?;
        let (first_delay, max_delay) = delays;
        let connecting = Connecting { url: socket, trust, tokens, device, first_delay, max_delay };
        tokio::spawn(drive(Arc::clone(&shared), connecting));
        Ok(Parlor::new(shared, user))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The address of the WebSocket.
fn socket_url(url: &str, path: &str) -> Result<Uri, Error> {
    let wrong = || Error::Usage(format!("{url:?} is no address such as https://chat.example.com"));
    let base: Uri = url.parse().map_err(|_| wrong())?;
    let scheme = match base.scheme_str() {
        Some("http" | "ws") => "ws",
        Some("https" | "wss") => "wss",
        _ => return Err(wrong()),
    };
    let authority = base.authority().ok_or_else(wrong)?;
    let path = path.trim_matches('/');
    let socket = format!("{scheme}://{authority}/{path}/?EIO=4&transport=websocket");
    socket.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_those_of_websockets() {
        let url = |text| socket_url(text, "/socket.io/").map(|uri| uri.to_string());
        let socket = "ws://127.0.0.1:3000/socket.io/?EIO=4&transport=websocket";
        assert_eq!(url("http://127.0.0.1:3000").expect("an address"), socket);
        assert_eq!(url("http://127.0.0.1:3000/").expect("an address"), socket);
        assert!(url("https://chat.example.com").expect("an address").starts_with("wss://chat"));
        for wrong in ["", "chat.example.com", "ftp://chat", "http://"] {
            assert!(matches!(url(wrong), Err(Error::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn a_client_that_cannot_work_is_not_made() {
        let usage = |builder: Builder| matches!(builder.connect(), Err(Error::Usage(_)));
        assert!(usage(Parlor::builder("http://127.0.0.1:1")));
        assert!(usage(Parlor::builder("nowhere").token("alice")));
        let fetched = |_| async { Ok::<_, std::io::Error>("alice".to_owned()) };
        assert!(usage(Parlor::builder("http://127.0.0.1:1").token_from(fetched)));
    }
}
