//! Ids that the server gives out: by chance, or from an idempotency key, so that a retry gets the
//! same one.

use aws_lc_rs::{hmac, rand};
use parlor_chat::ids::{ClientId, UserId};
use parlor_chat::refusal::Refusal;

use crate::service::Service;

/// The digits of ids and codes: easy to read out, none like another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The id of what a user makes, `purpose` saying what that is: by chance, or always the same for the
/// same key. Nobody else can tell it beforehand.
///
/// # Errors
/// [`Refusal::Internal`] when there is no chance to be had.
pub(crate) fn new_id(
    service: &Service,
    purpose: &str,
    user: &UserId,
    key: Option<&ClientId>,
) -> Result<String, Refusal> {
    let Some(key) = key else { return random_digits() };
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &service.store.seal_key().0);
    let mut digest = hmac::Context::with_key(&secret);
    digest.update(purpose.as_bytes());
    digest.update(&(user.as_str().len() as u64).to_le_bytes());
    digest.update(user.as_str().as_bytes());
    digest.update(key.as_str().as_bytes());
    Ok(digits(&digest.sign().as_ref()[..16]))
}

/// A text that nobody guesses.
///
/// # Errors
/// [`Refusal::Internal`] when there is no chance to be had.
pub(crate) fn random_digits() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Refusal::Internal)?;
    Ok(digits(&bytes))
}

/// Five bits a digit.
fn digits(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut kept, mut bits) = (0u32, 0);
    for byte in bytes {
        kept = (kept << 8 | u32::from(*byte)) & 0x1fff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(kept >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(DIGITS[(kept << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_for_all_bits() {
        assert_eq!(digits(&[0xff, 0x00, 0xff, 0x00, 0xff]), "zw0fy07z");
        assert_eq!(digits(&[0xff]), "zw");
        let one = digits(&[7; 16]);
        assert_eq!(one.len(), 26);
        assert!(one.bytes().all(|digit| DIGITS.contains(&digit)));
    }
}
