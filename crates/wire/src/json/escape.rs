//! What JSON strings escape, both ways.
//!
//! JavaScript's strings may hold a surrogate alone, which no UTF-8 text can; whoever reads one
//! chooses between refusing it ([`unescape`]) and passing it on ([`unescape_wtf8`]).

use std::borrow::Cow;

/// The text that a string's content stands for; `None` if a surrogate in it is alone.
///
/// `raw` is what a [`Token`](super::Token) holds.
#[must_use]
pub fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    unescape_wtf8(raw, &mut out);
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Appends what a string's content stands for; a lone surrogate in the three bytes that UTF-8
/// would have for it.
pub fn unescape_wtf8(raw: &str, out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        let mut chars = escaped.chars();
        let byte = match chars.next() {
            Some('b') => 0x08,
            Some('f') => 0x0c,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('u') => {
                let unit = hex_unit(chars.as_str()).unwrap_or(0xfffd);
                rest = escaped.get(5..).unwrap_or_default();
                let low = rest.strip_prefix("\\u").and_then(hex_unit);
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        rest = rest.get(6..).unwrap_or_default();
                        push_code_point(0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00)), out);
                    }
                    _ => push_code_point(unit, out),
                }
                continue;
            }
            // The quote, the slash and the backslash; nothing else comes from a token.
            Some(other) => {
                out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                rest = chars.as_str();
                continue;
            }
            None => b'\\',
        };
        out.push(byte);
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

fn hex_unit(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn push_string(text: &str, out: &mut String) {
    out.push('"');
    push_escaped(text, out);
    out.push('"');
}

/// Appends `text` with what JSON strings cannot hold escaped.
pub(crate) fn push_escaped(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || b == b'"' || b == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 0xf)]));
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
