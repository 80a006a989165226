//! Names of sockets and connections. A key is a place (shard, slot, generation); its two texts, the
//! public socket id and the secret Engine.IO sid, are made from it by keyed hashes, so that neither
//! is stored, each can be checked, and neither tells the other.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of a public socket id and of an Engine.IO sid.
pub const ID_LENGTH: usize = 20;
/// Slots a shard can address.
pub(crate) const SLOTS_MAX: u32 = 1 << 24;

/// Where a socket lives: valid as long as the socket is connected, never reused in practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketKey(NonZeroU64);

impl SocketKey {
    /// The key of a slot; generations start at 1, so the number is never zero.
    pub(crate) fn new(shard: u8, slot: u32, generation: u32) -> Self {
        debug_assert!(slot < SLOTS_MAX && generation > 0);
        let bits = u64::from(shard) << 56 | u64::from(slot) << 32 | u64::from(generation);
        Self(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
    }

    /// The key as a number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    pub(crate) fn shard(self) -> u8 {
        (self.0.get() >> 56) as u8
    }

    pub(crate) fn slot(self) -> u32 {
        (self.0.get() >> 32) as u32 & (SLOTS_MAX - 1)
    }

    pub(crate) fn generation(self) -> u32 {
        self.0.get() as u32
    }

    fn from_bits(bits: u64) -> Option<Self> {
        (bits as u32 != 0).then_some(())?;
        NonZeroU64::new(bits).map(Self)
    }
}

/// A public socket id: 20 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketId([u8; ID_LENGTH]);

impl SocketId {
    /// An id that was given out before: 20 characters, each a letter, a digit, `-` or `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let id = <[u8; ID_LENGTH]>::try_from(text.as_bytes()).ok()?;
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        id.iter().all(is_plain).then_some(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::ops::Deref for SocketId {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SocketId({})", self.as_str())
    }
}

/// Where a connection lives, as its secret sid says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EngineSid {
    shard: u8,
    slot: u32,
    secret: [u8; 11],
}

impl EngineSid {
    pub(crate) fn shard(&self) -> u8 {
        self.shard
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    /// The place a text names; nothing is checked but its shape.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = decode(text)?;
        let mut secret = [0; 11];
        secret.copy_from_slice(&bytes[4..]);
        let slot = u32::from_be_bytes([0, bytes[1], bytes[2], bytes[3]]);
        Some(Self { shard: bytes[0], slot, secret })
    }
}

/// The process's secret, from which both texts are made.
#[derive(Debug, Default)]
pub(crate) struct Seal {
    check: RandomState,
    mask: RandomState,
    secret: RandomState,
}

impl Seal {
    /// The public id of a socket.
    pub(crate) fn socket_id(&self, key: SocketKey) -> SocketId {
        let check = self.check.hash_one(key.get()) >> 8;
        let masked = key.get() ^ self.mask.hash_one(check);
        let mut bytes = [0; 15];
        bytes[..8].copy_from_slice(&masked.to_be_bytes());
        bytes[8..].copy_from_slice(&check.to_be_bytes()[1..]);
        SocketId(encode(&bytes))
    }

    /// The socket a text names, if this process made the text.
    pub(crate) fn socket_key(&self, text: &str) -> Option<SocketKey> {
        let bytes = decode(text)?;
        let (mut masked, mut check) = ([0; 8], [0; 8]);
        masked.copy_from_slice(&bytes[..8]);
        check[1..].copy_from_slice(&bytes[8..]);
        let check = u64::from_be_bytes(check);
        let bits = u64::from_be_bytes(masked) ^ self.mask.hash_one(check);
        (self.check.hash_one(bits) >> 8 == check).then(|| SocketKey::from_bits(bits))?
    }

    /// The secret sid of a connection.
    pub(crate) fn engine_sid(&self, shard: u8, slot: u32, generation: u32) -> SocketId {
        let mut bytes = [0; 15];
        bytes[..4].copy_from_slice(&slot.to_be_bytes());
        bytes[0] = shard;
        bytes[4..].copy_from_slice(&self.engine_secret(shard, slot, generation));
        SocketId(encode(&bytes))
    }

    /// Whether `sid` is that of the connection at its slot, compared without an early exit.
    pub(crate) fn opens(&self, sid: &EngineSid, generation: u32) -> bool {
        let expected = self.engine_secret(sid.shard, sid.slot, generation);
        let difference = expected.iter().zip(&sid.secret).fold(0, |bits, (a, b)| bits | (a ^ b));
        difference == 0
    }

    /// A private id, made from a number that is used once.
    pub(crate) fn private_id(&self, number: u64) -> SocketId {
        let mut bytes = [0; 15];
        bytes[..8].copy_from_slice(&self.secret.hash_one((2_u8, number)).to_be_bytes());
        bytes[8..].copy_from_slice(&self.secret.hash_one((3_u8, number)).to_be_bytes()[..7]);
        SocketId(encode(&bytes))
    }

    fn engine_secret(&self, shard: u8, slot: u32, generation: u32) -> [u8; 11] {
        let mut secret = [0; 11];
        let place = (shard, slot, generation);
        secret[..8].copy_from_slice(&self.secret.hash_one((0_u8, place)).to_be_bytes());
        secret[8..].copy_from_slice(&self.secret.hash_one((1_u8, place)).to_be_bytes()[..3]);
        secret
    }
}

fn encode(bytes: &[u8; 15]) -> [u8; ID_LENGTH] {
    let mut text = [b'-'; ID_LENGTH];
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(ID_LENGTH));
    text
}

fn decode(text: &str) -> Option<[u8; 15]> {
    if text.len() != ID_LENGTH {
        return None;
    }
    let mut bytes = [0; 15];
    URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_id_names_its_socket() {
        let seal = Seal::default();
        let key = SocketKey::new(3, 0x00ab_cdef, 77);
        let id = seal.socket_id(key);
        assert_eq!(id.len(), ID_LENGTH);
        assert_eq!(seal.socket_key(&id), Some(key));
        assert_eq!((key.shard(), key.slot(), key.generation()), (3, 0x00ab_cdef, 77));
    }

    #[test]
    fn forged_public_id_names_nothing() {
        let seal = Seal::default();
        let mut text = seal.socket_id(SocketKey::new(0, 1, 1)).as_str().to_owned();
        let last = if text.ends_with('A') { 'B' } else { 'A' };
        text.pop();
        text.push(last);
        assert_eq!(seal.socket_key(&text), None);
        assert_eq!(seal.socket_key("twenty characters ok"), None);
        assert_eq!(seal.socket_key(""), None);
    }

    #[test]
    fn engine_sid_opens_its_own_generation_alone() {
        let seal = Seal::default();
        let text = seal.engine_sid(1, 5, 9);
        let sid = EngineSid::parse(&text).expect("own sid parses");
        assert_eq!((sid.shard(), sid.slot()), (1, 5));
        assert!(seal.opens(&sid, 9));
        assert!(!seal.opens(&sid, 10));
        assert!(!Seal::default().opens(&sid, 9));
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is() {
        let id = Seal::default().socket_id(SocketKey::new(0, 1, 1));
        assert_eq!(SocketId::parse(&id), Some(id));
        for text in ["", "20_characters-ok_012", "21_characters_ok-01234"] {
            assert_eq!(SocketId::parse(text).is_some(), text.len() == ID_LENGTH, "{text}");
        }
        for text in ["twenty characters ok", "twenty_characters\"ok", "twenty_charactersé_"] {
            assert_eq!(SocketId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn neighbouring_ids_share_no_prefix() {
        let seal = Seal::default();
        let (a, b) =
            (seal.socket_id(SocketKey::new(0, 1, 1)), seal.socket_id(SocketKey::new(0, 2, 1)));
        assert_ne!(a.as_str()[..10], b.as_str()[..10]);
    }
}
