//! Checks a message's content on its JSON text, without decoding or changing a byte of it.
//!
//! The text comes from a packet whose JSON the gateway has already parsed; one pass over its
//! bytes finds the end of each string, follows its escapes and counts brackets. What passes has
//! no more open brackets than allowed, no control character but `\n`, `\r` and `\t` (written
//! out or escaped) and no lone surrogate. Joiners and direction marks are text and stay. Any
//! input gives an answer: the scanner never panics and never reads past the end.

/// Why a content is refused. `at` counts bytes from the start of its JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The JSON text is longer than allowed.
    #[error("content has {bytes} bytes of JSON, more than the limit of {limit}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        limit: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("content is nested deeper than the limit of {limit}")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// A control character other than `\n`, `\r` and `\t`.
    #[error("content has a control character at byte {at}")]
    ControlCharacter {
        /// Where.
        at: usize,
    },
    /// An escaped surrogate without its other half.
    #[error("content has a lone surrogate at byte {at}")]
    LoneSurrogate {
        /// Where.
        at: usize,
    },
    /// Not JSON: a string without end, an escape that is none, brackets that do not match.
    #[error("content is not JSON at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
    },
}

/// Checks the JSON text of a content.
///
/// # Errors
/// [`ContentError`] with the first thing found wrong; the size is looked at before all else.
pub fn check(text: &str, bytes_max: usize, depth_max: usize) -> Result<(), ContentError> {
    let bytes = text.as_bytes();
    if bytes.len() > bytes_max {
        return Err(ContentError::TooLarge { bytes: bytes.len(), limit: bytes_max });
    }
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at + 1)?;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return Err(ContentError::TooDeep { limit: depth_max });
                }
            }
            b'}' | b']' if depth == 0 => return Err(ContentError::Malformed { at }),
            b'}' | b']' => depth -= 1,
            b'\n' | b'\r' | b'\t' => {}
            0..=0x1f | 0x7f => return Err(ContentError::ControlCharacter { at }),
            _ => {}
        }
        at += 1;
    }
    if depth > 0 { Err(ContentError::Malformed { at }) } else { Ok(()) }
}

/// Follows a string from behind its opening quote to behind its closing one.
fn string_end(bytes: &[u8], mut at: usize) -> Result<usize, ContentError> {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape_end(bytes, at)?,
            0..=0x1f | 0x7f => return Err(ContentError::ControlCharacter { at }),
            // U+0080 to U+009F in UTF-8.
            0xc2 if matches!(bytes.get(at + 1), Some(0x80..=0x9f)) => {
                return Err(ContentError::ControlCharacter { at });
            }
            _ => at += 1,
        }
    }
    Err(ContentError::Malformed { at })
}

/// Follows one escape (or a surrogate pair of two) from its backslash to behind its end.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, ContentError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'b' | b'f') => Err(ContentError::ControlCharacter { at }),
        Some(b'u') => {
            let unit = hex_unit(bytes, at + 2).ok_or(ContentError::Malformed { at })?;
            match unit {
                0x09 | 0x0a | 0x0d => Ok(at + 6),
                0..=0x1f | 0x7f..=0x9f => Err(ContentError::ControlCharacter { at }),
                0xd800..=0xdbff => {
                    let escaped = bytes.get(at + 6..at + 8) == Some(b"\\u");
                    match hex_unit(bytes, at + 8) {
                        Some(0xdc00..=0xdfff) if escaped => Ok(at + 12),
                        _ => Err(ContentError::LoneSurrogate { at }),
                    }
                }
                0xdc00..=0xdfff => Err(ContentError::LoneSurrogate { at }),
                _ => Ok(at + 6),
            }
        }
        _ => Err(ContentError::Malformed { at }),
    }
}

fn hex_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        let value = char::from(digit).to_digit(16)?;
        u16::try_from(value).ok().map(|value| (unit << 4) | value)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ContentError, check};

    const DEPTH_MAX: usize = 32;

    fn check_deep(text: &str, bytes_max: usize) -> Result<(), ContentError> {
        check(text, bytes_max, DEPTH_MAX)
    }

    fn refused(text: &str) -> ContentError {
        check_deep(text, 1 << 20).expect_err(text)
    }

    #[test]
    fn size_is_refused_only_above_its_limit() {
        assert_eq!(check_deep("\"abc\"", 5), Ok(()));
        assert_eq!(check_deep("\"abcd\"", 5), Err(ContentError::TooLarge { bytes: 6, limit: 5 }));
    }

    #[test]
    fn depth_is_refused_only_above_its_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check_deep(&nested(DEPTH_MAX), 1000), Ok(()));
        assert_eq!(
            check_deep(&nested(DEPTH_MAX + 1), 1000),
            Err(ContentError::TooDeep { limit: 32 })
        );
        let mixed = "{\"a\":[".repeat(16) + &"]}".repeat(16);
        assert_eq!(check_deep(&mixed, 1000), Ok(()));
        assert_eq!(check_deep("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", 1000), Ok(()));
    }

    #[test]
    fn control_characters_are_refused_written_out_or_escaped() {
        for text in
            ["\"\\u0000\"", "\"\\u001F\"", "\"\\b\"", "\"\\f\"", "\"\\u007f\"", "\"\\u0085\""]
        {
            assert_eq!(refused(text), ContentError::ControlCharacter { at: 1 }, "{text}");
        }
        for text in ["\"\u{7f}\"", "\"\u{80}\"", "\"\u{9f}\"", "\"\u{0}\""] {
            assert_eq!(refused(text), ContentError::ControlCharacter { at: 1 }, "{text:?}");
        }
        assert_eq!(refused("{\"\\u0001\":1}"), ContentError::ControlCharacter { at: 2 });
    }

    #[test]
    fn line_breaks_tabs_joiners_and_direction_marks_stay() {
        for text in [
            "\"a\\nb\\r\\tc\"",
            "\"\\u000a\\u000D\\u0009\"",
            "\"\u{200d}\u{200e}\u{202e}\u{2066}\u{feff}\"",
            "\"\u{a0}\u{c2}\u{2028}\"",
            "\"\\\\u0000\"",
            "{\n\t\"a\": [1, null, true]\r\n}",
            "null",
            "-1.5e9",
        ] {
            assert_eq!(check_deep(text, 1000), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn lone_surrogates_are_refused_and_pairs_stay() {
        assert_eq!(check_deep("\"\\ud83d\\ude00\"", 1000), Ok(()));
        for text in
            ["\"\\ud800\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\ud83d\"", "\"\\ud83d\\n\""]
        {
            assert_eq!(refused(text), ContentError::LoneSurrogate { at: 1 }, "{text}");
        }
    }

    #[test]
    fn cut_text_is_malformed() {
        for text in ["\"", "\"\\", "\"\\u12", "\"\\x\"", "]", "[", "{\"a\":[}"] {
            assert!(matches!(refused(text), ContentError::Malformed { .. }), "{text}");
        }
        assert!(check_deep("\"\\ud83d\\ude0", 1000).is_err());
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = check_deep(&text, 64);
        }

        #[test]
        fn any_escape_soup_gets_an_answer(text in r#"[\\u"0-9a-fd8\[\]{}n]{0,40}"#) {
            let _ = check_deep(&text, 64);
        }

        #[test]
        fn encoded_strings_pass_exactly_when_they_have_no_forbidden_character(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("strings encode");
            let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
            prop_assert_eq!(check_deep(&json, usize::MAX).is_ok(), !text.chars().any(forbidden));
        }

        #[test]
        fn what_passes_and_is_a_json_string_decodes(text in r#""([a-z]|\\u[0-9a-f]{4}|\\[nrtbf"/\\]|[\x00-\xa5]){0,8}""#) {
            let Ok(raw) = serde_json::from_str::<&serde_json::value::RawValue>(&text) else {
                return Ok(());
            };
            if check_deep(raw.get(), usize::MAX).is_ok() {
                let decoded: Result<String, _> = serde_json::from_str(raw.get());
                prop_assert!(decoded.is_ok());
            }
        }
    }
}
