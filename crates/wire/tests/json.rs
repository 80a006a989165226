//! The JSON reader, held against serde_json.

use parlor_wire::json::{
    DEPTH_MAX, JsonError, Reader, Token, check, elements, push_string, unescape, unescape_wtf8,
};
use proptest::prelude::*;
use serde::de::IgnoredAny;

#[test]
fn tokens_come_in_order_with_their_places() {
    let text = r#" {"a\n": [1, -2.5e+3 ,"x"], "b":{}, "c":[], "d":true,"e":false,"f":null} "#;
    let mut reader = Reader::new(text, 2);
    let mut tokens = Vec::new();
    while let Some(token) = reader.next_token().expect("valid") {
        tokens.push(token);
    }
    use Token::{Bool, Close, Key, Null, Number, OpenArray, OpenObject, String};
    let expected = [
        OpenObject,
        Key("a\\n"),
        OpenArray,
        Number("1"),
        Number("-2.5e+3"),
        String("x"),
        Close,
        Key("b"),
        OpenObject,
        Close,
        Key("c"),
        OpenArray,
        Close,
        Key("d"),
        Bool(true),
        Key("e"),
        Bool(false),
        Key("f"),
        Null,
        Close,
    ];
    assert_eq!(tokens, expected);
    assert_eq!(reader.depth(), 0);
}

#[test]
fn nesting_is_bounded_exactly() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(check(&nested(32), 32), Ok(()));
    assert_eq!(check(&nested(33), 32), Err(JsonError::TooDeep));
    assert_eq!(check("1", 0), Ok(()));
    assert_eq!(check("[]", 0), Err(JsonError::TooDeep));
    assert_eq!(check(&nested(DEPTH_MAX), usize::MAX), Ok(()));
    assert_eq!(check(&nested(DEPTH_MAX + 1), usize::MAX), Err(JsonError::TooDeep));
    assert_eq!(check(&"[".repeat(1_000_000), usize::MAX), Err(JsonError::TooDeep));
}

#[test]
fn what_passes_is_parsed_by_serde_json_at_every_depth() {
    let deepest = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
    assert!(serde_json::from_str::<serde_json::Value>(&deepest).is_ok());
}

#[test]
fn elements_are_cut_at_the_outer_array_only() {
    let text = r#"[ 1 ,[2,[3]], {"a":[4]} ,"]," ,null]"#;
    let mut found = Vec::new();
    elements(text, 3, |range| found.push(&text[range])).expect("an array");
    assert_eq!(found, ["1", "[2,[3]]", r#"{"a":[4]}"#, r#""],""#, "null"]);
    for text in ["", "{}", "1", "[1]x", "[1", "[,]"] {
        assert_eq!(elements(text, 3, |_| {}), Err(JsonError::Malformed), "{text}");
    }
}

#[test]
fn lone_surrogates_pass_but_do_not_unescape() {
    assert_eq!(check(r#""\ud800""#, 1), Ok(()));
    for raw in [r"\ud800", r"\udc00", r"\ud800\n", r"\ud800\u0041", r"\udc00\ud800"] {
        assert_eq!(unescape(raw), None, "{raw}");
    }
    let mut out = Vec::new();
    unescape_wtf8(r"a\ud800\u00e9", &mut out);
    assert_eq!(out, b"a\xed\xa0\x80\xc3\xa9");
}

#[test]
fn unescaping_borrows_what_has_no_escapes() {
    assert!(matches!(unescape("plain é"), Some(std::borrow::Cow::Borrowed("plain é"))));
    let all = r#"\"\\\/\b\f\n\r\t\u0000\ud83d\ude00é"#;
    assert_eq!(unescape(all).as_deref(), Some("\"\\/\u{8}\u{c}\n\r\t\0😀é"));
}

/// Text that is often JSON, or nearly.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\u00e9\"",
        "\\",
        "\\ud800",
        "\"\\",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E",
        "+",
        "1.5",
        "01",
        "1e5",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\t",
        "é",
        "😀",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "\u{feff}",
        "\"key\":",
        "[1,2]",
        "{}",
        "\"a long enough string to be skipped in words \"",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_json_is_agreed_upon(text in nearly_json()) {
        let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(check(&text, DEPTH_MAX).is_ok(), theirs);
    }

    #[test]
    fn any_text_is_agreed_upon(text: String) {
        let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(check(&text, DEPTH_MAX).is_ok(), theirs);
    }

    #[test]
    fn all_values_pass(value in value(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value)
        } else {
            serde_json::to_string(&value)
        }.expect("a value");
        prop_assert_eq!(check(&text, DEPTH_MAX), Ok(()));
        for end in 0..text.len() {
            if value.is_object() && text.is_char_boundary(end) {
                prop_assert!(check(&text[..end], DEPTH_MAX).is_err());
            }
        }
    }

    #[test]
    fn elements_are_those_that_serde_json_finds(values in prop::collection::vec(value(), 0..6)) {
        let text = serde_json::to_string_pretty(&values).expect("values");
        let mut found = Vec::new();
        elements(&text, DEPTH_MAX, |range| {
            found.push(serde_json::from_str::<serde_json::Value>(&text[range]).expect("a value"));
        }).expect("an array");
        prop_assert_eq!(found, serde_json::from_str::<Vec<serde_json::Value>>(&text).expect("values"));
    }

    #[test]
    fn strings_make_the_round_trip(text: String) {
        let mut ours = String::new();
        push_string(&text, &mut ours);
        let read = serde_json::from_str::<String>(&ours).ok();
        prop_assert_eq!(read.as_deref(), Some(&*text));
        let theirs = serde_json::to_string(&text).expect("a string");
        let read = parlor_wire::packet::unquote(&theirs);
        prop_assert_eq!(read.as_deref(), Some(&*text));
    }

    #[test]
    fn unescaping_any_text_does_not_panic(text: String, escapes in "[\\\\u0dDa-f8\"é]{0,24}") {
        let _ = unescape(&text);
        let _ = unescape(&escapes);
    }
}
