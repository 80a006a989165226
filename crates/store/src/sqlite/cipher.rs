//! The cryptography of encryption at rest, all of it.
//!
//! Sealing is XAES-256-GCM: AES-256-GCM whose key is derived for each message from half of a random
//! nonce of 192 bits. With AES-256-GCM's own 96 bits a random nonce may repeat after some thousand
//! million messages, and one made of a seq repeats when a log is put back from a copy or a commit is
//! lost with the power; 192 random bits do neither. It commits to no key, and need not: which key
//! opens what is told by the store's own tables, never by who asks.
//!
//! ```text
//! master key --seals--> data key (one a conversation) --derives--> content key, digest key
//! ```
//!
//! What is sealed is bound to a context that is given again to open it. Keys are wiped when they
//! are dropped, as far as this code holds them, and are never shown.
//!
//! Source: <https://c2sp.org/XAES-256-GCM>.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{cmac, hmac, rand};
use zeroize::Zeroizing;

/// What is wrong with something sealed: another key, another context, or it was changed. One cannot
/// tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotOpen;

/// The version of the layout: it, the nonce, the ciphertext, the tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Bytes that sealing adds.
pub(crate) const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// A key's 32 bytes.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// A new key.
pub(crate) fn random_key() -> KeyBytes {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut key[..]).expect("the system gives random bytes");
    key
}

/// A key of one purpose, from one of any.
pub(crate) fn derive(key: &KeyBytes, purpose: &str) -> KeyBytes {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key[..]);
    let tag = hmac::sign(&key, purpose.as_bytes());
    let mut derived = Zeroizing::new([0; 32]);
    derived.copy_from_slice(tag.as_ref());
    derived
}

/// Seals and opens.
pub(crate) struct Sealer {
    /// Derives a key for each message.
    key: cmac::Key,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        Self { key: cmac::Key::new(cmac::AES_256, &key[..]).expect("the key has 32 bytes") }
    }

    /// Seals a text to a context.
    pub(crate) fn seal(&self, context: &[u8], text: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).expect("the system gives random bytes");
        let mut sealed = Vec::with_capacity(text.len() + OVERHEAD_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        self.seal_with(&nonce, context, text, &mut sealed);
        sealed
    }

    /// Appends ciphertext and tag.
    fn seal_with(&self, nonce: &[u8; NONCE_BYTES], context: &[u8], text: &[u8], to: &mut Vec<u8>) {
        let (key, nonce) = self.of_message(nonce);
        let from = to.len();
        to.extend_from_slice(text);
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(context), &mut to[from..])
            .expect("a text is far below what one nonce seals");
        to.extend_from_slice(tag.as_ref());
    }

    /// Opens what was sealed to this context.
    pub(crate) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (version, rest) = sealed.split_first().ok_or(CannotOpen)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        if *version != VERSION {
            return Err(CannotOpen);
        }
        let (key, nonce) = self.of_message(nonce);
        let mut text = rest.to_vec();
        let length =
            key.open_in_place(nonce, Aad::from(context), &mut text).map_err(|_| CannotOpen)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// The key and the nonce that AES-256-GCM takes for one message.
    fn of_message(&self, nonce: &[u8; NONCE_BYTES]) -> (LessSafeKey, Nonce) {
        let mut key = Zeroizing::new([0; 32]);
        for (half, counter) in key.chunks_exact_mut(16).zip(1..) {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(&nonce[..12]);
            let tag = cmac::sign(&self.key, &block).expect("one block can be signed");
            half.copy_from_slice(tag.as_ref());
        }
        let key = UnboundKey::new(&AES_256_GCM, &key[..]).expect("the key has 32 bytes");
        let nonce = Nonce::try_assume_unique_for_key(&nonce[12..]).expect("it has 12 bytes");
        (LessSafeKey::new(key), nonce)
    }
}

/// Digests that tell nothing of what they are of without the key.
pub(crate) struct Digester(hmac::Key);

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(…)")
    }
}

impl Digester {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key[..]))
    }

    /// The first 16 bytes of the keyed digest.
    pub(crate) fn digest(&self, text: &[u8]) -> [u8; 16] {
        let mut digest = [0; 16];
        digest.copy_from_slice(&hmac::sign(&self.0, text).as_ref()[..16]);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&Zeroizing::new([byte; 32]))
    }

    #[test]
    fn known_texts_are_sealed_as_the_specification_says() {
        // Source: the test vectors of https://c2sp.org/XAES-256-GCM.
        let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        for (key, context, sealed) in [
            (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (
                3,
                "c2sp.org/XAES-256-GCM",
                "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
            ),
        ] {
            let mut out = Vec::new();
            sealer(key).seal_with(nonce, context.as_bytes(), b"XAES-256-GCM", &mut out);
            assert_eq!(hex(&out), sealed);
        }
    }

    #[test]
    fn a_derived_key_is_hmac_sha_256() {
        // Source: RFC 4231, test case 1, with its key filled up by zeros, which changes nothing.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let derived = derive(&Zeroizing::new(key), "Hi There");
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex(&derived[..]), expected);
    }

    #[test]
    fn what_was_sealed_opens_to_the_same_text() {
        for text in [&b""[..], b"\"x\"", &[7; 100_000]] {
            let sealed = sealer(1).seal(b"here", text);
            assert_eq!(sealed.len(), text.len() + OVERHEAD_BYTES);
            assert_eq!(sealer(1).open(b"here", &sealed).as_deref(), Ok(text));
        }
    }

    #[test]
    fn another_key_or_context_opens_nothing() {
        let sealed = sealer(1).seal(b"here", b"text");
        assert_eq!(sealer(2).open(b"here", &sealed), Err(CannotOpen));
        assert_eq!(sealer(1).open(b"there", &sealed), Err(CannotOpen));
        assert_eq!(sealer(1).open(b"", &sealed), Err(CannotOpen));
    }

    #[test]
    fn no_byte_can_be_changed_added_or_left_out() {
        let sealed = sealer(1).seal(b"here", b"text");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer(1).open(b"here", &changed), Err(CannotOpen), "byte {at}");
            assert_eq!(sealer(1).open(b"here", &sealed[..at]), Err(CannotOpen), "{at} bytes");
        }
        assert_eq!(sealer(1).open(b"here", &[&sealed[..], &[0]].concat()), Err(CannotOpen));
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same() {
        let nonces: std::collections::HashSet<Vec<u8>> =
            (0..1_000).map(|_| sealer(1).seal(b"", b"x")[1..25].to_vec()).collect();
        assert_eq!(nonces.len(), 1_000);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let key = Zeroizing::new([1; 32]);
        let shown = format!("{:?} {:?}", Sealer::new(&key), Digester::new(&key));
        assert_eq!(shown, "Sealer(…) Digester(…)");
    }
}
