//! How a connection logs in: SASL PLAIN, the stream opened anew, a resource bound, and the presence
//! that makes the server send what is for the user.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::scan::{attribute, contains};
use super::{DOMAIN, OPEN};
use crate::load::connection::{Connection, Stage, user_name};
use crate::protocol::Auth;

/// Life of a minted token.
const TOKEN_SECONDS: u64 = 24 * 3600;

const BIND: &[u8] = b"<iq type='set' id='bind'>\
    <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>";

/// Goes on with the login; says whether it is done, which is when the server has told the connection
/// of its own presence.
///
/// # Errors
/// The server refused it.
pub(in crate::load) fn on_stanza(
    connection: &mut Connection,
    auth: &Auth,
    stanza: &[u8],
) -> io::Result<bool> {
    if connection.stage == Stage::Live {
        return Ok(false);
    }
    if stanza.starts_with(b"<stream:features") {
        if contains(stanza, b"<mechanisms") {
            let login = plain(&user_name(connection.user), &password(auth, connection.user)?);
            connection.send_text(login.as_bytes())?;
        } else {
            connection.send_text(BIND)?;
        }
    } else if stanza.starts_with(b"<success") {
        connection.send_text(OPEN)?;
    } else if stanza.starts_with(b"<iq ") && attribute(stanza, "id") == Some(b"bind") {
        if attribute(stanza, "type") != Some(b"result") {
            return Err(io::Error::other(String::from_utf8_lossy(stanza)));
        }
        connection.stage = Stage::Joining;
        connection.send_text(b"<presence/>")?;
    } else if stanza.starts_with(b"<failure") {
        return Err(io::Error::other(format!(
            "the login was refused: {}",
            String::from_utf8_lossy(stanza)
        )));
    } else if stanza.starts_with(b"<presence ") && connection.stage == Stage::Joining {
        connection.stage = Stage::Live;
        return Ok(true);
    }
    Ok(false)
}

/// The element that logs in by SASL PLAIN.
fn plain(user: &str, password: &str) -> String {
    let secret = STANDARD.encode(format!("\0{user}\0{password}"));
    format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
}

#[derive(Serialize)]
struct Claims {
    sub: String,
    exp: u64,
}

fn password(auth: &Auth, user: u32) -> io::Result<String> {
    match auth {
        Auth::XmppName => Ok(user_name(user)),
        Auth::XmppJwt { secret } => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
            let sub = format!("{}@{DOMAIN}", user_name(user));
            let claims = Claims { sub, exp: now.as_secs() + TOKEN_SECONDS };
            let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
            jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key)
                .map_err(io::Error::other)
        }
        Auth::Name | Auth::Jwt { .. } => Err(io::Error::other("no login by XMPP")),
    }
}
