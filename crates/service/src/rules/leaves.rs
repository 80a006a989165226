//! The strings of a JSON text, but for the keys of objects, each with where it stands.
//!
//! The text has been checked to be JSON ([`crate::content`]); on any other this gives some strings
//! or none, and never panics.

use std::borrow::Cow;
use std::ops::Range;

/// A string that is no key.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// What it says.
    pub(super) text: Cow<'a, str>,
    /// Where it begins in the JSON text, behind its quote.
    from: usize,
    /// If it has escapes: for each character its places in `text` and in the JSON text, and a last
    /// one for the end.
    places: Vec<(usize, usize)>,
}

impl Leaf<'_> {
    /// Where a piece of the text, from character to character, stands in the JSON text.
    pub(super) fn raw_range(&self, at: Range<usize>) -> Range<usize> {
        self.raw(at.start)..self.raw(at.end)
    }

    fn raw(&self, at: usize) -> usize {
        if self.places.is_empty() {
            return self.from + at;
        }
        let found = self.places.partition_point(|(text, _)| *text < at);
        let last = self.places.len() - 1;
        self.places[found.min(last)].1
    }
}

/// Every string of a JSON text that is no key, in order.
pub(super) fn leaves(json: &str) -> impl Iterator<Item = Leaf<'_>> {
    Leaves { json, at: 0 }
}

struct Leaves<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Iterator for Leaves<'a> {
    type Item = Leaf<'a>;

    fn next(&mut self) -> Option<Leaf<'a>> {
        let bytes = self.json.as_bytes();
        loop {
            let from = self.at + bytes.get(self.at..)?.iter().position(|b| *b == b'"')? + 1;
            let (end, escapes) = string_end(bytes, from)?;
            self.at = end + 1;
            let behind = bytes[self.at..].iter().find(|b| !b.is_ascii_whitespace());
            // Only a key has a colon behind it.
            if behind == Some(&b':') {
                continue;
            }
            let raw = self.json.get(from..end)?;
            return Some(match escapes {
                false => Leaf { text: Cow::Borrowed(raw), from, places: Vec::new() },
                true => decoded(raw, from),
            });
        }
    }
}

/// Where a string's closing quote is, and whether it has escapes.
fn string_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let (mut at, mut escapes) = (from, false);
    loop {
        match bytes.get(at)? {
            b'"' => return Some((at, escapes)),
            b'\\' => {
                escapes = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
}

fn decoded(raw: &str, from: usize) -> Leaf<'_> {
    let mut text = String::with_capacity(raw.len());
    let mut places = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(next) = raw[at..].chars().next() {
        places.push((text.len(), from + at));
        let (said, length) = match next {
            '\\' => escape(raw, at),
            other => (other, other.len_utf8()),
        };
        text.push(said);
        at += length;
    }
    places.push((text.len(), from + raw.len()));
    Leaf { text: Cow::Owned(text), from, places }
}

/// What an escape stands for, and its length.
fn escape(raw: &str, at: usize) -> (char, usize) {
    let simple = |said| (said, 2);
    match raw.as_bytes().get(at + 1) {
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => unicode(raw, at),
        Some(&byte) if byte.is_ascii() => simple(char::from(byte)),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn unicode(raw: &str, at: usize) -> (char, usize) {
    let unit = |at: usize| {
        let escape = raw.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let Some(high) = unit(at) else { return (char::REPLACEMENT_CHARACTER, 1) };
    let low = unit(at + 6).filter(|_| (0xd800..0xdc00).contains(&high));
    let units = [Some(high), low].into_iter().flatten();
    match char::decode_utf16(units).next() {
        Some(Ok(said)) => (said, 6 * said.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn texts(json: &str) -> Vec<String> {
        leaves(json).map(|leaf| leaf.text.into_owned()).collect()
    }

    #[test]
    fn keys_are_no_leaves_and_all_else_that_is_a_string_is() {
        let json = r#"{"a": "1", "b" :["2", {"c":{"\"d":"3\"e:"}}], "f":[[],"4"], "g": 5}"#;
        assert_eq!(texts(json), ["1", "2", "3\"e:", "4"]);
        assert_eq!(texts(r#""alone""#), ["alone"]);
        assert_eq!(texts("12"), Vec::<String>::new());
    }

    #[test]
    fn a_piece_of_the_text_is_found_again_in_the_json() {
        let json = r#"["plain", "a\u00e9\ud83d\ude00\nz"]"#;
        let all: Vec<_> = leaves(json).collect();
        assert_eq!(&json[all[0].raw_range(1..3)], "la");
        let escaped = &all[1];
        assert_eq!(escaped.text, "aé😀\nz");
        for (piece, raw) in [("a", "a"), ("é", r"\u00e9"), ("😀", r"\ud83d\ude00"), ("\nz", r"\nz")]
        {
            let from = escaped.text.find(piece).expect("it is there");
            assert_eq!(&json[escaped.raw_range(from..from + piece.len())], raw);
        }
    }

    fn strings(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.clone()),
            Value::Array(values) => values.iter().for_each(|value| strings(value, out)),
            Value::Object(fields) => fields.values().for_each(|value| strings(value, out)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn the_leaves_are_what_a_parser_finds(value in super::super::tests::json(), pretty: bool) {
            let json = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            };
            let mut expected = Vec::new();
            strings(&value, &mut expected);
            prop_assert_eq!(texts(&json.expect("it encodes")), expected);
        }

        #[test]
        fn any_text_gets_an_answer(text in r#"[\\u"0-9a-fd8:,é{}\[\] ]{0,40}"#) {
            for leaf in leaves(&text) {
                let whole = leaf.raw_range(0..leaf.text.len());
                prop_assert!(whole.start <= whole.end && text.get(whole).is_some());
            }
        }
    }
}
