//! What of a content is searched, and how places in it are told.

use std::ops::Range;

use parlor_chat::entry::Content;
use parlor_chat::search::port::Highlight;
use serde_json::Value;

/// The text of a content that is searched: a string, or what an object has as `text`.
pub(crate) fn text_of(content: &Content) -> Option<String> {
    let json = &*content.0;
    if json.starts_with('"') {
        return serde_json::from_str(json).ok();
    }
    match serde_json::from_str(json).ok()? {
        Value::Object(mut object) => match object.remove("text")? {
            Value::String(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Places of a text in UTF-16 code units.
pub(crate) fn highlights(text: &str, places: &[Range<usize>]) -> Vec<Highlight> {
    let (mut at, mut units) = (0, 0);
    let mut units_at = |to: usize| {
        units += text[at..to].encode_utf16().count();
        at = to;
        units
    };
    let place = |place: &Range<usize>| {
        let offset = units_at(place.start);
        Highlight { offset, length: units_at(place.end) - offset }
    };
    places.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_count_as_strings_of_clients_do() {
        let text = "😀 é x";
        let at = |word: &str| text.find(word).map(|at| at..at + word.len()).expect("it is there");
        let found = highlights(text, &[at("😀"), at("é"), at("x")]);
        let counted: Vec<_> = found.iter().map(|place| (place.offset, place.length)).collect();
        assert_eq!(counted, [(0, 2), (3, 1), (5, 1)]);
    }

    #[test]
    fn a_string_or_the_text_of_an_object_is_searched() {
        for (json, expected) in [
            (r#""a \u00e9""#, Some("a é")),
            (r#"{"text":"b","more":{"text":"c"}}"#, Some("b")),
            (r#"{"text":7}"#, None),
            (r#"{"body":"x"}"#, None),
            ("[\"x\"]", None),
            ("7", None),
            ("null", None),
        ] {
            assert_eq!(text_of(&Content(json.into())).as_deref(), expected, "{json}");
        }
    }
}
