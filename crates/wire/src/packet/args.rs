//! The pieces of an event's JSON array.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::PacketError;
use crate::json::{self, DEPTH_MAX};

/// An event's name and where its arguments lie in the JSON array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventArgs<'a> {
    data: &'a str,
    name: Cow<'a, str>,
    ranges: SmallVec<[Range<u32>; 4]>,
}

impl<'a> EventArgs<'a> {
    /// Cuts `["name", a, b]`. A number as name is kept as its text.
    ///
    /// # Errors
    /// Not such an array.
    pub fn split(data: &'a str) -> Result<Self, PacketError> {
        if u32::try_from(data.len()).is_err() {
            return Err(PacketError::Data);
        }
        let mut first = None;
        let mut ranges = SmallVec::new();
        json::elements(data, DEPTH_MAX, |range| match first {
            None => first = Some(range),
            Some(_) => ranges.push(range.start as u32..range.end as u32),
        })
        .map_err(|_| PacketError::Data)?;
        let name = first.and_then(|range| event_name(&data[range])).ok_or(PacketError::Data)?;
        Ok(Self { data, name, ranges })
    }

    /// The event's name, unescaped.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many arguments follow the name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether no argument follows the name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The JSON text of an argument.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        let range = self.ranges.get(index)?;
        self.data.get(range.start as usize..range.end as usize)
    }

    /// Where the arguments lie in the data, to be kept beside an owned copy of it.
    #[must_use]
    pub fn ranges(&self) -> &[Range<u32>] {
        &self.ranges
    }

    /// The arguments between their brackets, without these: `a, b`.
    #[must_use]
    pub fn inner(&self) -> &'a str {
        match (self.ranges.first(), self.ranges.last()) {
            (Some(first), Some(last)) => &self.data[first.start as usize..last.end as usize],
            _ => "",
        }
    }

    /// The JSON text of an array of the arguments alone.
    #[must_use]
    pub fn to_array(&self) -> String {
        let inner = self.inner();
        let mut array = String::with_capacity(inner.len() + 2);
        array.push('[');
        array.push_str(inner);
        array.push(']');
        array
    }
}

/// The name that an event's first element gives: a string, or a number as its text.
pub(super) fn event_name(element: &str) -> Option<Cow<'_, str>> {
    match element.as_bytes().first()? {
        b'"' => unquote(element),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(element)),
        _ => None,
    }
}

/// The content of a JSON string's text, borrowed if nothing in it is escaped.
///
/// `None` if it is not a JSON string, or one with a lone surrogate.
#[must_use]
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    let mut reader = json::Reader::new(text, 0);
    match (reader.next_token(), reader.next_token()) {
        (Ok(Some(json::Token::String(raw))), Ok(None)) => json::unescape(raw),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_keep_their_bytes() {
        let data = r#" [ "na\u006de" , {"b": 1.0,"a":[ ]} ,"x\n", -1e2 , null,[] ] "#;
        let args = EventArgs::split(data).expect("an event");
        assert_eq!(args.name(), "name");
        assert_eq!(args.len(), 5);
        assert!(!args.is_empty());
        let pieces: Vec<_> = (0..6).map(|index| args.get(index)).collect();
        let expected = [
            Some(r#"{"b": 1.0,"a":[ ]}"#),
            Some(r#""x\n""#),
            Some("-1e2"),
            Some("null"),
            Some("[]"),
            None,
        ];
        assert_eq!(pieces, expected);
        assert_eq!(args.to_array(), r#"[{"b": 1.0,"a":[ ]} ,"x\n", -1e2 , null,[]]"#);
        assert_eq!(args.ranges().len(), 5);
    }

    #[test]
    fn a_name_alone_has_no_arguments() {
        let args = EventArgs::split(r#"["é"]"#).expect("an event");
        assert_eq!((args.name(), args.len(), args.inner()), ("é", 0, ""));
        assert_eq!(args.to_array(), "[]");
    }

    #[test]
    fn a_number_may_be_a_name() {
        assert_eq!(EventArgs::split("[12,3]").expect("an event").name(), "12");
    }

    #[test]
    fn other_values_are_no_event() {
        for data in
            ["", "[]", "{}", "[null]", "[{}]", "[[\"a\"]]", "[\"a\"", "[\"a\",]", "[\"\\ud800\"]"]
        {
            assert_eq!(EventArgs::split(data), Err(PacketError::Data), "{data}");
        }
    }

    #[test]
    fn only_whole_strings_are_unquoted() {
        assert_eq!(unquote("\"a\""), Some(Cow::Borrowed("a")));
        assert_eq!(unquote(r#""\u00e9\"\ud83d\ude00""#).as_deref(), Some("é\"😀"));
        for text in ["a", "\"", "\"a\"b\"", "1", "\"\\ude00\"", "[\"a\"]"] {
            assert_eq!(unquote(text), None, "{text}");
        }
    }
}
