//! Opening connections, so many at a time, each from TCP to the server's last word: `ready`, or `caught_up`
//! of Parlor's.

use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustls::ClientConfig;
use serde::Serialize;

use super::connection::{Connection, Stage, device_name, user_name};
use super::{transport, xmpp};
use crate::latency::Latency;
use crate::protocol::{Auth, Connect, Reply, Wire};

/// Life of a minted token.
const TOKEN_SECONDS: u64 = 24 * 3600;

/// Connections being opened.
pub(super) struct Connecting {
    wanted: Connect,
    tls: Option<Arc<ClientConfig>>,
    /// When each connection began, by its place in this run.
    began: Vec<Instant>,
    live: u32,
    started: Instant,
    latency: Latency,
}

impl Connecting {
    /// # Errors
    /// The certificate to trust is not there.
    pub(super) fn new(wanted: Connect) -> io::Result<Self> {
        Ok(Self {
            tls: wanted.trusted.as_deref().map(transport::trusting).transpose()?,
            began: Vec::with_capacity(wanted.count as usize),
            wanted,
            live: 0,
            started: Instant::now(),
            latency: Latency::new(),
        })
    }

    /// The next connection to watch, if one may begin now.
    pub(super) fn next(&mut self) -> io::Result<Option<Connection>> {
        let (begun, wanted) = (self.begun(), &self.wanted);
        if begun == wanted.count || begun - self.live >= wanted.at_once {
            return Ok(None);
        }
        self.began.push(Instant::now());
        let user = wanted.first + begun;
        let address = wanted.addresses[user as usize % wanted.addresses.len()];
        let (wire, tls) = (wanted.auth.wire(), self.tls.as_ref());
        Connection::begin(address, user, wanted.window, wire, tls).map(Some)
    }

    fn begun(&self) -> u32 {
        u32::try_from(self.began.len()).expect("at most `count` connections begin")
    }

    /// What a server says when a connection is open. Parlor goes on behind `ready`: it looks for what
    /// the device has missed.
    fn last_of_a_connect(&self) -> &'static [u8] {
        match self.wanted.auth {
            Auth::Jwt { .. } => b"42[\"caught_up\"",
            _ => b"42[\"ready\"",
        }
    }

    pub(super) fn on_packet(
        &mut self,
        connection: &mut Connection,
        packet: &[u8],
    ) -> io::Result<()> {
        if self.wanted.auth.wire() == Wire::Xmpp {
            if xmpp::on_login_stanza(connection, &self.wanted.auth, packet)? {
                self.on_live(connection);
            }
            return Ok(());
        }
        match (connection.stage, packet) {
            (Stage::Opening, [b'0', ..]) => {
                connection.stage = Stage::Joining;
                let connect = format!("40{}", auth(&self.wanted.auth, connection.user)?);
                connection.send_text(connect.as_bytes())
            }
            (Stage::Joining, [b'4', b'4', error @ ..]) => {
                let error = String::from_utf8_lossy(error).into_owned();
                Err(io::Error::other(format!("CONNECT was refused: {error}")))
            }
            (Stage::Joining, packet) if packet.starts_with(self.last_of_a_connect()) => {
                connection.stage = Stage::Live;
                self.on_live(connection);
                Ok(())
            }
            (Stage::Joining | Stage::Live, [b'4', ..]) => Ok(()),
            (stage, packet) => {
                let packet = String::from_utf8_lossy(packet).into_owned();
                Err(io::Error::other(format!("unexpected while {stage:?}: {packet}")))
            }
        }
    }

    fn on_live(&mut self, connection: &Connection) {
        let place = (connection.user - self.wanted.first) as usize;
        self.latency.record(self.began[place].elapsed());
        self.live += 1;
    }

    pub(super) fn progress(&self) -> u64 {
        u64::from(self.live)
    }

    pub(super) fn state(&self) -> String {
        format!("{} of {} connections ready, {} begun", self.live, self.wanted.count, self.begun())
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        (self.live == self.wanted.count).then(|| Reply::Connected {
            seconds: self.started.elapsed().as_secs_f64(),
            latency: self.latency.clone(),
        })
    }
}

#[derive(Serialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// The JSON of the CONNECT packet.
pub(super) fn auth(auth: &Auth, user: u32) -> io::Result<String> {
    let name = user_name(user);
    match auth {
        Auth::Name => Ok(format!(r#"{{"token":"{name}"}}"#)),
        Auth::Jwt { secret } => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
            let claims = Claims { sub: name, exp: now.as_secs() + TOKEN_SECONDS };
            let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
            let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key)
                .map_err(io::Error::other)?;
            Ok(format!(r#"{{"token":"{token}","deviceId":"{}"}}"#, device_name(user)))
        }
        Auth::XmppName | Auth::XmppJwt { .. } => Err(io::Error::other("XMPP has no CONNECT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_names_user_device_and_expiry() {
        let secret = "a secret of more than thirty-two bytes";
        let text = auth(&Auth::Jwt { secret: secret.to_owned() }, 7).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        let rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        let token = json["token"].as_str().unwrap();
        let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key, &rules).unwrap().claims;
        assert_eq!(claims["sub"], "u000007");
        assert_eq!(json["deviceId"], "d000007");
    }
}
