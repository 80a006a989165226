//! Socket.IO's connection state recovery, backed by the log: a stock client that asks for it
//! (`auth.recovery: true`) and comes back with its pid and its last offset is the same socket again.
//!
//! Nothing of it is kept on the server. The pid is a sealed token that names user, device and
//! public socket id; the offset, the last argument of the events that such a client gets, is a
//! position of the log. So it outlives the process, and works on any node of the same log. Token
//! and device are checked again like those of any connection. Beyond its bounds the connection is a
//! new one, which resumes from the offset. Without a good pid an offset says nothing: stock clients
//! keep it when another user signs in on the same socket.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::resume::{Cursor, RecoveryBounds, recovers};
use parlor_chat::store::{SealKey, Whose};
use parlor_gateway::{Data, ID_LENGTH, SocketId};

use crate::clock;
use crate::commands::Recovery;
use crate::identity::Identity;
use crate::service::Service;
use crate::session::{Session, Start};

/// What the key of pids is derived for.
const PURPOSE: &[u8] = b"parlor recovery pid 1";
/// The longest pid that is looked at.
const PID_BYTES_MAX: usize = 512;

/// Makes and opens pids. Their nonces are random, under one key for years; so the cipher is one
/// that a repeated nonce does not break (RFC 8452).
pub(crate) struct Pids(LessSafeKey);

impl std::fmt::Debug for Pids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pids(…)")
    }
}

/// Whose socket a pid stands for.
#[derive(Debug, PartialEq, Eq)]
struct Pid {
    sid: SocketId,
    user: UserId,
    device: DeviceId,
}

impl Pids {
    pub(crate) fn new(seal_key: &SealKey) -> Self {
        let extracted = Salt::new(HKDF_SHA256, b"").extract(&seal_key.0);
        let purpose = [PURPOSE];
        let derived = extracted.expand(&purpose, &AES_256_GCM_SIV);
        let derived = derived.expect("the length of a key is a length that can be asked for");
        Self(LessSafeKey::new(UnboundKey::from(derived)))
    }

    /// The text of a pid. It is another one each time.
    fn seal(&self, pid: &Pid) -> String {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = [pid.sid.as_bytes(), pid.user.as_str().as_bytes()].concat();
        sealed.push(0);
        sealed.extend_from_slice(pid.device.as_str().as_bytes());
        let place = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(place, Aad::empty(), &mut sealed)
            .expect("so few bytes can be sealed");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What a text stands for, if it was sealed here.
    fn open(&self, text: &str) -> Option<Pid> {
        if text.len() > PID_BYTES_MAX {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        let text = std::str::from_utf8(opened).ok()?;
        let (sid, rest) = text.split_at_checked(ID_LENGTH)?;
        let (user, device) = rest.split_once('\0')?;
        let device = match device {
            "" => DeviceId::shared(),
            device => DeviceId::parse(device).ok()?,
        };
        Some(Pid { sid: SocketId::parse(sid)?, user: UserId::parse(user).ok()?, device })
    }
}

/// Lets in a connection that asks to be recoverable: as the one it was, if that can be, else as a
/// new one.
pub(crate) async fn admit(
    service: &Service,
    identity: Identity,
    device: DeviceId,
    asked: &Recovery,
    resume: Option<Cursor>,
    (now, attempt): (Millis, u64),
) -> Result<Data, Refusal> {
    let known = asked.pid.as_deref().and_then(|pid| Some((pid, service.pids.open(pid)?)));
    let known = known.filter(|(_, pid)| pid.user == identity.user && pid.device == device);
    // What another user or device has heard confirms nothing for this one.
    let offset = asked.offset.as_deref().filter(|_| known.is_some()).and_then(Cursor::parse);
    let session = Session::new(identity.user.clone(), device.clone(), identity.expires, now);
    let session = session.issued(identity.issued).recoverable().with_role(identity.role);
    if let (Some((text, pid)), Some(at)) = (known, offset)
        && is_recovered(service, &identity.user, at).await?
    {
        service.counters().recovered.add(1);
        let session = session.recovering(at.position, attempt);
        return Ok(Data::new(session).with_pid(text).restoring(pid.sid).answering_later());
    }
    let start = resume.or(offset).map_or(Start::Unconfirmed, Start::Resume);
    let sid = new_sid();
    let pid = service.pids.seal(&Pid { sid, user: identity.user, device });
    Ok(Data::new(session.starting(start)).with_pid(pid).restoring(sid))
}

async fn is_recovered(service: &Service, user: &UserId, at: Cursor) -> Result<bool, Refusal> {
    let limits = &service.settings.limits;
    let bounds = RecoveryBounds {
        entries_max: limits.recovery_entries_max,
        age_max_ms: limits.recovery_age_max_ms,
    };
    let _turn = service.turns.next().await?;
    let (after, whose) = (at.position, Whose::Everyone);
    let behind = service.store.behind(user.clone(), after, whose, bounds.entries_max).await;
    let behind = behind.map_err(|error| of_store(&error))?;
    Ok(recovers(at, service.store.epoch(), behind, clock::now(), bounds))
}

/// A public id for a socket whose pid has to name it before there is one.
fn new_sid() -> SocketId {
    let bytes: [u8; ID_LENGTH / 4 * 3] = rand::random();
    SocketId::parse(&URL_SAFE_NO_PAD.encode(bytes)).expect("15 bytes are 20 such characters")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pids(byte: u8) -> Pids {
        Pids::new(&SealKey([byte; 32]))
    }

    fn pid(user: &str, device: &str) -> Pid {
        let device = DeviceId::parse(device).unwrap_or_else(|_| DeviceId::shared());
        Pid { sid: new_sid(), user: UserId::parse(user).expect("an id in a test"), device }
    }

    #[test]
    fn a_pid_is_opened_by_the_log_it_was_made_for_and_by_no_other() {
        for (user, device) in [("alice", "phone"), ("b:ob%", ""), ("é", "x y")] {
            let pid = pid(user, device);
            let text = pids(1).seal(&pid);
            assert_eq!(pids(1).open(&text), Some(pid));
            assert_eq!(pids(2).open(&text), None);
        }
    }

    #[test]
    fn a_pid_shows_nothing_and_is_another_each_time() {
        let pid = pid("alice", "phone");
        let (one, two) = (pids(1).seal(&pid), pids(1).seal(&pid));
        assert_ne!(one, two);
        let bytes = URL_SAFE_NO_PAD.decode(&one).expect("it is base64");
        assert!(!bytes.windows(5).any(|window| window == b"alice"));
    }

    #[test]
    fn the_longest_ids_fit() {
        let pid = pid(&"u".repeat(128), &"d".repeat(64));
        let text = pids(1).seal(&pid);
        assert!(text.len() <= PID_BYTES_MAX, "{}", text.len());
        assert_eq!(pids(1).open(&text), Some(pid));
    }

    proptest! {
        #[test]
        fn a_pid_that_was_changed_opens_nothing(at in 0usize..80, bit in 0u8..6) {
            let pids = pids(1);
            let mut text = pids.seal(&pid("alice", "phone")).into_bytes();
            let at = at % text.len();
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let old = alphabet.iter().position(|byte| *byte == text[at]).expect("base64");
            text[at] = alphabet[old ^ (1 << bit)];
            let text = String::from_utf8(text).expect("ASCII");
            // The last character may hold bits that are not part of any byte.
            prop_assert!(pids.open(&text).is_none());
        }

        #[test]
        fn any_text_is_opened_or_not(text in "\\PC*|[A-Za-z0-9_-]{0,90}") {
            prop_assert!(pids(1).open(&text).is_none());
        }
    }
}
