//! Puts `*` where something was found.

use std::ops::Range;

/// A JSON text with the given places, each within a string and from character to character (or
/// escape to escape), replaced by one `*` for each character. Overlapping places are one.
pub(super) fn mask(json: &str, places: &mut [Range<usize>]) -> String {
    places.sort_unstable_by_key(|place| place.start);
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    for place in places {
        let from = place.start.max(at);
        out.push_str(&json[at.min(from)..from]);
        at = from;
        while at < place.end {
            at += length_of_one(json, at);
            out.push('*');
        }
    }
    out.push_str(&json[at..]);
    out
}

/// The bytes of the character at a place, written out or escaped.
fn length_of_one(json: &str, at: usize) -> usize {
    let rest = &json.as_bytes()[at..];
    let is_high = |unit: &[u8]| {
        unit.starts_with(b"\\u")
            && matches!(unit.get(2), Some(b'd' | b'D'))
            && matches!(unit.get(3), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
    };
    match rest {
        [b'\\', b'u', ..] if is_high(rest) => 12,
        [b'\\', b'u', ..] => 6,
        [b'\\', ..] => 2,
        _ => json[at..].chars().next().map_or(1, char::len_utf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_becomes_one_star_however_it_is_written() {
        let json = r#""a é\u00e9\ud83d\uDE00\n😀 z""#;
        let from = json.find('é').expect("it is there");
        let to = json.find(" z").expect("it is there");
        assert_eq!(mask(json, &mut [from..to, from..from]), r#""a ***** z""#);
    }

    #[test]
    fn overlapping_places_are_masked_once() {
        assert_eq!(mask("\"abcdef\"", &mut [3..5, 1..3, 2..4]), "\"****ef\"");
        assert_eq!(mask("\"abc\"", &mut []), "\"abc\"");
        assert_eq!(mask("\"abcdef\"", &mut [1..6, 2..3]), "\"*****f\"");
    }
}
